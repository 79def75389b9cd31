//! Ears and mouth: frames of 80 ms, WAV files, resampling. No MLX, no window, no network.

mod atomic_file;
mod error;
mod frame;
mod frames;
mod resample;
mod speech;
mod wav;

pub use atomic_file::AtomicFile;
pub use error::{AudioError, AudioErrorKind};
pub use frame::{FRAME_DURATION, FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE};
pub use frames::Frames;
pub use resample::{RATES_HZ, resample};
pub use speech::Speech;
pub use wav::{Channels, FinishedWav, SampleFormat, WavWriter, read_wav, write_wav};
