//! A safetensors file, read strictly: its header is checked in Rust before MLX sees the file, every tensor is asked for
//! by name, shape and type, and none may be left over. mlx-rs's own loader drops unknown keys and keeps missing ones.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use mlx_rs::{Array, Dtype};
use safetensors::tensor::{Dtype as FileDtype, Metadata};

use crate::error::ModelError;

/// Largest header that is believed; MLX's own limit.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// Name, type and shape of every tensor in a file, nothing read yet.
#[derive(Debug, Clone)]
pub struct Header {
    tensors: BTreeMap<String, (FileDtype, Vec<usize>)>,
    data_bytes: u64,
}

impl Header {
    /// Checks the bytes between the length field and the data.
    ///
    /// **Units** `file_bytes`: size of the whole file, against which the tensors are added up.
    ///
    /// # Errors
    /// One sentence about what is wrong: JSON, offsets that overlap or leave gaps, sizes that overflow or contradict
    /// the shape, a file that is shorter or longer than its tensors.
    pub fn parse(header: &[u8], file_bytes: u64) -> Result<Self, String> {
        let text = std::str::from_utf8(header).map_err(|error| format!("its header is not text: {error}"))?;
        // `Metadata` refuses gaps, overlaps, sizes that do not match shape and type, and products that overflow.
        let metadata: Metadata = serde_json::from_str(text).map_err(|error| format!("its header: {error}"))?;
        let tensors = metadata.tensors();
        let data_bytes = tensors.values().map(|info| info.data_offsets.1 as u64).max().unwrap_or(0);
        let expected = 8 + header.len() as u64 + data_bytes;
        if expected != file_bytes {
            return Err(format!("it should be {expected} bytes long, but is {file_bytes}"));
        }
        if tensors.is_empty() {
            return Err("it holds no tensors".to_owned());
        }
        let tensors = tensors.into_iter().map(|(name, info)| (name, (info.dtype, info.shape.clone()))).collect();
        Ok(Self { tensors, data_bytes })
    }

    /// Reads and checks the header of the file at `path`.
    ///
    /// # Errors
    /// [`ModelError::Missing`], [`ModelError::Unreadable`], [`ModelError::Damaged`].
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let damaged = |message: String| ModelError::Damaged { path: path.to_owned(), message };
        let mut file = open(path)?;
        let unreadable = |source| ModelError::Unreadable { path: path.to_owned(), source };
        let file_bytes = file.metadata().map_err(unreadable)?.len();
        let mut length = [0; 8];
        if file_bytes < 8 {
            return Err(damaged(format!("it is only {file_bytes} bytes long")));
        }
        file.read_exact(&mut length).map_err(unreadable)?;
        let header_bytes = u64::from_le_bytes(length);
        if header_bytes > MAX_HEADER_BYTES || header_bytes > file_bytes - 8 {
            return Err(damaged(format!("it claims a header of {header_bytes} bytes")));
        }
        let mut header = vec![0; header_bytes as usize];
        file.read_exact(&mut header).map_err(unreadable)?;
        Self::parse(&header, file_bytes).map_err(damaged)
    }

    /// Element type and shape of a tensor.
    pub(crate) fn tensor(&self, key: &str) -> Option<(FileDtype, &[usize])> {
        self.tensors.get(key).map(|(dtype, shape)| (*dtype, shape.as_slice()))
    }

    /// Name, element type and shape of every tensor.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&str, FileDtype, &[usize])> {
        self.tensors.iter().map(|(name, (dtype, shape))| (name.as_str(), *dtype, shape.as_slice()))
    }

    /// Bytes of all tensors.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.data_bytes
    }
}

/// Opens a file for reading, with the errors of this crate.
fn open(path: &Path) -> Result<File, ModelError> {
    let missing = |hint: &str| ModelError::Missing { path: path.to_owned(), hint: hint.to_owned() };
    if path.is_dir() {
        return Err(missing("it is a folder, and a file is needed"));
    }
    File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => missing("check the model's folder, or download the model again"),
        _ => ModelError::Unreadable { path: path.to_owned(), source },
    })
}

/// The element types that a tensor may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    /// bf16, f16 or f32.
    Float,
    /// Packed 32-bit words of a quantised matrix.
    Packed,
}

/// The tensors of one file, each to be taken exactly once.
pub(crate) struct Checkpoint<'progress> {
    path: PathBuf,
    header: Header,
    arrays: HashMap<String, Array>,
    float: Dtype,
    on_read: &'progress mut dyn FnMut(u64),
}

impl<'progress> Checkpoint<'progress> {
    /// Checks the header, then maps every tensor for MLX to read when it is first used.
    ///
    /// `float` is the precision to which floats are converted as they are taken; packed words stay as they are. `on_read`
    /// hears how many bytes were read, as they are.
    pub(crate) fn open(path: &Path, float: Dtype, on_read: &'progress mut dyn FnMut(u64)) -> Result<Self, ModelError> {
        let header = Header::read(path)?;
        let arrays = Array::load_safetensors(path)
            .map_err(|error| ModelError::Damaged { path: path.to_owned(), message: error.to_string() })?;
        Ok(Self { path: path.to_owned(), header, arrays, float, on_read })
    }

    /// The file's header.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Takes a float tensor of exactly this shape.
    pub(crate) fn take(&mut self, key: &str, shape: &[usize]) -> Result<Array, ModelError> {
        let array = self.take_element(key, shape, Element::Float)?;
        if array.dtype() == self.float {
            return Ok(array);
        }
        let converted = array.as_dtype(self.float)?;
        converted.eval()?;
        Ok(converted)
    }

    /// Takes the packed words of a quantised matrix.
    pub(crate) fn take_packed(&mut self, key: &str, shape: &[usize]) -> Result<Array, ModelError> {
        self.take_element(key, shape, Element::Packed)
    }

    fn take_element(&mut self, key: &str, shape: &[usize], element: Element) -> Result<Array, ModelError> {
        let missing = || ModelError::MissingKey { path: self.path.clone(), key: key.to_owned() };
        let (dtype, found) = self.header.tensor(key).ok_or_else(missing)?;
        let (fits, expected) = match element {
            Element::Float => {
                (matches!(dtype, FileDtype::BF16 | FileDtype::F16 | FileDtype::F32), "floats (bf16, f16 or f32)")
            }
            Element::Packed => (dtype == FileDtype::U32, "packed 32-bit words"),
        };
        if !fits {
            let (path, key, found) = (self.path.clone(), key.to_owned(), format!("{dtype:?}"));
            return Err(ModelError::WrongType { path, key, expected, found });
        }
        if found != shape {
            let (path, key) = (self.path.clone(), key.to_owned());
            return Err(ModelError::WrongShape { path, key, expected: shape.to_vec(), found: found.to_vec() });
        }
        let array = self.arrays.remove(key);
        let array = array.ok_or_else(|| ModelError::MissingKey { path: self.path.clone(), key: key.to_owned() })?;
        // Read now: a tensor at a time keeps the peak low when it is converted, and an error names its file.
        array
            .eval()
            .map_err(|error| ModelError::Damaged { path: self.path.clone(), message: error.what().to_owned() })?;
        (self.on_read)(array.nbytes() as u64);
        Ok(array)
    }

    /// Ends the reading: whatever is left over is an error.
    pub(crate) fn finish(self) -> Result<(), ModelError> {
        match self.arrays.keys().min() {
            None => Ok(()),
            Some(key) => Err(ModelError::LeftOverKey { path: self.path, key: key.clone(), count: self.arrays.len() }),
        }
    }
}
