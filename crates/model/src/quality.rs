//! Which precision a checkpoint has: declared by its name, or by whoever asks for it, and proved by its header.
//!
//! The formats are those of `kyutai/moshiko-mlx-{q4,q8,bf16}`: MLX affine quantisation of every Linear and Embedding.

use std::path::Path;

use safetensors::tensor::Dtype as FileDtype;
use serde::Serialize;

use crate::error::ModelError;
use crate::header::Header;

/// Precision of a language model's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// 4 bits a weight in groups of 32: the default.
    Q4,
    /// 8 bits a weight in groups of 64: high quality.
    Q8,
    /// 16-bit floats: research, not for real time.
    Bf16,
}

/// Bits and group size of an affine quantisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packing {
    /// Bits per weight.
    pub(crate) bits: usize,
    /// Weights that share one scale and one bias.
    pub(crate) group: usize,
}

impl Packing {
    /// How many weights so many packed words hold.
    pub(crate) fn weights(self, words: usize) -> usize {
        words * 32 / self.bits
    }
}

impl Quality {
    /// All qualities, smallest first.
    pub const ALL: [Self; 3] = [Self::Q4, Self::Q8, Self::Bf16];

    /// `q4`, `q8` or `bf16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q4 => "q4",
            Self::Q8 => "q8",
            Self::Bf16 => "bf16",
        }
    }

    /// Name of the weights in a published repository.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Q4 => "model.q4.safetensors",
            Self::Q8 => "model.q8.safetensors",
            Self::Bf16 => "model.safetensors",
        }
    }

    /// The quality that a file declares by its name, as the official clients read it.
    pub fn of_file(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        if name.ends_with(".q4.safetensors") {
            Self::Q4
        } else if name.ends_with(".q8.safetensors") {
            Self::Q8
        } else {
            Self::Bf16
        }
    }

    /// How the weights are packed; `None` for floats.
    pub(crate) fn packing(self) -> Option<Packing> {
        match self {
            Self::Q4 => Some(Packing { bits: 4, group: 32 }),
            Self::Q8 => Some(Packing { bits: 8, group: 64 }),
            Self::Bf16 => None,
        }
    }

    /// Proves that the header is packed as declared, by a matrix that every model has.
    ///
    /// **Units** `inputs`: columns of `key` before packing.
    pub(crate) fn verify(self, path: &Path, header: &Header, key: &str, inputs: usize) -> Result<(), ModelError> {
        let name = |part: &str| format!("{key}.{part}");
        let Some((dtype, shape)) = header.tensor(&name("weight")) else {
            return Err(ModelError::MissingKey { path: path.to_owned(), key: name("weight") });
        };
        let words = shape.last().copied().unwrap_or(0);
        let groups = header.tensor(&name("scales")).and_then(|(_, shape)| shape.last().copied()).unwrap_or(0);
        let as_declared = match self.packing() {
            None => dtype != FileDtype::U32,
            // A group's bits tell the formats apart however wide the config believes the matrix to be. If it is wrong about
            // that, the shapes will not match, and that error names the tensor.
            Some(Packing { bits, group }) => {
                dtype == FileDtype::U32 && words > 0 && words * 32 == groups * bits * group
            }
        };
        if as_declared {
            return Ok(());
        }
        let found = if dtype == FileDtype::U32 && inputs > 0 && groups > 0 {
            // In lowest terms: a row of `words` words of 32 bits in `groups` groups of equal size.
            format!("packed with {} bits in groups of {}", words * 32 / inputs, inputs / groups)
        } else {
            format!("{dtype:?}")
        };
        Err(ModelError::PackingMismatch { path: path.to_owned(), declared: self.name().to_owned(), found })
    }
}

impl std::str::FromStr for Quality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|quality| quality.name() == text)
            .ok_or_else(|| format!("'{text}' is not a quality: choose q4, q8 or bf16"))
    }
}
