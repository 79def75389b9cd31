//! Switches, new devices, defects: what must never be heard, and what must never be counted.

#![allow(clippy::float_cmp, reason = "silence is exactly zero")]

use std::time::Duration;

use super::room::{Device, Room};
use crate::device::DeviceKind;
use crate::frame::FRAME_SAMPLES;
use crate::port::EchoMode;
use crate::stream::Wiring;

fn usual() -> Device {
    Device::new(48_000, 480)
}

/// Moshi hums, the user whistles.
fn hum(echo: EchoMode) -> Room {
    let mut room = Room::new(usual(), usual(), echo);
    room.engine.script =
        (0..24_000).map(|i| 0.5 * (std::f32::consts::TAU * 190.0 * i as f32 / 24_000.0).sin()).collect();
    room.user = Box::new(|n| 0.3 * (n as f32 * 0.07).sin());
    room
}

fn peak(sound: &[f32]) -> f32 {
    sound.iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
}

/// What was fetched between two moments.
fn played(room: &Room, from: f64, to: f64) -> &[f32] {
    let first = |time: f64| {
        let block = room.fetched.partition_point(|(_, fetched)| *fetched < time);
        room.fetched.get(block).map_or(room.played.len(), |(first, _)| *first)
    };
    &room.played[first(from)..first(to)]
}

/// The steepest step: a click is one. The hum, at 48 kHz, rises by 0.0125 a sample at most; a fade of 5 ms adds 0.0021.
fn steepest(sound: &[f32]) -> f32 {
    sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

#[test]
fn mute_gives_frames_of_exact_silence_within_20_ms_and_back() {
    let mut room = hum(EchoMode::Off);
    room.run_until(2.0);
    room.port.controls.set_muted(true);
    room.run_until(4.0);
    room.port.controls.set_muted(false);
    room.run_until(6.0);
    for (_, frame) in &room.frames {
        let begins = frame.heard_at.as_secs_f64() - 0.080;
        if begins >= 2.0 && begins + 0.080 <= 3.98 {
            assert!(frame.samples.iter().all(|sample| *sample == 0.0), "a frame that begins at {begins}");
            assert!(frame.is_silent);
        } else if (0.5..1.9).contains(&begins) || begins > 4.02 {
            assert!(peak(&frame.samples) > 0.1 && !frame.is_silent, "a frame that begins at {begins}");
        }
    }
    // The meter shows the user what would be heard.
    room.port.controls.set_muted(true);
    room.run_until(7.0);
    assert!(room.port.meters.report().user_level > 0.1);
}

#[test]
fn hush_fades_moshi_within_30_ms_and_is_no_underrun() {
    let mut room = hum(EchoMode::Off);
    room.run_until(2.0);
    room.port.controls.set_hushed(true);
    room.run_until(4.0);
    room.port.controls.set_hushed(false);
    room.run_until(6.0);
    assert!(peak(played(&room, 1.0, 2.0)) > 0.4);
    assert_eq!(peak(played(&room, 2.036, 4.0)), 0.0, "10 ms of fade, behind what lies in the ring");
    assert!(peak(played(&room, 4.030, 6.0)) > 0.4);
    assert!(steepest(played(&room, 1.0, 6.0)) < 0.016, "no click: {}", steepest(played(&room, 1.0, 6.0)));
    let report = room.port.meters.report();
    assert_eq!((report.underruns, report.missing_speaker_samples, report.trimmed_samples), (0, 0, 0));
    assert!(report.moshi_level > 0.4);
}

#[test]
fn a_pause_fades_and_forgets_and_counts_nothing() {
    let mut room = hum(EchoMode::On);
    // The engine is far ahead: much speech waits when the pause begins.
    room.engine.step = Box::new(|i| if i == 20 { 1.0 } else { 0.0 });
    room.run_until(3.0);
    assert!(room.port.meters.report().speaker_queue_ms > 300.0);
    let underruns = room.port.meters.report().underruns;
    room.port.controls.set_holds(true);
    room.run_until(5.0);
    let frames = room.frames.len();
    assert_eq!(peak(played(&room, 3.031, 5.0)), 0.0);
    assert!(room.frames.iter().all(|(readable, _)| *readable < 3.01), "nothing is handed over in a pause");
    assert_eq!(room.port.meters.report().speaker_queue_ms, 0.0);

    room.port.controls.set_holds(false);
    room.run_until(7.0);
    assert!(room.frames.len() > frames + 20);
    let first = &room.frames[frames];
    assert!(
        first.1.heard_at >= Duration::from_millis(5_060),
        "what was heard in the pause is forgotten: {:?}",
        first.1.heard_at
    );
    assert!(peak(played(&room, 5.2, 7.0)) > 0.4);
    assert!(steepest(played(&room, 0.5, 7.0)) < 0.016);
    assert_eq!(room.port.meters.report().underruns, underruns, "the second talk warms up as the first did");
}

#[test]
fn a_talk_that_ends_is_one_underrun_at_most_and_the_next_begins_clean() {
    let mut room = hum(EchoMode::Off);
    room.engine.step = Box::new(|i| if i == 25 { 8.0 } else { 0.0 });
    room.run_until(9.5);
    let report = room.port.meters.report();
    assert_eq!(report.underruns, 1);
    assert!(report.missing_speaker_samples < 48_000 * 6, "it stops counting: {}", report.missing_speaker_samples);
}

#[test]
fn frames_wait_for_both_devices() {
    let mut room = hum(EchoMode::On);
    room.wiring.send(Wiring::Speaker(None, DeviceKind::Open)).unwrap();
    room.run_until(1.0);
    assert!(room.frames.is_empty(), "no frame without a speaker");
    assert_eq!(room.port.meters.report().user_level, 0.0);
}

#[test]
fn nothing_old_survives_new_devices() {
    let mut room = hum(EchoMode::On);
    room.engine.step = Box::new(|i| if i == 20 { 1.0 } else { 0.0 });
    room.run_until(3.0);
    assert!(room.port.meters.report().speaker_queue_ms > 300.0, "much speech waits");
    let (frames, written) = (room.frames.len(), room.written.len());
    // The old devices go, and for a while there are none.
    room.wiring.send(Wiring::Mic(None)).unwrap();
    room.wiring.send(Wiring::Speaker(None, DeviceKind::Open)).unwrap();
    room.callbacks = None;
    room.run_until(4.0);
    assert_eq!(room.frames.len(), frames, "no frames without devices");
    assert!(!room.port.meters.report().is_cancelling_echo);
    assert_eq!(room.port.meters.report().drift_ppm, 0.0);

    room.engine.script.fill(0.0);
    room.mic = Device::new(16_000, 160);
    room.speaker = Device::new(44_100, 512);
    room.plug_in(DeviceKind::Open);
    room.run_until(6.0);
    assert!(room.written.len() > written + 10, "the talk goes on");
    assert_eq!(peak(&room.played), 0.0, "speech from before the change is not played");
    for (_, frame) in &room.frames[frames..] {
        assert!(
            frame.heard_at >= Duration::from_millis(4_080),
            "heard at {:?}, before both devices were there",
            frame.heard_at
        );
    }
    assert!(room.port.meters.report().is_cancelling_echo);
}

#[test]
fn headphones_need_no_canceller_unless_it_is_forced() {
    let mut room = hum(EchoMode::Auto);
    room.plug_in(DeviceKind::Headphones);
    room.run_until(1.0);
    assert!(!room.port.meters.report().is_cancelling_echo);
    room.port.controls.set_echo(EchoMode::On);
    room.run_until(2.0);
    assert!(room.port.meters.report().is_cancelling_echo);
    room.port.controls.set_echo(EchoMode::Off);
    room.run_until(3.0);
    assert!(!room.port.meters.report().is_cancelling_echo);
    assert_eq!(room.port.controls.echo(), EchoMode::Off);
    assert_eq!(room.port.meters.report().echo_return_loss_db, 0.0);
}

#[test]
fn a_frame_that_is_no_sound_is_silence() {
    let mut room = hum(EchoMode::On);
    room.engine.script[FRAME_SAMPLES * 3..FRAME_SAMPLES * 4].fill(f32::NAN);
    room.engine.script[FRAME_SAMPLES * 5] = f32::NEG_INFINITY;
    room.run_until(4.0);
    assert!(room.played.iter().all(|sample| sample.is_finite() && sample.abs() <= 8.0));
    assert!(room.clean().iter().all(|sample| sample.is_finite()));
}

#[test]
fn frames_that_nobody_reads_are_lost_and_counted() {
    let mut room = hum(EchoMode::Off);
    for poll in 0..1_600 {
        // Polled by hand, read by nobody: 8 s hold 100 frames, the port 64.
        let now = f64::from(poll) * 0.005;
        room.callbacks.as_mut().unwrap().0.on_input(&[0.1; 240], 1);
        room.callbacks.as_mut().unwrap().1.on_output(&mut [0.0; 240], 1);
        room.clock.set(now);
        room.dsp.poll(Duration::from_secs_f64(now));
    }
    let report = room.port.meters.report();
    assert_eq!(room.port.mic.backlog_frames(), 64);
    assert!((34..=36).contains(&report.lost_mic_frames), "{}", report.lost_mic_frames);
}

#[test]
fn a_machine_that_slept_replays_nothing() {
    let mut room = hum(EchoMode::On);
    room.run_until(2.0);
    let frames = room.frames.len();
    // For 10 s nobody polls; callbacks run on for a while, as some drivers do.
    room.next_poll = 12.0;
    room.run_until(14.0);
    let woken = &room.frames[frames..];
    assert!(!woken.is_empty());
    for (readable, frame) in woken {
        let age = readable - frame.heard_at.as_secs_f64();
        assert!(age < 0.2, "{age} s old");
    }
}

#[test]
fn a_machine_that_slept_says_nothing_old() {
    let mut room = hum(EchoMode::Off);
    room.engine.step = Box::new(|i| if i == 20 { 1.0 } else { 0.0 });
    room.run_until(3.0);
    assert!(room.port.meters.report().speaker_queue_ms > 300.0, "much speech waits");
    room.engine.script.fill(0.0);
    room.sleep_until(13.0);
    room.run_until(15.0);
    // What lies in the device's ring cannot be taken back: two blocks, and a fade.
    assert!(peak(played(&room, 13.035, 15.0)) < 1e-3, "{}", peak(played(&room, 13.035, 15.0)));
    assert!(room.frames.iter().all(|(readable, frame)| readable - frame.heard_at.as_secs_f64() < 0.2));
    assert!(room.frames.last().unwrap().0 > 14.8, "the talk goes on");
}

#[test]
fn a_speaker_that_stops_does_not_stop_the_user() {
    let mut room = hum(EchoMode::On);
    room.run_until(2.0);
    let frames = room.frames.len();
    room.stop_speaker_until(4.0);
    room.run_until(4.0);
    assert!(room.frames.len() >= frames + 23, "{} frames in 2 s", room.frames.len() - frames);
    room.run_until(6.0);
    assert!(room.port.meters.report().drift_ppm.abs() < 50.0, "{} ppm", room.port.meters.report().drift_ppm);
    assert!(
        room.frames.iter().skip(frames + 40).all(|(readable, frame)| readable - frame.heard_at.as_secs_f64() < 0.04)
    );
}

#[test]
fn the_pump_learns_how_late_polls_come() {
    let mut room = hum(EchoMode::Off);
    room.run_until(2.0);
    room.poll_period = 0.030;
    room.run_until(4.0);
    let learnt = room.port.meters.report();
    assert!(learnt.underruns <= 6, "{} underruns", learnt.underruns);
    room.run_until(10.0);
    assert_eq!(room.port.meters.report().underruns, learnt.underruns);
    assert_eq!(room.port.meters.report().lost_mic_samples, 0);
}

#[test]
fn noise_is_suppressed_only_on_request() {
    let left = |suppresses: bool| {
        let mut room = hum(EchoMode::On);
        room.port.controls.set_noise_suppression(suppresses);
        let mut noise = super::room::Noise(5);
        room.user = Box::new(move |_| 0.02 * noise.next() as f32);
        room.engine.script.fill(0.0);
        room.run_until(6.0);
        let power = |sound: &[f32]| sound.iter().map(|x| x * x).sum::<f32>() / sound.len() as f32;
        10.0 * power(&room.clean()[72_000..]).log10()
    };
    // Uniform noise of ±0.02 is at −38.8 dBFS; more than half of it lies above 11 kHz.
    let (plain, suppressed) = (left(false), left(true));
    assert!((plain + 42.4).abs() < 1.0, "{plain:.1} dBFS");
    assert!(suppressed < plain - 6.0, "{suppressed:.1} dBFS");
}
