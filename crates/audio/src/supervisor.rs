//! Keeps a talk's microphone and speaker open: follows the system's default, survives unplugging, changes of rate and sleep.
//!
//! A thread of its own, or a test, calls [`Supervisor::poll`] every 50 to 100 ms; that is all the time it knows. The two
//! directions are two [`Line`]s that know nothing of each other. The DSP learns of new streams through [`Wiring`], people
//! through [`AudioEvent`]s. Nothing else calls the [`Backend`].

mod event;
mod events;
mod faults;
mod find;
mod line;
mod live;
mod proof;

#[cfg(test)]
mod endurance_tests;
#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod sentence_tests;

use std::sync::Arc;
use std::sync::mpsc::{Sender, SyncSender};
use std::time::Duration;

pub use self::event::{AudioEvent, CloseReason};
use self::events::Events;
pub use self::find::find_device;
use self::line::Line;
use crate::backend::Backend;
use crate::clock::Clock;
use crate::device::{DeviceChoice, DeviceInfo, Direction, StreamFormat};
use crate::stream::Wiring;

/// A longer pause between two polls than this was a sleep of the machine, announced or not.
const SLEEP: Duration = Duration::from_secs(5);

/// Which devices a talk begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SupervisorOptions {
    /// The microphone.
    pub input: DeviceChoice,
    /// The speaker.
    pub output: DeviceChoice,
}

/// Opens the devices of a talk and keeps them open.
///
/// **State** at most one stream per direction at any moment: the old one is gone before a new one is opened. Dropping it
/// closes both.
pub struct Supervisor {
    input: Line,
    output: Line,
    shared: Shared,
    polled_at: Option<Duration>,
}

/// What both directions use.
struct Shared {
    backend: Box<dyn Backend>,
    clock: Arc<dyn Clock>,
    wiring: Sender<Wiring>,
    events: Events,
}

impl Supervisor {
    /// Prepares a talk; the first [`poll`](Self::poll) opens the devices.
    ///
    /// `wiring` and `events` may be read late or never: few of the one are ever sent, and the other is bounded.
    pub fn new(
        backend: Box<dyn Backend>,
        options: SupervisorOptions,
        clock: Arc<dyn Clock>,
        wiring: Sender<Wiring>,
        events: SyncSender<AudioEvent>,
    ) -> Self {
        Self {
            input: Line::new(Direction::Input, options.input),
            output: Line::new(Direction::Output, options.output),
            shared: Shared { backend, clock, wiring, events: Events::new(events) },
            polled_at: None,
        }
    }

    /// Looks after both directions; `now` is the time of the clock. May take as long as the system needs to open a device.
    pub fn poll(&mut self, now: Duration) {
        let slept = self.polled_at.is_some_and(|polled_at| now.saturating_sub(polled_at) > SLEEP);
        for line in [&mut self.input, &mut self.output] {
            if slept {
                line.sleep(&mut self.shared);
                line.wake(now);
            }
            line.poll(&mut self.shared, now);
        }
        self.shared.events.flush();
        // Not `now`: opening a device can take seconds, which are no sleep.
        self.polled_at = Some(self.shared.clock.now());
    }

    /// Takes another device, at the next poll, unless it is the one that runs.
    pub fn choose(&mut self, direction: Direction, choice: DeviceChoice) {
        let now = self.shared.clock.now();
        let (line, shared) = self.line(direction);
        line.choose(shared, choice, now);
    }

    /// Tries again now what failed or was given up.
    pub fn retry(&mut self, direction: Direction) {
        self.line(direction).0.retry();
    }

    /// Closes both devices before it returns: the machine goes to sleep.
    pub fn suspend(&mut self) {
        for line in [&mut self.input, &mut self.output] {
            line.sleep(&mut self.shared);
        }
        self.shared.events.flush();
    }

    /// Opens the devices again, a second from now: right after waking, their states are stale.
    pub fn resume(&mut self) {
        let now = self.shared.clock.now();
        for line in [&mut self.input, &mut self.output] {
            line.wake(now);
        }
        self.polled_at = None;
    }

    /// The device that runs, and how; `None` while there is none or its rate is not yet trusted.
    pub fn running(&self, direction: Direction) -> Option<(&DeviceInfo, StreamFormat)> {
        match direction {
            Direction::Input => self.input.running(),
            Direction::Output => self.output.running(),
        }
    }

    /// How often a device was opened again because something happened to it.
    pub fn rebuilds(&self, direction: Direction) -> u64 {
        match direction {
            Direction::Input => self.input.rebuilds(),
            Direction::Output => self.output.rebuilds(),
        }
    }

    /// Events that nobody read in time and that are lost.
    pub fn lost_events(&self) -> u64 {
        self.shared.events.lost()
    }

    fn line(&mut self, direction: Direction) -> (&mut Line, &mut Shared) {
        let line = match direction {
            Direction::Input => &mut self.input,
            Direction::Output => &mut self.output,
        };
        (line, &mut self.shared)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.input.close(&mut self.shared);
        self.output.close(&mut self.shared);
    }
}
