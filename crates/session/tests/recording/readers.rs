//! Readers of recordings that share nothing with the code under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use moshibar_session::FRAME_SAMPLES;
use serde_json::Value;

use crate::child::{value_of, word_of};

/// The one recording in `directory`.
pub(crate) fn only_folder(directory: &Path) -> PathBuf {
    let folders: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders[0].clone()
}

/// How many whole frames Python's `wave` module finds in a recording of [`child`](crate::child), all of them right.
pub(crate) fn frames_by_python(wav: &Path) -> u64 {
    let script = "import sys, wave\n\
        with wave.open(sys.argv[1]) as w:\n\
        \x20   assert (w.getnchannels(), w.getframerate(), w.getsampwidth()) == (2, 24000, 2), w.getparams()\n\
        \x20   sys.stdout.buffer.write(w.readframes(w.getnframes()))\n";
    let output = Command::new("python3").args(["-c", script]).arg(wav).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let moments: Vec<[i16; 2]> = output
        .stdout
        .as_chunks::<4>()
        .0
        .iter()
        .map(|m| [i16::from_le_bytes([m[0], m[1]]), i16::from_le_bytes([m[2], m[3]])])
        .collect();
    assert_eq!((output.stdout.len() % 4, moments.len() % FRAME_SAMPLES), (0, 0), "whole frames");
    for (index, frame) in moments.chunks_exact(FRAME_SAMPLES).enumerate() {
        let value = value_of(index as u64);
        assert!(frame.iter().all(|moment| *moment == [value, -value]), "frame {index} of {}", wav.display());
    }
    (moments.len() / FRAME_SAMPLES) as u64
}

/// How many words the three transcripts have, which must be the first that [`child`](crate::child) says, in each of them.
pub(crate) fn words_in(folder: &Path) -> u64 {
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let json: Value = serde_json::from_str(&text("transcript.json")).unwrap();
    let words: Vec<&str> =
        json["words"].as_array().unwrap().iter().map(|word| word["text"].as_str().unwrap()).collect();
    for (index, word) in words.iter().enumerate() {
        assert_eq!(*word, word_of(index as u64));
        let start = json["words"][index]["start_seconds"].as_f64().unwrap();
        assert!((start - index as f64 * 0.08).abs() < 1e-9, "{word} at {start}");
    }
    for page in [text("transcript.md"), text("transcript.srt")] {
        let said = page
            .split_whitespace()
            .filter(|word| word.strip_prefix('w').is_some_and(|rest| rest.parse::<u64>().is_ok()))
            .map(str::to_owned);
        assert!(said.eq(words.iter().map(|word| (*word).to_owned())), "{page}");
    }
    words.len() as u64
}
