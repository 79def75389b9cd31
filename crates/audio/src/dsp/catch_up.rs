//! How much of Moshi's waiting speech is more than is needed, and how urgently it has to go.
//!
//! Time is counted in samples played, at 24 kHz. What lies in the queue at its emptiest moments was not needed there: that is
//! the slack. After a stall the speech that arrives in a burst is late by the gap that had to be played instead: that is owed.

use crate::frame::SAMPLE_RATE_HZ;

const MILLISECOND: usize = SAMPLE_RATE_HZ as usize / 1_000;

/// What stays in the queue at its emptiest: frames and polls come with that much jitter.
const CUSHION: usize = 10 * MILLISECOND;

/// A gap up to this was jitter, and the cushion that it leaves behind keeps the next one away; above it was a stall.
const LONGEST_JITTER: usize = 60 * MILLISECOND;

/// So much more than is needed is a frame too much.
const MOST_SLACK: usize = 80 * MILLISECOND;

/// What a stall leaves behind as cushion.
const STALL_CUSHION: usize = 20 * MILLISECOND;

/// How long the slack is watched before anything is left out: five frames.
const WATCH: u64 = 400 * MILLISECOND as u64;

/// Silence is left out for that long, then the rest is cut. Together with [`WATCH`] inside of it the latency is back in 3 s.
const PATIENCE: u64 = 2_500 * MILLISECOND as u64;

/// A cushion that nobody needed for a minute shrinks, in silence only.
const LONG_WATCH: u64 = 5_000 * MILLISECOND as u64;
const LONG_WATCHES: usize = 12;

/// Less surplus than this over a minute is not worth a splice.
const LEAST_LONG_SURPLUS: usize = 15 * MILLISECOND;

/// Keeps account of surplus speech.
#[derive(Debug)]
pub(crate) struct CatchUp {
    played: u64,
    window_begins: u64,
    /// Least waiting in this window, and in the one before it.
    window: usize,
    previous_window: Option<usize>,
    long_begins: u64,
    long_window: usize,
    long_windows: [usize; LONG_WATCHES],
    long_count: usize,
    owed: usize,
    owed_since: u64,
    /// More slack than this is surplus even without a stall.
    most_slack: usize,
    /// A longer gap than this was a stall.
    longest_jitter: usize,
}

impl Default for CatchUp {
    fn default() -> Self {
        Self {
            played: 0,
            window_begins: 0,
            window: usize::MAX,
            previous_window: None,
            long_begins: 0,
            long_window: usize::MAX,
            long_windows: [usize::MAX; LONG_WATCHES],
            long_count: 0,
            owed: 0,
            owed_since: 0,
            most_slack: MOST_SLACK,
            longest_jitter: LONGEST_JITTER,
        }
    }
}

impl CatchUp {
    /// Devices take and give in lumps, at most of these many samples together: slack and gaps up to twice that are theirs.
    pub(crate) fn set_lumps(&mut self, samples: usize) {
        self.most_slack = MOST_SLACK.max(2 * samples);
        self.longest_jitter = LONGEST_JITTER.max(2 * samples);
    }

    /// Speech was played and `waiting` samples are left.
    pub(crate) fn played(&mut self, samples: usize, waiting: usize) {
        self.played += samples as u64;
        self.window = self.window.min(waiting);
        self.long_window = self.long_window.min(waiting);
        if self.played - self.window_begins >= WATCH {
            let surplus = self.window.saturating_sub(self.most_slack / 2);
            if self.window > self.most_slack && surplus > self.owed {
                self.owe(surplus);
            }
            self.previous_window = Some(self.window);
            self.window = usize::MAX;
            self.window_begins = self.played;
        }
        if self.played - self.long_begins >= LONG_WATCH {
            if let Some(place) = self.long_windows.get_mut(self.long_count % LONG_WATCHES) {
                *place = self.long_window;
            }
            self.long_count += 1;
            self.long_window = usize::MAX;
            self.long_begins = self.played;
        }
    }

    /// `gap` samples had to be played that were no speech, and speech goes on now.
    pub(crate) fn resumed_after(&mut self, gap: usize) {
        self.played += gap as u64;
        self.window = usize::MAX;
        self.previous_window = None;
        self.window_begins = self.played;
        self.long_window = usize::MAX;
        self.long_count = 0;
        self.long_begins = self.played;
        if gap > self.longest_jitter {
            self.owe(self.owed + gap - STALL_CUSHION);
        }
    }

    fn owe(&mut self, samples: usize) {
        if self.owed == 0 {
            self.owed_since = self.played;
        }
        self.owed = samples;
    }

    /// How much may be left out where it is silent.
    pub(crate) fn surplus(&self) -> usize {
        let long = match self.long_windows.iter().min() {
            Some(least) if self.long_count >= LONG_WATCHES => {
                least.checked_sub(CUSHION).filter(|surplus| *surplus >= LEAST_LONG_SURPLUS).unwrap_or(0)
            }
            _ => 0,
        };
        self.surplus_of_stall().max(long)
    }

    /// How much must be left out now, silent or not. What is owed after that is forgotten.
    pub(crate) fn take_overdue(&mut self) -> Option<usize> {
        if self.owed == 0 || self.played - self.owed_since < PATIENCE {
            return None;
        }
        let overdue = self.surplus_of_stall();
        self.owed = 0;
        Some(overdue)
    }

    fn surplus_of_stall(&self) -> usize {
        let slack = self.previous_window.map_or(0, |previous| previous.min(self.window));
        self.owed.min(slack.saturating_sub(CUSHION))
    }

    /// `samples` were left out.
    pub(crate) fn left_out(&mut self, samples: usize) {
        let less = |least: &mut usize| {
            if *least != usize::MAX {
                *least = least.saturating_sub(samples);
            }
        };
        self.owed = self.owed.saturating_sub(samples);
        less(&mut self.window);
        less(&mut self.long_window);
        self.previous_window.iter_mut().for_each(less);
        self.long_windows.iter_mut().for_each(less);
    }
}
