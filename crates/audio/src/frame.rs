//! The unit in which the whole product counts: 80 ms of mono sound.

use std::time::Duration;

/// Samples per second inside the engine, Mimi's rate.
pub const SAMPLE_RATE_HZ: u32 = 24_000;

/// Samples in one frame: 80 ms at 24 kHz, so 12.5 frames a second.
pub const FRAME_SAMPLES: usize = 1_920;

/// How long one frame lasts, and so the time that the engine has for it.
pub const FRAME_DURATION: Duration = Duration::from_millis(80);

/// One frame of mono speech.
///
/// **Units** linear PCM at 24 kHz; full scale is −1..1, louder samples are not clipped here.
pub type Frame = [f32; FRAME_SAMPLES];

/// A frame in which nobody speaks.
pub static SILENCE: Frame = [0.0; FRAME_SAMPLES];
