//! What the recorder's thread writes to: the files of one talk, each as complete as it can be at every moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::ZonedDateTime;
use moshibar_audio::{AudioError, Clock, FRAME_SAMPLES, GrowingWav};
use serde_json::Value;

use crate::recording::error::RecordingError;
use crate::recording::folder::TalkFolder;
use crate::recording::ring::{Piece, RecordedFrame};
use crate::recording::talk_file::{SoundFile, State, TalkFile};
use crate::recording::words::Words;
use crate::recording::{End, RecordingSummary};

/// While the recorder catches up, the header counts again after this many frames, almost a second.
const PUBLISH_FRAMES: u64 = 12;

/// What can be recorded on.
pub(super) trait Tape: Send {
    fn folder(&self) -> &Path;

    /// Appends a frame, and the silence before it.
    fn write(&mut self, frame: &RecordedFrame) -> Result<(), AudioError>;

    /// Takes a piece of a word.
    fn hear(&mut self, piece: &Piece);

    /// Makes everything so far survive the death of this process.
    fn save(&mut self) -> Result<(), AudioError>;

    /// Completes all files.
    fn finish(self, end: End) -> Result<RecordingSummary, RecordingError>;

    /// Completes what can be completed after a failure.
    fn give_up(self, reason: AudioError) -> RecordingError;
}

/// The folder of one talk.
pub(super) struct FolderTape {
    folder: PathBuf,
    wav: GrowingWav,
    frames_in_wav: u64,
    most_frames: u64,
    unpublished_frames: u64,
    /// The finished parts of the sound; `wav` comes after them.
    parts: Vec<SoundFile>,
    words: Words,
    talk: TalkFile,
}

impl FolderTape {
    /// Opens all files. No part of the sound gets longer than `most_frames`.
    pub(super) fn create(
        folder: TalkFolder,
        now: &ZonedDateTime,
        settings: Value,
        most_frames: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AudioError> {
        let folder = folder.path;
        let wav = GrowingWav::create(folder.join(TalkFolder::sound_name(1)))?;
        let words = Words::create(&folder, clock)?;
        let talk = TalkFile::new(now, settings);
        talk.write(&folder)?;
        Ok(Self { folder, wav, frames_in_wav: 0, most_frames, unpublished_frames: 0, parts: Vec::new(), words, talk })
    }

    fn append(&mut self, moments: &[[i16; 2]; FRAME_SAMPLES]) -> Result<(), AudioError> {
        if self.frames_in_wav == self.most_frames {
            self.next_part()?;
        }
        self.wav.append(moments)?;
        self.talk.frames += 1;
        self.frames_in_wav += 1;
        self.unpublished_frames += 1;
        if self.unpublished_frames >= PUBLISH_FRAMES { self.publish() } else { Ok(()) }
    }

    fn publish(&mut self) -> Result<(), AudioError> {
        self.unpublished_frames = 0;
        self.wav.publish()
    }

    fn next_part(&mut self) -> Result<(), AudioError> {
        self.parts.push(self.sound_file());
        let next = GrowingWav::create(self.folder.join(TalkFolder::sound_name(self.parts.len() + 1)))?;
        self.frames_in_wav = 0;
        std::mem::replace(&mut self.wav, next).finish()?;
        self.talk.sound.clone_from(&self.parts);
        self.talk.write(&self.folder)
    }

    fn sound_file(&self) -> SoundFile {
        let start = self.parts.iter().map(|part| part.duration).sum();
        SoundFile { file: TalkFolder::sound_name(self.parts.len() + 1), start, duration: self.wav.duration() }
    }

    fn recorded(&self) -> Duration {
        self.parts.iter().map(|part| part.duration).sum::<Duration>() + self.wav.duration()
    }

    /// Each file in turn, even if one before it could not be completed; the first failure is told.
    fn complete(mut self, end: End) -> Result<RecordingSummary, AudioError> {
        self.parts.push(self.sound_file());
        let Self { folder, wav, parts, words, mut talk, .. } = self;
        let sound = parts.iter().map(|part| part.file.clone()).collect();
        talk.end(end.state, end.outcome, parts);
        let summary = RecordingSummary {
            folder: folder.clone(),
            sound,
            duration: talk.duration,
            clipped_samples: talk.clipped_samples,
        };
        let wav = wav.finish().map(drop);
        let talk = talk.write(&folder);
        let words = words.finish();
        wav.and(words).and(talk).map(|()| summary)
    }
}

impl Tape for FolderTape {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&mut self, frame: &RecordedFrame) -> Result<(), AudioError> {
        for _ in 0..frame.gap_frames {
            self.append(&[[0; 2]; FRAME_SAMPLES])?;
            self.talk.missing_frames += 1;
        }
        self.append(&frame.moments)?;
        self.talk.clipped_samples += frame.clipped_samples;
        Ok(())
    }

    fn hear(&mut self, piece: &Piece) {
        self.words.push(piece);
    }

    fn save(&mut self) -> Result<(), AudioError> {
        self.publish()?;
        self.words.save()
    }

    fn finish(mut self, end: End) -> Result<RecordingSummary, RecordingError> {
        let (folder, recorded) = (self.folder.clone(), self.recorded());
        let mut result = Ok(());
        for _ in 0..end.gap_frames {
            result = result.and_then(|()| self.append(&[[0; 2]; FRAME_SAMPLES]));
            self.talk.missing_frames += 1;
        }
        result.and_then(|()| self.complete(end)).map_err(|reason| RecordingError::Stopped {
            folder,
            recorded,
            reason: Arc::new(reason),
        })
    }

    fn give_up(self, reason: AudioError) -> RecordingError {
        let (folder, recorded) = (self.folder.clone(), self.recorded());
        let state = State::Stopped { reason: reason.to_string() };
        if let Err(further) = self.complete(End { state, outcome: Value::Null, gap_frames: 0 }) {
            tracing::debug!(%further, "not all files of the recording could be completed");
        }
        RecordingError::Stopped { folder, recorded, reason: Arc::new(reason) }
    }
}
