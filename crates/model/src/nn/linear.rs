//! A matrix product without bias, over floats or over weights quantised when the checkpoint was published.

use mlx_rs::error::Exception;
use mlx_rs::ops::{concatenate, dequantize};
use mlx_rs::{Array, transforms};

use crate::error::ModelError;
use crate::ffi;
use crate::quality::Packing;
use crate::runtime::DeviceKind;
use crate::weights::{Checkpoint, MatrixForm};

/// `y = W x`.
#[derive(Debug, Clone)]
pub(crate) enum Linear {
    /// **Shapes** `[inputs, outputs]`, a transposed view of the stored matrix or a transposed copy: no frame transposes again.
    Dense(Array),
    /// **Shapes** `words`: `[outputs, inputs · bits / 32]`; `scales` and `biases`: `[outputs, inputs / group]`.
    Quantized { words: Array, scales: Array, biases: Array, packing: Packing },
}

impl Linear {
    /// Takes `{key}.weight`, and `.scales` and `.biases` where the checkpoint is packed; in the form that the checkpoint is to have.
    pub(crate) fn load(
        checkpoint: &mut Checkpoint<'_>,
        packing: Option<Packing>,
        key: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, ModelError> {
        let weight = format!("{key}.weight");
        let published = match packing {
            None => Self::dense(&checkpoint.take(&weight, &[outputs, inputs])?)?,
            Some(packing) => {
                let groups = [outputs, inputs / packing.group];
                Self::Quantized {
                    words: checkpoint.take_packed(&weight, &[outputs, inputs * packing.bits / 32])?,
                    scales: checkpoint.take(&format!("{key}.scales"), &groups)?,
                    biases: checkpoint.take(&format!("{key}.biases"), &groups)?,
                    packing,
                }
            }
        };
        match checkpoint.form() {
            MatrixForm::Published => Ok(published),
            MatrixForm::ByInputs => Ok(published.by_inputs()?),
        }
    }

    /// As floats, one row for each input.
    fn by_inputs(&self) -> Result<Self, Exception> {
        let matrix = self.to_dense()?.transpose()?.contiguous()?;
        matrix.eval()?;
        Ok(Self::Dense(matrix))
    }

    /// From a matrix `[outputs, inputs]` as it is stored, in the form that suits a device.
    pub(crate) fn dense_on(device: DeviceKind, weight: &Array) -> Result<Self, Exception> {
        let dense = Self::dense(weight)?;
        if device == DeviceKind::Cpu { dense.by_inputs() } else { Ok(dense) }
    }

    /// From a matrix `[outputs, inputs]` as it is stored.
    pub(crate) fn dense(weight: &Array) -> Result<Self, Exception> {
        Ok(Self::Dense(weight.transpose()?))
    }

    /// One matrix out of several over the same inputs: their outputs one after the other.
    pub(crate) fn stack(parts: &[Self]) -> Result<Self, Exception> {
        let mut dense = Vec::with_capacity(parts.len());
        let (mut all_words, mut all_scales, mut all_biases, mut shared) = (Vec::new(), Vec::new(), Vec::new(), None);
        for part in parts {
            match part {
                Self::Dense(matrix) => dense.push(matrix),
                Self::Quantized { words, scales, biases, packing } => {
                    all_words.push(words);
                    all_scales.push(scales);
                    all_biases.push(biases);
                    shared = Some(*packing);
                }
            }
        }
        let stacked = match shared {
            Some(packing) => Self::Quantized {
                words: concatenate(&all_words, 0)?,
                scales: concatenate(&all_scales, 0)?,
                biases: concatenate(&all_biases, 0)?,
                packing,
            },
            None => Self::Dense(concatenate(&dense, 1)?),
        };
        stacked.evaluate()?;
        Ok(stacked)
    }

    /// The matrix as floats, `[outputs, inputs]`.
    pub(crate) fn to_dense(&self) -> Result<Array, Exception> {
        match self {
            Self::Dense(matrix) => matrix.transpose(),
            Self::Quantized { words, scales, biases, packing } => {
                dequantize(words, scales, biases, packing.group as i32, packing.bits as i32)
            }
        }
    }

    /// **Shapes** `x`: `[T, inputs]`. Returns `[T, outputs]`.
    pub(crate) fn forward(&self, x: &Array) -> Result<Array, Exception> {
        match self {
            Self::Dense(matrix) => ffi::matmul(x, matrix),
            Self::Quantized { words, scales, biases, packing } => {
                ffi::quantized_matmul(x, words, scales, biases, *packing)
            }
        }
    }

    /// Reads the weights now rather than in the first frame.
    pub(crate) fn evaluate(&self) -> Result<(), Exception> {
        match self {
            Self::Dense(matrix) => transforms::eval([matrix]),
            Self::Quantized { words, scales, biases, .. } => transforms::eval([words, scales, biases]),
        }
    }
}
