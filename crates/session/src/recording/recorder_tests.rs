//! The recorder against tapes that are slow, refuse or break, and against folders with a low limit.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use moshibar_audio::{AudioError, Clock, FRAME_SAMPLES, SILENCE};
use serde_json::json;

use super::*;
use crate::recording::ring::{Piece, RecordedFrame};

/// What a scripted tape does with a frame.
type OnWrite = Box<dyn FnMut(&RecordedFrame) -> Result<(), AudioError> + Send>;

struct ScriptedTape {
    on_write: OnWrite,
    written: Arc<Mutex<Vec<u64>>>,
}

impl ScriptedTape {
    fn new(
        on_write: impl FnMut(&RecordedFrame) -> Result<(), AudioError> + Send + 'static,
    ) -> (Self, Arc<Mutex<Vec<u64>>>) {
        let written = Arc::<Mutex<Vec<u64>>>::default();
        (Self { on_write: Box::new(on_write), written: Arc::clone(&written) }, written)
    }
}

impl Tape for ScriptedTape {
    fn folder(&self) -> &Path {
        Path::new("tape")
    }

    fn write(&mut self, frame: &RecordedFrame) -> Result<(), AudioError> {
        (self.on_write)(frame)?;
        self.written.lock().unwrap().push(frame.gap_frames);
        Ok(())
    }

    fn hear(&mut self, _: &Piece) {}

    fn save(&mut self) -> Result<(), AudioError> {
        Ok(())
    }

    fn finish(self, _: End) -> Result<RecordingSummary, RecordingError> {
        Ok(RecordingSummary { folder: "tape".into(), sound: Vec::new(), duration: Duration::ZERO, clipped_samples: 0 })
    }

    fn give_up(self, reason: AudioError) -> RecordingError {
        RecordingError::Stopped { folder: "tape".into(), recorded: Duration::ZERO, reason: Arc::new(reason) }
    }
}

/// Waits for the recorder's thread; real time, but no test depends on how much.
fn failure_of(recorder: &mut Recorder) -> RecordingError {
    loop {
        if let Some(failure) = recorder.failure() {
            return failure;
        }
        thread::yield_now();
    }
}

#[test]
fn a_disk_that_never_answers_costs_ten_seconds_of_frames_and_then_the_recording() {
    let (release, blocks) = mpsc::channel::<()>();
    let (tape, written) = ScriptedTape::new(move |_| {
        blocks.recv().ok();
        Ok(())
    });
    let mut recorder = Recorder::over(tape).unwrap();
    // If a frame waited for the disk, this would never end: the disk answers only after the loop.
    let mut taken = 0;
    let failure = loop {
        recorder.frame(&SILENCE, &SILENCE, Some(" la"));
        match recorder.failure() {
            None => taken += 1,
            Some(failure) => break failure,
        }
        assert!(taken < 1_000, "a full ring is noticed");
    };
    // The one that the disk is busy with has left the ring; when it did, nobody knows.
    assert!((125..=126).contains(&taken), "{taken} frames");
    assert!(failure.to_string().contains("too slow (10 s behind); choose another disk"), "{failure}");
    assert!(recorder.failure().is_none(), "told once");
    recorder.frame(&SILENCE, &SILENCE, None);
    assert!(matches!(recorder.finish(json!({})), Err(RecordingError::TooSlow { .. })));
    // What was taken is written all the same, as soon as the disk answers again.
    drop(release);
    while written.lock().unwrap().len() < taken {
        thread::yield_now();
    }
}

#[test]
fn a_disk_that_refuses_is_told_once_and_the_talk_goes_on() {
    let (tape, _) = ScriptedTape::new(|_| Err(AudioError::DiskFull { path: "talk.wav".into() }));
    let mut recorder = Recorder::over(tape).unwrap();
    recorder.frame(&SILENCE, &SILENCE, None);
    let failure = failure_of(&mut recorder);
    assert_eq!(
        failure.to_string(),
        "the recording stopped after 0 s, and what it has is in tape: \
         cannot write talk.wav because the disk is full; free some space or choose another disk"
    );
    for _ in 0..1_000 {
        recorder.frame(&SILENCE, &SILENCE, None);
        assert!(recorder.failure().is_none());
    }
    assert!(matches!(recorder.finish(json!({})), Err(RecordingError::Stopped { .. })));
}

#[test]
fn a_recorder_that_breaks_down_does_not_take_the_talk_with_it() {
    let (tape, _) = ScriptedTape::new(|_| panic!("a fault in the recorder"));
    let mut recorder = Recorder::over(tape).unwrap();
    recorder.frame(&SILENCE, &SILENCE, None);
    assert!(matches!(failure_of(&mut recorder), RecordingError::Broken { .. }));
    drop(recorder);
}

#[test]
fn gaps_reach_the_tape_before_the_frame_that_follows() {
    let (tape, written) = ScriptedTape::new(|_| Ok(()));
    let mut recorder = Recorder::over(tape).unwrap();
    for gap in [0, 3, 0, 7] {
        recorder.gap(gap);
        recorder.frame(&SILENCE, &SILENCE, None);
    }
    recorder.finish(json!({})).unwrap();
    assert_eq!(*written.lock().unwrap(), [0, 3, 0, 7]);
}

/// Time that passes by `step` whenever somebody looks.
struct SteppingClock {
    now_ns: AtomicU64,
    step: Duration,
}

impl Clock for SteppingClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.now_ns.fetch_add(self.step.as_nanos() as u64, Ordering::Relaxed))
    }
}

fn tape_in(directory: &Path, most_frames: u64, step: Duration) -> FolderTape {
    let now = jiff::ZonedDateTime::now();
    let folder = TalkFolder::create(directory, &now).unwrap();
    let clock = Arc::new(SteppingClock { now_ns: AtomicU64::new(0), step });
    FolderTape::create(folder, &now, json!({ "seed": 7 }), most_frames, clock).unwrap()
}

#[test]
fn sound_goes_on_in_the_next_file_where_one_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::over(tape_in(directory.path(), 10, Duration::ZERO)).unwrap();
    let level = |frame: u64| frame as f32 / 1_024.0;
    for frame in 0..25 {
        recorder.frame(&[level(frame); FRAME_SAMPLES], &[-level(frame); FRAME_SAMPLES], None);
    }
    let summary = recorder.finish(json!({ "ending": "stopped" })).unwrap();
    assert_eq!(summary.sound, ["talk.wav", "talk-2.wav", "talk-3.wav"]);
    assert_eq!(summary.duration, Duration::from_secs(2));
    let mut values: Vec<i16> = Vec::new();
    for (name, frames) in summary.sound.iter().zip([10, 10, 5]) {
        let mut reader = hound::WavReader::open(summary.folder.join(name)).unwrap();
        assert_eq!(reader.duration(), frames * FRAME_SAMPLES as u32);
        values.extend(reader.samples::<i16>().map(Result::unwrap));
    }
    let expected = (0..25_i16).flat_map(|frame| [[frame * 32, -frame * 32]; FRAME_SAMPLES]).flatten();
    assert!(values.iter().copied().eq(expected), "no moment is lost or doubled at a switch");
    let talk: Value = serde_json::from_slice(&std::fs::read(summary.folder.join("talk.json")).unwrap()).unwrap();
    assert_eq!(talk["sound"][2], json!({ "file": "talk-3.wav", "start_seconds": 1.6, "seconds": 0.4 }));
    assert_eq!((talk["state"].as_str(), talk["seconds"].as_f64()), (Some("finished"), Some(2.0)));
    assert_eq!((&talk["settings"]["seed"], &talk["outcome"]["ending"]), (&json!(7), &json!("stopped")));
}

/// How often the transcripts are written while a word comes every `interval`, and writing takes `cost`.
fn transcripts_written(cost: Duration, rounds: u32) -> u32 {
    let directory = tempfile::tempdir().unwrap();
    // `save` looks at the clock twice when it writes, and once when it does not: each look costs `cost`.
    let mut tape = tape_in(directory.path(), u64::MAX, cost);
    let path = tape.folder().join("transcript.md");
    let (mut ring, mut backlog) = ring();
    let mut written = 0;
    for round in 0..rounds {
        std::fs::write(&path, "older").unwrap();
        assert!(ring.push_piece(Speaker::Moshi, u64::from(round), " la"));
        backlog.write_to(&mut tape).unwrap();
        written += u32::from(std::fs::read_to_string(&path).unwrap() != "older");
    }
    written
}

#[test]
fn transcripts_are_written_once_a_second_and_take_at_most_a_fiftieth_of_the_time() {
    // 250 ms between two looks, as in a talk: every time but for the first two takes 12.5 s, 50 looks.
    assert_eq!(transcripts_written(Duration::from_millis(250), 104), 3);
    // 10 ms between two looks: a second is more than 50 times that.
    let written = transcripts_written(Duration::from_millis(10), 1_000);
    assert_eq!(written, 10, "1,000 looks are 10 s");
}

#[cfg(unix)]
#[test]
fn everything_that_is_recorded_is_for_the_user_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::start(directory.path(), json!({})).unwrap();
    recorder.frame(&SILENCE, &SILENCE, Some(" hello"));
    recorder.gap(2);
    let folder = recorder.folder().to_path_buf();
    let private = |when: &str| {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            // The recorder writes meanwhile: a file that is put in another's place has a name of
            // its own until then.
            let Ok(about) = entry.metadata() else { continue };
            let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions());
            assert_eq!(mode & 0o777, 0o600, "{when}: {:?}", entry.file_name());
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        names
    };
    private("while it is recorded");
    let summary = recorder.finish(json!({})).unwrap();
    assert_eq!(private("at the end"), ["talk.json", "talk.wav", "transcript.json", "transcript.md", "transcript.srt"]);
    assert_eq!(summary.duration, Duration::from_millis(240), "the gap at the end is there");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&folder).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_dropped_recorder_finishes() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::start(directory.path(), json!({})).unwrap();
    recorder.frame(&[0.5; FRAME_SAMPLES], &SILENCE, Some(" hel"));
    recorder.frame(&[2.0; FRAME_SAMPLES], &SILENCE, Some("lo"));
    let folder = recorder.folder().to_path_buf();
    drop(recorder);
    assert_eq!(moshibar_audio::read_wav(folder.join("talk.wav")).unwrap().samples.len(), 2 * FRAME_SAMPLES);
    assert!(std::fs::read_to_string(folder.join("transcript.md")).unwrap().contains("hello"));
    let talk: Value = serde_json::from_slice(&std::fs::read(folder.join("talk.json")).unwrap()).unwrap();
    assert_eq!(talk["clipped_samples"], FRAME_SAMPLES);
    assert!(recover_recordings(directory.path()).is_empty(), "nothing is unfinished");
}

#[test]
fn recordings_that_go_on_are_not_recovered() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), json!({})).unwrap();
    assert!(recover_recordings(directory.path()).is_empty());
    let summary = recorder.finish(json!({})).unwrap();
    assert!(!summary.folder.join("words.unfinished.jsonl").exists());
    assert!(recover_recordings(directory.path().join("none")).is_empty());
}

/// What a process leaves that dies at the worst moment, put together by hand.
#[test]
fn an_abandoned_recording_is_completed_and_swept() {
    let directory = tempfile::tempdir().unwrap();
    let mut tape = tape_in(directory.path(), 2, Duration::ZERO);
    let folder = tape.folder().to_path_buf();
    let (mut ring, mut backlog) = ring();
    for frame in 0..3 {
        assert!(ring.push_piece(Speaker::Moshi, frame, &format!(" w{frame}")));
        assert!(ring.push_frame(0, &SILENCE, &SILENCE));
    }
    backlog.write_to(&mut tape).unwrap();
    drop(tape); // and with it the lock, as when the process dies
    std::fs::write(folder.join(".moshibar-abc.part"), "half a transcript").unwrap();
    let append = |name: &str, bytes: &[u8]| {
        let mut file = std::fs::OpenOptions::new().append(true).open(folder.join(name)).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
    };
    append("words.unfinished.jsonl", b"{\"speaker\":\"moshi\",\"frame\":3,\"piece\":\" w3\"}\n{\"speaker\":\"mo");
    append("talk-2.wav", &[0; FRAME_SAMPLES * 4 + 1]);

    let recovered: Vec<PathBuf> = recover_recordings(directory.path()).into_iter().map(Result::unwrap).collect();
    assert_eq!(recovered, std::slice::from_ref(&folder));
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["talk-2.wav", "talk.json", "talk.wav", "transcript.json", "transcript.md", "transcript.srt"]);
    assert!(std::fs::read_to_string(folder.join("transcript.md")).unwrap().ends_with(" w0 w1 w2 w3\n"));
    let talk: Value = serde_json::from_slice(&std::fs::read(folder.join("talk.json")).unwrap()).unwrap();
    assert_eq!((&talk["state"], &talk["frames"], &talk["seconds"]), (&json!("recovered"), &json!(4), &json!(0.32)));
    assert_eq!(talk["sound"][1], json!({ "file": "talk-2.wav", "start_seconds": 0.16, "seconds": 0.16 }));
}

#[test]
fn words_of_any_length_come_through_whole() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::start(directory.path(), json!({})).unwrap();
    let long = format!(" {}", "ä日👋\"\\".repeat(40));
    recorder.frame(&SILENCE, &SILENCE, Some(&long));
    recorder.frame(&SILENCE, &SILENCE, Some(""));
    recorder.gap(10);
    recorder.frame(&SILENCE, &SILENCE, Some(" end\n"));
    let folder = recorder.finish(json!({})).unwrap().folder;
    let transcript: Value = serde_json::from_slice(&std::fs::read(folder.join("transcript.json")).unwrap()).unwrap();
    let words = transcript["words"].as_array().unwrap();
    assert_eq!((words.len(), words[0]["text"].as_str().unwrap()), (2, long.trim()));
    assert_eq!(
        (words[1]["text"].as_str(), words[1]["start_seconds"].as_f64()),
        (Some("end"), Some(0.96)),
        "after the gap"
    );
}

/// Real time: how long the talk waits for the recorder. Not asserted, because another process may take the core.
#[test]
#[ignore = "a benchmark: prints a figure"]
fn time_of_a_frame() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::start(directory.path(), json!({})).unwrap();
    let mut times = Vec::new();
    for _ in 0..100 {
        let begin = Instant::now();
        recorder.frame(&[0.3; FRAME_SAMPLES], &[-0.7; FRAME_SAMPLES], Some(" hello"));
        times.push(begin.elapsed());
    }
    times.sort();
    println!("median {:?}, longest {:?}", times[50], times[99]);
}
