//! A real talk: a person's words into the virtual microphone, the demo model between, its answer from the virtual speaker.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::comparison::compare;
use crate::performance::{Performance, perform};
use crate::recogniser::heard;
use crate::rig::Rig;
use crate::signal;
use crate::spoken::{Spoken, TAIL_SECONDS, onset_seconds, part, plain, said_between, sentences};

/// A word that is heard at the edge of a frame is in the one before.
const FRAME_SECONDS: f64 = 0.08;

#[test]
fn demo_model_answers_through_microphone_and_speaker_and_the_talk_is_recorded() {
    let (mut answers, mut comparisons) = (Vec::new(), Vec::new());
    let folder = tempfile::tempdir().unwrap();
    for spoken in Spoken::live() {
        let Some(rig) = Rig::start(None) else { return };
        let question =
            moshibar_audio::resample(&spoken.after_a_pause(), crate::spoken::RATE_HZ, signal::RATE_HZ).unwrap();

        // Greedy, so that the answer does not hang on chance, and without echo cancellation: what the microphone hears is part of
        // the comparison.
        let records = folder.path().join(&spoken.name);
        std::fs::create_dir(&records).unwrap();
        let records = records.to_str().unwrap();
        let talk =
            rig.start_talk(["--model", "nano", "--greedy", "--device", "cpu", "--echo", "off", "--record", records]);
        let Performance { heard: at_microphone, played } =
            perform(&rig, &question, Duration::from_secs_f64(TAIL_SECONDS + 0.5));
        let lines: Vec<Value> = talk.end().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let end = lines.last().unwrap();
        assert_eq!(end["reason"], "the talk was ended");

        // The recording holds what was said, on one clock with its transcript.
        let recording = Path::new(end["files"]["recording"].as_str().unwrap());
        assert_recording_is_whole(recording);
        let [user, moshi] = recorded(recording);
        let transcript: Value =
            serde_json::from_slice(&std::fs::read(recording.join("transcript.json")).unwrap()).unwrap();
        let onset = onset_seconds(&user, crate::spoken::RATE_HZ) - FRAME_SECONDS;
        let said = said_between(&transcript["words"], onset, f64::INFINITY);
        println!("{}: '{said}', {}", spoken.name, end["report"]["metrics"]["frame"]);
        spoken.assert_right(&said, "in the transcript");

        // Captions came while it was said: a line for each word.
        let captions: Vec<Value> =
            lines.iter().filter(|line| line["event"] == "word").map(|line| line["word"].clone()).collect();
        assert_eq!(Value::from(captions), transcript["words"]);

        // Moshi's track is what the speaker played. Not a greeting: that was perhaps begun before anybody listened.
        let answer = part(&moshi, crate::spoken::RATE_HZ, onset, f64::INFINITY);
        let answer = moshibar_audio::resample(answer, crate::spoken::RATE_HZ, signal::RATE_HZ).unwrap();
        let onset = onset_seconds(&at_microphone, signal::RATE_HZ);
        let played = part(&played, signal::RATE_HZ, onset, f64::INFINITY);
        let comparison = compare(loud_part(&answer, 0.5), loud_part(played, 1.0));
        println!("recorded and played: {comparison}");
        comparisons.push(comparison.is_intact() || !rig.is_realtime());

        let aloud = folder.path().join(format!("{}.wav", spoken.name));
        signal::write(&aloud, played);
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
