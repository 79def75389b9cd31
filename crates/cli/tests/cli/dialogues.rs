//! The three dialogues of the demo model, in every quality: right in writing, and right to an ear that is not ours.

use std::path::Path;

use serde_json::Value;

use crate::program::{demo, json, nano};
use crate::recogniser::heard;

const DIALOGUES: [(&str, &str); 3] = [("green", "you said green"), ("blue", "you said blue"), ("hello", "hello there")];
const QUALITIES: [&str; 3] = ["bf16", "q8", "q4"];

fn talk(word: &str, output: &Path, more: &[&str]) -> Value {
    let mut arguments = vec!["talk".into(), demo(word), "--output".into(), output.to_owned()];
    arguments.extend(["--device", "cpu", "--tail", "1.5", "--model"].map(Into::into));
    arguments.push(nano());
    arguments.extend(more.iter().map(Into::into));
    json(arguments)
}

#[test]
fn demo_model_answers_right_in_every_quality_in_words_and_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    let mut replies = Vec::new();
    for quality in QUALITIES {
        for (word, answer) in DIALOGUES {
            let reply = folder.path().join(format!("{word}-{quality}.wav"));
            let summary = talk(word, &reply, &["--greedy", "--quality", quality]);
            assert_eq!(summary["text"], answer, "{word} in {quality}");
            assert_eq!(summary["description"]["quality"], quality);
            expected.push(answer);
            replies.push(reply);
        }
    }
    let replies: Vec<&Path> = replies.iter().map(std::path::PathBuf::as_path).collect();
    assert_eq!(heard(&replies), expected);
}

/// Else the test above could pass with a recogniser that always hears what is expected.
#[test]
fn recogniser_hears_nothing_in_silence_and_tells_answers_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (silence, blue) = (folder.path().join("silence.wav"), folder.path().join("blue.wav"));
    talk("blue", &blue, &["--greedy"]);
    let header = std::fs::read(&blue).unwrap()[..44].to_vec();
    let length = u32::from_le_bytes(header[40..44].try_into().unwrap()) as usize;
    std::fs::write(&silence, [header, vec![0; length]].concat()).unwrap();
    let heard = heard(&[&silence, &blue]);
    assert_eq!(heard, ["", "you said blue"]);
}

#[test]
fn seed_repeats_a_sampled_talk_to_the_byte_and_another_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, seed: &str| {
        let reply = folder.path().join(name);
        talk("green", &reply, &["--seed", seed, "--temperature", "2"]);
        std::fs::read(reply).unwrap()
    };
    let first = run("first.wav", "5");
    assert!(first == run("again.wav", "5"), "the same seed gave another talk");
    assert!(["6", "7", "8"].iter().any(|seed| first != run("other.wav", seed)), "other seeds gave the same talk");
}
