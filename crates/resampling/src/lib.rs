//! Whole recordings from one sample rate to another, aligned in time. Mono only; rubato's "frame"
//! is our sample.
//!
//! The filter is a sinc under a squared Blackman–Harris window, applied by FFT. It is symmetric and
//! we cut its delay off, so a sound stays where it was. Live streams need another resampler, one
//! that can follow a drifting clock (`moshibar-audio`).
//!
//! This is a crate of its own to save compile time: rubato's FFT is generic, so its 2 MB of code
//! are compiled in the crate that names a sample type. In `moshibar-audio` that happened twice,
//! once for the crate and once for its tests, and again with every edit there.

use std::ops::RangeInclusive;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

/// The sample rates that we accept, from telephone to studio.
pub const RATES_HZ: RangeInclusive<u32> = 8_000..=192_000;

/// Length of the filter, as a part of a second: 25 ms, so 200 taps at 8 kHz and 600 at 24 kHz.
/// Every rate then has the same transition band below its Nyquist frequency.
const FILTERS_PER_SECOND: u32 = 40;

/// A recording cannot be brought from one rate to the other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot resample from {from_hz} Hz to {to_hz} Hz ({reason}); choose rates from 8000 to 192000 Hz")]
pub struct CannotResample {
    /// The rate of the recording.
    pub from_hz: u32,
    /// The rate asked for.
    pub to_hz: u32,
    /// What stands in the way.
    pub reason: String,
}

/// Brings mono speech from one rate to another.
///
/// **Shapes** returns `round(samples.len() * to_hz / from_hz)` samples; the first ones mark the
/// same moment in both.
///
/// # Errors
/// [`CannotResample`] if a rate is outside [`RATES_HZ`].
pub fn resample(samples: &[f32], from_hz: u32, to_hz: u32) -> Result<Vec<f32>, CannotResample> {
    let failed = |reason: String| CannotResample { from_hz, to_hz, reason };
    if !RATES_HZ.contains(&from_hz) || !RATES_HZ.contains(&to_hz) {
        return Err(failed("out of range".to_owned()));
    }
    if from_hz == to_hz || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let mut resampler = Fft::<f32>::new_custom(
        from_hz as usize,
        to_hz as usize,
        block_samples(from_hz, to_hz),
        1,
        1,
        rubato::WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
    .map_err(|e| failed(e.to_string()))?;
    let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(|e| failed(e.to_string()))?;
    let mut output = resampler.process_all(&input, samples.len(), None).map_err(|e| failed(e.to_string()))?.take_data();
    output.resize(output_samples(samples.len(), from_hz, to_hz), 0.0);
    Ok(output)
}

/// `round(samples * to / from)`, in integers.
fn output_samples(samples: usize, from_hz: u32, to_hz: u32) -> usize {
    let from = u128::from(from_hz);
    ((samples as u128 * u128::from(to_hz) * 2 + from) / (from * 2)) as usize
}

/// A block of input as long as the filter: a multiple of *twice* the smallest block that gives
/// whole samples on both sides.
///
/// rubato centres the filter at half a block, rounded down. In an odd block that is half an input
/// sample off the delay that it reports and cuts off, and everything would come out early by up to
/// half a sample.
fn block_samples(from_hz: u32, to_hz: u32) -> usize {
    let smallest = from_hz / greatest_common_divisor(from_hz, to_hz);
    (from_hz / FILTERS_PER_SECOND).next_multiple_of(2 * smallest) as usize
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    const ENGINE_HZ: u32 = 24_000;

    fn tone(tone_hz: f64, rate_hz: u32, len: usize) -> Vec<f32> {
        (0..len).map(|i| (0.5 * (TAU * tone_hz * i as f64 / f64::from(rate_hz)).sin()) as f32).collect()
    }

    /// The middle of a second: 100 ms from either end, several times the filter.
    fn middle(samples: &[f32]) -> &[f32] {
        &samples[samples.len() / 10..samples.len() * 9 / 10]
    }

    fn decibels(power: f64, of: f64) -> f64 {
        10.0 * (power / of).log10()
    }

    fn power(samples: &[f32]) -> f64 {
        samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64
    }

    /// How far `heard` is from `ideal`, as a signal-to-noise ratio. A shift by 1/1000 of a sample
    /// costs 1 kHz its 70 dB.
    fn signal_to_noise(heard: &[f32], ideal: &[f32]) -> f64 {
        assert_eq!(heard.len(), ideal.len());
        let noise: Vec<f32> = heard.iter().zip(ideal).map(|(heard, ideal)| heard - ideal).collect();
        decibels(power(middle(ideal)), power(middle(&noise)))
    }

    #[test]
    fn a_tone_stays_the_same_tone_at_the_same_time() {
        for from_hz in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000, 8_001, 44_099, 191_999] {
            let heard = resample(&tone(1_000.0, from_hz, from_hz as usize), from_hz, ENGINE_HZ).unwrap();
            let ratio = signal_to_noise(&heard, &tone(1_000.0, ENGINE_HZ, 24_000));
            assert!(ratio >= 80.0, "{from_hz} Hz: {ratio:.1} dB");
        }
    }

    #[test]
    fn speech_of_the_engine_fits_other_devices() {
        for to_hz in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
            let heard = resample(&tone(1_000.0, ENGINE_HZ, 24_000), ENGINE_HZ, to_hz).unwrap();
            let ratio = signal_to_noise(&heard, &tone(1_000.0, to_hz, to_hz as usize));
            assert!(ratio >= 80.0, "{to_hz} Hz: {ratio:.1} dB");
        }
    }

    #[test]
    fn a_click_stays_where_it_is() {
        for from_hz in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
            for click in [0, 1, 777, from_hz as usize / 2, from_hz as usize - 1] {
                let mut speech = vec![0.0; from_hz as usize];
                speech[click] = 1.0;
                let heard = resample(&speech, from_hz, ENGINE_HZ).unwrap();
                let loudest = heard.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap().0;
                let expected = click as f64 * f64::from(ENGINE_HZ) / f64::from(from_hz);
                assert!((loudest as f64 - expected).abs() <= 1.0, "{from_hz} Hz: {expected} is at {loudest}");
            }
        }
    }

    #[test]
    fn what_the_engine_cannot_hear_is_removed_and_not_folded() {
        for from_hz in [44_100, 48_000, 96_000, 192_000] {
            for tone_hz in [12_100.0, 12_500.0, 13_000.0, 16_000.0, 21_000.0, 40_000.0, 90_000.0] {
                if tone_hz < f64::from(from_hz) / 2.0 {
                    let loud = tone(tone_hz, from_hz, from_hz as usize);
                    let heard = resample(&loud, from_hz, ENGINE_HZ).unwrap();
                    let left = decibels(power(middle(&heard)), power(middle(&loud)));
                    assert!(left <= -60.0, "{tone_hz} Hz at {from_hz} Hz: {left:.1} dB");
                }
            }
        }
    }

    #[test]
    fn everything_below_11_khz_passes() {
        for from_hz in [44_100, 48_000, 96_000] {
            for tone_hz in [50.0, 300.0, 3_000.0, 8_000.0, 11_000.0] {
                let loud = tone(tone_hz, from_hz, from_hz as usize);
                let heard = resample(&loud, from_hz, ENGINE_HZ).unwrap();
                let change = decibels(power(middle(&heard)), power(middle(&loud)));
                assert!(change.abs() < 0.1, "{tone_hz} Hz at {from_hz} Hz: {change:.2} dB");
            }
        }
    }

    #[test]
    fn the_length_is_the_rounded_duration() {
        for (len, from_hz, to_hz, expected) in [
            (0, 8_000, 24_000, 0),
            (1, 8_000, 24_000, 3),
            (1, 48_000, 24_000, 1),
            (1, 192_000, 24_000, 0),
            (4, 192_000, 24_000, 1),
            (441, 44_100, 24_000, 240),
            (1_000, 44_100, 24_000, 544), // 544.2
            (1_001, 44_100, 24_000, 545), // 544.8
            (5, 24_000, 24_000, 5),
        ] {
            let heard = resample(&vec![0.1; len], from_hz, to_hz).unwrap();
            assert_eq!(heard.len(), expected, "{len} samples from {from_hz} to {to_hz} Hz");
        }
    }

    #[test]
    fn rates_out_of_range_are_an_error() {
        for (from_hz, to_hz) in [(0, 24_000), (24_000, 0), (7_999, 24_000), (24_000, 192_001), (u32::MAX, u32::MAX - 1)]
        {
            let error = resample(&[0.0; 10], from_hz, to_hz).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "cannot resample from {from_hz} Hz to {to_hz} Hz (out of range); choose rates from 8000 to 192000 Hz"
                )
            );
        }
    }
}
