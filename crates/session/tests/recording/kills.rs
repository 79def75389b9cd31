//! Killed in the middle of a talk, at any moment: at most a second is lost, and the rest is completed later.
//!
//! A second of a machine that has time for the recorder: what the talk says while the recorder
//! waits for a processor or a disk is still on its way. The child says how long that was.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use moshibar_session::{FRAME_DURATION, recover_recordings};
use moshibar_test_support::by_depth;

use crate::child::recording;
use crate::readers::{frames_by_python, only_folder, words_in};

/// What one kill cost.
struct Loss {
    given: u64,
    /// How long the machine kept the recorder waiting, in frames.
    late: u64,
    /// Frames that Python's `wave` does not find right after the kill, and after the recovery.
    sound: u64,
    sound_after_recovery: u64,
    /// Words, one per frame, that no transcript has after the recovery.
    words: u64,
}

/// Real time: records a talk in another process and kills it `after` that long.
fn kill_after(after: Duration) -> Loss {
    let directory = tempfile::tempdir().unwrap();
    let mut child = recording(directory.path(), 1_000_000, true).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    // The talk begins with its first frame.
    while !said.contains("frame 0 late ") {
        assert!(output.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let kill_at = Instant::now() + after;
    while Instant::now() < kill_at {
        std::thread::park_timeout(kill_at.saturating_duration_since(Instant::now()));
    }
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    while output.read_line(&mut said).unwrap() > 0 {}
    let frames: Vec<Duration> = said
        .lines()
        .filter_map(|line| line.split_once(" late "))
        .map(|(_, milliseconds)| Duration::from_millis(milliseconds.parse().unwrap()))
        .collect();
    let given = frames.len() as u64;
    let late = frames[frames.len() - 1].as_millis().div_ceil(FRAME_DURATION.as_millis()) as u64;
    let (folder, frames) = sound_in(directory.path());
    let sound = given.saturating_sub(frames);

    let recovered = recover_recordings(directory.path());
    assert_eq!(recovered.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [folder.as_path()]);
    let sound_after_recovery = given.saturating_sub(frames_by_python(&folder.join("talk.wav")));
    let words = given.saturating_sub(words_in(&folder));
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["talk.json", "talk.wav", "transcript.json", "transcript.md", "transcript.srt"]);
    let talk: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("talk.json")).unwrap()).unwrap();
    assert_eq!((&talk["state"], &talk["settings"]["seed"]), (&"recovered".into(), &1.into()));
    assert!(recover_recordings(directory.path()).is_empty(), "once is enough");
    Loss { given, late, sound, sound_after_recovery, words }
}

/// The sound as it lies there, by Python's reader; ours must agree.
fn sound_in(directory: &Path) -> (std::path::PathBuf, u64) {
    let folder = only_folder(directory);
    let wav = folder.join("talk.wav");
    let frames = frames_by_python(&wav);
    let by_ours = moshibar_audio::read_wav(&wav);
    if frames > 0 {
        assert_eq!(by_ours.unwrap().samples.len() as u64, frames * moshibar_session::FRAME_SAMPLES as u64);
    }
    (folder, frames)
}

/// Kills `count` talks, `at_once` side by side, and holds each to its second.
fn kill(count: u64, at_once: u64) {
    let mut losses: Vec<Loss> = Vec::new();
    for round in 0..count / at_once {
        std::thread::scope(|scope| {
            let talks: Vec<_> = (0..at_once)
                .map(|talk| {
                    // All moments between 0 and 3.2 s, a prime number of milliseconds apart, in no relation to 80 or 250 ms.
                    let after = Duration::from_millis((round * at_once + talk) * 1_129 % 3_200);
                    scope.spawn(move || kill_after(after))
                })
                .collect();
            losses.extend(talks.into_iter().map(|talk| talk.join().unwrap()));
        });
    }
    let most = |of: fn(&Loss) -> u64| losses.iter().map(of).max().unwrap();
    println!(
        "{} talks killed after {} to {} frames; lost at most {} frames of sound, {} after recovery, {} of words; the recorder \
         was kept for up to {} frames",
        losses.len(),
        losses.iter().map(|loss| loss.given).min().unwrap(),
        most(|loss| loss.given),
        most(|loss| loss.sound),
        most(|loss| loss.sound_after_recovery),
        most(|loss| loss.words),
        most(|loss| loss.late)
    );
    let one_second = (Duration::from_secs(1).as_millis() / FRAME_DURATION.as_millis()) as u64;
    assert_eq!(one_second, 12);
    assert!(most(|loss| loss.sound.saturating_sub(loss.late)) <= one_second);
    assert!(most(|loss| loss.words.saturating_sub(loss.late)) <= one_second);
}

#[test]
fn a_killed_talk_loses_at_most_a_second() {
    let (count, at_once) = by_depth((12, 12), (24, 24), (300, 20));
    kill(count, at_once);
}
