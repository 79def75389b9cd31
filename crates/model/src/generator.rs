//! Moshi's language model alone, for `moshibar generate` and benchmarks: the user's codes in, text and Moshi's codes out.

use std::time::{Duration, Instant};

use mlx_rs::transforms;
use moshibar_session::MemoryUse;

use crate::codec::{check_codes, read_tokens};
use crate::engine::ModelDescription;
use crate::error::ModelError;
use crate::files::ModelFiles;
use crate::graph::GraphOperations;
use crate::loading::{LoadOptions, LoadProgress, Loader};
use crate::moshi::{Moshi, UserCodes};
use crate::quality::Quality;
use crate::runtime::{self, Runtime};
use crate::weights::MatrixForm;

/// The language model, for the thread that loaded it.
#[derive(Debug)]
pub struct Generator {
    runtime: Runtime,
    moshi: Moshi,
    description: ModelDescription,
    frame: usize,
    synchronisations: u64,
}

/// What one step says: as PyTorch's `LMGen.step` returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFrame {
    /// The text token.
    pub text: i32,
    /// **Shapes** `[dep_q]`.
    pub audio: Vec<i32>,
}

/// Where the time of one step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepTimes {
    /// Building the graph on the host.
    pub build: Duration,
    /// Computing it.
    pub evaluate: Duration,
}

impl Generator {
    /// Loads only the language model of a folder. Its matrices stay as published, whatever a talk would do.
    ///
    /// # Errors
    /// Any [`ModelError`] of reading its config and weights.
    pub fn load(
        files: &ModelFiles,
        options: &LoadOptions,
        on_progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, ModelError> {
        Self::load_form(files, options, MatrixForm::Published, on_progress)
    }

    /// As [`load`](Self::load), with matrices in this form.
    pub(crate) fn load_form(
        files: &ModelFiles,
        options: &LoadOptions,
        form: MatrixForm,
        on_progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, ModelError> {
        let runtime = Runtime::open(options.device)?;
        let mut loader = Loader::new(files, options, on_progress);
        loader.expect(&files.weights(options.quality)?.1)?;
        let (moshi, quality) = loader.moshi(&runtime, form)?;
        runtime.fit_memory(loader.progress.done_bytes as usize + moshi.ring_bytes())?;
        let description = ModelDescription {
            quality,
            device: runtime.device(),
            weight_bytes: loader.progress.done_bytes,
            ring_bytes: moshi.ring_bytes(),
            context: moshi.sizes().context,
            sampling: loader.sampling(),
        };
        Ok(Self { runtime, moshi, description, frame: 0, synchronisations: 0 })
    }

    /// What was loaded.
    pub fn description(&self) -> &ModelDescription {
        &self.description
    }

    /// Which weights were loaded.
    pub fn quality(&self) -> Quality {
        self.description.quality
    }

    /// How often the host waited for the device so far.
    pub fn synchronisations(&self) -> u64 {
        self.synchronisations
    }

    /// Codes in a codebook.
    pub fn audio_cardinality(&self) -> usize {
        self.moshi.sizes().audio_cardinality
    }

    /// Codebooks of the user that it hears.
    pub fn user_codebooks(&self) -> usize {
        self.moshi.sizes().user_codebooks
    }

    /// Codebooks that it speaks.
    pub fn moshi_codebooks(&self) -> usize {
        self.moshi.sizes().moshi_codebooks
    }

    /// Memory that MLX holds.
    pub fn memory(&self) -> MemoryUse {
        runtime::memory_use()
    }

    /// Takes one step; `None` while the acoustic delay fills.
    ///
    /// **Shapes** `user`: `[user_codebooks]` or more, of which the first are read, as PyTorch does.
    ///
    /// # Errors
    /// [`ModelError::WrongCodebooks`], [`ModelError::CodeOutOfRange`], [`ModelError::Device`].
    pub fn step(&mut self, user: &[u32]) -> Result<(Option<GeneratedFrame>, StepTimes), ModelError> {
        let user = self.check(user)?;
        let Self { runtime, moshi, .. } = self;
        let started = Instant::now();
        let tokens = runtime.run(|| moshi.step(&UserCodes::Known(&user)))?;
        let build = started.elapsed();
        transforms::eval([&tokens])?;
        self.synchronisations += 1;
        let frame = moshi.advance(&user, read_tokens(&tokens)?);
        let evaluate = started.elapsed().saturating_sub(build);
        self.frame += 1;
        let generated = frame.and_then(|frame| {
            let (text, audio) = frame.split_first()?;
            Some(GeneratedFrame { text: *text, audio: audio.to_vec() })
        });
        Ok((generated, StepTimes { build, evaluate }))
    }

    /// Takes one step like [`step`](Self::step), and counts the operations of its graph.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn count_operations(&mut self, user: &[u32]) -> Result<GraphOperations, ModelError> {
        let user = self.check(user)?;
        let Self { runtime, moshi, .. } = self;
        let tokens = runtime.run(|| moshi.step(&UserCodes::Known(&user)))?;
        let operations = GraphOperations::of(&[&tokens])?;
        transforms::eval([&tokens])?;
        self.synchronisations += 1;
        moshi.advance(&user, read_tokens(&tokens)?);
        self.frame += 1;
        Ok(operations)
    }

    /// Forgets the talk.
    pub fn reset(&mut self) {
        self.moshi.reset();
        self.frame = 0;
    }

    fn check(&self, user: &[u32]) -> Result<Vec<i32>, ModelError> {
        let expected = self.user_codebooks();
        let user = user.get(..expected).ok_or(ModelError::WrongCodebooks { expected, found: user.len() })?;
        check_codes(user, self.frame, self.moshi.sizes().audio_cardinality)?;
        Ok(user.iter().map(|code| *code as i32).collect())
    }

    /// Logits with every input given; see [`Moshi::teacher_forced`].
    #[cfg(test)]
    pub(crate) fn teacher_forced(
        &mut self,
        inputs: &[i32],
        depformer_inputs: &[i32],
    ) -> Result<(Vec<f32>, Vec<Vec<f32>>), ModelError> {
        let Self { runtime, moshi, .. } = self;
        runtime.run(|| {
            let (text, audio) = moshi.teacher_forced(inputs, depformer_inputs)?;
            let read = |array: &mlx_rs::Array| -> Result<Vec<f32>, ModelError> {
                let array = array.contiguous()?;
                array.eval()?;
                array.to_vec_exact::<f32>().map_err(|error| ModelError::Device { message: error.to_string() })
            };
            Ok((read(&text)?, audio.iter().map(read).collect::<Result<_, _>>()?))
        })
    }
}
