//! Why a command failed: one sentence for people, a code for programs, and what the exit code will be.
//!
//! The line between the exit codes: 2 is for what another command line would mend, 1 for what went wrong on the way.

use std::path::Path;

use moshibar_audio::{AudioError, AudioErrorKind, DeviceError, DeviceErrorKind};
use moshibar_model::ModelError;
use moshibar_session::{EngineErrorKind, SessionError};
use moshibar_store::StoreError;

/// A failed command.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) kind: ErrorKind,
    /// What programs are told: the kind's word, or the store's, which is finer.
    pub(crate) code: &'static str,
    /// One sentence, with what to do.
    pub(crate) message: String,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The command line asks for something that there is not.
    Usage,
    /// A file to be read is missing or unsuitable.
    BadInput,
    /// There is no such model, or not in this quality.
    NoModel,
    /// The model's files are damaged or contradict each other.
    BadModel,
    /// The compute device is missing or failed.
    Device,
    /// A microphone, a speaker or the system's sound service cannot be used.
    Sound,
    /// An output cannot be written.
    Output,
    /// A model did not come, or the library of models cannot be used.
    Store,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl ErrorKind {
    /// The word for it.
    fn code(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::BadInput => "bad_input",
            Self::NoModel => "no_model",
            Self::BadModel => "bad_model",
            Self::Device => "device",
            Self::Sound => "sound",
            Self::Output => "cannot_write",
            Self::Store => "store",
            Self::Interrupted => "interrupted",
        }
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Usage | Self::BadInput | Self::NoModel => 2,
            Self::BadModel | Self::Device | Self::Sound | Self::Output | Self::Store => 1,
            Self::Interrupted => 130, // as shells report a process that Ctrl-C ended: 128 + SIGINT
        }
    }
}

impl CliError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, code: kind.code(), message: message.into() }
    }

    /// The model refuses codes: the file with them is to blame.
    pub(crate) fn refused_codes(path: &Path, error: ModelError) -> Self {
        match error {
            ModelError::CodeOutOfRange { .. } | ModelError::WrongCodebooks { .. } => Self::new(
                ErrorKind::BadInput,
                format!("{} does not fit this model ({error}); choose the --model that made it", path.display()),
            ),
            other => other.into(),
        }
    }
}

impl From<AudioError> for CliError {
    fn from(error: AudioError) -> Self {
        let kind = match error.kind() {
            AudioErrorKind::OutputUnwritable | AudioErrorKind::DiskFull => ErrorKind::Output,
            _ => ErrorKind::BadInput,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<DeviceError> for CliError {
    fn from(error: DeviceError) -> Self {
        let kind = if error.kind == DeviceErrorKind::UnknownName { ErrorKind::Usage } else { ErrorKind::Sound };
        Self::new(kind, error.message)
    }
}

impl From<ModelError> for CliError {
    fn from(error: ModelError) -> Self {
        let kind = match error {
            ModelError::Missing { .. } => ErrorKind::NoModel,
            ModelError::CodeOutOfRange { .. } | ModelError::WrongCodebooks { .. } => ErrorKind::BadInput,
            ModelError::NoDevice { .. } | ModelError::Device { .. } => ErrorKind::Device,
            _ => ErrorKind::BadModel,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<SessionError> for CliError {
    fn from(error: SessionError) -> Self {
        let kind = match error.kind() {
            EngineErrorKind::InvalidOutput => ErrorKind::BadModel,
            _ => ErrorKind::Device,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::BadEndpoint { .. } => ErrorKind::Usage,
            StoreError::ImportedWrong { .. } => ErrorKind::BadInput,
            StoreError::UnknownModel { .. }
            | StoreError::BadReference { .. }
            | StoreError::NotInstalled { .. }
            | StoreError::NotFound { .. }
            | StoreError::NotAModel { .. } => ErrorKind::NoModel,
            StoreError::Damaged { .. } | StoreError::Unchecked { .. } | StoreError::BadManifest { .. } => {
                ErrorKind::BadModel
            }
            StoreError::DiskFull { .. } | StoreError::NotWritable { .. } | StoreError::Disk { .. } => ErrorKind::Output,
            StoreError::Cancelled => ErrorKind::Interrupted,
            _ => ErrorKind::Store,
        };
        let code = if kind == ErrorKind::Interrupted { kind.code() } else { error.code() };
        Self { kind, code, message: error.to_string() }
    }
}
