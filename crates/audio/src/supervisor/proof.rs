//! Whether a device that was just opened runs at the rate that it claims.
//!
//! A headset on its way from music to telephone quality may claim 48 kHz and deliver 24: until the first blocks have been
//! counted against the clock, nothing of it is heard.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::stream::StreamCounters;

/// Blocks are counted over at least this time: a little less than lies between two polls.
const SHORTEST: Duration = Duration::from_millis(80);

/// A device whose rate is still wrong after this time is opened again.
const LONGEST: Duration = Duration::from_millis(1_500);

/// How far a rate may seem off: blocks come unevenly. The rates that devices switch between differ by 1.5 and more, but
/// for 44.1 and 48 kHz, where the claim has never been seen to be stale.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = 0.75..=1.34;

/// What is known about a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belief {
    /// Too few blocks.
    Unknown,
    /// It is as claimed.
    True,
    /// It is not, and has not been for long.
    False,
}

/// Watches the first blocks of a stream that is held.
#[derive(Debug)]
pub(super) struct Proof {
    opened_at: Duration,
    /// Samples and the time of the block where counting began.
    origin: Option<(u64, u64)>,
}

impl Proof {
    pub(super) fn new(opened_at: Duration) -> Self {
        Self { opened_at, origin: None }
    }

    /// Looks at what came so far.
    pub(super) fn look(&mut self, counters: &StreamCounters, rate_hz: u32, now: Duration) -> Belief {
        let samples = counters.held_samples.load(Ordering::Relaxed);
        let at_ns = counters.last_block_ns.load(Ordering::Relaxed);
        if samples == 0 {
            return Belief::Unknown;
        }
        let Some((first_samples, first_ns)) = self.origin else {
            self.origin = Some((samples, at_ns));
            return Belief::Unknown;
        };
        let span = Duration::from_nanos(at_ns.saturating_sub(first_ns));
        if span < SHORTEST {
            return Belief::Unknown;
        }
        let measured_hz = samples.saturating_sub(first_samples) as f64 / span.as_secs_f64();
        if PLAUSIBLE.contains(&(measured_hz / f64::from(rate_hz))) {
            return Belief::True;
        }
        // Perhaps a burst at the beginning: count anew.
        self.origin = Some((samples, at_ns));
        if now.saturating_sub(self.opened_at) >= LONGEST { Belief::False } else { Belief::Unknown }
    }
}
