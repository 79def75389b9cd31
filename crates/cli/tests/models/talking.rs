//! Models of the library, where `--model` names them: nothing is opened that is not verified.

use std::fs::File;
use std::time::SystemTime;

use moshibar_test_hub::Behaviour;
use serde_json::Value;

use crate::rig::{NANO, Rig, assert_says, object, refusal};
use crate::spoken::Spoken;

/// A talk with the model that the hub has.
fn talk(rig: &Rig, more: &[&str]) -> std::process::Command {
    let (question, reply) = (Spoken::first().write(rig.folder()), rig.folder().join("reply.wav"));
    let mut command = rig.command(&["talk", question.to_str().unwrap(), "-o", reply.to_str().unwrap()]);
    command.args(["--greedy", "--device", "cpu"]);
    command.args(["--model", NANO]).args(more);
    command
}

/// The summary of a talk in which it answers right.
fn answer(rig: &Rig) -> Value {
    let summary = object(talk(rig, &[]).arg("--json"));
    Spoken::first().assert_answered(&summary["words"]);
    summary
}

#[test]
fn a_model_that_is_here_answers_without_any_request() {
    let rig = Rig::with_nano(Behaviour::default());
    let (code, sentence) = refusal(2, &mut talk(&rig, &[]));
    assert_eq!(code, "not_installed");
    assert_says(&sentence, &["hf:lab/nano is not on this machine", "`moshibar models pull hf:lab/nano`"]);
    assert!(!rig.folder().join("reply.wav").exists());

    rig.pull(&[NANO]);
    rig.hub.reset_counters();
    rig.pull(&[NANO, "--offline"]);
    let summary = answer(&rig);
    assert_eq!(summary["model"], NANO);
    let offline = object(talk(&rig, &["--json"]).env("HF_HUB_OFFLINE", "1"));
    assert_eq!(offline["words"], summary["words"]);
    let doctor = rig.json(&["doctor", "--model", NANO, "--device", "cpu"]);
    assert_eq!((&doctor["ok"], &doctor["model"]["name"]), (&true.into(), &NANO.into()));
    assert_eq!(rig.hub.counters().requests, 0);

    let (code, sentence) = refusal(2, &mut talk(&rig, &["--quality", "q4"]));
    assert_eq!(code, "no_model");
    assert_says(&sentence, &["is here as q8, not as q4", "moshibar models pull hf:lab/nano --quality q4"]);
}

#[test]
fn a_touched_model_is_verified_before_it_answers() {
    let rig = Rig::with_nano(Behaviour::default());
    rig.pull(&[NANO]);
    for blob in rig.blobs() {
        File::options().write(true).open(blob).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    assert_eq!(rig.entry(NANO).unwrap()["state"]["name"], "unchecked");
    assert_eq!(rig.refusal(1, &["models", "path", NANO]).0, "unchecked");
    answer(&rig);
    assert_eq!(rig.entry(NANO).unwrap()["state"]["name"], "verified");
}

#[test]
fn a_changed_model_does_not_answer() {
    let rig = Rig::with_nano(Behaviour::default());
    rig.pull(&[NANO]);
    let weights = rig.library().join("models/lab--nano/model.q8.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let (code, sentence) = refusal(1, &mut talk(&rig, &[]));
    assert_eq!(code, "damaged");
    assert_says(&sentence, &["model.q8.safetensors is missing or wrong", "moshibar models pull hf:lab/nano"]);
    rig.pull(&[NANO]);
    answer(&rig);
}

#[test]
fn names_of_the_catalog_are_known_everywhere() {
    let rig = Rig::with_nano(Behaviour::default());
    let (code, sentence) = rig.refusal(2, &["bench", "--model", "moshiko-q4"]);
    assert_eq!(code, "not_installed");
    assert_says(&sentence, &["moshibar models pull moshiko-q4"]);
    let (code, sentence) = rig.refusal(2, &["bench", "--model", "moshika-q4", "--quality", "q8"]);
    assert_eq!(code, "no_model");
    assert_says(&sentence, &["choose moshika-q8"]);
    assert_eq!(rig.refusal(2, &["live", "--model", "moshiko-q8"]).0, "not_installed");
    let doctor = rig.command(&["doctor", "--model", "moshiko-q4", "--device", "cpu"]).output().unwrap();
    assert_eq!(doctor.status.code(), Some(1));
    assert_says(&String::from_utf8_lossy(&doctor.stdout), &["`moshibar models pull moshiko-q4`"]);
    assert_eq!(rig.hub.counters().requests, 0, "without a person nobody downloads");
}
