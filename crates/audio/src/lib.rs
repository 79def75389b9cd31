//! Ears and mouth: sound devices, echo cancellation, frames of 80 ms, WAV files. No MLX, no window, no network.

mod atomic_file;
mod backend;
mod clock;
mod device;
mod device_error;
mod dsp;
mod duplex;
mod error;
mod frame;
mod frames;
mod port;
#[cfg(feature = "simulated")]
mod scripted_port;
#[cfg(any(test, feature = "simulated"))]
mod simulated;
#[cfg(feature = "simulated")]
mod simulated_duplex;
mod speech;
mod stream;
mod supervisor;
mod wav;

pub use atomic_file::AtomicFile;
pub use backend::{Backend, CpalBackend, FaultSink, OpenStream, StreamFault};
pub use clock::{Clock, SystemClock};
pub use device::{DeviceChoice, DeviceId, DeviceInfo, DeviceKind, Direction, StreamFormat};
pub use device_error::{DeviceError, DeviceErrorKind};
pub use dsp::DspOptions;
pub use duplex::{Duplex, DuplexOptions};
pub use error::{AudioError, AudioErrorKind};
pub use frame::{FRAME_DURATION, FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE};
pub use frames::Frames;
pub use moshibar_resampling::{CannotResample, RATES_HZ, resample};
pub use port::{AudioReport, Controls, EchoMode, FramePort, Meters, MicFrame, MicReader, PORT_FRAMES, SpeakerWriter};
#[cfg(feature = "simulated")]
pub use scripted_port::ScriptedPort;
#[cfg(any(test, feature = "simulated"))]
pub use simulated::{RateChange, Refusal, SimulatedBackend, SimulatedDevice, SimulatedHost, VirtualClock};
#[cfg(feature = "simulated")]
pub use simulated_duplex::SimulatedDuplex;
pub use speech::Speech;
pub use stream::{
    BlockMark, LARGEST_BLOCK_SAMPLES, MicCallback, MicEnd, SpeakerCallback, SpeakerEnd, StreamCounters, Wiring,
    mic_stream, speaker_stream,
};
pub use supervisor::{AudioEvent, CloseReason, Supervisor, SupervisorOptions, find_device};
pub use wav::{Channels, FinishedWav, GrowingWav, SampleFormat, WavWriter, read_wav, write_wav};
