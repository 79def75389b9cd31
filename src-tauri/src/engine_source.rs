//! Where the engine of a talk comes from: a model by name, found and opened when a talk begins.

use moshibar_model::{LoadOptions, LoadProgress, ModelFiles, MoshiEngine, Sampling, SamplingChanges, Synchronisation};
use moshibar_session::Engine;
use moshibar_session::live::{EngineSource, LoadError, Loading};
use moshibar_store::{BuiltInModel, Reference, Store};
use serde_json::{Value, json};

use crate::error::AppError;
use crate::settings::Settings;

/// A model and how its tokens are drawn. Two that are equal build the same engine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EngineChoice {
    pub(crate) model: String,
    changes: SamplingChanges,
    seed: Option<u64>,
    context: Option<usize>,
}

impl EngineChoice {
    /// The settings' wishes, for `model`.
    pub(crate) fn of(settings: &Settings, model: &str) -> Self {
        Self {
            model: model.to_owned(),
            changes: SamplingChanges {
                temperature: settings.temperature,
                text_temperature: settings.text_temperature,
                top_k: settings.top_k.map(|k| k as usize),
                ..SamplingChanges::default()
            },
            seed: settings.seed,
            context: settings.context.map(|steps| steps as usize),
        }
    }

    /// Whether the model's files are here and verified.
    ///
    /// # Errors
    /// [`AppError`] `model_missing`, `model_damaged`, or what the store says.
    pub(crate) fn check(&self, store: &Store) -> Result<(), AppError> {
        if BuiltInModel::named(&self.model).is_none() {
            store.find(&self.model.parse::<Reference>()?)?;
        }
        Ok(())
    }

    fn sampling(&self, files: &ModelFiles) -> Sampling {
        files.sampling(&self.changes, self.seed.unwrap_or_else(chance))
    }
}

/// Another seed for every talk: the standard library's hasher is keyed by the system's source of randomness.
fn chance() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0u8)
}

/// Builds the engine that was chosen.
pub(crate) struct ModelSource {
    store: Store,
    choice: EngineChoice,
    loaded: Option<Value>,
}

impl ModelSource {
    pub(crate) fn new(store: Store, choice: EngineChoice) -> Self {
        Self { store, choice, loaded: None }
    }

    fn files(&self) -> Result<ModelFiles, LoadError> {
        let model = &self.choice.model;
        let folder = match BuiltInModel::named(model) {
            Some(built_in) => self.store.built_in(built_in),
            None => model.parse().and_then(|reference| self.store.find(&reference)).map(|installed| installed.folder),
        };
        let folder = folder.map_err(|error| LoadError { message: error.to_string() })?;
        ModelFiles::open(&folder).map_err(|error| LoadError { message: error.to_string() })
    }
}

impl EngineSource for ModelSource {
    fn build(&mut self, on_progress: &mut dyn FnMut(Loading)) -> Result<Box<dyn Engine>, LoadError> {
        let files = self.files()?;
        let options = LoadOptions {
            sampling: Some(self.choice.sampling(&files)),
            context: self.choice.context,
            ..LoadOptions::default()
        };
        let mut on_progress =
            |LoadProgress { done_bytes, total_bytes }| on_progress(Loading { done_bytes, total_bytes });
        let engine = MoshiEngine::load(&files, &options, Synchronisation::PerFrame, &mut on_progress)
            .map_err(|error| LoadError { message: error.to_string() })?;
        self.loaded = serde_json::to_value(engine.description()).ok();
        Ok(Box::new(engine))
    }

    fn describe(&self) -> Value {
        json!({ "model": self.choice.model, "loaded": self.loaded })
    }
}
