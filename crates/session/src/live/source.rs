//! Where an engine comes from. A source may cross threads, the engine that it builds may not.

use serde_json::Value;

use crate::engine::Engine;

/// How far the loading of a model is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Loading {
    /// Bytes read so far.
    pub done_bytes: u64,
    /// Bytes to be read in all.
    pub total_bytes: u64,
}

/// Builds engines, on the thread that will own them.
pub trait EngineSource: Send {
    /// Builds one; may take as long as reading gigabytes takes.
    ///
    /// # Errors
    /// [`LoadError`], one sentence with what to do.
    fn build(&mut self, on_progress: &mut dyn FnMut(Loading)) -> Result<Box<dyn Engine>, LoadError>;

    /// The model and its settings, for the folder of a recording: names and numbers, no paths.
    fn describe(&self) -> Value;
}

/// Why there is no engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    /// What happened and what to do, for people.
    pub message: String,
}
