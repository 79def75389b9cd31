//! What can go wrong between a folder of files and a speaking model. Every message names the thing and the way out.

use std::path::PathBuf;

use moshibar_session::{EngineError, EngineErrorKind};

/// Why a model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The folder or one of its files is missing.
    #[error("{} is missing: {hint}", path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
        /// What to do about it.
        hint: String,
    },
    /// The operating system refused to read a file.
    #[error("{} cannot be read ({source}): check its permissions and the disk", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what its name says, or is damaged.
    #[error("{} is damaged or not a safetensors file ({message}): download it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The model needs a tensor that the file lacks.
    #[error("{} has no tensor '{key}': it does not belong to this config.json, or is another model", path.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        key: String,
    },
    /// The file has tensors that the model does not know.
    #[error("{} has {count} tensor(s) that this model does not know, the first is '{key}': it does not belong to this config.json, or is another model", path.display())]
    LeftOverKey {
        /// The file.
        path: PathBuf,
        /// The first such tensor's name.
        key: String,
        /// How many there are.
        count: usize,
    },
    /// A tensor's shape is not the one that the config implies.
    #[error("{}: tensor '{key}' has shape {found:?}, but the config says {expected:?}: the two do not belong together", path.display())]
    WrongShape {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        key: String,
        /// What the config implies.
        expected: Vec<usize>,
        /// What the file holds.
        found: Vec<usize>,
    },
    /// A tensor's element type is not the one that the format prescribes.
    #[error("{}: tensor '{key}' holds {found}, but {expected} was expected: the file is damaged or of another format", path.display())]
    WrongType {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        key: String,
        /// What the format prescribes.
        expected: &'static str,
        /// What the file holds.
        found: String,
    },
    /// The weights are not packed as their quality declares. Moshibar never quantises at run time.
    #[error("{} is declared {declared} but its weights are {found}; Moshibar never quantises while loading: use the published {declared} checkpoint, or choose the quality that the file has", path.display())]
    PackingMismatch {
        /// The file.
        path: PathBuf,
        /// The quality asked for, or implied by the name.
        declared: String,
        /// What the header shows.
        found: String,
    },
    /// A config says something that contradicts itself or that this program cannot do.
    #[error("{}: {message}", path.display())]
    Config {
        /// The config file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The text tokenizer could not be read.
    #[error("{} is not a SentencePiece model ({message}): download it again", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A code outside the codebook.
    #[error("code {value} in codebook {codebook} of frame {frame} is out of range: codes go from 0 to {}", cardinality - 1)]
    CodeOutOfRange {
        /// Which codebook, from 0.
        codebook: usize,
        /// Which frame, from 0.
        frame: usize,
        /// The code found.
        value: i64,
        /// How many codes a codebook has.
        cardinality: usize,
    },
    /// Wrong number of codebooks in a matrix of codes.
    #[error("the codes have {found} codebooks, but this model reads {expected}")]
    WrongCodebooks {
        /// What the model reads.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// No such device on this machine.
    #[error("no {device} that MLX can use on this machine: choose --device cpu, or run `moshibar doctor`")]
    NoDevice {
        /// The device asked for.
        device: &'static str,
    },
    /// MLX reported a failure.
    #[error(
        "the compute device failed ({message}): run `moshibar doctor`; if memory ran out, close other programs or choose a smaller quality"
    )]
    Device {
        /// MLX's own words.
        message: String,
    },
    /// The model's output is not a number.
    #[error(
        "the model produced sound that is not a number: its weights are damaged, or the device computes wrongly; verify the files and run `moshibar doctor`"
    )]
    NotANumber,
}

impl From<ModelError> for EngineError {
    fn from(error: ModelError) -> Self {
        let kind = match error {
            ModelError::NotANumber | ModelError::CodeOutOfRange { .. } => EngineErrorKind::InvalidOutput,
            _ => EngineErrorKind::DeviceFailed,
        };
        Self { kind, message: error.to_string() }
    }
}
