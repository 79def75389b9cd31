//! A process that records a talk, to be killed or to run out of disk: this test program, run again with a variable set.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use moshibar_session::{FRAME_DURATION, FRAME_SAMPLES, Recorder, RecordingError};
use serde_json::json;

const DIRECTORY: &str = "MOSHIBAR_TEST_RECORDS_IN";
const FRAMES: &str = "MOSHIBAR_TEST_RECORDS_FRAMES";
/// A frame every 80 ms, as in a talk; otherwise as fast as the disk takes them.
const IN_REAL_TIME: &str = "MOSHIBAR_TEST_RECORDS_IN_REAL_TIME";

/// The sample that stands in all of frame `index`, in 16 bits.
pub(crate) fn value_of(index: u64) -> i16 {
    (index % 30_000) as i16 + 1
}

/// What Moshi says in frame `index`: a word in every frame, so that transcripts are written as often as ever.
pub(crate) fn word_of(index: u64) -> String {
    format!("w{index}")
}

/// Frames that may be on their way to the disk where the talk does not go by time: half of what the
/// ring has room for.
const MOST_UNDER_WAY: u64 = 60;

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_mins(2);

/// A command that records `frames` into `directory` and prints a line per frame: `frame INDEX late
/// MILLISECONDS`, by which the machine has kept the [`Writer`] waiting so far, then `failed ...` if
/// it did.
pub(crate) fn recording(directory: &Path, frames: u64, is_in_real_time: bool) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::talk", "--nocapture", "--include-ignored"]);
    command.env(DIRECTORY, directory).env(FRAMES, frames.to_string());
    if is_in_real_time {
        command.env(IN_REAL_TIME, "yes");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[test]
#[ignore = "only as a child of another test"]
fn talk() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let frames: u64 = std::env::var(FRAMES).unwrap().parse().unwrap();
    let is_in_real_time = std::env::var(IN_REAL_TIME).is_ok();
    let mut recorder = Recorder::start(directory, json!({ "seed": 1 })).unwrap();
    let wav = recorder.folder().join("talk.wav");
    let mut writer = Writer::default();
    let mut failure = None;
    for index in 0..frames {
        if is_in_real_time {
            writer.watch_for(FRAME_DURATION); // since the last frame: one that comes late is not made up for in a hurry
        } else if failure.is_none() {
            failure = until_the_disk_has(&wav, index.saturating_sub(MOST_UNDER_WAY), &mut recorder);
        }
        let sample = f32::from(value_of(index)) / 32_768.0;
        recorder.frame(&[sample; FRAME_SAMPLES], &[-sample; FRAME_SAMPLES], Some(&format!(" {}", word_of(index))));
        println!("frame {index} late {}", writer.late.as_millis());
        if let Some(told) = recorder.failure() {
            println!("failed {told}");
            failure = Some(told);
        }
    }
    match recorder.finish(json!({ "ending": "end of speech" })) {
        Ok(_) => println!("finished"),
        Err(failure) => println!("not finished {failure}"),
    }
}

/// Waits until that many frames lie on the disk; what the recorder failed with, if it did
/// meanwhile.
fn until_the_disk_has(wav: &Path, frames: u64, recorder: &mut Recorder) -> Option<RecordingError> {
    let began = Instant::now();
    while std::fs::metadata(wav).unwrap().len() < frames * FRAME_SAMPLES as u64 * 4 {
        if let Some(failure) = recorder.failure() {
            println!("failed {failure}");
            return Some(failure);
        }
        assert!(began.elapsed() < PATIENCE, "the recorder writes nothing");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    None
}

/// Watches the recorder's thread, as far as Linux tells: how long it wanted to work, and had to
/// wait for a processor or a disk that others had taken. That is no fault of the recorder, and what
/// the talk says meanwhile is still on its way.
#[derive(Default)]
struct Writer {
    late: Duration,
}

impl Writer {
    /// Lets time pass, looking every 10 ms. The thread sleeps between two rounds, and a round takes
    /// it less than that: whenever it is found awake, it has been kept.
    fn watch_for(&mut self, duration: Duration) {
        let began = Instant::now();
        let mut looked = began;
        while began.elapsed() < duration {
            let left = duration.saturating_sub(began.elapsed());
            std::thread::park_timeout(left.min(Duration::from_millis(10)));
            let now = Instant::now();
            if is_awake("moshibar-recorder") {
                self.late += now - looked;
            }
            looked = now;
        }
    }
}

/// Whether a thread of this process waits for a processor (`R`) or a disk (`D`).
fn is_awake(thread: &str) -> bool {
    // The system keeps 15 letters of a name. "ID (NAME) STATE ..."
    let name = format!("({}) ", &thread[..15]);
    let state = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        stat.split_once(&name)?.1.chars().next()
    };
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.filter_map(state).any(|state| matches!(state, 'R' | 'D'))
}
