//! Loading a model: finds its folder, shows how far it is, and tells how long it took.

use std::time::{Duration, Instant};

use moshibar_model::{Codec, Generator, LoadOptions, LoadProgress, ModelError, MoshiEngine, Quality, Synchronisation};

use crate::args::ModelArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::model_choice::{ChosenModel, choose};
use crate::progress::Progress;
use crate::sampling::SamplingArgs;

/// A loaded model and how long that took.
#[derive(Debug)]
pub(crate) struct Loaded<M> {
    pub(crate) model: M,
    pub(crate) time: Duration,
}

/// A model that is chosen and can be loaded in several ways.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) chosen: ChosenModel,
    pub(crate) options: LoadOptions,
    console: &'a Console,
}

impl<'a> Source<'a> {
    /// Finds the model that the arguments name.
    ///
    /// # Errors
    /// As [`choose`].
    pub(crate) fn find(model: &ModelArgs, quality: Option<Quality>, console: &'a Console) -> Result<Self, CliError> {
        let chosen = choose(&model.model, quality, console)?;
        Ok(Self {
            chosen,
            options: LoadOptions { quality, device: model.device.into(), ..LoadOptions::default() },
            console,
        })
    }

    /// Sets how tokens are drawn.
    pub(crate) fn draw(mut self, sampling: &SamplingArgs) -> Self {
        self.options.sampling = Some(sampling.for_model(&self.chosen.files));
        self.options.seed = sampling.seed;
        self
    }

    /// Loads everything that a talk needs.
    ///
    /// # Errors
    /// As [`MoshiEngine::load`].
    pub(crate) fn engine(&self, synchronisation: Synchronisation) -> Result<Loaded<MoshiEngine>, CliError> {
        self.timed(|on_progress| MoshiEngine::load(&self.chosen.files, &self.options, synchronisation, on_progress))
    }

    /// Loads the codec alone.
    ///
    /// # Errors
    /// As [`Codec::load`].
    pub(crate) fn codec(&self) -> Result<Loaded<Codec>, CliError> {
        self.timed(|on_progress| Codec::load(&self.chosen.files, &self.options, on_progress))
    }

    /// Loads the language model alone.
    ///
    /// # Errors
    /// As [`Generator::load`].
    pub(crate) fn generator(&self) -> Result<Loaded<Generator>, CliError> {
        self.timed(|on_progress| Generator::load(&self.chosen.files, &self.options, on_progress))
    }

    fn timed<M>(
        &self,
        load: impl FnOnce(&mut dyn FnMut(LoadProgress)) -> Result<M, ModelError>,
    ) -> Result<Loaded<M>, CliError> {
        let mut progress = Progress::of_loading(self.console);
        let started = Instant::now();
        let model = load(&mut |so_far| progress.loaded(so_far))?;
        Ok(Loaded { model, time: started.elapsed() })
    }
}
