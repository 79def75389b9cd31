//! Why a talk is not, or no longer, recorded. The talk itself goes on in every case.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use moshibar_audio::AudioError;

/// Why a talk is not, or no longer, recorded.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The folder or a file could not be made.
    #[error("cannot record the talk: {reason}")]
    CannotStart {
        /// What stands in the way, and the way out.
        reason: Arc<AudioError>,
    },
    /// A file was named where a folder belongs.
    #[error("cannot record the talk in {} because that is a file; name a folder", path.display())]
    NotAFolder {
        /// What was named.
        path: PathBuf,
    },
    /// The system gave us no thread.
    #[error("cannot record the talk because the system starts no more threads ({reason}); close other programs")]
    NoThread {
        /// What the operating system said.
        reason: Arc<io::Error>,
    },
    /// The disk refused, for instance because it is full.
    #[error("the recording stopped after {:.0} s, and what it has is in {}: {reason}", recorded.as_secs_f64(), folder.display())]
    Stopped {
        /// Where the recording lies.
        folder: PathBuf,
        /// How much sound it has.
        recorded: Duration,
        /// What happened, and the way out.
        reason: Arc<AudioError>,
    },
    /// The disk takes longer than the talk.
    #[error(
        "the recording stopped after {:.0} s because the disk of {} is too slow (10 s behind); choose another disk",
        recorded.as_secs_f64(),
        folder.display()
    )]
    TooSlow {
        /// Where the recording lies.
        folder: PathBuf,
        /// How much sound it was given.
        recorded: Duration,
    },
    /// The recorder's thread broke down.
    #[error(
        "the recorder broke down, which is a fault of this program; what it has is in {}, please report it",
        folder.display()
    )]
    Broken {
        /// Where the recording lies.
        folder: PathBuf,
    },
    /// A recording whose process died could not be completed.
    #[error("cannot complete the unfinished recording in {}: {reason}", folder.display())]
    NotRecovered {
        /// Where it lies.
        folder: PathBuf,
        /// What stands in the way, and the way out.
        reason: Arc<AudioError>,
    },
}
