//! The heart: the engine trait and the loop over frames. No MLX, no sound devices, no window.

mod core;
mod engine;
mod error;
mod event;
mod histogram;
pub mod live;
mod live_captions;
mod metrics;
mod recording;
mod trace;
mod transcript;

#[cfg(test)]
mod scripted_engine;

pub use self::core::{Ending, Talk, talk};
pub use engine::{Engine, EngineError, EngineErrorKind, FrameReply, MemoryUse, Stage, StageTimes};
pub use error::SessionError;
pub use event::{Event, FrameDone};
pub use histogram::Percentiles;
pub use live_captions::{Join, LiveCaptions, LiveWord};
pub use metrics::{Metrics, MetricsReport, StageReport};
pub use moshibar_audio::{FRAME_DURATION, FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};
pub use recording::{Recorder, RecordingError, RecordingSummary, recover_recordings};
pub use trace::Trace;
pub use transcript::{Caption, Speaker, Transcript, Word};
