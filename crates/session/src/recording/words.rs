//! The words of a recording: every piece goes to a journal at once, and now and then the transcripts are written anew.
//!
//! A transcript grows with the talk, so writing it takes ever longer: after one that took `t`, the next waits for 50 `t`,
//! at least a second. That bounds the work to 2 % of the recorder's time, however long the talk is. What the transcripts
//! do not have yet, the journal has: [`recover_recordings`](super::recover_recordings) brings it in if the process dies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use moshibar_audio::{AtomicFile, AudioError, Clock};
use serde::{Deserialize, Serialize};

use crate::recording::folder::WORDS;
use crate::recording::ring::Piece;
use crate::transcript::{Speaker, Transcript};

/// The shortest time between two transcripts.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// Of the time since the last transcript, the part that the next may take is one in this many.
const COST_FACTOR: u32 = 50;

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
struct Line<'a> {
    speaker: Speaker,
    frame: u64,
    #[serde(borrow)]
    piece: std::borrow::Cow<'a, str>,
}

/// The words so far, and the files that hold them.
pub(super) struct Words {
    folder: PathBuf,
    journal: File,
    /// Lines that are not in the journal yet.
    lines: Vec<u8>,
    transcript: Transcript,
    /// Whether the transcripts on disk lack a word.
    is_behind: bool,
    next_at: Duration,
    clock: Arc<dyn Clock>,
}

impl Words {
    /// Opens the journal, and locks it for as long as this process lives.
    pub(super) fn create(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, AudioError> {
        let path = folder.join(WORDS);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let journal = options.open(&path).map_err(|reason| AudioError::writing(&path, reason))?;
        // Where a file system knows no locks, an unfinished recording is never taken for an abandoned one: see `abandoned`.
        journal.try_lock().ok();
        let mut words = Self::over(folder, journal, Transcript::default(), clock);
        words.write_transcripts()?;
        Ok(words)
    }

    /// The words of a recording whose process died; `None` if it goes on, or has no journal.
    pub(super) fn abandoned(folder: &Path, clock: Arc<dyn Clock>) -> Result<Option<Self>, AudioError> {
        let path = folder.join(WORDS);
        let journal = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(reason) if matches!(reason.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            opened => opened.map_err(|reason| AudioError::reading(&path, reason))?,
        };
        if journal.try_lock().is_err() {
            return Ok(None);
        }
        let content = fs::read(&path).map_err(|reason| AudioError::reading(&path, reason))?;
        let mut transcript = Transcript::default();
        // A line that the process could not complete is the last one, and no JSON.
        for line in content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Ok(Line { speaker, frame, piece }) = serde_json::from_slice(line) {
                transcript.push(speaker, frame, &piece);
            }
        }
        Ok(Some(Self::over(folder, journal, transcript, clock)))
    }

    fn over(folder: &Path, journal: File, transcript: Transcript, clock: Arc<dyn Clock>) -> Self {
        let folder = folder.to_path_buf();
        Self { folder, journal, lines: Vec::new(), transcript, is_behind: false, next_at: Duration::ZERO, clock }
    }

    /// Takes a piece of a word.
    pub(super) fn push(&mut self, piece: &Piece) {
        let Piece { speaker, frame, .. } = *piece;
        self.transcript.push(speaker, frame, piece.text());
        let line = Line { speaker, frame, piece: piece.text().into() };
        if serde_json::to_writer(&mut self.lines, &line).is_ok() {
            self.lines.push(b'\n');
        }
        self.is_behind = true;
    }

    /// Brings the journal up to date, and the transcripts if it is time.
    pub(super) fn save(&mut self) -> Result<(), AudioError> {
        self.write_lines()?;
        let begins_at = self.clock.now();
        if self.is_behind && begins_at >= self.next_at {
            self.write_transcripts()?;
            let ends_at = self.clock.now();
            let cost = ends_at.saturating_sub(begins_at);
            self.next_at = ends_at + SHORTEST_INTERVAL.max(cost.saturating_mul(COST_FACTOR));
        }
        Ok(())
    }

    /// Writes the transcripts a last time. The journal is not needed after that; if they cannot be written, it stays.
    pub(super) fn finish(mut self) -> Result<(), AudioError> {
        self.write_lines()?;
        self.write_transcripts()?;
        let path = self.folder.join(WORDS);
        fs::remove_file(&path).map_err(|reason| AudioError::writing(&path, reason))
    }

    fn write_lines(&mut self) -> Result<(), AudioError> {
        let written = self.journal.write_all(&self.lines);
        self.lines.clear();
        written.map_err(|reason| AudioError::writing(&self.folder.join(WORDS), reason))
    }

    fn write_transcripts(&mut self) -> Result<(), AudioError> {
        type Render = fn(&Transcript, &mut AtomicFile) -> io::Result<()>;
        let formats: [(&str, Render); 3] = [
            ("transcript.md", |words, file| words.write_markdown(file)),
            ("transcript.srt", |words, file| words.write_srt(file)),
            ("transcript.json", |words, file| words.write_json(file)),
        ];
        for (name, render) in formats {
            let path = self.folder.join(name);
            let mut file = AtomicFile::create_private(&path)?;
            render(&self.transcript, &mut file).map_err(|reason| AudioError::writing(&path, reason))?;
            file.commit()?;
        }
        self.is_behind = false;
        Ok(())
    }
}
