//! Speech of any length, cut into frames: what a file is to the loop. Called by the cli for every command that hears a file.

use std::time::Duration;

use crate::frame::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

/// The frames of a piece of speech, in order; the last is filled up with silence.
///
/// **Units** mono at 24 kHz; [`resample`](crate::resample) first.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    samples: &'a [f32],
    frames_left: usize,
}

impl<'a> Frames<'a> {
    /// The frames of `samples` followed by at least `tail` of silence, in which Moshi can finish its answer.
    pub fn new(samples: &'a [f32], tail: Duration) -> Self {
        let tail_samples = tail.as_secs_f64() * f64::from(SAMPLE_RATE_HZ);
        let frames_left = samples.len().saturating_add(tail_samples.round() as usize).div_ceil(FRAME_SAMPLES);
        Self { samples, frames_left }
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        self.frames_left = self.frames_left.checked_sub(1)?;
        let (speech, rest) = self.samples.split_at(self.samples.len().min(FRAME_SAMPLES));
        self.samples = rest;
        let mut frame = [0.0; FRAME_SAMPLES];
        for (to, from) in frame.iter_mut().zip(speech) {
            *to = *from;
        }
        Some(frame)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.frames_left, Some(self.frames_left))
    }
}

impl ExactSizeIterator for Frames<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(len: usize) -> Vec<f32> {
        (0..len).map(|i| i as f32 + 1.0).collect()
    }

    #[test]
    fn frames_put_back_together_are_the_speech_and_then_silence() {
        for len in [1, 1_919, 1_920, 1_921, 4_000, 19_200] {
            let speech = ramp(len);
            let together: Vec<f32> = Frames::new(&speech, Duration::ZERO).flatten().collect();
            assert_eq!(together.len(), len.next_multiple_of(FRAME_SAMPLES), "{len} samples");
            assert_eq!(together[..len], speech);
            assert!(together[len..].iter().all(|sample| *sample == 0.0));
        }
    }

    #[test]
    fn the_tail_is_counted_from_the_last_sample() {
        let one_second = Duration::from_secs(1);
        assert_eq!(Frames::new(&ramp(1), one_second).len(), 13, "1 + 24,000 samples");
        assert_eq!(Frames::new(&ramp(960), one_second).len(), 13, "960 + 24,000 samples fill 13 frames exactly");
        assert_eq!(Frames::new(&ramp(961), one_second).len(), 14);
        assert_eq!(Frames::new(&[], one_second).len(), 13, "12.5 frames, the last one filled up");
    }

    #[test]
    fn no_speech_and_no_tail_is_no_frame() {
        assert_eq!(Frames::new(&[], Duration::ZERO).next(), None);
    }

    #[test]
    fn the_length_is_exact_while_frames_are_taken() {
        let speech = ramp(5_000);
        let mut frames = Frames::new(&speech, Duration::ZERO);
        for left in (0..3).rev() {
            assert!(frames.next().is_some());
            assert_eq!(frames.len(), left);
        }
        assert_eq!(frames.next(), None);
        assert_eq!(frames.next(), None);
    }
}
