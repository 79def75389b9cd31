//! A real talk: a person's words into the virtual microphone, the demo model between, its answer from the virtual speaker.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::comparison::compare;
use crate::performance::{Performance, perform};
use crate::recogniser::heard;
use crate::rig::Rig;
use crate::signal;

#[test]
fn demo_model_answers_through_microphone_and_speaker_and_the_talk_is_recorded() {
    let Some(rig) = Rig::start(None) else { return };
    let folder = tempfile::tempdir().unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let question = moshibar_audio::read_wav(repository.join("assets/demo/green.wav")).unwrap();
    let question = moshibar_audio::resample(&question.samples, question.rate_hz, signal::RATE_HZ).unwrap();

    // Greedy, so that the answer does not hang on chance, and without echo cancellation: what the microphone hears is part of
    // the comparison.
    let folder_name = folder.path().to_str().unwrap();
    let talk = rig.start_talk(["--greedy", "--device", "cpu", "--echo", "off", "--record", folder_name]);
    let Performance { played, .. } = perform(&rig, &question, Duration::from_millis(3_500));
    let lines: Vec<Value> = talk.end().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events = |kind: &str| lines.iter().filter(|line| line["event"] == kind).collect::<Vec<_>>();
    let words: Vec<&str> = events("word").iter().filter_map(|line| line["word"]["text"].as_str()).collect();
    let end = lines.last().unwrap();
    println!("{words:?}, {}", end["report"]["metrics"]["frame"]);
    assert_eq!(words.join(" "), "you said green");
    assert_eq!(end["reason"], "the talk was ended");

    // To an ear that is not ours, what came out of the speaker.
    let aloud = folder.path().join("speaker.wav");
    signal::write(&aloud, &played);
    assert_eq!(heard(&[&aloud]), ["you said green"]);

    // The recording holds what was said: Moshi's track is what the speaker played.
    let recording = Path::new(end["files"]["recording"].as_str().unwrap());
    let mut names: Vec<String> =
        recording.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["talk.json", "talk.wav", "transcript.json", "transcript.md", "transcript.srt"]);
    let settings: Value = serde_json::from_slice(&std::fs::read(recording.join("talk.json")).unwrap()).unwrap();
    assert_eq!(settings["settings"]["model"], "nano");
    assert_eq!(settings["outcome"]["microphone"], "System default");
    let mut reader = hound::WavReader::open(recording.join("talk.wav")).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 24_000));
    let samples: Vec<f32> = reader.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect();
    let moshi: Vec<f32> = samples.iter().skip(1).step_by(2).copied().collect();
    let moshi = moshibar_audio::resample(&moshi, 24_000, signal::RATE_HZ).unwrap();
    let comparison = compare(spoken(&moshi, 0.5), spoken(&played, 1.0));
    println!("recorded and played: {comparison}");
    assert!(comparison.is_intact() || !rig.is_realtime(), "{comparison}");
}

/// The part in which somebody speaks, with so many seconds around it.
fn spoken(samples: &[f32], margin_seconds: f32) -> &[f32] {
    let is_loud = |sample: &f32| sample.abs() > 0.02;
    let first = samples.iter().position(is_loud).unwrap();
    let last = samples.iter().rposition(is_loud).unwrap();
    let margin = (margin_seconds * signal::RATE_HZ as f32) as usize;
    &samples[first.saturating_sub(margin)..(last + margin).min(samples.len())]
}
