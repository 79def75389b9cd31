//! The sound of real devices, or of scripted ones below the same seam, for a talk.

use std::sync::Arc;

use moshibar_audio::{
    AudioEvent, Backend, Clock, DeviceChoice, DeviceError, Direction, Duplex, DuplexOptions, FramePort,
};

use crate::live::sound::{OpenSound, Sound, Wake};

/// Makes a backend; called once per talk.
pub type MakeBackend = Box<dyn FnMut() -> Result<Box<dyn Backend>, DeviceError> + Send>;

/// Opens devices for every talk anew.
pub struct Devices {
    make_backend: MakeBackend,
    options: DuplexOptions,
    clock: Arc<dyn Clock>,
}

impl Devices {
    /// Devices of a backend, used as `options` say until a command wishes otherwise.
    pub fn new(make_backend: MakeBackend, options: DuplexOptions, clock: Arc<dyn Clock>) -> Self {
        Self { make_backend, options, clock }
    }
}

impl OpenSound for Devices {
    fn open(&mut self, wake: Arc<Wake>) -> Result<Box<dyn Sound>, DeviceError> {
        let backend = (self.make_backend)()?;
        let duplex = Duplex::start(backend, self.options.clone(), Arc::clone(&self.clock), move || wake.wake())?;
        Ok(Box::new(duplex))
    }
}

impl Sound for Duplex {
    fn port(&mut self) -> &mut FramePort {
        Self::port(self)
    }

    fn next_event(&mut self) -> Option<AudioEvent> {
        Self::next_event(self)
    }

    fn choose(&mut self, direction: Direction, choice: DeviceChoice) {
        Self::choose(self, direction, choice);
    }

    fn rebuilds(&self) -> u64 {
        Self::rebuilds(self)
    }
}
