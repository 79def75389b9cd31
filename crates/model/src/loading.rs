//! From files to models: one place that opens checkpoints, reports progress and sets memory limits.

use std::path::Path;

use mlx_rs::Dtype;

use crate::error::ModelError;
use crate::files::ModelFiles;
use crate::header::Header;
use crate::mimi::Mimi;
use crate::moshi::Moshi;
use crate::moshi::config::ModelSizes;
use crate::moshi::sampler::{Sampler, Sampling, SamplingChanges};
use crate::quality::Quality;
use crate::runtime::{DeviceChoice, Runtime};
use crate::weights::{Checkpoint, MatrixForm};

/// How far the reading of weights is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadProgress {
    /// Read so far.
    pub done_bytes: u64,
    /// To be read in all.
    pub total_bytes: u64,
}

/// What to load and how to run it.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadOptions {
    /// Which weights; `None`: as [`ModelFiles::weights`] chooses.
    pub quality: Option<Quality>,
    /// Which device.
    pub device: DeviceChoice,
    /// How to draw tokens; `None`: as the checkpoint's authors do, with the seed below.
    pub sampling: Option<Sampling>,
    /// Seed of the draws where `sampling` is `None`.
    pub seed: u64,
    /// Steps that Moshi remembers, at most the model's own context.
    pub context: Option<usize>,
}

/// A source of models: folder, options, and whom to tell.
pub(crate) struct Loader<'a> {
    pub(crate) files: &'a ModelFiles,
    pub(crate) options: &'a LoadOptions,
    pub(crate) progress: LoadProgress,
    on_progress: &'a mut dyn FnMut(LoadProgress),
}

impl<'a> Loader<'a> {
    pub(crate) fn new(
        files: &'a ModelFiles,
        options: &'a LoadOptions,
        on_progress: &'a mut dyn FnMut(LoadProgress),
    ) -> Self {
        Self { files, options, progress: LoadProgress { done_bytes: 0, total_bytes: 0 }, on_progress }
    }

    /// Adds a file to the bytes to be read.
    pub(crate) fn expect(&mut self, path: &Path) -> Result<(), ModelError> {
        self.progress.total_bytes += Header::read(path)?.data_bytes();
        Ok(())
    }

    /// How tokens will be drawn.
    pub(crate) fn sampling(&self) -> Sampling {
        let generation = &self.files.config.generation;
        self.options
            .sampling
            .unwrap_or_else(|| Sampling::for_checkpoint(generation, &SamplingChanges::default(), self.options.seed))
    }

    /// The sizes to build: the config's, with the context that was asked for.
    pub(crate) fn sizes(&self) -> ModelSizes {
        let mut sizes = self.files.config.model.clone();
        if let Some(context) = self.options.context {
            sizes.context = context.clamp(1, sizes.context);
        }
        sizes
    }

    /// Loads the language model.
    pub(crate) fn moshi(&mut self, runtime: &Runtime, form: MatrixForm) -> Result<(Moshi, Quality), ModelError> {
        let (quality, path) = self.files.weights(self.options.quality)?;
        let sizes = self.sizes();
        let sampler = Sampler::new(self.sampling(), &sizes);
        let (progress, on_progress) = (&mut self.progress, &mut *self.on_progress);
        let mut on_read = |bytes| {
            progress.done_bytes += bytes;
            on_progress(*progress);
        };
        let checkpoint = Checkpoint::open(&path, runtime.language_dtype(), &mut on_read)?.with_form(form);
        quality.verify(&path, checkpoint.header(), "text_linear", sizes.temporal.width)?;
        let moshi = runtime.run(|| Moshi::load(checkpoint, quality.packing(), &sizes, sampler, runtime))?;
        Ok((moshi, quality))
    }

    /// Loads the codec.
    pub(crate) fn mimi(&mut self, runtime: &Runtime) -> Result<Mimi, ModelError> {
        let config = self.files.mimi_config()?;
        let path = self.files.mimi();
        let codebooks = self.files.config.model.mimi_codebooks();
        let (progress, on_progress) = (&mut self.progress, &mut *self.on_progress);
        let mut on_read = |bytes| {
            progress.done_bytes += bytes;
            on_progress(*progress);
        };
        let checkpoint = Checkpoint::open(&path, Dtype::Float32, &mut on_read)?;
        runtime.run(|| {
            let mimi = Mimi::load(checkpoint, &config, codebooks, runtime.device())?;
            mimi.evaluate()?;
            Ok(mimi)
        })
    }
}
