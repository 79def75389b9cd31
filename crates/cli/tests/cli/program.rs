//! Running `moshibar`, and what every run must keep to.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn nano() -> PathBuf {
    repository().join("assets/nano")
}

pub(crate) fn demo(word: &str) -> PathBuf {
    repository().join("assets/demo").join(word).with_extension("wav")
}

/// The program, not yet started, in an environment of its own and on the CPU's model folder.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_moshibar"));
    command.env("MOSHIBAR_ASSETS", repository().join("assets")).env_remove("MOSHIBAR_LOG");
    command
}

/// Runs the program to its end.
pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    command().args(arguments).output().unwrap()
}

/// Runs with `--json` and returns its object; it must succeed and say nothing else.
pub(crate) fn json<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Value {
    let output = command().args(arguments).arg("--json").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(errors, "", "with --json nothing but the object is said");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The sentence of a run that must fail with this exit code: one line, on standard error, nothing on standard output.
pub(crate) fn refusal<A: AsRef<OsStr>>(exit_code: i32, arguments: impl IntoIterator<Item = A>) -> String {
    sentence(exit_code, &run(arguments))
}

/// As [`refusal`], of a run that is over.
pub(crate) fn sentence(exit_code: i32, output: &Output) -> String {
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(exit_code), "{errors}");
    assert_eq!(errors.lines().count(), 1, "one sentence: {errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    errors.strip_prefix("moshibar: ").unwrap_or_else(|| panic!("who says that? {errors}")).trim_end().to_owned()
}

/// What is in a folder, hidden files too.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A copy of a model's folder that can be damaged.
pub(crate) fn copy_of(model: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names_in(model) {
        let from = model.join(&name);
        if from.is_file() {
            // Not fs::copy, which would copy a read-only mode too.
            std::fs::write(folder.path().join(&name), std::fs::read(from).unwrap()).unwrap();
        }
    }
    folder
}
