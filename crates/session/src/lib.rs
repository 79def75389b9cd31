//! The heart: the engine trait and the loop over frames. No MLX, no sound devices, no window.

mod engine;

pub use engine::{Engine, EngineError, EngineErrorKind, FrameReply, MemoryUse, Stage, StageTimes};
