//! The microphone as the DSP sees it: slices at 24 kHz, and where in time they lie.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rubato::ResamplerConstructionError;

use super::block_clock::{BlockClock, MarkedEnd};
use super::resampler::StreamResampler;
use super::{SLICE_SAMPLES, SLICE_SECONDS, Slice, finite};
use crate::stream::MicEnd;

/// A microphone that is wired.
pub(crate) struct Microphone {
    end: MicEnd,
    resampler: StreamResampler,
    clock: BlockClock,
    /// Samples that were used, and those that never came in: exact in the mean, for the filter takes whole ones in turns.
    position: f64,
    lost: u64,
    xruns: u64,
}

impl Microphone {
    /// A microphone whose samples so far are forgotten.
    pub(crate) fn new(end: MicEnd) -> Result<Self, ResamplerConstructionError> {
        let resampler = StreamResampler::to_engine(end.rate_hz)?;
        let clock = BlockClock::new(end.rate_hz, MarkedEnd::Last);
        Ok(Self { end, resampler, clock, position: 0.0, lost: 0, xruns: 0 })
    }

    /// Reads the marks. Returns how many samples were lost since the last call.
    pub(crate) fn observe(&mut self) -> u64 {
        while let Ok(mark) = self.end.marks.pop() {
            self.clock.mark(mark);
        }
        let lost = self.end.counters.lost_samples.load(Ordering::Relaxed);
        let newly_lost = lost.saturating_sub(self.lost);
        self.lost = lost;
        self.position += newly_lost as f64;
        newly_lost
    }

    /// Xruns since the last call.
    pub(crate) fn new_xruns(&mut self) -> u64 {
        let xruns = self.end.counters.xruns.load(Ordering::Relaxed);
        xruns.saturating_sub(std::mem::replace(&mut self.xruns, xruns))
    }

    /// Forgets what was heard and not read.
    pub(crate) fn forget(&mut self) {
        let waiting = self.end.samples.slots();
        if let Ok(chunk) = self.end.samples.read_chunk(waiting) {
            chunk.commit_all();
        }
        self.position += waiting as f64;
        self.resampler.reset();
    }

    /// Whether a slice can be read.
    pub(crate) fn has_slice(&mut self) -> bool {
        let wanted = self.resampler.wanted(SLICE_SAMPLES);
        self.end.samples.slots() >= wanted
    }

    /// Reads one slice.
    pub(crate) fn read(&mut self, slice: &mut Slice) {
        let ring = &mut self.end.samples;
        self.position += f64::from(self.end.rate_hz) * SLICE_SECONDS;
        self.resampler.process(slice, |input| {
            for place in input {
                *place = ring.pop().map_or(0.0, finite);
            }
        });
    }

    pub(crate) fn clock(&mut self) -> &mut BlockClock {
        &mut self.clock
    }

    /// The time of the next sample in the ring, in seconds.
    pub(crate) fn read_until(&self) -> f64 {
        self.clock.time_of(self.position)
    }

    /// The length of the longest block so far, in seconds.
    pub(crate) fn longest_block_seconds(&self) -> f64 {
        self.end.counters.largest_block.load(Ordering::Relaxed) as f64 / f64::from(self.end.rate_hz)
    }

    /// When the last sample was heard that a slice's end is made of, `later_by` seconds after it left the filter.
    pub(crate) fn heard_at(&self, later_by: f64) -> Duration {
        let seconds = self.read_until() - self.resampler.delay_samples() / f64::from(self.end.rate_hz) - later_by;
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}
