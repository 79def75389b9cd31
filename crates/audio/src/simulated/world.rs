//! All scripted devices and their streams at one moment of the virtual clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::VirtualClock;
use super::device::{Refusal, SimulatedDevice};
use super::stream::{Callback, Running, Scratch};
use crate::backend::{FaultSink, StreamFault};
use crate::clock::Clock;
use crate::device::{DeviceId, Direction, StreamFormat};
use crate::device_error::{DeviceError, DeviceErrorKind};

pub(super) struct World {
    pub(super) clock: Arc<VirtualClock>,
    pub(super) devices: BTreeMap<DeviceId, SimulatedDevice>,
    pub(super) defaults: [Option<DeviceId>; 2],
    pub(super) is_service_down: bool,
    streams: Vec<Running>,
    next_key: u64,
    most_live: [usize; 2],
    opened: [u64; 2],
    scratch: Scratch,
}

/// A panic in one test thread is told by that thread; the world itself stays usable.
pub(super) fn locked(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

fn slot(direction: Direction) -> usize {
    match direction {
        Direction::Input => 0,
        Direction::Output => 1,
    }
}

impl World {
    pub(super) fn new(clock: Arc<VirtualClock>) -> Self {
        Self {
            clock,
            devices: BTreeMap::new(),
            defaults: [None, None],
            is_service_down: false,
            streams: Vec::new(),
            next_key: 1,
            most_live: [0, 0],
            opened: [0, 0],
            scratch: Scratch::default(),
        }
    }

    pub(super) fn default_of(&self, direction: Direction) -> Option<&DeviceId> {
        self.defaults.get(slot(direction)).and_then(Option::as_ref)
    }

    pub(super) fn set_default(&mut self, direction: Direction, id: Option<DeviceId>) {
        if let Some(default) = self.defaults.get_mut(slot(direction)) {
            *default = id;
        }
    }

    /// Another plugged device becomes the default, if the present one is gone.
    pub(super) fn heal_default(&mut self, direction: Direction) {
        let is_there = |id: &DeviceId| self.devices.get(id).is_some_and(|device| device.is_plugged);
        if self.default_of(direction).is_some_and(is_there) {
            return;
        }
        let mut others = self.devices.values().filter(|device| device.direction == direction && device.is_plugged);
        let next = others.next().map(|device| device.id.clone());
        self.set_default(direction, next);
    }

    pub(super) fn live(&self, direction: Direction) -> usize {
        self.streams.iter().filter(|stream| stream.direction == direction).count()
    }

    pub(super) fn most_live(&self, direction: Direction) -> usize {
        self.most_live.get(slot(direction)).copied().unwrap_or(0)
    }

    pub(super) fn opened(&self, direction: Direction) -> u64 {
        self.opened.get(slot(direction)).copied().unwrap_or(0)
    }

    /// Runs every callback that is due until `to`, in the order of their times, and moves the clock there.
    pub(super) fn run_until(&mut self, to: Duration) {
        self.end_stale_rates();
        let to_ns = to.as_nanos() as f64;
        loop {
            let devices = &self.devices;
            let next_of =
                |stream: &Running| devices.get(&stream.device).map_or(f64::INFINITY, |device| stream.next_ns(device));
            let first = self.streams.iter().enumerate().map(|(index, stream)| (index, next_of(stream)));
            let Some((index, next_ns)) = first.min_by(|one, other| one.1.total_cmp(&other.1)) else { break };
            let stale_ends_ns = self.next_end_of_stale_rates().map_or(f64::INFINITY, |end| end.as_nanos() as f64);
            if stale_ends_ns <= to_ns && stale_ends_ns <= next_ns {
                self.clock.advance_to(Duration::from_nanos(stale_ends_ns as u64));
                self.end_stale_rates();
                continue;
            }
            if next_ns > to_ns {
                break;
            }
            self.clock.advance_to(Duration::from_nanos(next_ns as u64));
            if let Some(stream) = self.streams.get_mut(index)
                && let Some(device) = self.devices.get_mut(&stream.device)
            {
                stream.run(device, &mut self.scratch);
            }
        }
        self.clock.advance_to(to);
        self.end_stale_rates();
    }

    fn next_end_of_stale_rates(&self) -> Option<Duration> {
        self.devices.values().filter_map(|device| device.stale.map(|(_, until)| until)).min()
    }

    /// A device that claimed an old rate comes out with the truth; streams opened under the old one are told.
    fn end_stale_rates(&mut self) {
        let now = self.clock.now();
        for device in self.devices.values_mut() {
            if device.stale.is_some_and(|(_, until)| until <= now) {
                device.stale = None;
                for stream in self.streams.iter_mut().filter(|stream| stream.device == device.id) {
                    if stream.format.rate_hz != device.rate_hz {
                        stream.is_dead = true;
                        (stream.faults)(StreamFault::Invalidated);
                    }
                }
            }
        }
    }

    /// Tells all streams of a device something; `kills` ends their callbacks.
    pub(super) fn fault(&mut self, id: &DeviceId, fault: StreamFault, kills: bool) {
        for stream in self.streams.iter_mut().filter(|stream| stream.device == *id) {
            stream.is_dead |= kills;
            (stream.faults)(fault);
        }
    }

    pub(super) fn for_streams(&mut self, id: &DeviceId, mut act: impl FnMut(&mut Running, &SimulatedDevice, Duration)) {
        let now = self.clock.now();
        let Some(device) = self.devices.get(id) else { return };
        for stream in self.streams.iter_mut().filter(|stream| stream.device == *id) {
            act(stream, device, now);
        }
    }

    pub(super) fn plugged(&self, id: &DeviceId, direction: Direction) -> Result<&SimulatedDevice, DeviceError> {
        if self.is_service_down {
            return Err(DeviceError::no_service("Simulated"));
        }
        match self.devices.get(id) {
            Some(device) if device.direction == direction && device.is_plugged => Ok(device),
            Some(device) => Err(DeviceError::about(DeviceErrorKind::Lost, direction, &device.name)),
            None => Err(DeviceError::about(DeviceErrorKind::Lost, direction, &id.0)),
        }
    }

    pub(super) fn open(
        &mut self,
        id: &DeviceId,
        direction: Direction,
        format: StreamFormat,
        callback: Callback,
        faults: FaultSink,
    ) -> Result<u64, DeviceError> {
        let opening = self.plugged(id, direction)?.opening;
        if !opening.is_zero() {
            // Other devices go on meanwhile.
            let until = self.clock.now() + opening;
            self.run_until(until);
        }
        if self.devices.get(id).is_some_and(|device| device.refusal == Some(Refusal::Vanishes)) {
            self.unplug(id);
        }
        let now = self.clock.now();
        let Some(device) = self.devices.get(id) else {
            return Err(DeviceError::about(DeviceErrorKind::Lost, direction, &id.0));
        };
        if let Some(refusal) = device.refusal {
            return Err(refusal.error(device));
        }
        if format.rate_hz != device.claimed_rate_hz(now) || format.channels != device.channels {
            return Err(Refusal::Format.error(device));
        }
        let key = self.next_key;
        self.next_key += 1;
        let running = Running::new(key, device, format, callback, faults, now);
        self.streams.push(running);
        let live = self.live(direction);
        if let (Some(most), Some(opened)) =
            (self.most_live.get_mut(slot(direction)), self.opened.get_mut(slot(direction)))
        {
            *most = live.max(*most);
            *opened += 1;
        }
        Ok(key)
    }

    pub(super) fn unplug(&mut self, id: &DeviceId) {
        let Some(device) = self.devices.get_mut(id) else { return };
        device.is_plugged = false;
        let direction = device.direction;
        self.fault(id, StreamFault::DeviceLost, true);
        self.heal_default(direction);
    }

    pub(super) fn close(&mut self, key: u64) {
        self.streams.retain(|stream| stream.key != key);
    }
}
