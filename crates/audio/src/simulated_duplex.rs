//! The sound side of a talk over scripted devices, without threads: a test moves the clock, and everything that the two
//! threads would have done until then is done, in the order of time.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::clock::Clock;
use crate::device::{DeviceChoice, Direction};
use crate::dsp::Dsp;
use crate::duplex::{DEVICES_EVERY, DSP_EVERY, DuplexOptions, Ties};
use crate::port::FramePort;
use crate::simulated::{SimulatedHost, VirtualClock};
use crate::supervisor::{AudioEvent, Supervisor};

/// What the two threads would do.
pub struct SimulatedDuplex {
    host: SimulatedHost,
    clock: Arc<VirtualClock>,
    supervisor: Supervisor,
    dsp: Dsp,
    next_devices: Duration,
    next_dsp: Duration,
}

impl SimulatedDuplex {
    /// A sound side at the clock's present; the port and the news go to the talk.
    pub fn new(
        host: SimulatedHost,
        clock: Arc<VirtualClock>,
        options: DuplexOptions,
    ) -> (Self, FramePort, Receiver<AudioEvent>) {
        let Ties { wires, wiring, news, events, port, dsp_port } = Ties::new();
        let backend = Box::new(host.backend());
        let supervisor = Supervisor::new(backend, options.devices, Arc::clone(&clock) as Arc<dyn Clock>, wires, news);
        let dsp = Dsp::new(dsp_port, wiring, options.dsp);
        let now = clock.now();
        (Self { host, clock, supervisor, dsp, next_devices: now, next_dsp: now }, port, events)
    }

    /// Lets time pass up to `to`, or up to the first moment at which a frame of the user is ready.
    pub fn advance(&mut self, to: Duration) {
        while self.clock.now() < to {
            let tick = self.next_dsp.min(self.next_devices).min(to).max(self.clock.now());
            self.host.advance(tick); // opening a device may have moved the clock further
            let now = self.clock.now();
            if now >= self.next_devices {
                self.supervisor.poll(now);
                self.next_devices = now + DEVICES_EVERY;
            }
            if now >= self.next_dsp {
                self.next_dsp = now + DSP_EVERY;
                if self.dsp.poll(now) {
                    return;
                }
            }
        }
    }

    /// Chooses another device.
    pub fn choose(&mut self, direction: Direction, choice: DeviceChoice) {
        self.supervisor.choose(direction, choice);
    }

    /// How often a stream was opened again.
    pub fn rebuilds(&self) -> u64 {
        Direction::ALL.into_iter().map(|direction| self.supervisor.rebuilds(direction)).sum()
    }
}
