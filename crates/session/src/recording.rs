//! Records a live talk into a folder of its own: sound, words, and what the talk was. Only where the user asked for it.
//!
//! The talk hands over frames and never waits: they lie in a ring until the thread `moshibar-recorder` has written them.
//! At most a quarter of a second is on its way, so that is what the death of the process costs. A disk that is full, gone,
//! or ten seconds behind ends the recording and not the talk; what is on it stays readable.
//!
//! In the folder: `talk.wav` (user left, Moshi right; `talk-2.wav` and so on after 12 hours), `talk.json`, and
//! `transcript.md`, `.srt` and `.json`.

mod error;
mod folder;
mod recovery;
mod ring;
mod talk_file;
mod tape;
mod words;

#[cfg(test)]
mod recorder_tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread;
use std::time::Duration;

use moshibar_audio::{FRAME_DURATION, Frame, GrowingWav, SystemClock};
use serde::Serialize;
use serde_json::Value;

pub use error::RecordingError;
pub use recovery::recover_recordings;

use folder::TalkFolder;
use ring::{Backlog, RingEnd, ring};
use tape::{FolderTape, Tape};

use crate::transcript::{Speaker, as_seconds};

/// How often the disk is written to. A dead process loses this much, and the time of one write.
const WRITE_INTERVAL: Duration = Duration::from_millis(250);

/// How long the end of a talk waits for a disk that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Records one talk.
///
/// **State** counts the frames that it was given, and the gaps between them: that is the time in all files. Dropped, it
/// finishes as well as it can.
pub struct Recorder {
    ring: RingEnd,
    end: Sender<End>,
    done: Receiver<Result<RecordingSummary, RecordingError>>,
    folder: PathBuf,
    frames: u64,
    gap_frames: u64,
    failure: Option<RecordingError>,
    is_failure_reported: bool,
    is_over: bool,
}

/// What a recording came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordingSummary {
    /// Where it lies.
    pub folder: PathBuf,
    /// The names of its sound files, in order.
    pub sound: Vec<String>,
    /// How long they play together.
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub duration: Duration,
    /// Samples beyond full scale, or not numbers, that 16 bits had to change.
    pub clipped_samples: u64,
}

/// How the talk asks the recorder's thread to end.
#[derive(Debug)]
struct End {
    state: talk_file::State,
    outcome: Value,
    /// Frames that were missed after the last one.
    gap_frames: u64,
}

impl Recorder {
    /// Makes a folder for this talk in `directory`, named after the time, and starts to record. `settings` go into
    /// `talk.json` as they are: seed, model, quality, sampling, devices.
    ///
    /// A `directory` that is not there is made, but not the folders above it. Nobody but the user can read what is recorded.
    ///
    /// # Errors
    /// [`RecordingError`] if the folder or its files cannot be made.
    pub fn start(directory: impl AsRef<Path>, settings: Value) -> Result<Self, RecordingError> {
        if directory.as_ref().is_file() {
            return Err(RecordingError::NotAFolder { path: directory.as_ref().to_path_buf() });
        }
        let start = || {
            let now = jiff::ZonedDateTime::now();
            let folder = TalkFolder::create(directory.as_ref(), &now)?;
            let most_frames = GrowingWav::MOST_MOMENTS / moshibar_audio::FRAME_SAMPLES as u64;
            FolderTape::create(folder, &now, settings, most_frames, Arc::new(SystemClock::default()))
        };
        let tape = start().map_err(|reason| RecordingError::CannotStart { reason: Arc::new(reason) })?;
        Self::over(tape)
    }

    /// `tape` is what the thread writes to; tests give one that is slow.
    fn over(tape: impl Tape + 'static) -> Result<Self, RecordingError> {
        let folder = tape.folder().to_path_buf();
        let (ring, backlog) = ring();
        let (end, ends) = mpsc::channel();
        let (tell, done) = mpsc::channel();
        let about_panic = RecordingError::Broken { folder: folder.clone() };
        let work = move || {
            // The tape's state does not matter any more once it has panicked: it is only dropped.
            let work = std::panic::AssertUnwindSafe(|| record(tape, backlog, &ends));
            tell.send(std::panic::catch_unwind(work).unwrap_or(Err(about_panic))).ok(); // nobody may be listening
        };
        thread::Builder::new()
            .name("moshibar-recorder".to_owned())
            .spawn(work)
            .map_err(|reason| RecordingError::NoThread { reason: Arc::new(reason) })?;
        Ok(Self {
            ring,
            end,
            done,
            folder,
            frames: 0,
            gap_frames: 0,
            failure: None,
            is_failure_reported: false,
            is_over: false,
        })
    }

    /// Takes one frame of the talk, and the piece of a word that Moshi said in it. Returns at once, whatever the disk does,
    /// and allocates nothing. After a failure it does nothing.
    pub fn frame(&mut self, user: &Frame, moshi: &Frame, text: Option<&str>) {
        if self.is_over {
            return;
        }
        let has_room = text.is_none_or(|text| self.ring.push_piece(Speaker::Moshi, self.frames, text))
            && self.ring.push_frame(self.gap_frames, user, moshi);
        if !has_room {
            let recorded = FRAME_DURATION.saturating_mul(u32::try_from(self.frames).unwrap_or(u32::MAX));
            self.fail(RecordingError::TooSlow { folder: self.folder.clone(), recorded });
            self.ask_for_end(talk_file::State::DiskTooSlow, Value::Null);
            return;
        }
        self.frames += 1;
        self.gap_frames = 0;
    }

    /// Leaves a silence for `frames` that the talk had to skip, so that what follows lies at its right time.
    pub fn gap(&mut self, frames: u64) {
        self.gap_frames += frames;
        self.frames += frames;
    }

    /// Why the recording stopped, if it did; told once. To be asked now and then, for instance with every frame.
    pub fn failure(&mut self) -> Option<RecordingError> {
        if !self.is_over {
            match self.done.try_recv() {
                Ok(Err(failure)) => self.fail(failure),
                Err(TryRecvError::Disconnected) => self.fail(RecordingError::Broken { folder: self.folder.clone() }),
                Ok(Ok(_)) | Err(TryRecvError::Empty) => {}
            }
        }
        if std::mem::replace(&mut self.is_failure_reported, true) { None } else { self.failure.clone() }
    }

    /// Where this talk is recorded.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes what is left and closes the files. `outcome` goes into `talk.json`: why the talk ended, frames dropped.
    ///
    /// Waits for the disk, but for no more than five seconds.
    ///
    /// # Errors
    /// [`RecordingError`] if the recording stopped before, or if its last part could not be written.
    pub fn finish(mut self, outcome: Value) -> Result<RecordingSummary, RecordingError> {
        self.finish_in_place(outcome)
    }

    fn finish_in_place(&mut self, outcome: Value) -> Result<RecordingSummary, RecordingError> {
        if !std::mem::replace(&mut self.is_over, true) {
            self.ask_for_end(talk_file::State::Finished, outcome);
            match self.done.recv_timeout(PATIENCE) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => {
                    self.failure = Some(RecordingError::Broken { folder: self.folder.clone() });
                }
                Err(RecvTimeoutError::Timeout) => {
                    let recorded = FRAME_DURATION.saturating_mul(u32::try_from(self.frames).unwrap_or(u32::MAX));
                    self.failure = Some(RecordingError::TooSlow { folder: self.folder.clone(), recorded });
                }
            }
        }
        Err(self.failure.clone().unwrap_or_else(|| RecordingError::Broken { folder: self.folder.clone() }))
    }

    fn fail(&mut self, failure: RecordingError) {
        tracing::warn!(%failure, "recording stopped");
        self.failure = Some(failure);
        self.is_failure_reported = false;
        self.is_over = true;
    }

    fn ask_for_end(&self, state: talk_file::State, outcome: Value) {
        self.end.send(End { state, outcome, gap_frames: self.gap_frames }).ok(); // the thread may have failed already
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if !self.is_over
            && let Err(failure) = self.finish_in_place(Value::Null)
        {
            tracing::warn!(%failure, "recording not finished");
        }
    }
}

/// The recorder's thread: writes what has come, a few times a second, until it is asked to end or the disk refuses.
fn record(mut tape: impl Tape, mut backlog: Backlog, ends: &Receiver<End>) -> Result<RecordingSummary, RecordingError> {
    let end = loop {
        let end = match ends.recv_timeout(WRITE_INTERVAL) {
            Ok(end) => Some(end),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(End { state: talk_file::State::Finished, outcome: Value::Null, gap_frames: 0 })
            }
        };
        if let Err(reason) = backlog.write_to(&mut tape) {
            return Err(tape.give_up(reason));
        }
        if let Some(end) = end {
            break end;
        }
    };
    tape.finish(end)
}
