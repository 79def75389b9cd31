//! What a talk asks of the sound side: frames, news, and a few wishes. The devices' threads lie behind it, or a simulation.

use std::sync::Mutex;
use std::thread::Thread;

use moshibar_audio::{AudioEvent, DeviceChoice, DeviceError, Direction, FramePort};

/// The sound of one talk; dropped, it closes the devices.
pub trait Sound {
    /// The frames of both speakers.
    fn port(&mut self) -> &mut FramePort;

    /// The oldest piece of news that was not taken yet.
    fn next_event(&mut self) -> Option<AudioEvent>;

    /// Chooses a device.
    fn choose(&mut self, direction: Direction, choice: DeviceChoice);

    /// How often a stream was opened again, both directions together.
    fn rebuilds(&self) -> u64;
}

/// Opens the sound of a talk.
pub trait OpenSound: Send {
    /// Starts to open the devices, and returns at once; whether that works is told as an [`AudioEvent`]. `wake` is to be
    /// called whenever a frame or news is there.
    ///
    /// # Errors
    /// [`DeviceError`] if not even a thread can be had.
    fn open(&mut self, wake: std::sync::Arc<Wake>) -> Result<Box<dyn Sound>, DeviceError>;
}

/// Wakes the core thread, from any thread. Without one (in tests) it does nothing.
#[derive(Debug, Default)]
pub struct Wake {
    sleeper: Mutex<Option<Thread>>,
}

impl Wake {
    /// Makes the calling thread the one that is woken.
    pub(crate) fn sleeps_here(&self) {
        *self.sleeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(std::thread::current());
    }

    /// Ends the core's wait, or the next one if it does not wait now.
    pub fn wake(&self) {
        if let Some(thread) = &*self.sleeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            thread.unpark();
        }
    }
}
