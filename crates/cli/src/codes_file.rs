//! A file of codes: safetensors with one tensor `codes`, u32, `[num_codebooks, frames]`. Other integer types are read too,
//! since that is what Python tools write by default.

use std::io::Write;
use std::path::Path;

use moshibar_audio::{AtomicFile, AudioError};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::error::{CliError, ErrorKind};

/// The tensor's name.
const CODES: &str = "codes";

/// Codes of a piece of speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Codes {
    pub(crate) num_codebooks: usize,
    pub(crate) frames: usize,
    /// **Shapes** `[num_codebooks, frames]`, row by row.
    values: Vec<u32>,
}

impl Codes {
    /// Puts frames together.
    ///
    /// **Shapes** `columns`: `[frames][num_codebooks]`.
    pub(crate) fn from_columns(num_codebooks: usize, columns: &[Vec<u32>]) -> Self {
        let row = |codebook: usize| columns.iter().map(move |column| column.get(codebook).copied().unwrap_or_default());
        Self { num_codebooks, frames: columns.len(), values: (0..num_codebooks).flat_map(row).collect() }
    }

    /// The codes of one frame after the other.
    pub(crate) fn columns(&self) -> impl ExactSizeIterator<Item = Vec<u32>> + '_ {
        (0..self.frames).map(|frame| self.values.iter().skip(frame).step_by(self.frames).copied().collect())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ErrorKind::BadInput`], saying what is wrong with it.
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        let refuse = |what: String| CliError::new(ErrorKind::BadInput, format!("{} {what}", path.display()));
        let file = std::fs::read(path).map_err(|reason| match reason.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                AudioError::NotFound { path: path.to_owned() }
            }
            std::io::ErrorKind::IsADirectory => AudioError::IsFolder { path: path.to_owned() },
            _ => AudioError::ReadFailed { path: path.to_owned(), reason },
        })?;
        let tensors = SafeTensors::deserialize(&file).map_err(|reason| {
            refuse(format!("is not a safetensors file ({reason}); make one with `moshibar encode`"))
        })?;
        let Ok(codes) = tensors.tensor(CODES) else {
            let names = tensors.names().join(", ");
            return Err(refuse(format!("has no tensor '{CODES}', only [{names}]; make one with `moshibar encode`")));
        };
        let &[num_codebooks, frames] = codes.shape() else {
            let shape = codes.shape();
            return Err(refuse(format!("has codes of shape {shape:?}; they must be [num_codebooks, frames]")));
        };
        if num_codebooks == 0 || frames == 0 {
            return Err(refuse(format!(
                "holds no codes (its shape is [{num_codebooks}, {frames}]); encode a longer recording"
            )));
        }
        let Some(values) = integers(&codes) else {
            return Err(refuse(format!("has codes of type {}; they must be u32", codes.dtype())));
        };
        let values = values.into_iter().enumerate().map(|(place, value)| {
            u32::try_from(value).map_err(|_| {
                let (codebook, frame) = (place / frames, place % frames);
                refuse(format!(
                    "has the impossible code {value} in codebook {codebook} of frame {frame}; codes are not negative"
                ))
            })
        });
        Ok(Self { num_codebooks, frames, values: values.collect::<Result<_, _>>()? })
    }

    /// Writes a file, as a whole or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::Output`].
    pub(crate) fn write(&self, file: AtomicFile) -> Result<(), CliError> {
        let bytes: Vec<u8> = self.values.iter().flat_map(|code| code.to_le_bytes()).collect();
        write_tensors(file, &[(CODES, Dtype::U32, &[self.num_codebooks, self.frames], bytes)])
    }
}

/// Name, type, shape and little-endian values of a tensor to be written.
pub(crate) type Tensor<'a> = (&'static str, Dtype, &'a [usize], Vec<u8>);

/// Writes a safetensors file, as a whole or not at all.
///
/// # Errors
/// [`ErrorKind::Output`].
pub(crate) fn write_tensors(mut file: AtomicFile, tensors: &[Tensor<'_>]) -> Result<(), CliError> {
    let path = file.path().to_owned();
    let failed = |reason: std::io::Error| CliError::from(AudioError::writing(&path, reason));
    let views =
        tensors.iter().map(|(name, dtype, shape, bytes)| Ok((*name, TensorView::new(*dtype, shape.to_vec(), bytes)?)));
    let views: Vec<_> = views
        .collect::<Result<_, safetensors::SafeTensorError>>()
        .map_err(|reason| failed(std::io::Error::other(reason)))?;
    let bytes = serialize(views, None).map_err(|reason| failed(std::io::Error::other(reason)))?;
    file.write_all(&bytes).map_err(failed)?;
    Ok(file.commit()?)
}

/// The values of an integer tensor; `None` for other types.
fn integers(tensor: &TensorView<'_>) -> Option<Vec<i64>> {
    /// Cuts the data into values of `N` bytes.
    fn each<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> i64) -> Vec<i64> {
        data.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)).collect()
    }
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::U16 => Some(each(data, |bytes| i64::from(u16::from_le_bytes(bytes)))),
        Dtype::I32 => Some(each(data, |bytes| i64::from(i32::from_le_bytes(bytes)))),
        Dtype::U32 => Some(each(data, |bytes| i64::from(u32::from_le_bytes(bytes)))),
        Dtype::I64 => Some(each(data, i64::from_le_bytes)),
        _ => None,
    }
}
