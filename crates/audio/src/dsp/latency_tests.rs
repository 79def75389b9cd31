//! How long a sound takes through the DSP, measured at the devices, in calm and after a stall.

use moshibar_test_support::by_depth;

use super::room::{Device, Room};
use crate::frame::FRAME_SAMPLES;
use crate::port::EchoMode;

/// The value that 99 % do not exceed.
fn p99(mut values: Vec<f64>) -> f64 {
    assert!(values.len() >= 50, "{} values", values.len());
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * 99 / 100]
}

/// A click at the beginning of each frame of Moshi's.
fn clicks() -> Vec<f32> {
    let mut frame = vec![0.02; FRAME_SAMPLES];
    frame[0] = 0.9;
    frame
}

/// From each write to the callback that fetched the frame's first sample.
fn ways_out(room: &Room) -> Vec<f64> {
    let mut times = Vec::new();
    let mut at = 0;
    while let Some(next) = room.played.get(at..).and_then(|rest| rest.iter().position(|sample| *sample > 0.3)) {
        let near = at + next..(at + next + 10).min(room.played.len());
        let loudest = near.max_by(|a, b| room.played[*a].total_cmp(&room.played[*b])).unwrap();
        let block = room.fetched.partition_point(|(first, _)| *first <= loudest) - 1;
        times.push(room.fetched[block].1);
        at = loudest + (room.speaker.rate_hz / 100) as usize;
    }
    assert!(times.len() + 6 >= room.written.len(), "{} of {} were heard", times.len(), room.written.len());
    // The first frame's click is under the fade-in.
    let lag = room.written.len() - times.len();
    times.iter().zip(&room.written[lag.min(1)..]).map(|(heard, written)| heard - written).collect()
}

fn talk(mic: Device, speaker: Device, echo: EchoMode, seconds: f64) -> Room {
    let mut room = Room::new(mic, speaker, echo);
    room.engine.script = clicks();
    let period = f64::from(mic.rate_hz) * 0.5;
    // A click every half second, and a murmur that keeps the frames from being silent.
    room.user = Box::new(move |n| if n % period as usize == 1_000 { 0.9 } else { 0.005 * (n as f32 * 0.05).sin() });
    room.run_until(seconds);
    room
}

/// From the last sample of each frame in the air to the frame in the port.
fn ways_in(room: &Room) -> Vec<f64> {
    let clean = room.clean();
    let period = f64::from(room.mic.rate_hz) * 0.5;
    // The last click in the frames tells where the frames lie in time; clocks without drift only.
    let loudest =
        (clean.len() - 24_000..clean.len() - 4_000).max_by(|a, b| clean[*a].abs().total_cmp(&clean[*b].abs())).unwrap();
    let rough = room.frames[loudest / FRAME_SAMPLES].0;
    let heard = room.heard.len();
    let click_time = (0..=heard / period as usize)
        .map(|i| room.mic.starts + (i as f64 * period + 1_000.0) / f64::from(room.mic.rate_hz))
        .filter(|time| *time < rough)
        .last()
        .unwrap();
    let end_of = |frame: usize| click_time + ((frame + 1) as f64 * FRAME_SAMPLES as f64 - loudest as f64) / 24_000.0;
    for (i, (_, frame)) in room.frames.iter().enumerate().skip(20) {
        let off = frame.heard_at.as_secs_f64() - end_of(i);
        assert!(off.abs() < 0.001, "frame {i} says that it was heard {:.2} ms off", off * 1e3);
    }
    room.frames.iter().enumerate().skip(20).map(|(i, (readable, _))| readable - end_of(i)).collect()
}

#[test]
fn a_frame_is_heard_within_30_ms_at_480_samples() {
    let all: Vec<_> = [0.0, 0.0031, 0.0067, 0.0099]
        .into_iter()
        .flat_map(|phase| [(phase, EchoMode::On), (phase, EchoMode::Off)])
        .collect();
    for (phase, echo) in by_depth(vec![(0.0031, EchoMode::On), (0.0067, EchoMode::Off)], all.clone(), all) {
        let speaker = Device { starts: phase, jitter: 0.0005, ..Device::new(48_000, 480) };
        let mic = Device { jitter: 0.0005, ..Device::new(48_000, 480) };
        let room = talk(mic, speaker, echo, 10.0);
        let (inwards, outwards) = (p99(ways_in(&room)), p99(ways_out(&room)));
        println!("phase {phase} {echo:?}: in {:.1} ms, out {:.1} ms", inwards * 1e3, outwards * 1e3);
        assert!(inwards <= 0.030, "in: {:.1} ms", inwards * 1e3);
        assert!(outwards <= 0.030, "out: {:.1} ms", outwards * 1e3);
        let report = room.port.meters.report();
        assert_eq!((report.underruns, report.lost_mic_samples, report.trimmed_samples), (0, 0, 0));
    }
}

#[test]
fn every_block_size_gets_through_without_a_gap() {
    let all = vec![
        (64, 64),
        (64, 4_096),
        (4_096, 64),
        (128, 1_024),
        (441, 512),
        (1_024, 480),
        (2_048, 2_048),
        (4_096, 4_096),
    ];
    // At the quick depth the extremes and what is usual, each at one pair of rates.
    let quick = vec![(64, 4_096), (4_096, 64), (1_024, 480), (2_048, 2_048)];
    let rates = [(48_000, 48_000), (16_000, 44_100)];
    let pairs = by_depth(quick, all.clone(), all);
    for (index, (mic_block, speaker_block)) in pairs.into_iter().enumerate() {
        for (mic_hz, speaker_hz) in by_depth(vec![rates[index % 2]], rates.to_vec(), rates.to_vec()) {
            let mic = Device { starts: 0.0023, ..Device::new(mic_hz, mic_block) };
            let room = talk(mic, Device::new(speaker_hz, speaker_block), EchoMode::On, 8.0);
            let (inwards, outwards) = (p99(ways_in(&room)), p99(ways_out(&room)));
            let blocks_in = mic_block as f64 / f64::from(mic_hz);
            let blocks_out = speaker_block as f64 / f64::from(speaker_hz);
            println!(
                "{mic_block} at {mic_hz}, {speaker_block} at {speaker_hz}: in {:.1} ms = a block + {:.1}, out {:.1} ms",
                inwards * 1e3,
                (inwards - blocks_in) * 1e3,
                outwards * 1e3,
            );
            assert!(inwards <= blocks_in + 0.020, "in: {:.1} ms", inwards * 1e3);
            // The queue takes the rhythm of both devices: a block of either, and 30 ms besides.
            assert!(outwards <= blocks_in + blocks_out + 0.030, "out: {:.1} ms", outwards * 1e3);
            let report = room.port.meters.report();
            assert_eq!(report.lost_mic_samples + report.lost_mic_frames, 0);
            assert_eq!(report.underruns, 0);
        }
    }
}

/// A ramp over all frames: how loud it is tells where in the talk we are.
fn ramp(frames: usize) -> Vec<f32> {
    let samples = frames * FRAME_SAMPLES;
    (0..samples).map(|i| 0.1 + 0.8 * i as f32 / samples as f32).collect()
}

/// How much later than after 2 s the ramp is played at a moment, in seconds.
fn added_latency(room: &Room, frames: usize, time: f64) -> f64 {
    let hear = |time: f64| {
        let block = room.fetched.partition_point(|(_, fetched)| *fetched <= time) - 1;
        let (first, fetched) = room.fetched[block];
        fetched - (f64::from(room.played[first]) - 0.1) / 0.8 * frames as f64 * 0.08
    };
    hear(time) - hear(2.0)
}

#[test]
fn half_a_second_of_stall_is_caught_up_within_3_s() {
    const FRAMES: usize = 300;
    let all = vec![(0.2, 0.0), (0.5, 0.0), (0.5, 0.03), (1.0, 0.01)];
    for (stall, quick) in by_depth(vec![(0.5, 0.0), (1.0, 0.01)], all.clone(), all) {
        let mut room = Room::new(Device::new(48_000, 480), Device::new(48_000, 480), EchoMode::Off);
        room.engine.script = ramp(FRAMES);
        room.engine.most_backlog = 64;
        room.engine.step = Box::new(move |i| if i == 40 { stall } else { quick });
        room.run_until(12.0);
        // Frame 40 is answered so late; its predecessor lasts for 80 ms.
        let resumed = room.written[40];
        let late = added_latency(&room, FRAMES, resumed + 0.1);
        let after = added_latency(&room, FRAMES, resumed + 3.0);
        let report = room.port.meters.report();
        println!(
            "{stall} s: {:.0} ms late, {:.0} ms after 3 s, {} trimmed, {} underruns, {:.0} ms missing",
            late * 1e3,
            after * 1e3,
            report.trimmed_samples,
            report.underruns,
            report.missing_speaker_samples as f64 / 48.0
        );
        assert!(late > stall - 0.1, "the stall was heard: {late}");
        assert!(after <= 0.080, "{:.0} ms after 3 s", after * 1e3);
        assert_eq!(report.underruns, 1);
        let missing = report.missing_speaker_samples as f64 / 48_000.0;
        assert!((missing - (stall - 0.01)).abs() < 0.05, "{missing} s missing");
        let jump = room.played.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(jump < 0.01, "a click of {jump}: 0.9 fades within 240 samples, and all else is flatter");
    }
}

#[test]
fn silence_is_left_out_before_speech_is() {
    // 400 ms of tone, 400 ms of silence: within 2.5 s there is a second of silence to leave out.
    let mut room = Room::new(Device::new(48_000, 480), Device::new(48_000, 480), EchoMode::Off);
    let tone = |i: usize| if (i / 9_600).is_multiple_of(2) { 0.3 * (i as f32 * 0.1).sin() } else { 0.0 };
    room.engine.script = (0..19_200).map(tone).collect();
    room.engine.step = Box::new(|i| if i == 36 { 0.5 } else { 0.0 });
    room.engine.most_backlog = 64;
    room.run_until(12.0);
    let report = room.port.meters.report();
    assert!((8_000..12_000).contains(&report.trimmed_samples), "{} samples", report.trimmed_samples);
    assert_eq!(report.trimmed_samples % 240, 0, "by slices");
    let loud = |sound: &[f32]| sound.iter().map(|x| x * x).sum::<f32>();
    let written: f32 = (0..room.written.len()).map(|i| loud(&room.engine.script[i % 10 * 1_920..][..1_920])).sum();
    let lost = 1.0 - loud(&room.played) / 2.0 / written;
    assert!(lost < 0.02, "{:.1} % of the tone are gone; a frame of 150 was still in the queue", lost * 100.0);
}
