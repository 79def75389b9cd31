//! How loud it is: peaks for the meters, silence for the talk.

use super::{SLICE_SAMPLES, Slice};

/// Slices of a frame: how far a meter looks back, 80 ms.
const METER_SLICES: usize = crate::frame::FRAME_SAMPLES / SLICE_SAMPLES;

/// −50 dBFS as mean square: what is quieter over a slice counts as silence.
const SILENT_MEAN_SQUARE: f32 = 1e-5;

/// Whether nobody speaks in these samples: RMS below −50 dBFS.
pub(crate) fn is_silent(samples: impl ExactSizeIterator<Item = f32>) -> bool {
    let most = SILENT_MEAN_SQUARE * samples.len() as f32;
    samples.map(|sample| sample * sample).sum::<f32>() <= most
}

/// The loudest sample of the last 80 ms.
#[derive(Debug, Default)]
pub(crate) struct PeakMeter {
    peaks: [f32; METER_SLICES],
    next: usize,
}

impl PeakMeter {
    /// Takes a slice and returns the peak of the last eight, this one included.
    pub(crate) fn push(&mut self, slice: &Slice) -> f32 {
        let peak = slice.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        if let Some(place) = self.peaks.get_mut(self.next) {
            *place = peak;
        }
        self.next = (self.next + 1) % METER_SLICES;
        self.peaks.iter().copied().fold(0.0, f32::max)
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these values are passed on untouched")]
mod tests {
    use super::*;

    #[test]
    fn the_meter_remembers_a_click_for_eight_slices() {
        let mut meter = PeakMeter::default();
        let mut click = [0.0; SLICE_SAMPLES];
        click[17] = -0.7;
        assert_eq!(meter.push(&click), 0.7);
        for _ in 0..7 {
            assert_eq!(meter.push(&[0.1; SLICE_SAMPLES]), 0.7);
        }
        assert_eq!(meter.push(&[0.1; SLICE_SAMPLES]), 0.1);
    }

    #[test]
    fn silence_ends_at_minus_50_dbfs_rms() {
        let square = |level: f32| (0..SLICE_SAMPLES).map(move |i| if i % 2 == 0 { level } else { -level });
        assert!(is_silent(square(10f32.powf(-50.1 / 20.0))));
        assert!(!is_silent(square(10f32.powf(-49.9 / 20.0))));
    }
}
