//! A day, and a thousand talks, on the virtual clock: nothing grows, nothing is lost without being counted.
//!
//! A test program of its own, because its allocator counts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[allow(dead_code, reason = "two test programs share it, and each needs a part")]
#[path = "live/world.rs"]
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moshibar_audio::{EchoMode, RateChange, SimulatedDevice};
use moshibar_session::live::{Command, LiveEvent, State, TalkOptions};
use moshibar_test_support::{CountingAllocator, by_depth, live_bytes};

use crate::world::World;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Keeps the tests of this program apart where one process runs them all: each watches the heap of
/// the process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Open files and threads of this process.
fn files_and_threads() -> (usize, usize) {
    let count = |path: &str| std::fs::read_dir(path).map_or(0, Iterator::count);
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// Speech-like enough for meters and the canceller: a hum in bursts.
fn murmur(at: f64) -> f32 {
    let speaks = (at * 0.31).sin() > 0.2;
    if speaks { (0.1 * (std::f64::consts::TAU * 180.0 * at).sin() * (at * 9.0).sin().abs()) as f32 } else { 1e-5 }
}

/// Least-squares slope of the samples, over the whole of them.
fn slope(samples: &[i64]) -> f64 {
    let mean_x = (samples.len() as f64 - 1.0) / 2.0;
    let mean_y = samples.iter().sum::<i64>() as f64 / samples.len() as f64;
    let (mut up, mut down) = (0.0, 0.0);
    for (x, y) in samples.iter().enumerate() {
        up += (x as f64 - mean_x) * (*y as f64 - mean_y);
        down += (x as f64 - mean_x).powi(2);
    }
    up / down * samples.len() as f64
}

/// What the devices take at most until all is as before.
const SETTLED: Duration = Duration::from_secs(4);

/// Runs a talk of so many rounds with an accident in each, and watches the change of live bytes
/// over all of them.
fn endure(rounds: u64, round_lasts: Duration, echo: EchoMode) {
    let mut world = World::new(
        SimulatedDevice::microphone("mic").hears(murmur).ppm(120.0),
        SimulatedDevice::speaker("speaker").ppm(-60.0),
        echo,
    );
    let other = world.host.plug(SimulatedDevice::microphone("other").hears(murmur).rate_hz(16_000).ppm(-200.0));
    let mut random = 11_u64;
    let mut draw = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    world.takes(move |step| Duration::from_millis(if step % 5_000 == 4_999 { 600 } else { 62 }));
    world.start();
    // A tenth to warm up, or half an hour: the first of each kind of accident fills its buffers.
    let warm = (rounds / 10).clamp(3, 30);
    let mut bytes = Vec::with_capacity(rounds as usize);
    let mut before = (0, 0);
    let mut hears_other = false;
    for round in 0..rounds {
        let (microphone, speaker) = (world.microphone.clone(), world.speaker.clone());
        let pause = Duration::from_millis(500 + draw(3_000));
        match draw(9) {
            0 => {
                world.host.unplug(&speaker);
                world.run(pause);
                world.host.replug(&speaker);
            }
            1 => {
                world.host.unplug(&microphone);
                world.run(pause);
                world.host.replug(&microphone);
            }
            2 => hears_other = true,
            3 => hears_other = false,
            4 => {
                world.host.change_rate(&microphone, 24_000, RateChange::Announced);
                world.run(pause);
                world.host.change_rate(&microphone, 48_000, RateChange::Announced);
            }
            5 => {
                world.send(Command::SetPaused(true));
                world.run(pause);
                world.send(Command::SetPaused(false));
            }
            6 => {
                world.send(Command::SetMuted(true));
                world.run(pause);
                world.send(Command::SetMuted(false));
            }
            7 => {
                world.host.set_stalled(&speaker, true);
                world.run(pause);
                world.host.set_stalled(&speaker, false);
            }
            _ => {}
        }
        world.host.set_default(if hears_other { &other } else { &microphone });
        world.run(round_lasts.saturating_sub(pause + SETTLED));
        // Another microphone has buffers of another size: the heap is looked at with the same one.
        world.host.set_default(&microphone);
        world.run(SETTLED);
        assert!(
            !world.told.iter().any(|event| matches!(event, LiveEvent::Ended(_))),
            "round {round}: {:?}",
            world.told
        );
        world.told.clear();
        world.told.shrink_to_fit();
        if round == warm {
            before = files_and_threads();
        }
        if round >= warm {
            bytes.push(live_bytes());
        }
    }
    let grew = slope(&bytes);
    println!("{} frames in {rounds} rounds, heap {grew:+.0} bytes, files and threads {before:?}", world.frames);
    assert!(grew.abs() <= 65_536.0, "the heap grew by {grew:.0} bytes");
    assert_eq!(files_and_threads(), before);
    // Of 12.5 a second, but for those that an accident takes: half a second to 3.5 s and what the
    // devices need to recover.
    let least = (round_lasts.as_secs_f64() - 4.0) * 12.5 * rounds as f64;
    assert!(world.frames as f64 >= least, "{} frames in {rounds} rounds", world.frames);
    world.send(Command::Quit);
}

/// At the largest depth a day, with the echo canceller, whose cost would hide everything else of a
/// short run.
#[test]
fn nothing_grows_in_a_talk_with_an_accident_every_minute() {
    let _alone = alone();
    let minute = Duration::from_mins(1);
    let (rounds, lasts, echo) =
        by_depth((10, minute / 4, EchoMode::Off), (30, minute, EchoMode::Off), (24 * 60, minute, EchoMode::On));
    endure(rounds, lasts, echo);
}

#[test]
fn talks_one_after_the_other_leave_nothing_behind() {
    let _alone = alone();
    many_talks(by_depth(20, 50, 1_000));
}

fn many_talks(talks: usize) {
    let mut world =
        World::new(SimulatedDevice::microphone("mic").hears(murmur), SimulatedDevice::speaker("speaker"), EchoMode::On);
    let mut before = (0, 0, 0);
    for talk in 0..talks {
        let started = world.clock_seconds();
        world.send(Command::Start(TalkOptions::default()));
        while !world.told.iter().any(|event| matches!(event, LiveEvent::State(State::Listening))) {
            world.run(Duration::from_millis(10));
            assert!(world.clock_seconds() - started < 2.0, "no talk after 2 s");
        }
        world.run(Duration::from_millis(500));
        world.send(Command::Stop);
        world.told.clear();
        world.told.shrink_to_fit();
        if talk == 9 {
            let (files, threads) = files_and_threads();
            before = (live_bytes(), files as i64, threads as i64);
        }
    }
    let (files, threads) = files_and_threads();
    let grew = live_bytes() - before.0;
    println!("{talks} talks: heap {grew:+} bytes, {files} files, {threads} threads");
    assert!(grew.abs() <= 65_536, "the heap grew by {grew} bytes");
    assert_eq!((files as i64, threads as i64), (before.1, before.2));
}
