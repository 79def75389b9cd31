//! What can go wrong with sound and with files, each as one sentence that names the file and says what to do.
//! The kind is for programs. A cause from the operating system is part of the sentence, and so not repeated as `source`.

use std::io;
use std::path::{Path, PathBuf};

use moshibar_resampling::CannotResample;

/// Why a sound could not be read, resampled or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// There is no such file.
    #[error("cannot find {}; check its name and folder", path.display())]
    NotFound {
        /// The file asked for.
        path: PathBuf,
    },
    /// A folder was named where a file belongs.
    #[error("{} is a folder; name a file in it", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system could not read the file.
    #[error("cannot read {} ({reason}); check its permissions and that its disk is connected", path.display())]
    ReadFailed {
        /// The file being read.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The file is something else than a WAV file.
    #[error("{} is not a WAV file; convert it to WAV first, for example with ffmpeg", path.display())]
    NotWav {
        /// The file being read.
        path: PathBuf,
    },
    /// The WAV header is missing, incomplete or contradicts itself.
    #[error("{} has a damaged WAV header ({what}); export the recording again", path.display())]
    Damaged {
        /// The file being read.
        path: PathBuf,
        /// What is wrong with the header.
        what: &'static str,
    },
    /// The WAV file holds an encoding that we do not decode.
    #[error("{} holds {encoding}, which is not supported; convert it to 16-bit PCM", path.display())]
    Unsupported {
        /// The file being read.
        path: PathBuf,
        /// The encoding, in words.
        encoding: String,
    },
    /// The sample rate is zero or outside [`RATES_HZ`](crate::RATES_HZ).
    #[error("{} has a sample rate of {rate_hz} Hz; convert it to a rate from 8000 to 192000 Hz", path.display())]
    RateOutOfRange {
        /// The file being read.
        path: PathBuf,
        /// The rate in its header.
        rate_hz: u32,
    },
    /// The file has no sample at all.
    #[error("{} holds no sound; choose a recording that has at least one sample", path.display())]
    Empty {
        /// The file being read.
        path: PathBuf,
    },
    /// The file ends before the length that its header promises.
    #[error(
        "{} ends after {found_seconds:.2} s, but its header promises {declared_seconds:.2} s; copy or export it again",
        path.display()
    )]
    Truncated {
        /// The file being read.
        path: PathBuf,
        /// How much sound is there.
        found_seconds: f64,
        /// How much sound the header promises.
        declared_seconds: f64,
    },
    /// A sample is not a number, infinite, or so large that it cannot be sound.
    #[error(
        "{} has an impossible sample at {at_seconds:.3} s (not a number, infinite or far beyond full scale); \
         export the recording again",
        path.display()
    )]
    InvalidSample {
        /// The file being read.
        path: PathBuf,
        /// Where the first such sample is.
        at_seconds: f64,
    },
    /// Speech cannot be brought from one rate to the other.
    #[error(transparent)]
    CannotResample(#[from] CannotResample),
    /// The folder of an output file does not exist.
    #[error("cannot write {} because its folder does not exist; create the folder or choose another", path.display())]
    NoSuchFolder {
        /// The file to be written.
        path: PathBuf,
    },
    /// The folder of an output file, or its disk, is read-only for us.
    #[error(
        "cannot write {} because its folder is read-only for you; choose another folder or change its permissions",
        path.display()
    )]
    NotWritable {
        /// The file to be written.
        path: PathBuf,
    },
    /// The output path names a device, a pipe or a socket.
    #[error("cannot write {} because it is not an ordinary file; choose another name", path.display())]
    NotAFile {
        /// The file to be written.
        path: PathBuf,
    },
    /// There is no space left.
    #[error("cannot write {} because the disk is full; free some space or choose another disk", path.display())]
    DiskFull {
        /// The file to be written.
        path: PathBuf,
    },
    /// The talk outgrew what a WAV file can hold.
    #[error("cannot write more to {} because a WAV file holds at most 4 GiB; record shorter talks", path.display())]
    TooLong {
        /// The file being written.
        path: PathBuf,
    },
    /// The operating system could not write the file.
    #[error("cannot write {} ({reason}); check its folder and that its disk is connected", path.display())]
    WriteFailed {
        /// The file being written.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
}

/// The kinds of [`AudioError`]: what a program may want to do differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudioErrorKind {
    /// The input is not there, or is no file that can be opened.
    InputUnreadable,
    /// The input is there, but is no WAV file that we can decode.
    InputUnsupported,
    /// The input is a WAV file whose content is missing or broken.
    InputDamaged,
    /// The sample rate is outside of what we resample.
    RateUnsupported,
    /// The output cannot be written at this place.
    OutputUnwritable,
    /// The disk is full.
    DiskFull,
}

impl AudioError {
    /// What happened, for the program; the sentence is in [`Display`](std::fmt::Display).
    pub fn kind(&self) -> AudioErrorKind {
        match self {
            Self::NotFound { .. } | Self::IsFolder { .. } | Self::ReadFailed { .. } => AudioErrorKind::InputUnreadable,
            Self::NotWav { .. } | Self::Unsupported { .. } => AudioErrorKind::InputUnsupported,
            Self::Damaged { .. } | Self::Empty { .. } | Self::Truncated { .. } | Self::InvalidSample { .. } => {
                AudioErrorKind::InputDamaged
            }
            Self::RateOutOfRange { .. } | Self::CannotResample(_) => AudioErrorKind::RateUnsupported,
            Self::NoSuchFolder { .. }
            | Self::NotWritable { .. }
            | Self::NotAFile { .. }
            | Self::TooLong { .. }
            | Self::WriteFailed { .. } => AudioErrorKind::OutputUnwritable,
            Self::DiskFull { .. } => AudioErrorKind::DiskFull,
        }
    }

    /// The sentence for an input that could not be read because of `reason`.
    pub fn reading(path: &Path, reason: io::Error) -> Self {
        let path = path.to_path_buf();
        match reason.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound { path },
            io::ErrorKind::IsADirectory => Self::IsFolder { path },
            _ => Self::ReadFailed { path, reason },
        }
    }

    /// The sentence for an output that could not be written because of `reason`.
    ///
    /// An error that came out of [`AtomicFile`](crate::AtomicFile) carries its sentence already, and keeps it.
    pub fn writing(path: &Path, reason: io::Error) -> Self {
        let reason = match reason.downcast::<Self>() {
            Ok(sentence) => return sentence,
            Err(reason) => reason,
        };
        let path = path.to_path_buf();
        match reason.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NoSuchFolder { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable { path },
            io::ErrorKind::IsADirectory => Self::NotAFile { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::WriteFailed { path, reason },
        }
    }
}
