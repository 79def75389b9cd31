//! An engine that copies its input gives back what was said, whole, and after how long.

use std::process::{Child, Command};
use std::time::Duration;

use moshibar_test_support::by_depth;

use crate::clicks::{latencies, summary};
use crate::comparison::{Comparison, compare};
use crate::performance::{MOST_SPOILED, Performance, perform, start_copier};
use crate::rig::Rig;
use crate::signal::{RATE_HZ, clicks, speech_like};

const TAIL: Duration = Duration::from_millis(1_500);

/// The devices' block in samples; unless `MOSHIBAR_TEST_QUANTUM` says otherwise, what the rig thinks safe here.
fn quantum() -> Option<u32> {
    std::env::var("MOSHIBAR_TEST_QUANTUM").ok().map(|text| text.parse().unwrap())
}

/// What the program did to the sound, from a performance that reached it whole.
fn copied(seconds: u32) -> Option<Comparison> {
    for attempt in 1..=MOST_SPOILED {
        let rig = Rig::start(quantum())?;
        let copier = start_copier(&rig);
        let sent = speech_like(seconds);
        let Performance { heard, played } = perform(&rig, &sent, TAIL);
        drop(copier);
        let at_the_microphone = compare(&sent, &heard);
        if at_the_microphone.is_intact() {
            // From where it was heard, so that the lag is the program's.
            return Some(compare(&heard[at_the_microphone.lag..], &played[at_the_microphone.lag..]));
        }
        println!("performance {attempt} was spoiled before the program heard it: {at_the_microphone}");
    }
    panic!("the rig spoiled {MOST_SPOILED} performances in a row");
}

#[test]
fn speech_comes_back_whole() {
    // Where nothing has priority, a machine that is busy with other tests may come too late for a block.
    let attempts = if Rig::start(None).is_some_and(|rig| rig.is_realtime()) { 1 } else { MOST_SPOILED };
    for attempt in 1..=attempts {
        let Some(copied) = copied(6) else { return };
        println!("attempt {attempt} of {attempts}: {copied}");
        if copied.is_intact() {
            return;
        }
    }
    panic!("what came back was damaged");
}

/// Work beside the sound, as a build would be.
struct Load(Vec<Child>);

impl Load {
    fn start(processes: usize) -> Self {
        let busy = || Command::new("nice").args(["sh", "-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..processes).map(|_| busy()).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for process in &mut self.0 {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

/// Prints a line per run. Only real-time priority can promise this.
#[test]
fn speech_comes_back_whole_beside_busy_processes() {
    let (runs, processes) = (by_depth(1, 2, 10), 2);
    let Some(rig) = Rig::start(None) else { return };
    if !rig.is_realtime() {
        println!("NOT TESTED: programs cannot have real-time priority here");
        return;
    }
    drop(rig);
    let _load = Load::start(processes);
    let mut damaged = 0;
    for run in 1..=runs {
        let Some(copied) = copied(6) else { return };
        println!("run {run}: {copied}");
        damaged += usize::from(!copied.is_intact());
    }
    println!("{damaged} of {runs} runs damaged, beside {processes} busy processes");
    assert_eq!(damaged, 0);
}

/// `make latency`: prints what the program adds between microphone and speaker.
#[test]
#[ignore = "a benchmark: make latency"]
fn latency_from_microphone_to_speaker() {
    let quantum = quantum().unwrap_or(1_024); // 21 ms, as programs for talks commonly have
    let Some(rig) = Rig::start(Some(quantum)) else { return };
    let copier = start_copier(&rig);
    let Performance { heard, played } = perform(&rig, &clicks(12), TAIL);
    drop(copier);
    let latencies = latencies(&heard, &played);
    let found: Vec<usize> = latencies.iter().copied().flatten().collect();
    assert!(latencies.len() == 12 && found.len() >= 11, "clicks are missing: {latencies:?}");
    let [shortest, median, longest] = summary(&found);
    let block = Duration::from_secs_f64(f64::from(quantum) / f64::from(RATE_HZ));
    println!(
        "microphone to speaker: {median:.1?} (median of {} clicks, {shortest:.1?} to {longest:.1?}), blocks of {block:.1?}",
        found.len()
    );
}
