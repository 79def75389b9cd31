//! A disk that is full: the talk hears of it once, and what was recorded can be read.

use std::process::Command;

use moshibar_session::recover_recordings;

use crate::child::recording;
use crate::readers::{frames_by_python, only_folder, words_in};

/// A disk of 512 kB, in a namespace of its own: 5 s of sound and some words.
#[test]
fn a_full_disk_ends_the_recording_and_not_the_talk() {
    let namespace = ["--user", "--map-root-user", "--mount", "sh", "-c"];
    let trial = Command::new("unshare").args(namespace).arg("mount -t tmpfs tmpfs /mnt").status();
    if !trial.is_ok_and(|status| status.success()) {
        println!("not tested: this machine lets nobody mount a small disk (unshare --user --mount)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (disk, copy) = (folder.path().join("disk"), folder.path().join("copy"));
    std::fs::create_dir(&disk).unwrap();
    let script =
        "disk=$1 copy=$2; shift 2; mount -t tmpfs -o size=512k tmpfs \"$disk\" && \"$@\" && cp -a \"$disk\" \"$copy\"";
    let child = recording(&disk, 200, false);
    let mut unshare = Command::new("unshare");
    unshare.args(namespace).args([script, "sh"]).args([&disk, &copy]);
    unshare.arg(child.get_program()).args(child.get_args());
    unshare.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = unshare.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("frame 199 "), "the talk went on");
    assert_eq!(said.matches("\nfailed the recording stopped after").count(), 1, "{said}");
    assert!(said.contains("because the disk is full; free some space or choose another disk\n"), "{said}");
    assert!(said.contains("\nnot finished the recording stopped after"));

    let recorded = only_folder(&copy);
    let frames = frames_by_python(&recorded.join("talk.wav"));
    println!("{frames} frames of 200 lie on the full disk");
    assert!((20..100).contains(&frames));
    // The words come after the sound, and may lack up to a second where the disk had no room for them.
    for recovered in recover_recordings(&copy) {
        recovered.unwrap();
    }
    let words = words_in(&recorded);
    println!("{words} words");
    assert!((frames.saturating_sub(12)..=200).contains(&words));
}
