//! What the demo model answers, in every quality: right in writing, and right to an ear that is not ours.

use std::path::{Path, PathBuf};

use moshibar_test_support::by_depth;
use serde_json::Value;

use crate::program::{demo, json, nano};
use crate::recogniser::heard;
use crate::spoken::{RATE_HZ, Spoken, TAIL_SECONDS, onset_seconds, part, sentences, write_wav};

/// That of the model in the program, and the one that `make test` tries.
const BUILT_IN: &str = "q8";

fn talk(question: &Path, output: &Path, more: &[&str]) -> Value {
    let mut arguments = vec!["talk".into(), question.to_owned(), "--output".into(), output.to_owned()];
    let tail = TAIL_SECONDS.to_string();
    arguments.extend(["--device", "cpu", "--tail", &tail, "--model"].map(Into::into));
    arguments.push(nano());
    arguments.extend(more.iter().map(Into::into));
    json(arguments)
}

/// Says something to the model. Returns the summary, and the sound since the word began.
fn ask(spoken: &Spoken, quality: &str, folder: &Path) -> (Value, PathBuf) {
    let reply = folder.join(format!("{}-{quality}.wav", spoken.name));
    let summary = talk(&spoken.write(folder), &reply, &["--greedy", "--quality", quality]);
    let whole = moshibar_audio::read_wav(&reply).unwrap().samples;
    let onset = onset_seconds(&spoken.after_a_pause(), RATE_HZ);
    write_wav(&reply, part(&whole, RATE_HZ, onset, f64::INFINITY), RATE_HZ);
    (summary, reply)
}

#[test]
fn demo_model_answers_right_in_words_and_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let mut asked = Vec::new();
    let all = vec!["bf16", "q8", "q4"];
    for quality in by_depth(vec![BUILT_IN], all.clone(), all) {
        // At the least depth three of thirteen: a number, a farewell, and what it does not know.
        for spoken in Spoken::all().into_iter().step_by(by_depth(6, 1, 1)) {
            let (summary, reply) = ask(&spoken, quality, folder.path());
            assert_eq!(summary["description"]["quality"], quality);
            spoken.assert_answered(&summary["words"]);
            asked.push((spoken, quality, reply));
        }
    }
    let replies: Vec<&Path> = asked.iter().map(|(.., reply)| reply.as_path()).collect();
    let heard = heard(&replies, &sentences());
    assert_eq!(heard.len(), asked.len());
    for ((spoken, quality, _), heard) in asked.iter().zip(&heard) {
        spoken.assert_right(heard, &format!("aloud in {quality}"));
    }
}

/// What a live test may say: there, nobody knows where in a frame a word begins.
/// Run it at the largest depth for a new model, and before another word becomes a live one.
#[test]
fn live_words_are_understood_wherever_they_begin() {
    // No multiple of a frame's 80 ms, nor of its parts.
    const STEP_SECONDS: f64 = 0.010_7;
    let places = by_depth(1..2_u32, 0..8, 0..300);
    let folder = tempfile::tempdir().unwrap();
    for spoken in Spoken::live() {
        let name = spoken.name.clone();
        let misunderstood: Vec<(f64, String)> = places
            .clone()
            .map(|place| f64::from(place) * STEP_SECONDS)
            .filter_map(|seconds| {
                let spoken = spoken.clone().later(seconds);
                let (summary, _) = ask(&spoken, BUILT_IN, folder.path());
                let said = spoken.answer(&summary["words"]);
                (!spoken.is_right(&said)).then_some((seconds, said))
            })
            .collect();
        println!("{name}: {} of {} misunderstood", misunderstood.len(), places.len());
        assert_eq!(misunderstood, [], "{name}, so many seconds later");
    }
}

/// Else the first test could pass with a recogniser that always hears what is expected.
#[test]
fn recogniser_hears_nothing_in_silence_and_tells_answers_apart() {
    let folder = tempfile::tempdir().unwrap();
    let all = Spoken::all();
    let (one, other) = (all.first().unwrap(), all.last().unwrap());
    assert!(one.replies.iter().all(|reply| !other.replies.contains(reply)), "two that are answered alike");
    let silence = folder.path().join("silence.wav");
    write_wav(&silence, &vec![0.0; RATE_HZ as usize], RATE_HZ);
    let [(_, first), (_, last)] = [one, other].map(|spoken| ask(spoken, "q8", folder.path()));
    let heard = heard(&[&silence, &first, &last], &sentences());
    assert_eq!(heard[0], "");
    assert_ne!(heard[1], heard[2]);
}

#[test]
fn seed_repeats_a_sampled_talk_to_the_byte_and_another_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, seed: &str| {
        let reply = folder.path().join(name);
        talk(&demo("green"), &reply, &["--seed", seed, "--temperature", "2"]);
        std::fs::read(reply).unwrap()
    };
    let first = run("first.wav", "5");
    assert!(first == run("again.wav", "5"), "the same seed gave another talk");
    assert!(["6", "7", "8"].iter().any(|seed| first != run("other.wav", seed)), "other seeds gave the same talk");
}
