//! Why a talk broke off, as one sentence that says when and what to do.

use std::time::Duration;

use moshibar_audio::FRAME_DURATION;

use crate::engine::{EngineError, EngineErrorKind};

/// Why a talk broke off.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The engine failed.
    #[error("the talk broke off at {:.2} s: {reason}", seconds(*frame))]
    Engine {
        /// The frame that has no answer.
        frame: u64,
        /// What the engine said, its hint included.
        reason: EngineError,
    },
    /// Moshi's speech held samples that are not numbers.
    #[error(
        "Moshi's speech at {:.2} s is not sound (NaN or infinite samples); start again, and check the model if it stays so",
        seconds(*frame)
    )]
    InvalidSpeech {
        /// The frame in which they came.
        frame: u64,
    },
}

impl SessionError {
    /// What happened, for the program.
    pub fn kind(&self) -> EngineErrorKind {
        match self {
            Self::Engine { reason, .. } => reason.kind,
            Self::InvalidSpeech { .. } => EngineErrorKind::InvalidOutput,
        }
    }
}

fn seconds(frame: u64) -> f64 {
    Duration::as_secs_f64(&FRAME_DURATION) * frame as f64
}
