//! Where the engine of a live talk comes from: a model's files, or nowhere.

use moshibar_audio::Frame;
use moshibar_model::{LoadOptions, LoadProgress, MoshiEngine, Synchronisation};
use moshibar_session::live::{EngineSource, LoadError, Loading};
use moshibar_session::{Engine, EngineError, FrameReply, MemoryUse, StageTimes};
use serde_json::{Value, json};

use crate::model_choice::ChosenModel;

/// A model that was chosen.
pub(super) struct ModelSource {
    chosen: ChosenModel,
    options: LoadOptions,
    /// What was loaded, once it was.
    description: Option<Value>,
}

impl ModelSource {
    pub(super) fn new(chosen: ChosenModel, options: LoadOptions) -> Self {
        Self { chosen, options, description: None }
    }
}

impl EngineSource for ModelSource {
    fn build(&mut self, on_progress: &mut dyn FnMut(Loading)) -> Result<Box<dyn Engine>, LoadError> {
        let mut on_progress =
            |LoadProgress { done_bytes, total_bytes }| on_progress(Loading { done_bytes, total_bytes });
        let engine = MoshiEngine::load(&self.chosen.files, &self.options, Synchronisation::PerFrame, &mut on_progress)
            .map_err(|error| LoadError { message: error.to_string() })?;
        self.description = serde_json::to_value(engine.description()).ok();
        Ok(Box::new(engine))
    }

    fn describe(&self) -> Value {
        json!({
            "model": self.chosen.name,
            "quality": self.options.quality,
            "seed": self.options.seed,
            "loaded": self.description,
        })
    }
}

/// An engine that says what it hears, in the same step: for trying devices, and for measuring everything but a model.
pub(super) struct Loopback;

impl EngineSource for Loopback {
    fn build(&mut self, _: &mut dyn FnMut(Loading)) -> Result<Box<dyn Engine>, LoadError> {
        Ok(Box::new(Copy))
    }

    fn describe(&self) -> Value {
        json!({ "model": "loopback" })
    }
}

struct Copy;

impl Engine for Copy {
    fn step(&mut self, user: &Frame) -> Result<FrameReply, EngineError> {
        Ok(FrameReply { speech: Some(Box::new(*user)), text: None, stages: StageTimes::default() })
    }

    fn reset(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse::default()
    }
}
