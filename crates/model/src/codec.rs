//! Mimi alone, for `moshibar encode` and `decode`: frames to codes and back, as a talk does it.

use mlx_rs::transforms;
use moshibar_session::{FRAME_SAMPLES, Frame};

use crate::error::ModelError;
use crate::files::ModelFiles;
use crate::loading::{LoadOptions, LoadProgress, Loader};
use crate::mimi::Mimi;
use crate::runtime::Runtime;

/// The codec, for the thread that loaded it.
#[derive(Debug)]
pub struct Codec {
    runtime: Runtime,
    mimi: Mimi,
    codebooks: usize,
    cardinality: usize,
}

impl Codec {
    /// Loads only the codec of the model in a folder.
    ///
    /// # Errors
    /// Any [`ModelError`] of reading its config and weights.
    pub fn load(
        files: &ModelFiles,
        options: &LoadOptions,
        on_progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, ModelError> {
        let runtime = Runtime::open(options.device)?;
        let mut loader = Loader::new(files, options, on_progress);
        loader.expect(&files.mimi())?;
        let mimi = loader.mimi(&runtime)?;
        runtime.fit_memory(loader.progress.done_bytes as usize + mimi.ring_bytes())?;
        let model = &files.config.model;
        Ok(Self { runtime, mimi, codebooks: model.mimi_codebooks(), cardinality: model.audio_cardinality })
    }

    /// How many codebooks it writes.
    pub fn num_codebooks(&self) -> usize {
        self.codebooks
    }

    /// Encodes the next frame.
    ///
    /// **Shapes** Returns `[num_codebooks]`, codebook 0 semantic.
    ///
    /// # Errors
    /// [`ModelError::Device`].
    pub fn encode(&mut self, frame: &Frame) -> Result<Vec<u32>, ModelError> {
        let Self { runtime, mimi, .. } = self;
        runtime.run(|| {
            let codes = mimi.encode(frame)?;
            transforms::eval([&codes])?;
            Ok(read_tokens(&codes)?.iter().map(|code| *code as u32).collect())
        })
    }

    /// Decodes the next frame, from one code for each of the first codebooks.
    ///
    /// # Errors
    /// [`ModelError::WrongCodebooks`], [`ModelError::CodeOutOfRange`], [`ModelError::Device`], [`ModelError::NotANumber`].
    pub fn decode(&mut self, codes: &[u32], frame: usize) -> Result<Box<Frame>, ModelError> {
        if codes.is_empty() || codes.len() > self.codebooks {
            return Err(ModelError::WrongCodebooks { expected: self.codebooks, found: codes.len() });
        }
        check_codes(codes, frame, self.cardinality)?;
        let codes: Vec<i32> = codes.iter().map(|code| *code as i32).collect();
        let Self { runtime, mimi, .. } = self;
        runtime.run(|| {
            let pcm = mimi.decode(&mlx_rs::Array::from_slice(&codes, &[codes.len() as i32]))?;
            transforms::eval([&pcm])?;
            read_frame(&pcm)
        })
    }

    /// Forgets what was encoded and decoded.
    pub fn reset(&mut self) {
        self.mimi.reset();
    }
}

/// Refuses codes outside the codebooks.
pub(crate) fn check_codes(codes: &[u32], frame: usize, cardinality: usize) -> Result<(), ModelError> {
    match codes.iter().enumerate().find(|(_, code)| **code as usize >= cardinality) {
        None => Ok(()),
        Some((codebook, code)) => {
            Err(ModelError::CodeOutOfRange { codebook, frame, value: i64::from(*code), cardinality })
        }
    }
}

/// Evaluated i32 tokens.
pub(crate) fn read_tokens(tokens: &mlx_rs::Array) -> Result<&[i32], ModelError> {
    tokens.try_as_slice::<i32>().map_err(|error| ModelError::Device { message: error.to_string() })
}

/// An evaluated frame of speech.
pub(crate) fn read_frame(pcm: &mlx_rs::Array) -> Result<Box<Frame>, ModelError> {
    let samples = pcm.try_as_slice::<f32>().map_err(|error| ModelError::Device { message: error.to_string() })?;
    if samples.iter().any(|sample| !sample.is_finite()) {
        return Err(ModelError::NotANumber);
    }
    let boxed: Box<[f32]> = samples.into();
    Box::<Frame>::try_from(boxed).map_err(|boxed| ModelError::Device {
        message: format!("a frame of {} samples instead of {FRAME_SAMPLES}", boxed.len()),
    })
}
