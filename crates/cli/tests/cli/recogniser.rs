//! An independent ear: pocketsphinx, a speech recogniser, says which of the demo model's sentences a recording holds.

use std::path::Path;
use std::process::Command;

/// What `recognise.py` hears in recordings, one sentence each; empty where it hears none of these.
///
/// `MOSHIBAR_TEST_PYTHON` names a Python that has pocketsphinx; `make test` sets it up.
pub(crate) fn heard(recordings: &[&Path], sentences: &[String]) -> Vec<String> {
    let Ok(python) = std::env::var("MOSHIBAR_TEST_PYTHON") else {
        panic!("MOSHIBAR_TEST_PYTHON is not set: run `make test`, or set it to what scripts/test-setup.sh prints");
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/recognise.py");
    let mut command = Command::new(python);
    let output = command.arg(script).arg(sentences.join("\n")).args(recordings).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
