//! Puts slices of the user together to frames, mute included.

use std::time::Duration;

use super::level::is_silent;
use super::{SLICE_SAMPLES, Slice};
use crate::frame::FRAME_SAMPLES;
use crate::port::MicFrame;

/// How long it takes to become mute, or not, in samples: 5 ms.
const FADE_SAMPLES: usize = SLICE_SAMPLES / 2;

/// A frame in the making.
#[derive(Debug)]
pub(crate) struct FrameMaker {
    frame: MicFrame,
    filled: usize,
    loudness: f32,
}

impl Default for FrameMaker {
    fn default() -> Self {
        let frame = MicFrame { samples: [0.0; FRAME_SAMPLES], heard_at: Duration::ZERO, is_silent: true };
        Self { frame, filled: 0, loudness: 0.0 }
    }
}

impl FrameMaker {
    /// Adds a slice. Returns the frame, but for its time, when it is full.
    pub(crate) fn push(&mut self, slice: &Slice, is_muted: bool) -> Option<MicFrame> {
        let wanted = if is_muted { 0.0 } else { 1.0 };
        let step = 1.0 / FADE_SAMPLES as f32;
        let places = self.frame.samples.iter_mut().skip(self.filled);
        for (place, sample) in places.zip(slice) {
            self.loudness += (wanted - self.loudness).clamp(-step, step);
            *place = if self.loudness > 0.0 { sample * self.loudness } else { 0.0 };
        }
        self.frame.is_silent &= is_silent(self.frame.samples.iter().copied().skip(self.filled).take(SLICE_SAMPLES));
        self.filled += SLICE_SAMPLES;
        if self.filled < FRAME_SAMPLES {
            return None;
        }
        self.filled = 0;
        let full = self.frame.clone();
        self.frame.is_silent = true;
        Some(full)
    }

    /// The next slice fades in: something else comes now.
    pub(crate) fn fade_in(&mut self) {
        self.loudness = 0.0;
    }

    /// Begins a new frame.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
        self.frame.is_silent = true;
        self.fade_in();
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these values are passed on untouched")]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_eight_slices_in_their_order() {
        let mut maker = FrameMaker::default();
        maker.push(&[0.5; SLICE_SAMPLES], false);
        for i in 1..8 {
            let full = maker.push(&[i as f32; SLICE_SAMPLES], false);
            assert_eq!(full.is_some(), i == 7);
            if let Some(frame) = full {
                for slice in 1..8 {
                    assert_eq!(frame.samples[slice * SLICE_SAMPLES + 7], slice as f32);
                }
                assert!(!frame.is_silent);
            }
        }
    }

    #[test]
    fn one_loud_slice_keeps_a_frame_from_being_silent_and_the_next_is_judged_anew() {
        let mut maker = FrameMaker::default();
        let mut frames = (0..24).filter_map(|i| {
            let level = if i == 12 { 0.01 } else { 0.001 };
            maker.push(&[level; SLICE_SAMPLES], false)
        });
        assert!(frames.next().unwrap().is_silent);
        assert!(!frames.next().unwrap().is_silent);
        assert!(frames.next().unwrap().is_silent);
    }

    #[test]
    fn mute_becomes_exact_silence_within_one_slice() {
        let mut maker = FrameMaker::default();
        for _ in 0..8 {
            maker.push(&[0.5; SLICE_SAMPLES], false);
        }
        let frame = (0..8).find_map(|_| maker.push(&[0.5; SLICE_SAMPLES], true)).unwrap();
        assert!(frame.samples[FADE_SAMPLES..].iter().all(|sample| *sample == 0.0));
        assert!(frame.samples[..FADE_SAMPLES].windows(2).all(|pair| pair[1] < pair[0]), "it fades");
    }
}
