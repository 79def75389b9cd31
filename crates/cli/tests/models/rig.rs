//! A hub with small models, and `moshibar` with a library and a home of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use moshibar_test_hub::{Behaviour, Content, Hub, Repository};
use serde_json::Value;
use tempfile::TempDir;

/// The demo model, as a repository.
pub(crate) const NANO: &str = "hf:lab/nano";
/// A model in form alone, of any size.
pub(crate) const TINY: &str = "hf:lab/tiny";

const MIMI: &str = "tokenizer-e351c8d8-checkpoint125.safetensors";
const TOKENIZER: &str = "tokenizer_spm_32k_3.model";

/// A hub, a library, a home.
pub(crate) struct Rig {
    pub(crate) hub: Hub,
    folder: TempDir,
}

impl Rig {
    /// With the demo model on the hub.
    pub(crate) fn with_nano(behaviour: impl Into<Behaviour>) -> Self {
        let file = |name: &str| Content::file(nano().join(name)).unwrap();
        let mut repository = Repository::new("lab/nano");
        for name in ["config.json", "mimi_config.json", "tokenizer_spm_nano.model"] {
            repository = repository.file(name, file(name));
        }
        for name in ["mimi.safetensors", "model.q4.safetensors", "model.q8.safetensors"] {
            repository = repository.lfs_file(name, file(name));
        }
        Self::with(repository, behaviour)
    }

    /// With a model on the hub whose weights are noise of this size.
    pub(crate) fn with_tiny(weights_bytes: u64, behaviour: impl Into<Behaviour>) -> Self {
        let repository = Repository::new("lab/tiny")
            .lfs_file("model.q4.safetensors", Content::random(1, weights_bytes))
            .lfs_file(MIMI, Content::random(2, 300_001))
            .file(TOKENIZER, Content::random(3, 1_234));
        Self::with(repository, behaviour)
    }

    fn with(repository: Repository, behaviour: impl Into<Behaviour>) -> Self {
        let hub = Hub::builder().repository(repository).behaviour(behaviour).start().unwrap();
        Self { hub, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.folder().join("library")
    }

    /// The program, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_moshibar"));
        for name in
            ["MOSHIBAR_LOG", "HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]
        {
            command.env_remove(name);
        }
        command
            .env("MOSHIBAR_ASSETS", repository().join("assets"))
            .env("MOSHIBAR_LIBRARY", self.library())
            .env("HOME", self.folder().join("home"))
            .env("XDG_DATA_HOME", self.folder().join("data"))
            .env("HF_HOME", self.folder().join("hf"))
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    /// A command that asks this hub.
    pub(crate) fn asking(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.args(["--endpoint", &self.hub.endpoint()]);
        command
    }

    /// Pulls with `--json`; it must succeed. Returns its lines.
    pub(crate) fn pull(&self, arguments: &[&str]) -> Vec<Value> {
        lines(&succeeded(self.asking(&["models", "pull", "--json"]).args(arguments)))
    }

    /// The one object of a command that must succeed and say nothing else.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        object(self.command(arguments).arg("--json"))
    }

    /// What a command prints for people; it must succeed.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(succeeded(&mut self.command(arguments)).stdout).unwrap()
    }

    /// The code and the sentence of a command that must fail.
    pub(crate) fn refusal(&self, exit_code: i32, arguments: &[&str]) -> (String, String) {
        refusal(exit_code, &mut self.command(arguments))
    }

    /// What `list` says of one model.
    pub(crate) fn entry(&self, name: &str) -> Option<Value> {
        let list = self.json(&["models", "list"]);
        list["models"].as_array().unwrap().iter().find(|model| model["name"] == name).cloned()
    }

    /// The whole files of the library, by the length of their names: a hash in hexadecimal.
    pub(crate) fn blobs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.library().join("blobs")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.file_name().unwrap().len() == 64).collect()
    }
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn nano() -> PathBuf {
    repository().join("assets/nano")
}

/// Runs to the end, which must be a good one.
pub(crate) fn succeeded(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The one object of a run with `--json` that must succeed and say nothing else.
pub(crate) fn object(command: &mut Command) -> Value {
    let output = succeeded(command);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "with --json nothing but JSON is said");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A stream of objects, each on a line of its own.
pub(crate) fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The code and the sentence of a run with `--json` that must fail; its last line is the error, which people read too.
pub(crate) fn refusal(exit_code: i32, command: &mut Command) -> (String, String) {
    let output = command.arg("--json").output().unwrap();
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(exit_code), "{errors}");
    assert_eq!(errors.lines().count(), 1, "one sentence: {errors}");
    let error = lines(&output).pop().unwrap()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert_eq!(errors.trim_end(), format!("moshibar: {message}"));
    (error["code"].as_str().unwrap().to_owned(), message.to_owned())
}

#[track_caller]
pub(crate) fn assert_says(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "'{part}' is not in: {sentence}");
    }
}
