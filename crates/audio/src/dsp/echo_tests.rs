//! Moshi's voice in the microphone, through the whole DSP: callbacks, rings, tap, resamplers,
//! canceller.

use moshibar_test_support::by_depth;

use super::room::{Air, Device, Noise, Room};
use crate::port::EchoMode;
use crate::{read_wav, resample};

/// The three sentences that come with the program, one after another.
pub(super) fn sentences(names: &[&str], rate_hz: u32) -> Vec<f32> {
    let mut speech = Vec::new();
    for name in names {
        let path = format!("{}/../../assets/demo/{name}.wav", env!("CARGO_MANIFEST_DIR"));
        speech.extend(read_wav(&path).unwrap().at_engine_rate().unwrap());
    }
    resample(&speech, 24_000, rate_hz).unwrap()
}

/// Only what is above −40 dBFS, by slices: so much speech as there are seconds.
fn without_pauses(speech: &[f32]) -> Vec<f32> {
    speech.chunks(240).filter(|slice| power(slice) > 1e-4).flatten().copied().collect()
}

fn power(sound: &[f32]) -> f64 {
    sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len().max(1) as f64
}

fn decibels(power: f64) -> f64 {
    10.0 * power.max(1e-20).log10()
}

/// A room in which Moshi monologues.
fn monologue(mic: Device, speaker: Device, delay: f64) -> Room {
    let mut room = Room::new(mic, speaker, EchoMode::Auto);
    room.engine.script = without_pauses(&sentences(&["blue", "green", "hello"], 24_000));
    let loud = decibels(power(&room.engine.script));
    // −30 dBFS at the microphone.
    room.air = Air::decaying(mic.rate_hz, delay, -30.0 - loud);
    let mut noise = Noise(99);
    // A quiet room: −80 dBFS.
    room.user = Box::new(move |_| (noise.next() * 1.7e-4) as f32);
    room
}

/// All that was handed over, and where in time it begins, in samples at 24 kHz.
fn clean(room: &Room) -> (Vec<f32>, isize) {
    let clean = room.clean();
    assert!(clean.iter().all(|sample| sample.is_finite()));
    let end = room.frames.last().unwrap().1.heard_at.as_secs_f64();
    let begin = (end * 24_000.0).round() as isize - clean.len() as isize;
    (clean, begin)
}

/// By how much the echo is quieter in the frames than in the microphone, in dB, in a span of seconds.
fn reduction(room: &Room, from: f64, to: f64) -> f64 {
    let mic_hz = f64::from(room.mic.rate_hz);
    let (clean, begin) = clean(room);
    let place = |time: f64| ((time * 24_000.0) as usize).saturating_add_signed(-begin).min(clean.len());
    let last = (place(to) as f64 + begin as f64) / 24_000.0;
    let heard = power(&room.echo[(from * mic_hz) as usize..((last * mic_hz) as usize).min(room.echo.len())]);
    decibels(heard) - decibels(power(&clean[place(from)..place(to)]))
}

fn usual() -> Device {
    Device::new(48_000, 480)
}

#[track_caller]
fn assert_reduced(what: &str, room: &Room, from: f64, to: f64, least: f64) {
    let reduced = reduction(room, from, to);
    println!("{what}: {reduced:.1} dB, the canceller says {:.1}", room.port.meters.report().echo_return_loss_db);
    assert!(reduced >= least, "{what}: {reduced:.1} dB");
}

#[test]
fn a_near_loudspeaker_is_cancelled() {
    let mut room = monologue(usual(), usual(), 0.020);
    room.run_until(12.0);
    assert_reduced("20 ms", &room, 3.0, 12.0, 30.0);
    let report = room.port.meters.report();
    assert!(report.is_cancelling_echo);
    assert!(report.echo_return_loss_db > 20.0, "{} dB", report.echo_return_loss_db);
}

#[test]
fn a_slow_loudspeaker_is_cancelled() {
    let mut room = monologue(usual(), usual(), 0.150);
    room.run_until(12.0);
    assert_reduced("150 ms", &room, 3.0, 12.0, 30.0);
}

#[test]
fn other_rates_are_cancelled_too() {
    for (mic_hz, speaker_hz) in [(24_000, 24_000), (16_000, 44_100), (44_100, 48_000)] {
        let mic = Device::new(mic_hz, mic_hz as usize / 100);
        let mut room = monologue(mic, Device::new(speaker_hz, 512), 0.030);
        room.run_until(9.0);
        assert_reduced(&format!("{mic_hz} and {speaker_hz} Hz"), &room, 3.0, 9.0, 30.0);
    }
}

#[test]
fn clocks_that_drift_are_cancelled_too() {
    let all = vec![(20.0, 30.0), (100.0, 25.0), (-100.0, 25.0)];
    for (ppm, least) in by_depth(vec![(-100.0, 25.0)], all.clone(), all) {
        let mut room = monologue(usual(), Device { ppm, starts: 0.0037, ..usual() }, 0.0215);
        room.run_until(12.0);
        assert_reduced(&format!("{ppm} ppm"), &room, 3.0, 12.0, least);
    }
}

#[test]
fn a_loudspeaker_that_saturates_is_cancelled_too() {
    let mut room = monologue(usual(), usual(), 0.020);
    room.air.saturation = 1.5;
    room.run_until(12.0);
    assert_reduced("saturation", &room, 3.0, 12.0, 30.0);
}

#[test]
fn long_blocks_are_cancelled_too() {
    let mut room = monologue(Device::new(48_000, 2_048), Device::new(48_000, 1_024), 0.040);
    room.run_until(12.0);
    assert_reduced("2048 and 1024", &room, 3.0, 12.0, 30.0);
}

#[test]
fn a_jump_of_20_ms_is_followed_within_2_s() {
    let mut room = monologue(usual(), usual(), 0.020);
    room.run_until(8.0);
    room.air.delay += 0.020;
    room.run_until(14.0);
    assert_reduced("before the jump", &room, 3.0, 8.0, 30.0);
    assert_reduced("2 s after the jump", &room, 10.0, 14.0, 20.0);
}

#[test]
fn callbacks_with_jitter_do_not_disturb_it() {
    let mic = Device { jitter: 0.002, ..usual() };
    let speaker = Device { jitter: 0.002, starts: 0.0013, ..usual() };
    let mut room = monologue(mic, speaker, 0.025);
    room.run_until(12.0);
    assert_reduced("2 ms of jitter", &room, 3.0, 12.0, 30.0);
}

/// For a second, what no microphone should ever give.
fn defect(n: usize) -> f32 {
    match n {
        240_000..288_000 if n.is_multiple_of(3) => f32::NAN,
        240_000..288_000 if n % 3 == 1 => f32::INFINITY,
        288_000..290_000 => f32::MAX,
        _ => 0.0,
    }
}

#[test]
fn defects_of_the_microphone_are_survived() {
    let mut bypassed = Room::new(usual(), usual(), EchoMode::Off);
    bypassed.user = Box::new(defect);
    bypassed.run_until(8.0);
    assert!(bypassed.clean().iter().all(|sample| sample.is_finite() && sample.abs() < 20.0));

    let mut room = monologue(usual(), usual(), 0.020);
    room.user = Box::new(defect);
    room.run_until(15.0);
    assert!(room.clean().iter().all(|sample| sample.is_finite()));
    assert_reduced("5 s after the defect", &room, 11.05, 15.0, 30.0);
}

/// The user's own words, once through the DSP while Moshi is silent, and once while it speaks.
fn with_user(moshi_speaks: bool) -> (Room, Vec<f32>) {
    let mut room = monologue(usual(), usual(), 0.020);
    if !moshi_speaks {
        room.engine.script.fill(0.0);
    }
    let mut words = sentences(&["hello", "blue"], 48_000);
    // −25 dBFS, and not in step with Moshi.
    let gain = 10f64.powf((-25.0 - decibels(power(&words))) / 20.0) as f32;
    for sample in &mut words {
        *sample *= gain;
    }
    words.rotate_left(31_000);
    let said = words.clone();
    room.user = Box::new(move |n| words[n % words.len()]);
    room.run_until(16.0);
    let said: Vec<f32> = (0..16 * 48_000).map(|n| said[n % said.len()]).collect();
    (room, resample(&said, 48_000, 24_000).unwrap())
}

#[test]
fn the_user_alone_passes() {
    let (room, said) = with_user(false);
    let (clean, begin) = clean(&room);
    let place = |i: usize| i.saturating_add_signed(begin);
    let left = decibels(power(&clean[72_000..])) - decibels(power(&said[place(72_000)..place(clean.len())]));
    println!("near end alone: {left:.2} dB");
    assert!(left.abs() <= 1.0, "{left:.2} dB");
}

#[test]
fn the_user_is_heard_over_moshi() {
    // What passes when Moshi is silent is the measure: how much of just that is in what passes over Moshi.
    let ((room_alone, _), (room, _)) = (with_user(false), with_user(true));
    let ((alone, alone_begin), (over_moshi, begin)) = (clean(&room_alone), clean(&room));
    let echo = decibels(power(&room.echo[240_000..]));
    assert!((-33.0..-27.0).contains(&echo), "an echo of {echo:.1} dBFS");
    assert_eq!(alone_begin, begin);
    let span = 5 * 24_000..alone.len().min(over_moshi.len());
    let (alone, over_moshi) = (&alone[span.clone()], &over_moshi[span]);
    let common: f64 = alone.iter().zip(over_moshi).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    let left = 20.0 * (common / (power(alone) * alone.len() as f64)).log10();
    let rest: Vec<f32> = alone.iter().zip(over_moshi).map(|(a, b)| b - a).collect();
    println!(
        "double talk: {left:.2} dB of the user; the rest is {:.1} dB",
        decibels(power(&rest)) - decibels(power(alone))
    );
    assert!(left >= -6.0, "{left:.2} dB");
}
