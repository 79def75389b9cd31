//! Real devices of this machine, by hand:
//! `SECONDS_TO_WATCH=20 cargo test -p moshibar-audio --test real_devices -- --ignored --nocapture`

#![allow(clippy::disallowed_methods, reason = "the real clock of a test that is run by hand")]

use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};
use std::time::{Duration, Instant};

use moshibar_audio::{
    Backend, Clock, CpalBackend, Direction, MicEnd, SpeakerEnd, Supervisor, SupervisorOptions, SystemClock, Wiring,
};

#[test]
#[ignore = "needs a sound service with devices"]
fn real_devices_open_and_run() {
    let mut backend = CpalBackend::new();
    println!("{}", backend.name());
    let began = Instant::now();
    let devices = backend.devices().unwrap();
    println!("listed in {:?}", began.elapsed());
    for device in &devices {
        let began = Instant::now();
        let format = backend.current_format(&device.id, device.direction).map_err(|error| error.to_string());
        println!("{device:?}\n    {format:?} in {:?}", began.elapsed());
    }
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    backend.devices().unwrap();
    println!("listed afresh in {:?}", began.elapsed());

    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let (wiring_in, wiring) = channel();
    let (events_in, events) = sync_channel(64);
    let options = SupervisorOptions::default();
    let mut supervisor = Supervisor::new(Box::new(backend), options, Arc::clone(&clock), wiring_in, events_in);
    let seconds = std::env::var("SECONDS_TO_WATCH").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let (mut mic, mut speaker): (Option<MicEnd>, Option<SpeakerEnd>) = (None, None);
    let (mut heard, mut played, mut slowest) = (0, 0, Duration::ZERO);
    while clock.now() < Duration::from_secs(seconds) {
        let began = Instant::now();
        supervisor.poll(clock.now());
        slowest = slowest.max(began.elapsed());
        while let Ok(event) = events.try_recv() {
            println!("{:7.3} {event}", clock.now().as_secs_f64());
        }
        while let Ok(wiring) = wiring.try_recv() {
            match wiring {
                Wiring::Mic(end) => mic = end,
                Wiring::Speaker(end, _) => speaker = end,
            }
        }
        if let Some(mic) = &mut mic {
            heard += std::iter::from_fn(|| mic.samples.pop().ok()).count();
            while mic.marks.pop().is_ok() {}
        }
        if let Some(speaker) = &mut speaker {
            played += std::iter::from_fn(|| speaker.tap.pop().ok()).count();
            while speaker.marks.pop().is_ok() {}
            while speaker.samples.slots() > 12_000 {
                speaker.samples.push(0.0).unwrap();
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{heard} samples heard, {played} played; the slowest poll took {slowest:?}");
    for end in [mic.map(|end| end.counters), speaker.map(|end| end.counters)].into_iter().flatten() {
        println!("{end:?}");
    }
    for direction in Direction::ALL {
        println!("{} rebuilds of the {}", supervisor.rebuilds(direction), direction.noun());
    }
    assert!(heard > 0 && played > 0);
}
