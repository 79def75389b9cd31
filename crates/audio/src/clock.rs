//! Time that only goes forward, injected wherever a decision depends on it, so that a day runs in minutes in tests.

use std::time::{Duration, Instant};

/// A clock that only goes forward.
///
/// `now` is called from the sound device's callbacks: implementations neither block nor allocate.
pub trait Clock: Send + Sync {
    /// The time since some fixed moment.
    fn now(&self) -> Duration;
}

/// The machine's monotonic clock, counted from the moment when this value was made.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    beginning: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { beginning: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.beginning.elapsed()
    }
}
