//! A safetensors file, read strictly: its [`Header`] is checked in Rust before MLX sees the file, every tensor is asked for
//! by name, shape and type, and none may be left over. mlx-rs's own loader drops unknown keys and keeps missing ones.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mlx_rs::error::Exception;
use mlx_rs::{Array, Dtype};
use safetensors::tensor::Dtype as FileDtype;

use crate::error::ModelError;
use crate::header::Header;

// Not in error.rs, which knows no MLX, so that fuzz/ can build it.
impl From<Exception> for ModelError {
    fn from(exception: Exception) -> Self {
        Self::Device { message: exception.what().to_owned() }
    }
}

/// The element types that a tensor may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    /// bf16, f16 or f32.
    Float,
    /// Packed 32-bit words of a quantised matrix.
    Packed,
}

/// How matrices lie in memory once they are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatrixForm {
    /// As published, packed or not.
    Published,
    /// As floats, one row for each input: what a CPU multiplies a single step with fastest. Packed weights are multiplied out once,
    /// exactly as a product would do it in every frame.
    ByInputs,
}

/// The tensors of one file, each to be taken exactly once.
pub(crate) struct Checkpoint<'progress> {
    path: PathBuf,
    header: Header,
    arrays: HashMap<String, Array>,
    float: Dtype,
    form: MatrixForm,
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
        Ok(Self { path: path.to_owned(), header, arrays, float, form: MatrixForm::Published, on_read })
    }

    /// The same, for matrices in this form.
    pub(crate) fn with_form(self, form: MatrixForm) -> Self {
        Self { form, ..self }
    }

    /// How its matrices are to lie in memory.
    pub(crate) fn form(&self) -> MatrixForm {
        self.form
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
