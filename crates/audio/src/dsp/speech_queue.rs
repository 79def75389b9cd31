//! Moshi's speech that waits to be played, at 24 kHz: never a click, never faster, and not later than it must be.
//!
//! Where it runs dry it fades out over its own mirror image; where it flows again it fades in. What
//! a stall delayed is caught up by leaving out silence, and after a while by one cut. The pump in
//! `loudspeaker.rs` reads it; time is counted in samples read.

use std::collections::VecDeque;

use super::catch_up::CatchUp;
use super::level::is_silent;
use super::rhythm::Rhythm;
use super::{SLICE_SAMPLES, finite};
use crate::frame::{FRAME_SAMPLES, Frame};
use crate::port::PORT_FRAMES;

/// 5 ms: every fade and every splice.
pub(crate) const FADE_SAMPLES: usize = 120;

/// 10 ms: how long Moshi takes to fall silent or to be heard again.
const HUSH_SAMPLES: usize = 240;

/// A gap lasts at least 5 ms, which become cushion: what was late by little once will be again, and one gap is enough.
const LEAST_GAP_SAMPLES: usize = FADE_SAMPLES;

/// Frames at the beginning of a talk in which running dry is no underrun: the engine warms up.
const FIRST_FRAMES: u32 = 3;

/// After that long without speech, 5.2 s, the talk has ended and the next frame begins a new one.
const LONGEST_GAP: usize = (PORT_FRAMES + 1) * FRAME_SAMPLES;

/// Where the best place for a cut is looked for, 200 ms.
const CUT_SEARCH_SAMPLES: usize = 4_800;

/// What happened to the speech, to be added to the meters.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpeechCounts {
    pub(crate) underruns: u64,
    /// Samples at 24 kHz that were played in place of speech.
    pub(crate) missing: u64,
    pub(crate) trimmed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No talk: silence.
    Idle,
    /// A talk has begun; so much silence is still to come.
    Preroll(usize),
    Playing,
    /// In a talk, but nothing to say for so many samples.
    Dry(usize),
}

/// Moshi's waiting speech.
pub(crate) struct SpeechQueue {
    waiting: VecDeque<f32>,
    state: State,
    frames: u32,
    preroll: usize,
    /// Samples read since the slack was noted.
    read: usize,
    /// A fade-out that goes on under whatever is played.
    tail: [f32; FADE_SAMPLES],
    tail_next: usize,
    /// The last samples played: what a tail is the mirror of.
    played: [f32; FADE_SAMPLES],
    played_next: usize,
    /// Samples of the fade-in that are behind us.
    risen: usize,
    is_hushed: bool,
    loudness: f32,
    catch_up: CatchUp,
    counts: SpeechCounts,
}

impl SpeechQueue {
    pub(crate) fn new() -> Self {
        Self {
            waiting: VecDeque::with_capacity(PORT_FRAMES * FRAME_SAMPLES),
            state: State::Idle,
            frames: 0,
            preroll: 0,
            read: 0,
            tail: [0.0; FADE_SAMPLES],
            tail_next: FADE_SAMPLES,
            played: [0.0; FADE_SAMPLES],
            played_next: 0,
            risen: FADE_SAMPLES,
            is_hushed: false,
            loudness: 1.0,
            catch_up: CatchUp::default(),
            counts: SpeechCounts::default(),
        }
    }

    /// Whether another frame fits.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() + FRAME_SAMPLES <= PORT_FRAMES * FRAME_SAMPLES
    }

    /// Takes a frame. What is not finite becomes silence.
    pub(crate) fn push(&mut self, frame: &Frame) {
        if self.state == State::Idle {
            self.state = State::Preroll(self.preroll);
            self.risen = 0;
        }
        self.frames = self.frames.saturating_add(1);
        self.waiting.extend(frame.iter().copied().map(finite));
    }

    /// Samples that wait.
    pub(crate) fn waiting_samples(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a talk flows: speech waits, or is late.
    pub(crate) fn is_talking(&self) -> bool {
        self.state != State::Idle
    }

    /// Whether running dry now would count.
    pub(crate) fn counts_underruns(&self) -> bool {
        self.state != State::Idle && self.frames >= FIRST_FRAMES && !self.is_hushed
    }

    /// Fades Moshi's voice out or in; speech is used up all the same.
    pub(crate) fn set_hushed(&mut self, is_hushed: bool) {
        self.is_hushed = is_hushed;
    }

    /// What is known about the devices, and how many frames will be pushed next.
    pub(crate) fn set_rhythm(&mut self, rhythm: &Rhythm, frames: usize) {
        if self.state == State::Idle {
            self.preroll = rhythm.preroll_samples(frames);
        }
        self.catch_up.set_lumps(rhythm.lump_samples());
    }

    /// Whether so many samples of speech could be read now.
    pub(crate) fn has_speech(&self, samples: usize) -> bool {
        self.state == State::Playing && self.waiting.len() >= samples
    }

    /// All was read for now; `beyond` samples of it were not needed yet.
    pub(crate) fn note_slack(&mut self, beyond: usize) {
        let read = std::mem::take(&mut self.read);
        if self.state == State::Playing {
            self.catch_up.played(read, self.waiting.len() + beyond);
        }
    }

    /// Ends the talk: fades out and forgets the rest.
    pub(crate) fn end(&mut self) {
        if self.state == State::Playing {
            self.begin_tail();
        }
        self.waiting.clear();
        self.state = State::Idle;
        self.frames = 0;
        self.catch_up = CatchUp::default();
    }

    /// Ends the talk at once, for a stream that nobody hears yet.
    pub(crate) fn reset(&mut self) {
        self.state = State::Idle;
        self.end();
        self.tail_next = FADE_SAMPLES;
        self.played = [0.0; FADE_SAMPLES];
    }

    /// What happened since the last call.
    pub(crate) fn take_counts(&mut self) -> SpeechCounts {
        std::mem::take(&mut self.counts)
    }

    /// Fills `output` with what is to be played next.
    pub(crate) fn read(&mut self, output: &mut [f32]) {
        self.leave_out();
        for sample in output.iter_mut() {
            *sample = self.next_sample();
        }
        self.read += output.len();
    }

    fn next_sample(&mut self) -> f32 {
        let speech = match self.state {
            State::Idle => 0.0,
            State::Preroll(0) | State::Playing => self.play(),
            State::Preroll(left) => {
                self.state = State::Preroll(left - 1);
                0.0
            }
            State::Dry(gap) => {
                if self.waiting.is_empty() || gap < LEAST_GAP_SAMPLES {
                    self.stay_dry(gap)
                } else {
                    self.catch_up.resumed_after(gap);
                    self.risen = 0;
                    self.play()
                }
            }
        };
        let tail = self.tail.get(self.tail_next).copied().unwrap_or(0.0);
        self.tail_next = (self.tail_next + 1).min(FADE_SAMPLES);
        let voice = speech + tail;
        if let Some(place) = self.played.get_mut(self.played_next) {
            *place = voice;
        }
        self.played_next = (self.played_next + 1) % FADE_SAMPLES;

        let step = 1.0 / HUSH_SAMPLES as f32;
        let wanted = if self.is_hushed { 0.0 } else { 1.0 };
        self.loudness += (wanted - self.loudness).clamp(-step, step);
        voice * self.loudness
    }

    fn play(&mut self) -> f32 {
        self.state = State::Playing;
        if let Some(sample) = self.waiting.pop_front() {
            self.risen = (self.risen + 1).min(FADE_SAMPLES);
            sample * (self.risen as f32 / FADE_SAMPLES as f32)
        } else {
            self.begin_tail();
            self.counts.underruns += u64::from(self.counts_underruns());
            self.stay_dry(0)
        }
    }

    fn stay_dry(&mut self, gap: usize) -> f32 {
        self.counts.missing += u64::from(self.counts_underruns());
        self.state = if gap < LONGEST_GAP { State::Dry(gap + 1) } else { State::Idle };
        if self.state == State::Idle {
            self.frames = 0;
        }
        0.0
    }

    /// Begins a fade-out: over what would have come, and then over the mirror image of what was played.
    fn begin_tail(&mut self) {
        let mut tail = [0.0; FADE_SAMPLES];
        let newest_first = (1..=FADE_SAMPLES).map(|back| {
            self.played.get((self.played_next + FADE_SAMPLES - back) % FADE_SAMPLES).copied().unwrap_or(0.0)
        });
        let old_tail = self.tail.iter().copied().skip(self.tail_next).chain(std::iter::repeat(0.0));
        let rise = self.risen as f32 / FADE_SAMPLES as f32;
        let speech =
            self.waiting.iter().chain(self.waiting.iter().rev()).map(|sample| sample * rise).chain(newest_first);
        for (i, ((place, sample), old)) in tail.iter_mut().zip(speech).zip(old_tail).enumerate() {
            *place = sample * (1.0 - (i + 1) as f32 / FADE_SAMPLES as f32) + old;
        }
        self.tail = tail;
        self.tail_next = 0;
    }

    /// Leaves out what is too much: silent slices that are next, and when it was too much for long, the rest.
    fn leave_out(&mut self) {
        if self.state != State::Playing {
            return;
        }
        while self.catch_up.surplus() >= SLICE_SAMPLES
            && self.waiting.len() >= SLICE_SAMPLES + FADE_SAMPLES
            && is_silent(self.waiting.range(..SLICE_SAMPLES).copied())
        {
            self.splice(0, SLICE_SAMPLES);
        }
        if let Some(overdue) = self.catch_up.take_overdue()
            && overdue >= SLICE_SAMPLES
            && let Some(at) = self.quietest_cut(overdue)
        {
            self.splice(at, overdue);
        }
    }

    /// Where a cut of `samples` is heard least: both sides of it are quiet.
    fn quietest_cut(&self, samples: usize) -> Option<usize> {
        let last = self.waiting.len().checked_sub(samples + FADE_SAMPLES)?.min(CUT_SEARCH_SAMPLES);
        let energy = |at: usize| self.waiting.range(at..at + FADE_SAMPLES).map(|sample| sample * sample).sum::<f32>();
        let cost = |at: &usize| energy(*at) + energy(*at + samples);
        (0..=last).step_by(FADE_SAMPLES / 5).min_by(|a, b| cost(a).total_cmp(&cost(b)))
    }

    /// Leaves out `samples` from `at` on, with a cross-fade.
    fn splice(&mut self, at: usize, samples: usize) {
        for i in 0..FADE_SAMPLES {
            let before = self.waiting.get(at + i).copied().unwrap_or(0.0);
            let weight = (i + 1) as f32 / (FADE_SAMPLES + 1) as f32;
            if let Some(after) = self.waiting.get_mut(at + samples + i) {
                *after = before * (1.0 - weight) + *after * weight;
            }
        }
        self.waiting.drain(at..at + samples);
        self.catch_up.left_out(samples);
        self.counts.trimmed += samples as u64;
    }
}
