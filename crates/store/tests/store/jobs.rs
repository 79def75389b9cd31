//! Pausing, cancelling, going on; how often progress is told; how many connections work.

use std::time::{Duration, Instant};

use moshibar_store::{Job, JobEvent, Limits, Phase, Progress, PullOptions, StoreError};
use moshibar_test_hub::{Behaviour, Content, Fault, Rule, happens};
use moshibar_test_support::by_depth;

use crate::rig::{MIB, Rig, SMALL_BYTES, WEIGHTS, WEIGHTS_BYTES, block_on, limits, present_bytes, pull_watched, tiny};

fn slow(bytes_per_second: u64) -> Rule {
    Rule::cdn(Fault::Throttle { bytes_per_second }).path_suffix(WEIGHTS)
}

#[test]
fn a_pause_keeps_what_came_and_asks_for_nothing() {
    // Sixteen seconds, of which the first one or two pass before the pause.
    let rig = Rig::new(slow(MIB / 4));
    let store = rig.store();
    block_on(async {
        let mut job = store.pull(&tiny(), PullOptions::default());
        let handle = job.handle();
        let told = wait_for_bytes(&mut job, SMALL_BYTES + 1).await;
        // From here on, everything would come at once that is asked for.
        rig.hub.set_behaviour(Behaviour::default());
        handle.pause();
        assert!(happens(|| rig.hub.files_being_sent() == 0), "a pause does not end what is on its way");
        let (requests, sent) = (rig.hub.counters().requests, rig.hub.counters().body_bytes);
        let kept = present_bytes(&store);
        assert!((told..WEIGHTS_BYTES).contains(&kept), "{kept} bytes are left of {told}");
        let mut looks = 0;
        while looks < 5 {
            let Some(event) = job.next().await else { panic!("the pull ended in its pause") };
            looks += i32::from(matches!(event, JobEvent::Progress(progress) if progress.phase == Phase::Paused));
        }
        assert_eq!(rig.hub.counters().requests, requests, "a pause asks for nothing");
        assert_eq!(rig.hub.counters().body_bytes, sent, "nothing comes in a pause");
        handle.resume();
        let installed = job.finish().await.unwrap();
        rig.assert_right(&installed);
        let fetched = rig.hub.counters().body_bytes - sent;
        assert!(fetched <= SMALL_BYTES + WEIGHTS_BYTES - kept, "{fetched} bytes, although {kept} were here");
    });
}

/// Waits until at least so many bytes are told, and returns how many.
async fn wait_for_bytes(job: &mut Job<moshibar_store::Installed>, bytes: u64) -> u64 {
    while let Some(event) = job.next().await {
        if let JobEvent::Progress(progress) = event
            && progress.done_bytes >= bytes
        {
            return progress.done_bytes;
        }
    }
    panic!("the pull ended too soon");
}

/// Threads and files are those of a process, so this needs one of its own.
#[test]
fn a_cancelled_pull_stops_within_a_quarter_of_a_second_and_leaves_nothing_running() {
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", "jobs::cancels_alone", "--nocapture", "--include-ignored"]);
    let output = alone.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(" cancels: "), "{said}");
}

#[test]
#[ignore = "only as a child of another test"]
fn cancels_alone() {
    // More than a minute for the weights: who waits for them is found.
    let rig = Rig::new(slow(MIB / 16));
    let store = rig.store();
    // Half of them come a moment after the start, the others a moment after bytes began to come.
    let cancels = by_depth(20, 100, 400);
    let mut took = [Vec::new(), Vec::new()];
    block_on(async {
        let (files, threads) = (open_files(), threads());
        let mut dice = 1_u64;
        for round in 0..cancels {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let job = store.pull(&tiny(), PullOptions::default());
            assert!(round % 2 == 0 || happens(|| rig.hub.files_being_sent() == 1), "nothing comes");
            tokio::time::sleep(Duration::from_millis((dice >> 33) % 40)).await;
            let begun = Instant::now();
            job.handle().cancel();
            match job.finish().await {
                Err(StoreError::Cancelled) => took[round % 2].push(begun.elapsed()),
                Ok(_) => panic!("a minute's work was over before it was cancelled"),
                Err(other) => panic!("{other}"),
            }
            assert!(happens(|| rig.hub.files_being_sent() == 0), "a cancelled pull still fetches");
        }
        // Idle connections and the runtime's own threads come and go; a leak would be one or more
        // for each cancel.
        let more_files = || open_files().saturating_sub(files);
        assert!(happens(|| more_files() <= 10), "{} files more are open", more_files());
        let more_threads = || self::threads().saturating_sub(threads);
        assert!(happens(|| more_threads() <= 10), "{} threads more", more_threads());
    });
    println!("{cancels} cancels: after the start {:?}, while bytes came {:?}", took[0], took[1]);
    for mut took in took {
        took.sort();
        let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
        // A busy machine makes some of them late, so the one in the middle is measured. None may
        // wait for the weights.
        assert!(median <= Duration::from_millis(250), "{median:?}");
        assert!(slowest < Duration::from_secs(30), "{slowest:?}");
    }
    rig.hub.set_behaviour(Behaviour::default());
    rig.assert_right(&rig.pull().unwrap());
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

#[test]
fn a_dropped_pull_is_a_cancelled_one() {
    // Sixteen seconds, after which a pull that nobody cancelled would have sent everything.
    let rig = Rig::new(slow(MIB / 4));
    let store = rig.store();
    block_on(async {
        let mut job = store.pull(&tiny(), PullOptions::default());
        wait_for_bytes(&mut job, SMALL_BYTES + 1).await;
        drop(job);
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        assert!(happens(|| tasks() == 0), "{} tasks could still ask for something", tasks());
    });
    assert!(happens(|| rig.hub.open_connections() == 0), "a connection stays open");
    let sent = rig.hub.counters().body_bytes;
    assert!(sent < SMALL_BYTES + WEIGHTS_BYTES, "the pull went on to its end");
}

/// How often it is told is tested on a virtual clock, beside `Job`. Here: that it is, on the way,
/// and not too often.
#[test]
fn progress_is_told_on_the_way_and_never_goes_back() {
    let rig = Rig::new(slow(4 * MIB));
    let mut told = Vec::new();
    let begun = Instant::now();
    pull_watched(&rig.store(), |event| {
        if let JobEvent::Progress(progress) = event {
            told.push(progress.done_bytes);
        }
    })
    .unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(told.is_sorted(), "{told:?}");
    assert!(told.iter().any(|bytes| (SMALL_BYTES + 1..SMALL_BYTES + WEIGHTS_BYTES).contains(bytes)), "{told:?}");
    assert!(told.len() as f64 <= 10.0 * seconds + 2.0, "{} in {seconds} s", told.len());
}

/// So large that several connections are tried.
fn large() -> u64 {
    by_depth(48, 96, 96) * MIB
}

/// Pulls a large file from a hub that is slow until several connections are at work, and then as
/// given. There is enough to do for another connection however long it takes until it is tried:
/// more than half a minute's work. Returns the hub's bytes by then, and the last progress that was
/// told.
fn pull_by_several(then: impl Fn() -> Behaviour) -> (Rig, u64, Progress) {
    let size = large();
    let rig = Rig::with_weights(Content::random(1, size), slow(MIB / 2));
    // Every half a second there is another answer, so that the new behaviour is seen soon.
    let brief = Rule::cdn(Fault::RangeShortened { bytes: MIB / 4 }).path_suffix(WEIGHTS);
    rig.hub.set_behaviour(rig.hub.behaviour().rule(brief));
    // Longer than a connection that rests takes to see that it is wanted: else a trial would be
    // over before it began.
    let store = rig.store_with(Limits { adapt_interval: Duration::from_millis(400), ..limits() });
    let (installed, before, last) = block_on(async {
        let mut job = store.pull(&tiny(), PullOptions::default());
        assert!(happens(|| rig.hub.counters().max_concurrent_bodies >= 2), "no second connection is ever tried");
        let before = rig.hub.counters().body_bytes;
        rig.hub.set_behaviour(then());
        let mut last = None;
        while let Some(event) = job.next().await {
            if let JobEvent::Progress(progress) = event {
                assert!(progress.connections <= limits().connections, "{progress:?}");
                last = Some(progress);
            }
        }
        (job.finish().await.unwrap(), before, last.unwrap())
    });
    let whole = std::fs::read(installed.folder.join(WEIGHTS)).unwrap();
    assert!(whole == Content::random(1, size).to_vec().unwrap());
    (rig, before, last)
}

/// That it comes to four where each connection has its share, and stays one where not, is tested
/// without a clock in `crew`.
#[test]
fn more_connections_are_tried_and_fetch_nothing_twice() {
    let (rig, ..) = pull_by_several(Behaviour::default);
    let spent = rig.hub.counters().body_bytes.saturating_sub(large() + SMALL_BYTES);
    assert!(spent <= MIB, "{spent} bytes fetched twice");
}

#[test]
fn connections_that_are_sent_away_leave_their_work_to_the_others() {
    // From then on all that ask anew are told that the server has enough to do.
    let (rig, ..) = pull_by_several(|| {
        let breaks = Rule::cdn(Fault::DropAfter { bytes: 3 * MIB }).path_suffix(WEIGHTS);
        let crowded = Rule::cdn(Fault::status(429)).times(6).path_suffix(WEIGHTS);
        Behaviour::default().rule(breaks).rule(crowded)
    });
    let refused = rig.hub.counters().log.iter().filter(|request| request.status == 429).count();
    assert_eq!(refused, 6);
}

#[test]
fn parallel_ranges_survive_breaks_and_kills_of_each_other() {
    let (rig, before, last) = pull_by_several(|| {
        let breaks = Rule::cdn(Fault::DropAfter { bytes: 3 * MIB + 77 }).path_suffix(WEIGHTS);
        Behaviour::default().rule(slow(16 * MIB)).rule(breaks)
    });
    let least = large().saturating_sub(before) / (4 * MIB);
    assert!(
        last.interruptions >= least,
        "{last:?}: no connection brings more than 3 MiB and 77 bytes, from {before} on"
    );
    let spent = rig.hub.counters().body_bytes.saturating_sub(large() + SMALL_BYTES);
    assert!(spent <= MIB, "{spent} bytes fetched twice");
}
