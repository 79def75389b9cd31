//! How long it takes to the next poll: the pump has to fill the speaker's ring for that long.

use std::time::Duration;

/// The pump looks ahead at least so far: the 5 ms to the next poll, and 1 ms that this may be late.
const LEAST_POLL_GAP: Duration = Duration::from_millis(6);

/// The longest gap between polls that the pump prepares for.
const LONGEST_PUMPED_GAP: Duration = Duration::from_millis(100);

/// How long a late poll is remembered, and how much later the next may be.
const GAP_MEMORY: Duration = Duration::from_secs(10);
const GAP_MARGIN: Duration = Duration::from_millis(1);

/// The longest gaps between polls, lately.
#[derive(Debug, Default)]
pub(crate) struct PollGaps {
    longest: Duration,
    longest_before: Duration,
    turned: Duration,
}

impl PollGaps {
    /// A poll came so long after the last one.
    pub(crate) fn note(&mut self, now: Duration, gap: Duration) {
        if now.saturating_sub(self.turned) > GAP_MEMORY {
            self.longest_before = std::mem::take(&mut self.longest);
            self.turned = now;
        }
        self.longest = self.longest.max(gap);
    }

    /// When the next poll comes at the latest, from now.
    pub(crate) fn next_poll(&self) -> Duration {
        (self.longest.max(self.longest_before) + GAP_MARGIN).clamp(LEAST_POLL_GAP, LONGEST_PUMPED_GAP)
    }
}
