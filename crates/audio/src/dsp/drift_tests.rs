//! Two clocks that do not agree, through the whole DSP.

use std::sync::atomic::Ordering;

use moshibar_test_support::by_depth;

use super::room::{Device, Room};
use crate::port::EchoMode;

/// Talks for a while with clocks that are `ppm` apart, and checks that nobody notices.
fn talk_with_drift(ppm: f64, jitter: f64, seconds: f64) {
    // Slow devices, for the resamplers are nearly all of the cost. Half of the drift is each one's.
    let mic = Device { ppm: -ppm / 2.0, jitter, ..Device::new(16_000, 160) };
    let speaker = Device { ppm: ppm / 2.0, jitter, starts: 0.0041, ..Device::new(8_000, 80) };
    let truth = ((1.0 + ppm / 2e6) / (1.0 - ppm / 2e6) - 1.0) * 1e6;
    let mut room = Room::new(mic, speaker, EchoMode::Off);
    room.keeps_sound = false;
    room.engine.script = (0..24_000).map(|i| (i as f32 * 0.1).sin() * 0.3).collect();

    let mut fill_at_30_s = None;
    let mut tap_at_30_s = None;
    let mut worst_fill = 0.0f64;
    let mut worst_estimate = 0.0f64;
    let mut underruns_at_30_s = 0;
    for window in 1..=(seconds / 4.0) as usize {
        // The fill rises and falls with every frame: its mean over 4 s is the drift's doing.
        let (mut sum, mut tap_sum) = (0.0, 0.0);
        for step in 0..203 {
            // 19.7 ms: at all places of a block in turn.
            room.run_until((window - 1) as f64 * 4.0 + f64::from(step) * 0.0197);
            sum += room.port.meters.report().speaker_queue_ms;
            tap_sum += room.dsp.speaker.as_ref().unwrap().tap_samples() as f64 / 8.0;
        }
        let (fill, tap) = (sum / 203.0, tap_sum / 203.0);
        let report = room.port.meters.report();
        let played_silence = room.dsp.speaker.as_ref().unwrap().counters().lost_samples.load(Ordering::Relaxed);
        if window * 4 >= 32 {
            let reference = *fill_at_30_s.get_or_insert(fill);
            worst_fill = worst_fill.max((fill - reference).abs());
            let tap_reference = *tap_at_30_s.get_or_insert(tap);
            assert!((tap - tap_reference).abs() < 2.0, "the far end wandered by {:.1} ms", tap - tap_reference);
            if window * 4 == 32 {
                underruns_at_30_s = report.underruns + played_silence;
            }
            assert_eq!(report.underruns + played_silence, underruns_at_30_s, "an underrun after {} s", window * 4);
        }
        if window * 4 >= 60 {
            worst_estimate = worst_estimate.max((f64::from(report.drift_ppm) - truth).abs());
        }
        assert_eq!((report.lost_mic_samples, report.lost_mic_frames, report.trimmed_samples), (0, 0, 0));
    }
    println!("{ppm} ppm, {seconds} s: fill within {worst_fill:.2} ms, estimate within {worst_estimate:.2} ppm");
    assert_eq!(underruns_at_30_s, 0, "underruns while it settled");
    assert!(worst_fill <= 10.0, "the fill wandered by {worst_fill:.1} ms");
    assert!(worst_estimate <= 5.0, "{worst_estimate:.1} ppm off");
}

/// Two minutes, ten, or an hour: one to settle is enough, the rest shows that it lasts.
fn seconds() -> f64 {
    by_depth(120.0, 600.0, 3_600.0)
}

/// As long as the others, or a day.
fn seconds_or_a_day() -> f64 {
    by_depth(120.0, 600.0, 86_400.0)
}

#[test]
fn a_drift_of_300_ppm_is_followed() {
    talk_with_drift(300.0, by_depth(0.0, 0.0, 0.001), seconds_or_a_day());
}

#[test]
fn a_drift_of_minus_300_ppm_is_followed() {
    talk_with_drift(-300.0, by_depth(0.0, 0.0, 0.001), seconds_or_a_day());
}

#[test]
fn a_drift_of_100_ppm_is_followed_with_late_callbacks() {
    talk_with_drift(100.0, 0.002, seconds());
}

#[test]
fn a_drift_of_minus_100_ppm_is_followed_with_late_callbacks() {
    talk_with_drift(-100.0, 0.002, seconds());
}

#[test]
fn no_drift_is_left_alone() {
    talk_with_drift(0.0, 0.0005, seconds());
}

#[test]
fn long_blocks_do_not_disturb_the_estimate() {
    // The same blocks in time cost a third of it on slow devices.
    let (rate_hz, until) = by_depth((16_000, 70), (48_000, 80), (48_000, 80));
    let at_rate = |samples: usize| samples * rate_hz as usize / 48_000;
    for (mic_block, speaker_block) in [(4_096, 512), (480, 4_096)] {
        let mic = Device { ppm: 80.0, jitter: 0.0005, ..Device::new(rate_hz, at_rate(mic_block)) };
        let speaker = Device { ppm: -20.0, jitter: 0.0005, ..Device::new(rate_hz, at_rate(speaker_block)) };
        let mut room = Room::new(mic, speaker, EchoMode::Off);
        room.keeps_sound = false;
        room.run_until(60.0);
        for second in 60..until {
            room.run_until(f64::from(second));
            let estimate = room.port.meters.report().drift_ppm;
            assert!((estimate + 100.0).abs() <= 5.0, "{mic_block}, {speaker_block}: {estimate} ppm after {second} s");
        }
    }
}
