//! A person at a terminal, who is asked.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use moshibar_test_hub::{Behaviour, happens};

use crate::rig::{NANO, Rig, assert_says};
use crate::spoken::{Spoken, plain};
use crate::stopping::interrupt;

/// A talk whose input and errors are a terminal.
struct Person {
    talk: Child,
    keys: File,
    screen: Arc<Mutex<String>>,
}

impl Person {
    fn talks(rig: &Rig) -> Self {
        let (mut ours, mut theirs) = (0, 0);
        let (name, mode, size) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: both numbers are writable, and null asks for a terminal as it comes.
        let opened = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, name, mode, size) };
        assert_eq!(opened, 0);
        // SAFETY: openpty has just made both, and nobody else has them.
        let (ours, theirs) = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
        let (question, reply) = (Spoken::first().write(rig.folder()), rig.folder().join("reply.wav"));
        let mut talk = rig.command(&["talk", question.to_str().unwrap(), "-o", reply.to_str().unwrap()]);
        talk.args(["--greedy", "--device", "cpu"]);
        talk.args(["--model", NANO]).env("HF_ENDPOINT", rig.hub.endpoint()).stdout(Stdio::piped());
        let talk = talk.stdin(theirs.try_clone().unwrap()).stderr(theirs).spawn().unwrap();
        let (mut reader, screen) = (File::from(ours.try_clone().unwrap()), Arc::new(Mutex::new(String::new())));
        let shown = Arc::clone(&screen);
        // Ends with the terminal, which ends with the program.
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { talk, keys: File::from(ours), screen }
    }

    fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    fn waits_for(&self, words: &str) {
        assert!(happens(|| self.screen().contains(words)), "no '{words}': {}", self.screen());
    }
}

#[test]
fn who_says_yes_gets_the_model_and_its_answer() {
    let rig = Rig::with_nano(Behaviour::default());
    let mut person = Person::talks(&rig);
    person.waits_for("Download it now? [y/N] ");
    assert_says(&person.screen(), &["hf:lab/nano is not here", "127.0.0.1"]);
    assert_eq!(rig.hub.counters().requests, 0, "nothing happens before the answer");
    person.keys.write_all(b"y\n").unwrap();
    let mut said = String::new();
    person.talk.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(person.talk.wait().unwrap().code(), Some(0), "{}", person.screen());
    let words = said.lines().find_map(|line| line.strip_prefix("Moshi said: ")).unwrap_or_else(|| panic!("{said}"));
    let is_right = Spoken::first().replies.iter().any(|reply| plain(words).ends_with(reply));
    assert!(is_right, "{words}");
    assert_says(&person.screen(), &["Licence:   cc-by-4.0", " MB, all of it to come"]);
}

#[test]
fn who_says_nothing_or_leaves_gets_none() {
    let rig = Rig::with_nano(Behaviour::default());
    let mut person = Person::talks(&rig);
    person.waits_for("[y/N] ");
    person.keys.write_all(b"\n").unwrap();
    assert_eq!(person.talk.wait().unwrap().code(), Some(2));
    person.waits_for("moshibar models pull hf:lab/nano");

    let mut person = Person::talks(&rig);
    person.waits_for("[y/N] ");
    interrupt(&person.talk);
    assert_eq!(person.talk.wait().unwrap().code(), Some(130));
    assert_eq!(rig.hub.counters().requests, 0);
}
