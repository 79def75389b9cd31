//! What the loop asks of a speech model: one frame in, one frame out. Implemented by `moshibar-model`, and by scripted
//! engines in tests. Everything that crosses this line is plain data.

use std::time::Duration;

use moshibar_audio::Frame;

/// A full-duplex speech model that listens and speaks at the same time, one frame per step.
///
/// An engine belongs to the thread that built it: implementations need not be `Send`.
pub trait Engine {
    /// Hears one frame and answers with one.
    ///
    /// **State** advances the talk by 80 ms.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails. The talk's state is then undefined: [`reset`](Engine::reset) before the next frame.
    fn step(&mut self, user: &Frame) -> Result<FrameReply, EngineError>;

    /// Forgets the talk; the next frame is the first of a new one.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails while clearing its state.
    fn reset(&mut self) -> Result<(), EngineError>;

    /// Gives back memory that is only kept to be quick. The talk goes on.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    fn save_memory(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Memory held by the model's runtime at this moment.
    fn memory(&self) -> MemoryUse;
}

/// What the engine answers to one frame.
#[derive(Debug, Clone)]
pub struct FrameReply {
    /// Moshi's speech; `None` in the first frames of a talk, while the acoustic delay fills.
    pub speech: Option<Box<Frame>>,
    /// The piece of a word that Moshi says in this frame, a leading space included; `None` for padding.
    pub text: Option<String>,
    /// Where the time of this step went.
    pub stages: StageTimes,
}

/// A part of one step. `Encode`, `Step` and `Decode` are known only when the engine waits for each of them
/// (tracing, benchmarks); `Build` and `Evaluate` only when it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Mimi: speech to codes.
    Encode,
    /// Moshi: one step of the language model, text and audio codes sampled.
    Step,
    /// Mimi: codes to speech.
    Decode,
    /// The host builds the frame's graph.
    Build,
    /// The device computes it, and the host waits.
    Evaluate,
}

impl Stage {
    /// All stages, in the order of [`Stage`] itself.
    pub const ALL: [Self; 5] = [Self::Encode, Self::Step, Self::Decode, Self::Build, Self::Evaluate];

    /// The name used in tables, traces and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Step => "step",
            Self::Decode => "decode",
            Self::Build => "build",
            Self::Evaluate => "evaluate",
        }
    }
}

/// How long each stage of one step took; stages follow each other without a gap, in the order of [`Stage::ALL`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageTimes {
    durations: [Option<Duration>; Stage::ALL.len()],
}

impl StageTimes {
    /// Notes that `stage` took `duration`.
    pub fn record(&mut self, stage: Stage, duration: Duration) {
        if let Some(slot) = self.durations.get_mut(stage as usize) {
            *slot = Some(duration);
        }
    }

    /// The stages that were measured, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> + '_ {
        Stage::ALL.into_iter().zip(self.durations).filter_map(|(stage, duration)| Some((stage, duration?)))
    }

    /// The whole step.
    pub fn total(&self) -> Duration {
        self.durations.iter().flatten().sum()
    }
}

/// Memory of the model's runtime. On Metal it does not show in the process's resident size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct MemoryUse {
    /// Bytes in use.
    pub active_bytes: usize,
    /// Bytes kept for reuse.
    pub cache_bytes: usize,
    /// Most bytes in use since the model was loaded.
    pub peak_bytes: usize,
}

/// Why the engine could not go on.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What happened, for the program.
    pub kind: EngineErrorKind,
    /// What happened and what to do, for people.
    pub message: String,
}

/// The kinds of [`EngineError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineErrorKind {
    /// The compute device reported a failure; a reset or a reload may help.
    DeviceFailed,
    /// The model produced something that cannot be speech or text (NaN, a code out of range).
    InvalidOutput,
}
