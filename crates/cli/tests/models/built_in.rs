//! The demo model is part of the program: always here, and wherever the program is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use moshibar_test_hub::Behaviour;
use serde_json::Value;

use crate::rig::{Rig, assert_says, lines, nano, object, succeeded};
use crate::spoken::Spoken;

/// A program in a folder of its own, far from any clone.
struct Away {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Away {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("moshibar");
        std::fs::copy(env!("CARGO_BIN_EXE_moshibar"), &program).unwrap();
        Self { folder, program }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("MOSHIBAR_ASSETS").env_remove("MOSHIBAR_LOG").env("MOSHIBAR_LIBRARY", self.library());
        command
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("library")
    }

    /// What lies where models are laid out.
    fn laid_out(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.library().join("built-in")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Asks the model something, which it must answer right.
    fn ask(&self) -> Value {
        let spoken = Spoken::first();
        let question = spoken.write(self.folder.path());
        let summary = object(&mut self.command(&[
            "talk",
            question.to_str().unwrap(),
            "-o",
            "reply.wav",
            "--greedy",
            "--device",
            "cpu",
            "--json",
        ]));
        spoken.assert_answered(&summary["words"]);
        summary
    }
}

#[test]
fn a_program_that_was_copied_away_talks() {
    let away = Away::new();
    let list = object(&mut away.command(&["models", "list", "--json"]));
    let entry = list["models"].as_array().unwrap().iter().find(|model| model["name"] == "nano").unwrap();
    assert_eq!((&entry["state"]["name"], &entry["folder"]), (&"built_in".into(), &Value::Null));
    assert!(!away.library().exists(), "who only looks creates nothing");

    assert_eq!(away.ask()["description"]["quality"], "q8");
    let [folder] = &away.laid_out()[..] else { panic!("{:?}", away.laid_out()) };
    let name = folder.file_name().unwrap().to_str().unwrap();
    let hash = name.strip_prefix("nano-").unwrap();
    assert!(hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    let path = succeeded(&mut away.command(&["models", "path", "nano"])).stdout;
    assert_eq!(Path::new(String::from_utf8(path).unwrap().trim_end()), folder);

    // What is damaged there is mended before it is opened.
    std::fs::write(folder.join("model.q8.safetensors"), "nonsense").unwrap();
    away.ask();
    let text = String::from_utf8(succeeded(&mut away.command(&["models", "verify", "nano"])).stdout).unwrap();
    assert_eq!((text.matches("right").count(), away.laid_out().len()), (5, 1), "{text}");
}

#[test]
fn programs_that_start_at_once_lay_out_one_model() {
    let away = Away::new();
    let start = || {
        let mut command = away.command(&["models", "path", "nano"]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let programs: Vec<_> = (0..4).map(|_| start()).collect();
    let outputs: Vec<_> = programs.into_iter().map(|program| program.wait_with_output().unwrap()).collect();
    assert!(outputs.iter().all(|output| output.status.success() && output.stdout == outputs[0].stdout));
    assert_eq!(away.laid_out().len(), 1);
}

#[test]
fn it_is_verified_but_neither_pulled_nor_removed() {
    let rig = Rig::with_tiny(1_000, Behaviour::default());
    assert_says(&rig.text(&["models", "path", "nano"]), &[nano().to_str().unwrap()]);
    let text = rig.text(&["models", "verify", "nano"]);
    assert_says(
        &text,
        &["mimi.safetensors", "model.q8.safetensors", "tokenizer_spm_nano.model", "All of it is as published."],
    );
    let verified = lines(&succeeded(&mut rig.command(&["models", "verify", "nano", "--json"])));
    assert_eq!(
        (&verified[0]["name"], &verified[0]["ok"], &verified[1]["ok"]),
        (&"nano".into(), &true.into(), &true.into())
    );

    assert_says(&rig.text(&["models", "pull", "nano"]), &["part of the program", "`moshibar live --model nano`"]);
    let pulled = lines(&succeeded(&mut rig.command(&["models", "pull", "nano", "--json"]))).pop().unwrap();
    assert_eq!((&pulled["event"], &pulled["built_in"]), (&"finished".into(), &true.into()));
    assert_eq!(pulled["folder"], nano().to_str().unwrap());
    let (code, sentence) = rig.refusal(2, &["models", "remove", "nano"]);
    assert_eq!(code, "usage");
    assert_says(&sentence, &["nano is part of the program", "nothing to remove"]);
    assert!(!rig.library().exists() && rig.hub.counters().requests == 0);
}

#[test]
fn a_file_of_it_that_changed_or_went_is_found() {
    let rig = Rig::with_tiny(1_000, Behaviour::default());
    let assets = rig.folder().join("assets");
    std::fs::create_dir_all(assets.join("nano")).unwrap();
    for entry in std::fs::read_dir(nano()).unwrap() {
        let entry = entry.unwrap();
        std::fs::write(assets.join("nano").join(entry.file_name()), std::fs::read(entry.path()).unwrap()).unwrap();
    }
    let verify = || {
        let output = rig.command(&["models", "verify", "nano"]).env("MOSHIBAR_ASSETS", &assets).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(verify().0, Some(0));
    let mimi = assets.join("nano/mimi.safetensors");
    let mut bytes = std::fs::read(&mimi).unwrap();
    bytes[1_000_000] ^= 0x10;
    std::fs::write(&mimi, bytes).unwrap();
    std::fs::remove_file(assets.join("nano/mimi_config.json")).unwrap();
    // A quality that a folder need not have.
    std::fs::remove_file(assets.join("nano/model.q4.safetensors")).unwrap();
    let (code, text) = verify();
    assert_eq!((code, text.matches("WRONG").count(), text.matches("MISSING").count()), (Some(1), 1, 1), "{text}");
    assert_says(&text, &["as it came with this program", assets.to_str().unwrap()]);
}
