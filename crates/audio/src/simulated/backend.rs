//! The backend over scripted devices: what the supervisor sees of them.

use std::sync::{Arc, Mutex};

use super::stream::{Callback, Handle};
use super::world::{World, locked};
use crate::backend::{Backend, FaultSink, OpenStream};
use crate::clock::Clock;
use crate::device::{DeviceId, DeviceInfo, Direction, StreamFormat};
use crate::device_error::DeviceError;
use crate::stream::{MicCallback, SpeakerCallback};

/// Scripted devices where real ones would be; made by [`SimulatedHost::backend`](super::SimulatedHost::backend).
pub struct SimulatedBackend {
    pub(super) world: Arc<Mutex<World>>,
}

impl SimulatedBackend {
    fn open(
        &mut self,
        device: &DeviceId,
        direction: Direction,
        format: StreamFormat,
        callback: Callback,
        faults: FaultSink,
    ) -> Result<Box<dyn OpenStream>, DeviceError> {
        let key = locked(&self.world).open(device, direction, format, callback, faults)?;
        Ok(Box::new(Handle { world: Arc::clone(&self.world), key }))
    }
}

impl Backend for SimulatedBackend {
    fn name(&self) -> &'static str {
        "Simulated"
    }

    fn devices(&mut self) -> Result<Vec<DeviceInfo>, DeviceError> {
        let world = locked(&self.world);
        if world.is_service_down {
            return Err(DeviceError::no_service("Simulated"));
        }
        let plugged = world.devices.values().filter(|device| device.is_plugged);
        Ok(plugged.map(|device| device.info(world.default_of(device.direction) == Some(&device.id))).collect())
    }

    fn default_device(&mut self, direction: Direction) -> Option<DeviceId> {
        let world = locked(&self.world);
        world.default_of(direction).filter(|_| !world.is_service_down).cloned()
    }

    fn current_format(&mut self, device: &DeviceId, direction: Direction) -> Result<StreamFormat, DeviceError> {
        let world = locked(&self.world);
        let now = world.clock.now();
        let device = world.plugged(device, direction)?;
        Ok(StreamFormat {
            rate_hz: device.claimed_rate_hz(now),
            channels: device.channels,
            block_samples: Some(device.block_samples),
        })
    }

    fn open_input(
        &mut self,
        device: &DeviceId,
        format: StreamFormat,
        callback: MicCallback,
        faults: FaultSink,
    ) -> Result<Box<dyn OpenStream>, DeviceError> {
        self.open(device, Direction::Input, format, Callback::Mic(callback), faults)
    }

    fn open_output(
        &mut self,
        device: &DeviceId,
        format: StreamFormat,
        callback: SpeakerCallback,
        faults: FaultSink,
    ) -> Result<Box<dyn OpenStream>, DeviceError> {
        self.open(device, Direction::Output, format, Callback::Speaker(callback), faults)
    }
}
