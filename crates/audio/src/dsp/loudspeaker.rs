//! The speaker as the DSP sees it: a pump that keeps its ring as full as the next blocks need, and the far end at 24 kHz.
//!
//! Speech waits in `SpeechQueue`, not in the ring: there it can still be left out, faded or forgotten. The pump foresees the
//! callbacks up to its own next chance and fills the ring for exactly these.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rubato::ResamplerConstructionError;

use super::block_clock::{BlockClock, MarkedEnd};
use super::resampler::StreamResampler;
use super::speech_queue::SpeechQueue;
use super::{SLICE_SAMPLES, SLICE_SECONDS, Slice, finite};
use crate::frame::SAMPLE_RATE_HZ;
use crate::stream::SpeakerEnd;

/// The first guess at the longest block, 10 ms as parts of a second: what we ask devices for.
const FIRST_BLOCKS_PER_SECOND: u32 = 100;

/// How much farther than it must the pump fills the ring with speech. A switch takes effect only behind it.
const BEYOND: Duration = Duration::from_millis(4);

/// A speaker that is wired.
pub(crate) struct Loudspeaker {
    end: SpeakerEnd,
    /// From speech to the ring.
    voice: StreamResampler,
    /// From the tap to the far end.
    far: StreamResampler,
    clock: BlockClock,
    /// Samples of the tap that were used, and those that never came in; less the silence that was put before them.
    far_position: f64,
    stretch: f64,
    /// Silence to be read before the tap.
    far_silence: usize,
    /// Samples of the tap to be left out.
    far_skip: usize,
    scratch: Vec<f32>,
    lost_tap: u64,
    underruns: u64,
    missing: u64,
    xruns: u64,
}

/// What the callback could not play.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct CallbackUnderruns {
    pub(crate) underruns: u64,
    pub(crate) missing: u64,
}

impl Loudspeaker {
    /// A speaker whose tap so far is forgotten.
    pub(crate) fn new(end: SpeakerEnd) -> Result<Self, ResamplerConstructionError> {
        let voice = StreamResampler::to_device(end.rate_hz)?;
        let far = StreamResampler::to_engine(end.rate_hz)?;
        let clock = BlockClock::new(end.rate_hz, MarkedEnd::First);
        let scratch = vec![0.0; voice.most_output()];
        Ok(Self {
            end,
            voice,
            far,
            clock,
            far_position: 0.0,
            stretch: 0.0,
            far_silence: 0,
            far_skip: 0,
            scratch,
            lost_tap: 0,
            underruns: 0,
            missing: 0,
            xruns: 0,
        })
    }

    /// Reads the marks. Returns how many samples the tap lost since the last call.
    pub(crate) fn observe(&mut self) -> u64 {
        while let Ok(mark) = self.end.marks.pop() {
            self.clock.mark(mark);
        }
        let lost = self.end.counters.lost_tap_samples.load(Ordering::Relaxed);
        let newly_lost = lost.saturating_sub(self.lost_tap);
        self.lost_tap = lost;
        self.far_position += newly_lost as f64;
        newly_lost
    }

    /// Xruns since the last call.
    pub(crate) fn new_xruns(&mut self) -> u64 {
        let xruns = self.end.counters.xruns.load(Ordering::Relaxed);
        xruns.saturating_sub(std::mem::replace(&mut self.xruns, xruns))
    }

    /// What the callback missed since the last call, at the device's rate.
    pub(crate) fn new_underruns(&mut self) -> CallbackUnderruns {
        let underruns = self.end.counters.underruns.load(Ordering::Relaxed);
        let missing = self.end.counters.lost_samples.load(Ordering::Relaxed);
        CallbackUnderruns {
            underruns: underruns.saturating_sub(std::mem::replace(&mut self.underruns, underruns)),
            missing: missing.saturating_sub(std::mem::replace(&mut self.missing, missing)),
        }
    }

    /// What waits in the tap.
    #[cfg(test)]
    pub(crate) fn tap_samples(&self) -> usize {
        self.end.tap.slots()
    }

    #[cfg(test)]
    pub(crate) fn counters(&self) -> &crate::stream::StreamCounters {
        &self.end.counters
    }

    pub(crate) fn rate_hz(&self) -> u32 {
        self.end.rate_hz
    }

    pub(crate) fn clock(&mut self) -> &mut BlockClock {
        &mut self.clock
    }

    fn longest_block(&self) -> u64 {
        match self.end.counters.largest_block.load(Ordering::Relaxed) {
            0 => u64::from(self.end.rate_hz / FIRST_BLOCKS_PER_SECOND),
            longest => longest,
        }
    }

    /// The length of the longest block so far, in seconds.
    pub(crate) fn longest_block_seconds(&self) -> f64 {
        self.longest_block() as f64 / f64::from(self.end.rate_hz)
    }

    /// How long what lies in the ring lasts, in seconds.
    pub(crate) fn ring_seconds(&self) -> f64 {
        self.ring_samples() as f64 / f64::from(self.end.rate_hz)
    }

    /// How long it takes until what is read next will be played, in seconds.
    pub(crate) fn seconds_to_play(&self, now: Duration) -> f64 {
        let ahead = self.clock.samples() as f64 + self.ring_samples() as f64 - self.clock.position_at(now);
        (ahead / f64::from(self.end.rate_hz)).max(0.0)
    }

    fn ring_samples(&self) -> usize {
        self.end.samples.buffer().capacity() - self.end.samples.slots()
    }

    /// How much more the device takes than its rate says; bends both resamplers.
    pub(crate) fn set_stretch(&mut self, stretch: f64) {
        self.stretch = stretch;
        self.voice.set_stretch(stretch);
        self.far.set_stretch(1.0 / (1.0 + stretch) - 1.0);
    }

    /// Fills the ring for all callbacks that may come before the next poll, with silence if need be, and a little beyond with
    /// speech if there is some: that makes nothing later, and a poll that is late is forgiven.
    pub(crate) fn pump(&mut self, now: Duration, next_poll: Duration, speech: &mut SpeechQueue) {
        let must = self.due_samples(now, next_poll);
        self.fill(must, false, speech);
        self.fill(self.due_samples(now, next_poll + BEYOND), true, speech);
        let beyond = self.ring_samples().saturating_sub(must) as u64;
        speech.note_slack((beyond * u64::from(SAMPLE_RATE_HZ) / u64::from(self.end.rate_hz)) as usize);
    }

    /// How many samples the callbacks until `horizon` from now may take.
    fn due_samples(&self, now: Duration, horizon: Duration) -> usize {
        let block = self.longest_block() as f64;
        let most_blocks = (horizon.as_secs_f64() * f64::from(self.end.rate_hz) / block).ceil() + 1.0;
        let blocks = if self.clock.is_running() {
            let ahead = self.clock.position_at(now + horizon) - self.clock.samples() as f64;
            ((ahead / block).floor() + 1.0).clamp(0.0, most_blocks)
        } else {
            most_blocks
        };
        (blocks * block) as usize
    }

    fn fill(&mut self, level: usize, only_speech: bool, speech: &mut SpeechQueue) {
        let mut missing = level.saturating_sub(self.ring_samples()).min(self.end.samples.slots());
        while missing > 0 {
            let Some(output) = self.scratch.get_mut(..missing.min(self.voice.most_output())) else { return };
            if only_speech && !speech.has_speech(self.voice.wanted(output.len())) {
                return;
            }
            self.voice.process(output, |input| speech.read(input));
            missing -= output.len();
            for sample in output.iter() {
                // Room was counted above, and only we fill it.
                let _ = self.end.samples.push(*sample);
            }
        }
    }

    /// Whether a slice of the far end can be read.
    pub(crate) fn has_far_slice(&mut self) -> bool {
        self.skip();
        let wanted = self.far.wanted(SLICE_SAMPLES);
        self.far_skip == 0 && self.far_silence + self.end.tap.slots() >= wanted
    }

    /// Reads one slice of what was really played.
    pub(crate) fn read_far(&mut self, slice: &mut Slice) {
        let tap = &mut self.end.tap;
        let silence = &mut self.far_silence;
        self.far_position += f64::from(self.end.rate_hz) * SLICE_SECONDS * (1.0 + self.stretch);
        self.far.process(slice, |input| {
            for place in input {
                *place = if *silence > 0 {
                    *silence -= 1;
                    0.0
                } else {
                    tap.pop().map_or(0.0, finite)
                };
            }
        });
    }

    /// Forgets what was played and not read.
    pub(crate) fn forget_far(&mut self) {
        self.far_skip = self.end.tap.slots();
        self.far_position += (self.far_skip + self.far_silence) as f64;
        self.far_silence = 0;
        self.skip();
        self.far.reset();
    }

    /// The time of the next sample of the far end, in seconds.
    pub(crate) fn far_until(&self) -> f64 {
        self.clock.time_of(self.far_position)
    }

    /// Moves the far end by so many seconds: leaves samples out, or puts silence in for less than nothing.
    pub(crate) fn move_far(&mut self, seconds: f64) {
        let samples = (seconds * f64::from(self.end.rate_hz)).round() as i64;
        self.far_position += samples as f64;
        if samples >= 0 {
            let samples = samples as usize;
            let from_silence = samples.min(self.far_silence);
            self.far_silence -= from_silence;
            self.far_skip += samples - from_silence;
        } else {
            let samples = samples.unsigned_abs() as usize;
            let from_skip = samples.min(self.far_skip);
            self.far_skip -= from_skip;
            self.far_silence += samples - from_skip;
        }
        self.skip();
    }

    fn skip(&mut self) {
        let samples = self.far_skip.min(self.end.tap.slots());
        if let Ok(chunk) = self.end.tap.read_chunk(samples) {
            chunk.commit_all();
            self.far_skip -= samples;
        }
    }
}
