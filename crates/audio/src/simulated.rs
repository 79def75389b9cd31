//! Scripted sound devices on a clock that tests move by hand: a day of callbacks runs in a minute, the same every time.
//!
//! [`SimulatedBackend`] goes where the real one would; [`SimulatedHost`] is the hand that pulls plugs. Callbacks run in
//! [`SimulatedHost::advance`], on the caller's thread and in the order of their times.

mod backend;
mod device;
mod host;
mod stream;
mod world;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use self::backend::SimulatedBackend;
pub use self::device::{RateChange, Refusal, SimulatedDevice};
pub use self::host::SimulatedHost;
use crate::clock::Clock;

/// A clock that stands still until somebody moves it.
#[derive(Debug, Default)]
pub struct VirtualClock {
    now_ns: AtomicU64,
}

impl VirtualClock {
    /// Moves the clock to `moment`; never back.
    pub fn advance_to(&self, moment: Duration) {
        self.now_ns.fetch_max(u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.now_ns.load(Ordering::Relaxed))
    }
}
