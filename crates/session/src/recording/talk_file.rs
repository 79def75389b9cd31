//! `talk.json`: what the talk was, how it was recorded, and why it ended.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jiff::ZonedDateTime;
use moshibar_audio::{AtomicFile, AudioError, FRAME_DURATION, SAMPLE_RATE_HZ};
use serde::Serialize;
use serde_json::Value;

use crate::recording::folder::TALK;
use crate::transcript::as_seconds;

/// How far a recording got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum State {
    /// It goes on, or its process died.
    Recording,
    /// It has the whole talk.
    Finished,
    /// The disk was more than ten seconds behind.
    DiskTooSlow,
    /// The disk refused.
    Stopped { reason: String },
}

/// One sound file of the talk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SoundFile {
    pub(super) file: String,
    /// Where it begins in the talk.
    #[serde(rename = "start_seconds", serialize_with = "as_seconds")]
    pub(super) start: Duration,
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub(super) duration: Duration,
}

/// The content of the file.
#[derive(Debug, Serialize)]
pub(super) struct TalkFile {
    program: &'static str,
    /// With the local time zone.
    started: String,
    #[serde(flatten)]
    state: State,
    sample_rate_hz: u32,
    channels: [&'static str; 2],
    pub(super) sound: Vec<SoundFile>,
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub(super) duration: Duration,
    pub(super) frames: u64,
    /// Frames, of those above, that the talk had to skip: silence in the sound.
    pub(super) missing_frames: u64,
    pub(super) clipped_samples: u64,
    settings: Value,
    outcome: Value,
}

impl TalkFile {
    pub(super) fn new(now: &ZonedDateTime, settings: Value) -> Self {
        Self {
            program: concat!("moshibar ", env!("CARGO_PKG_VERSION")),
            started: now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            state: State::Recording,
            sample_rate_hz: SAMPLE_RATE_HZ,
            channels: ["user", "moshi"],
            sound: Vec::new(),
            duration: Duration::ZERO,
            frames: 0,
            missing_frames: 0,
            clipped_samples: 0,
            settings,
            outcome: Value::Null,
        }
    }

    pub(super) fn end(&mut self, state: State, outcome: Value, sound: Vec<SoundFile>) {
        self.state = state;
        self.outcome = outcome;
        self.duration = FRAME_DURATION.saturating_mul(u32::try_from(self.frames).unwrap_or(u32::MAX));
        self.sound = sound;
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), AudioError> {
        write_json(folder, self)
    }
}

/// Replaces the file.
pub(super) fn write_json(folder: &Path, content: &impl Serialize) -> Result<(), AudioError> {
    let path = folder.join(TALK);
    let mut file = AtomicFile::create_private(&path)?;
    serde_json::to_writer_pretty(&mut file, content)
        .map_err(std::io::Error::from)
        .and_then(|()| writeln!(file))
        .map_err(|reason| AudioError::writing(&path, reason))?;
    file.commit()
}
