//! The seam below which sound devices lie: the one implementation for real ones, and scripted ones for tests.
//!
//! Only the supervisor calls it, from one thread. Calls may block for as long as the system needs.

mod cpal;

pub use self::cpal::CpalBackend;
use crate::device::{DeviceId, DeviceInfo, Direction, StreamFormat};
use crate::device_error::DeviceError;
use crate::stream::{MicCallback, SpeakerCallback};

/// What a stream reports besides samples. Sent from any thread, the real-time one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamFault {
    /// The device is gone; the stream is dead.
    DeviceLost,
    /// The stream no longer fits the device, for instance after a change of rate; it is dead and must be opened again.
    Invalidated,
    /// The system moved the stream to another device; it goes on.
    Rerouted,
    /// Samples were lost between the device and us.
    Xrun,
    /// Anything else.
    Other,
}

/// Takes the faults of one stream: counts them in atomics, never blocks, allocates or logs, and so stands any storm of them.
pub type FaultSink = Box<dyn FnMut(StreamFault) + Send>;

/// A stream that runs until it is dropped.
pub trait OpenStream {}

/// Sound devices.
pub trait Backend: Send {
    /// Who provides the devices, for people: `CoreAudio`, `PipeWire`, `ALSA`.
    fn name(&self) -> &'static str;

    /// All devices, in both directions.
    ///
    /// # Errors
    /// [`DeviceError`] if the system's sound service cannot be reached.
    fn devices(&mut self) -> Result<Vec<DeviceInfo>, DeviceError>;

    /// The id of the system's default; `None` where there is no device at all. Asked twice a second, so it must be cheap.
    fn default_device(&mut self, direction: Direction) -> Option<DeviceId>;

    /// The format at which a device runs at this moment; it is never changed by us.
    ///
    /// # Errors
    /// [`DeviceError`] if the device is gone or refuses.
    fn current_format(&mut self, device: &DeviceId, direction: Direction) -> Result<StreamFormat, DeviceError>;

    /// Opens a microphone and starts it.
    ///
    /// # Errors
    /// [`DeviceError`] if it is gone, taken or forbidden.
    fn open_input(
        &mut self,
        device: &DeviceId,
        format: StreamFormat,
        callback: MicCallback,
        faults: FaultSink,
    ) -> Result<Box<dyn OpenStream>, DeviceError>;

    /// Opens a speaker and starts it.
    ///
    /// # Errors
    /// As [`open_input`](Self::open_input).
    fn open_output(
        &mut self,
        device: &DeviceId,
        format: StreamFormat,
        callback: SpeakerCallback,
        faults: FaultSink,
    ) -> Result<Box<dyn OpenStream>, DeviceError>;
}
