//! When a sample of a device was heard or played, from the marks of its blocks.
//!
//! A callback may run late, never early. So the least late of many marks tells a device's time far more exactly than any one
//! of them, and the size of the blocks adds no noise.

use std::time::Duration;

use crate::stream::BlockMark;

/// Which end of a block a callback's time belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkedEnd {
    /// The microphone: a block is delivered when its last sample was heard.
    Last,
    /// The speaker: a block is fetched before its first sample is played.
    First,
}

/// The time of one device's samples.
#[derive(Debug)]
pub(crate) struct BlockClock {
    rate_hz: f64,
    end: MarkedEnd,
    samples: u64,
    lead: Option<f64>,
    window: Option<f64>,
    previous_window: Option<f64>,
}

impl BlockClock {
    pub(crate) fn new(rate_hz: u32, end: MarkedEnd) -> Self {
        Self { rate_hz: f64::from(rate_hz), end, samples: 0, lead: None, window: None, previous_window: None }
    }

    /// Takes the mark of one block. Marks may be missing, not out of order.
    pub(crate) fn mark(&mut self, mark: BlockMark) {
        let marked = match self.end {
            MarkedEnd::Last => mark.samples,
            MarkedEnd::First => self.samples,
        };
        self.samples = mark.samples;
        let lead = marked as f64 / self.rate_hz - mark.at.as_secs_f64();
        self.window = Some(self.window.map_or(lead, |most| most.max(lead)));
        self.lead = [self.window, self.previous_window].into_iter().flatten().reduce(f64::max);
    }

    /// Samples so far.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// Whether there was a mark.
    pub(crate) fn is_running(&self) -> bool {
        self.lead.is_some()
    }

    /// When `position`, counted in samples from the opening of the stream, was heard or may be played, in seconds.
    pub(crate) fn time_of(&self, position: f64) -> f64 {
        position / self.rate_hz - self.lead.unwrap_or(0.0)
    }

    /// Which position is heard or played at a moment; the inverse of [`time_of`](Self::time_of).
    pub(crate) fn position_at(&self, time: Duration) -> f64 {
        (time.as_secs_f64() + self.lead.unwrap_or(0.0)) * self.rate_hz
    }

    /// Begins the next window: marks older than the last two windows are forgotten, for clocks drift.
    pub(crate) fn turn_window(&mut self) {
        if self.window.is_some() {
            self.previous_window = self.window.take();
            self.lead = self.previous_window;
        }
    }
}
