//! The resamplers against ideal tones, at all rates, both ways, in the pieces in which the DSP uses
//! them.

use std::f64::consts::TAU;

use super::resampler::StreamResampler;

const RATES_HZ: [u32; 8] = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000];

/// A tone through the resampler, as it comes out.
fn through(resampler: &mut StreamResampler, from_hz: f64, tone_hz: f64, seconds: f64, to_hz: f64) -> Vec<f32> {
    let mut heard = Vec::new();
    let mut position = 0;
    let sizes = [resampler.most_output(), resampler.most_output() / 3, 17, 1];
    let mut piece = 0;
    while (heard.len() as f64) < seconds * to_hz {
        // In any pieces, as devices ask.
        let size = sizes[piece % sizes.len()];
        piece += 1;
        let mut output = vec![0.0; size];
        let wanted = resampler.wanted(size);
        resampler.process(&mut output, |input| {
            assert_eq!(input.len(), wanted);
            for place in input {
                *place = (0.5 * (TAU * tone_hz * f64::from(position) / from_hz).sin()) as f32;
                position += 1;
            }
        });
        heard.extend(output);
    }
    heard
}

struct Fit {
    gain_db: f64,
    signal_to_noise_db: f64,
    delay_seconds: f64,
}

/// The tone of this frequency that fits best: what is left is noise.
fn fit(heard: &[f32], tone_hz: f64, rate_hz: f64) -> Fit {
    let skip = heard.len() / 8;
    let (mut sin, mut cos, mut ss, mut cc, mut sc) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let wave = |i: usize| (TAU * tone_hz * i as f64 / rate_hz).sin_cos();
    for (i, x) in heard.iter().enumerate().skip(skip) {
        let (s, c) = wave(i);
        sin += f64::from(*x) * s;
        cos += f64::from(*x) * c;
        ss += s * s;
        cc += c * c;
        sc += s * c;
    }
    let determinant = ss * cc - sc * sc;
    let (a, b) = ((sin * cc - cos * sc) / determinant, (cos * ss - sin * sc) / determinant);
    let mut noise = 0.0;
    for (i, x) in heard.iter().enumerate().skip(skip) {
        let (s, c) = wave(i);
        noise += (f64::from(*x) - a * s - b * c).powi(2);
    }
    let samples = (heard.len() - skip) as f64;
    Fit {
        gain_db: 10.0 * ((a * a + b * b) / 0.25).log10(),
        signal_to_noise_db: 10.0 * (f64::midpoint(a * a, b * b) * samples / noise).log10(),
        delay_seconds: (-b).atan2(a).rem_euclid(TAU) / (TAU * tone_hz),
    }
}

fn both_ways(rate_hz: u32) -> [(StreamResampler, f64, f64); 2] {
    let device = f64::from(rate_hz);
    [
        (StreamResampler::to_engine(rate_hz).unwrap(), device, 24_000.0),
        (StreamResampler::to_device(rate_hz).unwrap(), 24_000.0, device),
    ]
}

#[test]
fn tones_come_out_as_they_went_in() {
    for rate_hz in RATES_HZ {
        let nyquist_hz = f64::from(rate_hz.min(24_000)) / 2.0;
        // Slow devices have an edge of their own: 3.0 kHz at 8 kHz, where a telephone ends at 3.4.
        let flat_to_hz = if rate_hz < 24_000 { 0.75 * nyquist_hz } else { 10_000.0 };
        let clean_to_hz = if rate_hz < 24_000 { 0.85 * nyquist_hz } else { 8_000.0 };
        let (mut worst_noise, mut worst_ripple) = (f64::INFINITY, 0.0f64);
        for direction in 0..2 {
            for tone_hz in [
                100.0, 440.0, 1_000.0, 2_000.0, 2_900.0, 3_400.0, 5_000.0, 6_000.0, 6_800.0, 8_000.0, 9_000.0, 10_000.0,
            ] {
                let [(mut resampler, from_hz, to_hz), _] = {
                    let [engine, device] = both_ways(rate_hz);
                    if direction == 0 { [engine, device] } else { [device, engine] }
                };
                let fit = fit(&through(&mut resampler, from_hz, tone_hz, 0.3, to_hz), tone_hz, to_hz);
                if tone_hz <= clean_to_hz {
                    worst_noise = worst_noise.min(fit.signal_to_noise_db);
                    assert!(
                        fit.signal_to_noise_db >= 80.0,
                        "{from_hz} to {to_hz}, {tone_hz} Hz: {:.1} dB",
                        fit.signal_to_noise_db
                    );
                }
                if tone_hz <= flat_to_hz {
                    worst_ripple = worst_ripple.max(fit.gain_db.abs());
                    assert!(fit.gain_db.abs() <= 0.1, "{from_hz} to {to_hz}, {tone_hz} Hz: {:.3} dB", fit.gain_db);
                }
            }
        }
        println!(
            "{rate_hz} Hz: SNR {worst_noise:.1} dB to {clean_to_hz} Hz, ripple {worst_ripple:.3} dB to {flat_to_hz} Hz"
        );
    }
}

#[test]
fn both_ways_together_delay_by_5_ms_at_most() {
    for rate_hz in RATES_HZ {
        let mut sum = 0.0;
        for (mut resampler, from_hz, to_hz) in both_ways(rate_hz) {
            let measured = fit(&through(&mut resampler, from_hz, 100.0, 0.3, to_hz), 100.0, to_hz).delay_seconds;
            let said = resampler.delay_samples() / from_hz;
            assert!((measured - said).abs() <= 0.6 / from_hz, "{from_hz} to {to_hz}: {measured} s, not {said} s");
            sum += measured;
        }
        println!("{rate_hz} Hz: {:.2} ms", sum * 1e3);
        assert!(sum <= 0.005, "{rate_hz} Hz: {:.2} ms", sum * 1e3);
    }
}

#[test]
fn what_the_engine_cannot_hear_does_not_fold_back() {
    for rate_hz in [44_100, 48_000, 96_000, 192_000] {
        for tone_hz in
            [12_100.0, 13_000.0, 14_500.0, 17_000.0, 21_000.0, 23_900.0, 31_000.0, 47_000.0, 71_000.0, 95_000.0]
        {
            if tone_hz < f64::from(rate_hz) / 2.0 {
                let mut resampler = StreamResampler::to_engine(rate_hz).unwrap();
                let heard = through(&mut resampler, f64::from(rate_hz), tone_hz, 0.2, 24_000.0);
                let late = &heard[heard.len() / 4..];
                let power = late.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / late.len() as f64;
                let left = 10.0 * (power / 0.125).log10();
                assert!(left <= -80.0, "{tone_hz} Hz at {rate_hz} Hz: {left:.1} dB");
            }
        }
    }
}

#[test]
fn a_stretched_tone_is_lower_by_exactly_the_stretch() {
    for stretch in [-500e-6, -20e-6, 300e-6] {
        let mut resampler = StreamResampler::to_device(48_000).unwrap();
        resampler.set_stretch(stretch);
        let heard = through(&mut resampler, 24_000.0, 3_000.0, 1.0, 48_000.0);
        let fitted = fit(&heard, 3_000.0 / (1.0 + stretch), 48_000.0);
        assert!(fitted.signal_to_noise_db > 80.0, "{:.1} dB", fitted.signal_to_noise_db);
        assert!(fit(&heard, 3_000.0, 48_000.0).signal_to_noise_db < 40.0, "the test hears the difference");
    }
}

#[test]
fn bending_the_ratio_makes_no_click() {
    let mut resampler = StreamResampler::to_device(48_000).unwrap();
    let mut heard = Vec::new();
    let mut position = 0;
    for piece in 0..200 {
        resampler.set_stretch(if piece % 2 == 0 { 500e-6 } else { -500e-6 });
        let mut output = vec![0.0; 240];
        resampler.process(&mut output, |input| {
            for place in input {
                *place = (0.5 * (TAU * 1_000.0 * f64::from(position) / 24_000.0).sin()) as f32;
                position += 1;
            }
        });
        heard.extend(output);
    }
    // The second difference of a sine is its height times the square of its step: 0.0086. A click would stand out.
    let curve = heard[1_000..].windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs()).fold(0.0, f32::max);
    assert!(curve < 0.0088, "{curve}");
}
