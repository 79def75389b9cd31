//! Ears and mouth: frames of 80 ms, WAV files, resampling. No MLX, no window, no network.

mod frame;

pub use frame::{FRAME_DURATION, FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};
