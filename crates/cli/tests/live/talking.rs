//! A real talk: a person's words into the virtual microphone, the demo model between, its answer from the virtual speaker.

use std::path::{Path, PathBuf};
use std::time::Duration;

use moshibar_test_support::by_depth;
use serde_json::Value;

use crate::comparison::{Comparison, compare};
use crate::performance::{MOST_SPOILED, Performance, perform};
use crate::recogniser::heard;
use crate::rig::Rig;
use crate::signal;
use crate::spoken::{Spoken, TAIL_SECONDS, onset_seconds, part, plain, said_between, sentences};

/// A word that is heard at the edge of a frame is in the one before.
const FRAME_SECONDS: f64 = 0.08;

/// What the report of a talk counts when the machine was late: for the engine, for whoever reads
/// the events, or for the devices.
const LATE: [&str; 6] = [
    "/dropped_frames",
    "/unplayed_frames",
    "/missed_events",
    "/audio/underruns",
    "/audio/lost_mic_samples",
    "/audio/lost_mic_frames",
];

/// A talk in which something was said, and what came of it.
struct Held {
    /// What the program printed.
    lines: Vec<Value>,
    recording: PathBuf,
    transcript: Value,
    /// What Moshi said since the word began, as it was written.
    said: String,
    /// The same as it was played.
    played: Vec<f32>,
    /// What was played beside what was recorded.
    comparison: Comparison,
    is_realtime: bool,
}

/// Says it in a talk that is recorded in `records`; `None` where there is no rig.
fn hold(spoken: &Spoken, records: &Path) -> Option<Held> {
    let rig = Rig::start(None)?;
    let question = moshibar_audio::resample(&spoken.after_a_pause(), crate::spoken::RATE_HZ, signal::RATE_HZ).unwrap();
    // Greedy, so that the answer does not hang on chance, and without echo cancellation: what the
    // microphone hears is part of the comparison.
    std::fs::create_dir_all(records).unwrap();
    let records = records.to_str().unwrap();
    let talk = rig.start_talk(["--model", "nano", "--greedy", "--device", "cpu", "--echo", "off", "--record", records]);
    let Performance { heard: at_microphone, played } =
        perform(&rig, &question, Duration::from_secs_f64(TAIL_SECONDS + 0.5));
    let lines: Vec<Value> = talk.end().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = lines.last().unwrap();
    assert_eq!(end["reason"], "the talk was ended");

    // The recording holds what was said, on one clock with its transcript.
    let recording = PathBuf::from(end["files"]["recording"].as_str().unwrap());
    let [user, moshi] = recorded(&recording);
    let transcript: Value = serde_json::from_slice(&std::fs::read(recording.join("transcript.json")).unwrap()).unwrap();
    let onset = onset_seconds(&user, crate::spoken::RATE_HZ) - FRAME_SECONDS;
    let said = said_between(&transcript["words"], onset, f64::INFINITY);
    println!("{}: '{said}', {}", spoken.name, end["report"]["metrics"]["frame"]);

    // Moshi's track is what the speaker played. Not a greeting: that was perhaps begun before
    // anybody listened.
    let answer = part(&moshi, crate::spoken::RATE_HZ, onset, f64::INFINITY);
    let answer = moshibar_audio::resample(answer, crate::spoken::RATE_HZ, signal::RATE_HZ).unwrap();
    let onset = onset_seconds(&at_microphone, signal::RATE_HZ);
    let played = part(&played, signal::RATE_HZ, onset, f64::INFINITY).to_vec();
    let comparison = compare(loud_part(&answer, 0.5), loud_part(&played, 1.0));
    println!("recorded and played: {comparison}");
    Some(Held { lines, recording, transcript, said, played, comparison, is_realtime: rig.is_realtime() })
}

impl Held {
    /// What the talk itself counts that the machine was late for.
    fn late(&self) -> Vec<(&'static str, u64)> {
        let report = &self.lines.last().unwrap()["report"];
        let counts = LATE.iter().map(|name| (*name, report.pointer(name).unwrap().as_u64().unwrap()));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

/// Says it until nothing went wrong, or until what went wrong is not the machine's doing.
///
/// A machine that is busy with other things may be late, and the talk goes on without what it
/// missed: nobody can tell what the answer to the rest must be. Such a talk says so itself.
fn hold_in_time(spoken: &Spoken, records: &Path) -> Option<Held> {
    for attempt in 1..MOST_SPOILED {
        let held = hold(spoken, &records.join(attempt.to_string()))?;
        let late = held.late();
        if late.is_empty() || (spoken.is_right(&held.said) && held.comparison.is_intact()) {
            return Some(held);
        }
        println!("performance {attempt} of {} was spoiled: {late:?}", spoken.name);
    }
    hold(spoken, &records.join("last"))
}

#[test]
fn demo_model_answers_through_microphone_and_speaker_and_the_talk_is_recorded() {
    let (mut answers, mut comparisons) = (Vec::new(), Vec::new());
    let folder = tempfile::tempdir().unwrap();
    // Two at least, as one performance may have a hole.
    for spoken in Spoken::live().into_iter().take(by_depth(2, usize::MAX, usize::MAX)) {
        let Some(held) = hold_in_time(&spoken, &folder.path().join(&spoken.name)) else { return };
        assert_recording_is_whole(&held.recording);
        spoken.assert_right(&held.said, "in the transcript");

        // Captions came while it was said: a line for each word.
        let captions: Vec<Value> =
            held.lines.iter().filter(|line| line["event"] == "word").map(|line| line["word"].clone()).collect();
        assert_eq!(Value::from(captions), held.transcript["words"]);
        comparisons.push(held.comparison.is_intact() || !held.is_realtime);

        let aloud = folder.path().join(format!("{}.wav", spoken.name));
        signal::write(&aloud, &held.played);
        answers.push((spoken, aloud));
    }

    // A busy machine may leave a hole in one; that none is made by us is for the copier to say (`copying`).
    assert!(comparisons.contains(&true), "no recording is what was played");

    // To an ear that is not ours, what came out of the speaker since the word began.
    let recordings: Vec<&Path> = answers.iter().map(|(_, path)| path.as_path()).collect();
    let heard = heard(&recordings, &sentences());
    assert_eq!(heard.len(), answers.len());
    for ((spoken, _), heard) in answers.iter().zip(&heard) {
        spoken.assert_right(heard, "from the speaker");
    }
}

#[test]
fn people_read_every_word_as_a_caption() {
    let Some(rig) = Rig::start(None) else { return };
    let spoken = Spoken::first();
    let question = moshibar_audio::resample(&spoken.after_a_pause(), crate::spoken::RATE_HZ, signal::RATE_HZ).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let records = folder.path().to_str().unwrap();
    let talk = rig.start_live(["--model", "nano", "--greedy", "--device", "cpu", "--echo", "off", "--record", records]);
    perform(&rig, &question, Duration::from_secs_f64(TAIL_SECONDS + 0.5));
    let lines = talk.end();
    // "   2.16 s  you said green", a line each; behind them how the talk went.
    let captions: Vec<&str> = lines.iter().filter_map(|line| line.split_once(" s  ")).map(|(_, text)| text).collect();
    let recording = folder.path().read_dir().unwrap().next().unwrap().unwrap().path();
    let transcript: Value = serde_json::from_slice(&std::fs::read(recording.join("transcript.json")).unwrap()).unwrap();
    let said = said_between(&transcript["words"], 0.0, f64::INFINITY);
    assert!(!said.is_empty());
    assert_eq!(plain(&captions.join(" ")), said, "{lines:#?}");
}

fn assert_recording_is_whole(recording: &Path) {
    let mut names: Vec<String> =
        recording.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["talk.json", "talk.wav", "transcript.json", "transcript.md", "transcript.srt"]);
    let settings: Value = serde_json::from_slice(&std::fs::read(recording.join("talk.json")).unwrap()).unwrap();
    assert_eq!(settings["settings"]["model"], "nano");
    assert_eq!(settings["outcome"]["microphone"], "System default");
}

/// The tracks of a recording: the user's, Moshi's.
fn recorded(recording: &Path) -> [Vec<f32>; 2] {
    let mut reader = hound::WavReader::open(recording.join("talk.wav")).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, crate::spoken::RATE_HZ));
    let samples: Vec<f32> = reader.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect();
    [0, 1].map(|track| samples.iter().skip(track).step_by(2).copied().collect())
}

/// The part in which somebody speaks, with so many seconds around it.
fn loud_part(samples: &[f32], margin_seconds: f32) -> &[f32] {
    let is_loud = |sample: &f32| sample.abs() > 0.02;
    let first = samples.iter().position(is_loud).unwrap();
    let last = samples.iter().rposition(is_loud).unwrap();
    let margin = (margin_seconds * signal::RATE_HZ as f32) as usize;
    &samples[first.saturating_sub(margin)..(last + margin).min(samples.len())]
}
