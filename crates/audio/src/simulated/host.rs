//! The hand that plugs, unplugs and breaks scripted devices, and moves their time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::VirtualClock;
use super::backend::SimulatedBackend;
use super::device::{RateChange, Refusal, SimulatedDevice};
use super::stream::{Running, Storm};
use super::world::{World, locked};
use crate::backend::StreamFault;
use crate::clock::Clock;
use crate::device::{DeviceId, Direction};

/// All scripted devices of one test. Clones share them.
///
/// Signals and sinks run inside [`advance`](Self::advance) and must not call back into the host.
#[derive(Clone)]
pub struct SimulatedHost {
    world: Arc<Mutex<World>>,
    clock: Arc<VirtualClock>,
}

impl SimulatedHost {
    /// A machine without devices, at the beginning of time.
    pub fn new(clock: Arc<VirtualClock>) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(Arc::clone(&clock)))), clock }
    }

    /// The backend that opens these devices.
    pub fn backend(&self) -> SimulatedBackend {
        SimulatedBackend { world: Arc::clone(&self.world) }
    }

    /// Runs all callbacks that are due until `to`, in the order of their times, and moves the clock there.
    pub fn advance(&self, to: Duration) {
        locked(&self.world).run_until(to);
    }

    /// Connects a device. The first of its direction becomes the default.
    pub fn plug(&self, device: SimulatedDevice) -> DeviceId {
        let (id, direction) = (device.id(), device.direction);
        let mut world = locked(&self.world);
        world.devices.insert(id.clone(), device);
        world.heal_default(direction);
        id
    }

    /// Pulls a device out: its streams are told and end, and another device becomes the default.
    pub fn unplug(&self, id: &DeviceId) {
        locked(&self.world).unplug(id);
    }

    /// Puts a device back in. It becomes the default only if there was none.
    pub fn replug(&self, id: &DeviceId) {
        let mut world = locked(&self.world);
        let Some(device) = world.devices.get_mut(id) else { return };
        device.is_plugged = true;
        let direction = device.direction;
        world.heal_default(direction);
    }

    /// Whether a device is connected.
    pub fn is_plugged(&self, id: &DeviceId) -> bool {
        locked(&self.world).devices.get(id).is_some_and(|device| device.is_plugged)
    }

    /// Makes a device the system's default. Nobody is told.
    pub fn set_default(&self, id: &DeviceId) {
        let mut world = locked(&self.world);
        if let Some(direction) = world.devices.get(id).filter(|device| device.is_plugged).map(|device| device.direction)
        {
            world.set_default(direction, Some(id.clone()));
        }
    }

    /// The system's default now.
    pub fn default_device(&self, direction: Direction) -> Option<DeviceId> {
        locked(&self.world).default_of(direction).cloned()
    }

    /// Changes the rate at which a device runs.
    pub fn change_rate(&self, id: &DeviceId, rate_hz: u32, change: RateChange) {
        let mut world = locked(&self.world);
        let now = self.clock.now();
        let Some(device) = world.devices.get_mut(id) else { return };
        let claimed_hz = device.claimed_rate_hz(now);
        device.rate_hz = rate_hz;
        device.stale = None;
        match change {
            RateChange::Announced => world.fault(id, StreamFault::Invalidated, true),
            RateChange::Stale(lasts) => {
                device.stale = Some((claimed_hz, now + lasts));
                world.fault(id, StreamFault::Invalidated, true);
            }
            RateChange::Unannounced => world.for_streams(id, Running::restart),
        }
    }

    /// Makes a microphone hear exact zeros, as one that is blocked, or sound again.
    pub fn set_silent(&self, id: &DeviceId, is_silent: bool) {
        self.with_device(id, |device| device.is_silent = is_silent);
    }

    /// Stops a device's callbacks without a word, or lets them go on.
    pub fn set_stalled(&self, id: &DeviceId, is_stalled: bool) {
        self.with_device(id, |device| device.is_stalled = is_stalled);
        locked(&self.world).for_streams(id, Running::restart);
    }

    /// Makes a device refuse to open, or open again.
    pub fn set_refusal(&self, id: &DeviceId, refusal: Option<Refusal>) {
        self.with_device(id, |device| device.refusal = refusal);
    }

    /// Takes the whole sound service away, or brings it back: open streams end.
    pub fn set_service_down(&self, is_down: bool) {
        let mut world = locked(&self.world);
        world.is_service_down = is_down;
        if is_down {
            let ids: Vec<DeviceId> = world.devices.keys().cloned().collect();
            for id in &ids {
                world.fault(id, StreamFault::Invalidated, true);
            }
        }
    }

    /// Makes the open streams of a device report errors at this rate and for so long; no samples come any more.
    pub fn storm(&self, id: &DeviceId, faults_per_second: u32, lasts: Duration) {
        locked(&self.world).for_streams(id, |stream, _, now| {
            let now_ns = now.as_nanos() as f64;
            let period_ns = 1e9 / f64::from(faults_per_second);
            stream.is_dead = true;
            stream.storm =
                Some(Storm { next: now_ns + period_ns, period: period_ns, end: now_ns + lasts.as_nanos() as f64 });
        });
    }

    /// Makes a device report something to its open streams, which go on.
    pub fn report(&self, id: &DeviceId, fault: StreamFault) {
        locked(&self.world).fault(id, fault, false);
    }

    /// Streams that are open now.
    pub fn live_streams(&self, direction: Direction) -> usize {
        locked(&self.world).live(direction)
    }

    /// The most streams that were ever open at once.
    pub fn most_live_streams(&self, direction: Direction) -> usize {
        locked(&self.world).most_live(direction)
    }

    /// How often a stream was opened.
    pub fn opened_streams(&self, direction: Direction) -> u64 {
        locked(&self.world).opened(direction)
    }

    fn with_device(&self, id: &DeviceId, act: impl FnOnce(&mut SimulatedDevice)) {
        if let Some(device) = locked(&self.world).devices.get_mut(id) {
            act(device);
        }
    }
}
