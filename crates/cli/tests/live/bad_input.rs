//! What cannot work is one sentence with the way out, and the exit code says whose turn it is.

use std::process::{Output, Stdio};

use crate::rig::Rig;

/// The sentence of a talk that must fail with this exit code, in a rig.
fn refusal(rig: &Rig, exit_code: i32, arguments: &[&str]) -> String {
    let program = rig.command(env!("CARGO_BIN_EXE_moshibar"), ["live"]).args(arguments).stdin(Stdio::null()).output();
    sentence(exit_code, &program.unwrap())
}

fn sentence(exit_code: i32, output: &Output) -> String {
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(exit_code), "{errors}");
    let last = errors.lines().last().unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    last.strip_prefix("moshibar: ").unwrap_or_else(|| panic!("who says that? {errors}")).to_owned()
}

#[test]
fn an_unknown_device_is_refused_and_the_nearest_is_named() {
    let Some(rig) = Rig::start(None) else { return };
    for option in ["--input-device", "--output-device"] {
        let name = if option == "--input-device" { "Virtual microfone" } else { "virtual speker" };
        let sentence = refusal(&rig, 2, &["--loopback", option, name]);
        assert!(sentence.contains(name) && sentence.contains("moshibar devices"), "{sentence}");
        let nearest = if option == "--input-device" { "Virtual microphone" } else { "Virtual speaker" };
        assert!(sentence.contains(nearest), "{sentence}");
    }
}

#[test]
fn a_folder_that_takes_no_recording_is_said_before_anybody_talks() {
    let Some(rig) = Rig::start(None) else { return };
    let sentence = refusal(&rig, 1, &["--loopback", "--record", "/proc/talks"]);
    assert!(sentence.contains("/proc/talks"), "{sentence}");
}

#[test]
fn a_model_that_does_not_load_is_one_sentence_and_leaves_the_devices_alone() {
    let Some(rig) = Rig::start(None) else { return };
    let folder = tempfile::tempdir().unwrap();
    let nano = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/nano");
    for entry in nano.read_dir().unwrap() {
        let file = entry.unwrap();
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let weights = folder.path().join("model.q4.safetensors");
    let half = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &half[..half.len() / 2]).unwrap();
    let model = folder.path().to_str().unwrap();
    let sentence = refusal(&rig, 1, &["--device", "cpu", "--quality", "q4", "--model", model]);
    assert!(sentence.contains("model.q4.safetensors"), "{sentence}");
    drop(rig.start_talk(["--loopback"])); // the next talk finds its devices
}

#[test]
fn without_any_sound_system_the_way_out_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_moshibar"))
        .args(["live", "--loopback", "--quiet"])
        .env("XDG_RUNTIME_DIR", empty.path())
        .env_remove("PIPEWIRE_REMOTE")
        .env_remove("PIPEWIRE_RUNTIME_DIR")
        .env("ALSA_CONFIG_PATH", "/dev/null") // a machine without sound cards, whatever this one has
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let sentence = sentence(1, &output);
    assert!(sentence.contains("microphone"), "{sentence}");
}
