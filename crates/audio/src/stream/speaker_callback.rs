//! What runs on the sound device's thread when the speaker wants a block: pop, bridge what is missing, copy to the tap, count.
//!
//! No allocation, lock, log or system call in here (`tests/no_alloc.rs`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtrb::{Consumer, Producer};

use super::{BlockMark, StreamCounters, nanoseconds};
use crate::clock::Clock;

/// How long a fade lasts: long enough not to click, too short to be missed.
const FADE_MILLISECONDS: u32 = 5;

/// The speaker's real-time half, made by [`speaker_stream`](super::speaker_stream).
pub struct SpeakerCallback {
    samples: Consumer<f32>,
    tap: Producer<f32>,
    marks: Producer<BlockMark>,
    counters: Arc<StreamCounters>,
    clock: Arc<dyn Clock>,
    fade: Fade,
}

impl SpeakerCallback {
    pub(super) fn new(
        rate_hz: u32,
        samples: Consumer<f32>,
        tap: Producer<f32>,
        marks: Producer<BlockMark>,
        counters: Arc<StreamCounters>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { samples, tap, marks, counters, clock, fade: Fade::new(rate_hz) }
    }

    /// Fills one block for the device and copies what was really played to the tap.
    ///
    /// Where the ring is dry, the last sample fades to silence over 5 ms; when it flows again, it fades in as slowly.
    /// The tap receives those fades and that silence too: the canceller must hear what the room heard.
    ///
    /// **Units** `block`: interleaved at the device's rate. The ring is mono, so each sample goes to every channel.
    pub fn on_output(&mut self, block: &mut [f32], channels: u16) {
        let channels = usize::from(channels.max(1));
        let wanted = block.len() / channels;
        if wanted == 0 {
            block.fill(0.0);
            return;
        }
        let at = self.clock.now();
        let now_ns = nanoseconds(at);
        if self.counters.holds(wanted, now_ns) {
            block.fill(0.0);
            return;
        }

        let available = self.samples.slots().min(wanted);
        let mut underruns = 0;
        let mut missing = 0;
        let mut places = block.chunks_exact_mut(channels);
        if let Ok(chunk) = self.samples.read_chunk(available) {
            // The samples lead: a `zip` that asked the places first would lose one of them.
            for (sample, place) in chunk.into_iter().zip(&mut places) {
                place.fill(self.fade.flow(sample));
            }
        }
        for place in &mut places {
            let dry = self.fade.run_dry();
            underruns += u64::from(dry.begins);
            missing += u64::from(dry.is_missed);
            place.fill(dry.sample);
        }
        places.into_remainder().fill(0.0);

        let fitting = self.tap.slots().min(wanted);
        let tapped = match self.tap.write_chunk_uninit(fitting) {
            Ok(chunk) => chunk.fill_from_iter(block.chunks_exact(channels).filter_map(|place| place.first().copied())),
            Err(_) => 0,
        };
        let untapped = wanted.saturating_sub(tapped);
        if untapped > 0 {
            self.counters.lost_tap_samples.fetch_add(untapped as u64, Ordering::Relaxed);
        }
        if missing > 0 {
            self.counters.lost_samples.fetch_add(missing, Ordering::Relaxed);
            self.counters.underruns.fetch_add(underruns, Ordering::Relaxed);
        }
        let samples = self.counters.count_block(wanted, now_ns);
        // Last, so that whoever sees the mark finds its samples in the tap. A full ring of marks: see `MARKS`.
        let _ = self.marks.push(BlockMark { samples, at });
    }
}

/// Keeps the loudspeaker from clicking where the ring runs dry and where it flows again.
struct Fade {
    /// How many samples a fade has.
    length: u32,
    /// Samples of the fade-in that are behind us, up to `length`.
    risen: u32,
    /// What was played last.
    last: f32,
    /// What was played last when the ring ran dry: it falls to zero.
    held: f32,
    /// Samples of the fade-out that are still to come.
    falling: u32,
    /// Whether a sample ever came: before that nothing is missing.
    has_begun: bool,
    is_dry: bool,
}

/// A sample that had to be made up.
struct Dry {
    sample: f32,
    /// Whether it is the first of a run.
    begins: bool,
    /// Whether somebody could miss it.
    is_missed: bool,
}

impl Fade {
    fn new(rate_hz: u32) -> Self {
        let length = (rate_hz.saturating_mul(FADE_MILLISECONDS) / 1_000).max(1);
        Self { length, risen: 0, last: 0.0, held: 0.0, falling: 0, has_begun: false, is_dry: true }
    }

    /// What to play for a sample of the ring.
    fn flow(&mut self, sample: f32) -> f32 {
        self.has_begun = true;
        self.is_dry = false;
        if self.risen == self.length && self.falling == 0 {
            self.last = sample;
            return sample;
        }
        self.risen = (self.risen + 1).min(self.length);
        self.last = self.fall() + sample * (self.risen as f32 / self.length as f32);
        self.last
    }

    /// What to play where the ring has nothing.
    fn run_dry(&mut self) -> Dry {
        let begins = !self.is_dry;
        if begins {
            self.is_dry = true;
            self.risen = 0;
            self.held = self.last;
            self.falling = self.length;
        }
        self.last = self.fall();
        Dry { sample: self.last, begins, is_missed: self.has_begun }
    }

    /// The next sample of the fade-out; silence after it.
    fn fall(&mut self) -> f32 {
        self.falling = self.falling.saturating_sub(1);
        self.held * (self.falling as f32 / self.length as f32)
    }
}
