//! What a command answers when it cannot do what was asked: a code that the window knows, a sentence, and the way out.

use moshibar_session::live::CommandError;
use moshibar_store::StoreError;
use serde::Serialize;
use ts_rs::TS;

/// A refusal, as the window gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS, thiserror::Error)]
#[ts(export_to = "bindings.ts", rename = "CommandError")]
#[error("{message}")]
pub(crate) struct AppError {
    /// What kind it is: stable, for programs.
    pub(crate) code: &'static str,
    /// What happened, in English.
    pub(crate) message: String,
    /// What helps, where the message does not say.
    pub(crate) hint: Option<String>,
}

impl AppError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }
}

impl From<CommandError> for AppError {
    fn from(error: CommandError) -> Self {
        let code = match error {
            CommandError::Busy => "engine_busy",
            CommandError::Over => "session_over",
        };
        Self::new(code, error.to_string())
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        // The windows' words for what has a button there; else the store's own.
        let code = match &error {
            StoreError::NotInstalled { .. } => "model_missing",
            StoreError::Damaged { .. } | StoreError::Unchecked { .. } => "model_damaged",
            StoreError::Offline { .. } | StoreError::Unreachable { .. } => "offline",
            other => other.code(),
        };
        Self::new(code, error.to_string())
    }
}
