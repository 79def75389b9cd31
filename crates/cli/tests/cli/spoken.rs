//! What people say to the demo model in the tests, and what it may answer: `testdata/nano/spoken.json`, beside the sound.
//!
//! A list of `{ "file": "seven.wav", "replies": ["you said seven"] }`. The model may greet by itself when a talk begins, so every test
//! is silent first, and what counts as the answer is what is said after the word began. `"lead_seconds"` says how long, where
//! it is not [`LEAD_SECONDS`]. `"live": true` has those that are said in real time too, where a word begins anywhere in a frame: words
//! that are understood wherever that is (`dialogues`, an ignored test, tries them).

// Each of the test programs that share this file needs another part of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The engine's rate.
pub(crate) const RATE_HZ: u32 = 24_000;
/// Silence before anybody speaks: a greeting is over by then.
const LEAD_SECONDS: f64 = 4.0;
/// Silence after a word: the answer begins within a second, and takes two at most.
pub(crate) const TAIL_SECONDS: f64 = 3.0;

/// One thing to say.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    /// The name of its file, without its end.
    pub(crate) name: String,
    /// Mono, at [`RATE_HZ`].
    pub(crate) samples: Vec<f32>,
    /// Silence before it.
    lead_seconds: f64,
    /// Whether it is said in real time too.
    live: bool,
    /// The answers any of which is right, in plain words.
    pub(crate) replies: Vec<String>,
}

#[derive(Deserialize)]
struct Line {
    file: String,
    replies: Vec<String>,
    lead_seconds: Option<f64>,
    #[serde(default)]
    live: bool,
}

impl Spoken {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let folder = repository().join("testdata/nano");
        let lines: Vec<Line> = read_json(&folder.join("spoken.json"));
        assert!(!lines.is_empty());
        lines
            .into_iter()
            .map(|Line { file, replies, lead_seconds, live }| {
                let path = folder.join(file);
                let samples = moshibar_audio::read_wav(&path).unwrap().at_engine_rate().unwrap();
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                let lead_seconds = lead_seconds.unwrap_or(LEAD_SECONDS);
                Self { name, samples, lead_seconds, live, replies: replies.iter().map(|reply| plain(reply)).collect() }
            })
            .collect()
    }

    /// Those that are said in real time.
    pub(crate) fn live() -> Vec<Self> {
        let live: Vec<Self> = Self::all().into_iter().filter(|spoken| spoken.live).collect();
        assert!(!live.is_empty());
        live
    }

    /// The first of them, for tests that need any.
    pub(crate) fn first() -> Self {
        Self::all().swap_remove(0)
    }

    /// The same, said so much later.
    pub(crate) fn later(mut self, seconds: f64) -> Self {
        self.lead_seconds += seconds;
        self
    }

    /// As somebody says it who lets the model greet first.
    pub(crate) fn after_a_pause(&self) -> Vec<f32> {
        let mut samples = vec![0.0; (self.lead_seconds * f64::from(RATE_HZ)) as usize];
        samples.extend(&self.samples);
        samples
    }

    /// [`after_a_pause`](Self::after_a_pause) as a file in this folder.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("said-{}.wav", self.name));
        write_wav(&path, &self.after_a_pause(), RATE_HZ);
        path
    }

    /// What is right in the words of a talk in which [`after_a_pause`](Self::after_a_pause) was said.
    #[track_caller]
    pub(crate) fn assert_answered(&self, words: &Value) {
        self.assert_right(&self.answer(words), "in writing");
    }

    /// What was said after it in such a talk.
    pub(crate) fn answer(&self, words: &Value) -> String {
        said_between(words, onset_seconds(&self.after_a_pause(), RATE_HZ), f64::INFINITY)
    }

    /// Whether that is one of the right answers.
    pub(crate) fn is_right(&self, said: &str) -> bool {
        self.replies.iter().any(|reply| reply == said)
    }

    /// That somebody wrote or heard one of the right answers.
    #[track_caller]
    pub(crate) fn assert_right(&self, said: &str, how: &str) {
        assert!(self.is_right(said), "{}, {how}: '{said}' is none of {:?}", self.name, self.replies);
    }
}

/// Every sentence that the demo model may say, in plain words: what a recogniser has to tell apart.
pub(crate) fn sentences() -> Vec<String> {
    let mut all: Vec<String> = Spoken::all().into_iter().flat_map(|spoken| spoken.replies).collect();
    let others = repository().join("assets/nano/replies.json");
    if others.is_file() {
        all.extend(read_json::<Vec<String>>(&others).iter().map(|reply| plain(reply)));
    }
    all.sort();
    all.dedup();
    all
}

/// The words that began in this time, in plain words. `words`: as `moshibar` writes them, with `text` and `start_seconds`.
pub(crate) fn said_between(words: &Value, from_seconds: f64, until_seconds: f64) -> String {
    let words = words.as_array().unwrap();
    let began = |word: &Value| word["start_seconds"].as_f64().unwrap();
    let in_time = words.iter().filter(|word| (from_seconds..until_seconds).contains(&began(word)));
    plain(&in_time.map(|word| word["text"].as_str().unwrap()).collect::<Vec<_>>().join(" "))
}

/// Without case and punctuation.
pub(crate) fn plain(text: &str) -> String {
    let letters = text.chars().filter(|letter| letter.is_alphanumeric() || letter.is_whitespace() || *letter == '\'');
    letters.collect::<String>().to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// When somebody begins to speak.
pub(crate) fn onset_seconds(samples: &[f32], rate_hz: u32) -> f64 {
    let loudest = samples.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
    let first = samples.iter().position(|sample| sample.abs() > loudest / 10.0).unwrap();
    first as f64 / f64::from(rate_hz)
}

/// What is said from a moment on.
pub(crate) fn part(samples: &[f32], rate_hz: u32, from_seconds: f64, until_seconds: f64) -> &[f32] {
    let at = |seconds: f64| ((seconds * f64::from(rate_hz)) as usize).min(samples.len());
    &samples[at(from_seconds)..at(until_seconds)]
}

/// Mono, 16 bits.
pub(crate) fn write_wav(path: &Path, samples: &[f32], rate_hz: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in samples {
        writer.write_sample((sample * 32_768.0).round() as i16).unwrap();
    }
    writer.finalize().unwrap();
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
