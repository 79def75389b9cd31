//! The scripted devices themselves: what tests stand on must hold.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{RateChange, SimulatedDevice, SimulatedHost, VirtualClock};
use crate::backend::{Backend, StreamFault};
use crate::clock::Clock;
use crate::device::Direction;
use crate::stream::{mic_stream, speaker_stream};

fn host() -> (SimulatedHost, Arc<VirtualClock>) {
    let clock = Arc::<VirtualClock>::default();
    (SimulatedHost::new(Arc::clone(&clock)), clock)
}

fn as_clock(clock: &Arc<VirtualClock>) -> Arc<dyn Clock> {
    Arc::clone(clock) as Arc<dyn Clock>
}

#[test]
fn a_fast_crystal_delivers_more_samples_of_the_same_world() {
    let (host, clock) = host();
    // The world is a slow ramp in true time: whoever samples it faster sees smaller steps.
    let id = host.plug(SimulatedDevice::microphone("Fast").ppm(300.0).block_samples(100).hears(|at| at as f32));
    let mut backend = host.backend();
    let format = backend.current_format(&id, Direction::Input).unwrap();
    let (callback, mut end) = mic_stream(format.rate_hz, as_clock(&clock));
    let _stream = backend.open_input(&id, format, callback, Box::new(|_| {})).unwrap();
    let (mut count, mut last) = (0_u64, 0.0);
    // Read more often than the ring is full.
    for half_second in 1..=200 {
        host.advance(Duration::from_millis(500 * half_second));
        while let Ok(sample) = end.samples.pop() {
            count += 1;
            last = sample;
        }
    }
    let expected = 100.0 * 48_000.0 * 1.000_3;
    assert!((count as f64 - expected).abs() <= 100.0, "{count} instead of {expected}");
    assert!((last - 100.0).abs() < 0.003, "its last sample is of {last} s");
    assert_eq!(end.counters.lost_samples.load(Ordering::Relaxed), 0);
    assert_eq!(clock.now(), Duration::from_secs(100));
}

#[test]
fn callbacks_of_two_devices_come_in_the_order_of_their_times() {
    let (host, clock) = host();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut backend = host.backend();
    let mut streams = Vec::new();
    for (name, rate_hz, block_samples) in [("one", 8_000, 1), ("two", 192_000, 4_096), ("three", 44_100, 441)] {
        let (order, clock) = (Arc::clone(&order), Arc::clone(&clock));
        let device = SimulatedDevice::speaker(name)
            .rate_hz(rate_hz)
            .block_samples(block_samples)
            .jitter(Duration::from_micros(90))
            .plays_into(move |_, _, _| order.lock().unwrap().push(clock.now()));
        let id = host.plug(device);
        let format = backend.current_format(&id, Direction::Output).unwrap();
        let (callback, end) = speaker_stream(format.rate_hz, as_clock(&Arc::<VirtualClock>::default()));
        streams.push((backend.open_output(&id, format, callback, Box::new(|_| {})).unwrap(), end));
    }
    host.advance(Duration::from_secs(1));
    let order = order.lock().unwrap();
    assert!((order.len() as i64 - (8_000 + 46 + 100)).abs() < 4, "{}", order.len());
    assert!(order.is_sorted());
    assert_eq!(host.most_live_streams(Direction::Output), 3);
    drop(streams);
    assert_eq!(host.live_streams(Direction::Output), 0);
}

#[test]
fn what_is_played_reaches_the_sink_and_later_channels_hear_something_else() {
    let (host, clock) = host();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&heard);
    let speaker = host.plug(
        SimulatedDevice::speaker("S").plays_into(move |block, _, _| sink.lock().unwrap().extend_from_slice(block)),
    );
    let mic = host.plug(SimulatedDevice::microphone("M").channels(3).hears(|_| 0.25));
    let mut backend = host.backend();
    let format = backend.current_format(&speaker, Direction::Output).unwrap();
    let (callback, mut end) = speaker_stream(format.rate_hz, as_clock(&clock));
    let _stream = backend.open_output(&speaker, format, callback, Box::new(|_| {})).unwrap();
    let format = backend.current_format(&mic, Direction::Input).unwrap();
    let (callback, mut mic_end) = mic_stream(format.rate_hz, as_clock(&clock));
    let _mic_stream = backend.open_input(&mic, format, callback, Box::new(|_| {})).unwrap();
    (0..960).for_each(|_| end.samples.push(0.5).unwrap());
    host.advance(Duration::from_millis(25));
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 960);
    assert!((heard[959] - 0.5).abs() < 1e-6);
    while let Ok(sample) = mic_end.samples.pop() {
        assert!((sample - 0.25).abs() < 1e-6);
    }
}

#[test]
fn a_stale_rate_is_confessed_when_its_time_is_over() {
    let (host, clock) = host();
    let id = host.plug(SimulatedDevice::microphone("Headset"));
    host.change_rate(&id, 24_000, RateChange::Stale(Duration::from_millis(410)));
    let mut backend = host.backend();
    let format = backend.current_format(&id, Direction::Input).unwrap();
    assert_eq!(format.rate_hz, 48_000);
    let (callback, end) = mic_stream(format.rate_hz, as_clock(&clock));
    let faults = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&faults);
    let _stream =
        backend.open_input(&id, format, callback, Box::new(move |fault| told.lock().unwrap().push(fault))).unwrap();
    host.advance(Duration::from_millis(390));
    assert!(faults.lock().unwrap().is_empty());
    host.advance(Duration::from_secs(2));
    assert_eq!(*faults.lock().unwrap(), [StreamFault::Invalidated]);
    let delivered = end.counters.samples.load(Ordering::Relaxed);
    assert_eq!(delivered, 20 * 480, "24,000 a second for 410 ms in whole blocks, and nothing after");
    assert_eq!(backend.current_format(&id, Direction::Input).unwrap().rate_hz, 24_000);
}

#[test]
fn a_storm_is_as_dense_as_it_was_asked_for() {
    let (host, clock) = host();
    let id = host.plug(SimulatedDevice::speaker("S"));
    let mut backend = host.backend();
    let format = backend.current_format(&id, Direction::Output).unwrap();
    let (callback, _end) = speaker_stream(format.rate_hz, as_clock(&clock));
    let faults = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = Arc::clone(&faults);
    let sink = Box::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let _stream = backend.open_output(&id, format, callback, sink).unwrap();
    host.storm(&id, 20_000, Duration::from_secs(3));
    host.advance(Duration::from_secs(1));
    assert_eq!(faults.load(Ordering::Relaxed), 20_000);
    host.advance(Duration::from_secs(10));
    assert_eq!(faults.load(Ordering::Relaxed), 60_000);
}
