//! A process that records a talk, to be killed or to run out of disk: this test program, run again with a variable set.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use moshibar_session::{FRAME_DURATION, FRAME_SAMPLES, Recorder};
use serde_json::json;

const DIRECTORY: &str = "MOSHIBAR_TEST_RECORDS_IN";
const FRAMES: &str = "MOSHIBAR_TEST_RECORDS_FRAMES";
/// A frame every 80 ms, as in a talk; otherwise as fast as the ring takes them.
const IN_REAL_TIME: &str = "MOSHIBAR_TEST_RECORDS_IN_REAL_TIME";

/// The sample that stands in all of frame `index`, in 16 bits.
pub(crate) fn value_of(index: u64) -> i16 {
    (index % 30_000) as i16 + 1
}

/// What Moshi says in frame `index`: a word in every frame, so that transcripts are written as often as ever.
pub(crate) fn word_of(index: u64) -> String {
    format!("w{index}")
}

/// A command that records `frames` into `directory` and prints a line per frame: `frame INDEX`, then `failed ...` if it did.
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
    let beginning = Instant::now();
    for index in 0..frames {
        let due = if is_in_real_time {
            FRAME_DURATION * index as u32
        } else {
            Duration::from_micros(2_500) * index as u32 // slow enough for the ring, 32 times as fast as a talk
        };
        while beginning.elapsed() < due {
            std::thread::park_timeout(due.saturating_sub(beginning.elapsed()));
        }
        let sample = f32::from(value_of(index)) / 32_768.0;
        recorder.frame(&[sample; FRAME_SAMPLES], &[-sample; FRAME_SAMPLES], Some(&format!(" {}", word_of(index))));
        println!("frame {index}");
        if let Some(failure) = recorder.failure() {
            println!("failed {failure}");
        }
    }
    match recorder.finish(json!({ "ending": "end of speech" })) {
        Ok(_) => println!("finished"),
        Err(failure) => println!("not finished {failure}"),
    }
}
