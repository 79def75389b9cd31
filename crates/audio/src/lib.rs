//! Ears and mouth: sound devices, echo cancellation, frames of 80 ms, WAV files. No MLX, no window, no network.

mod atomic_file;
mod backend;
mod clock;
mod device;
mod device_error;
mod error;
mod frame;
mod frames;
mod port;
mod resample;
#[cfg(any(test, feature = "simulated"))]
mod simulated;
mod speech;
mod stream;
mod supervisor;
mod wav;

pub use atomic_file::AtomicFile;
pub use backend::{Backend, CpalBackend, FaultSink, OpenStream, StreamFault};
pub use clock::{Clock, SystemClock};
pub use device::{DeviceChoice, DeviceId, DeviceInfo, DeviceKind, Direction, StreamFormat};
pub use device_error::{DeviceError, DeviceErrorKind};
pub use error::{AudioError, AudioErrorKind};
pub use frame::{FRAME_DURATION, FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE};
pub use frames::Frames;
pub use port::{AudioReport, Controls, FramePort, Meters, MicFrame, MicReader, PORT_FRAMES, SpeakerWriter};
pub use resample::{RATES_HZ, resample};
#[cfg(any(test, feature = "simulated"))]
pub use simulated::{RateChange, Refusal, SimulatedBackend, SimulatedDevice, SimulatedHost, VirtualClock};
pub use speech::Speech;
pub use stream::{
    BlockMark, LARGEST_BLOCK_SAMPLES, MicCallback, MicEnd, SpeakerCallback, SpeakerEnd, StreamCounters, Wiring,
    mic_stream, speaker_stream,
};
pub use supervisor::{AudioEvent, CloseReason, Supervisor, SupervisorOptions, find_device};
pub use wav::{Channels, FinishedWav, SampleFormat, WavWriter, read_wav, write_wav};
