//! Hundreds of talks with all their threads, started and stopped at any moment: none is left
//! behind.
//!
//! A test binary of its own, because the threads, files and bytes that it counts are everybody's.

#![cfg(target_os = "linux")] // it counts them in /proc
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use moshibar_audio::{Clock, DuplexOptions, Frame, SILENCE, SimulatedDevice, SimulatedHost, SystemClock, VirtualClock};
use moshibar_session::live::{
    Command, Devices, EngineSource, EventReceiver, LiveEvent, LiveSession, LoadError, Loading, State, TalkOptions,
};
use moshibar_session::{Engine, EngineError, FrameReply, MemoryUse, StageTimes};
use moshibar_test_support::{CountingAllocator, by_depth, live_bytes};

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_mins(2);

/// Talks before the first look: by then every kind of moment has come up, and what is kept for ever
/// is there.
const WARM: u64 = 40;

/// More than the lists of a process differ by, and less than a kilobyte for each talk of the
/// shortest run.
const ALLOWED_BYTES: i64 = 65_536;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct Silent;

impl EngineSource for Silent {
    fn build(&mut self, _: &mut dyn FnMut(Loading)) -> Result<Box<dyn Engine>, LoadError> {
        Ok(Box::new(Self))
    }

    fn describe(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

impl Engine for Silent {
    fn step(&mut self, _: &Frame) -> Result<FrameReply, EngineError> {
        Ok(FrameReply { speech: Some(Box::new(SILENCE)), text: None, stages: StageTimes::default() })
    }

    fn reset(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse::default()
    }
}

/// Open files and threads of this process.
fn files_and_threads() -> (usize, usize) {
    let count = |path: &str| std::fs::read_dir(path).map_or(0, Iterator::count);
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// Waits until there are so many. A thread that has been joined is listed a moment longer.
fn until_there_are(wanted: (usize, usize)) {
    let began = Instant::now();
    while files_and_threads() != wanted {
        assert!(began.elapsed() < PATIENCE, "(files, threads) are {:?}, not {wanted:?}", files_and_threads());
        std::thread::yield_now();
    }
}

/// Lets time pass until the talk has begun.
fn until_it_listens(events: &EventReceiver, pass: impl Fn()) {
    let began = Instant::now();
    while !matches!(events.next(Duration::from_millis(5)).unwrap(), Some(LiveEvent::State(State::Listening))) {
        assert!(began.elapsed() < PATIENCE, "no talk begins");
        pass();
    }
}

#[test]
fn starts_and_stops_at_any_moment_leave_no_thread_and_no_memory_behind() {
    let talks = by_depth(200, 1_000, 10_000);
    let devices_clock = Arc::<VirtualClock>::default();
    let host = SimulatedHost::new(Arc::clone(&devices_clock));
    host.plug(SimulatedDevice::microphone("mic"));
    host.plug(SimulatedDevice::speaker("speaker"));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let for_talks = host.clone();
    let devices = Devices::new(
        Box::new(move || Ok(Box::new(for_talks.backend()))),
        DuplexOptions::default(),
        devices_clock.clone() as Arc<dyn Clock>,
    );
    let (session, events) = LiveSession::spawn(Box::new(Silent), Box::new(devices), clock).unwrap();
    let before = files_and_threads();
    let mut bytes_before = 0;
    for talk in 0..talks {
        session.send(Command::Start(TalkOptions::default())).unwrap();
        if talk % 20 == 19 {
            until_it_listens(&events, || host.advance(devices_clock.now() + Duration::from_millis(20)));
        }
        for step in 0..talk % 4 {
            // In different moments of a talk: before its devices are open, while they open, after.
            host.advance(devices_clock.now() + Duration::from_millis(40 * step));
            std::thread::yield_now();
        }
        session.send(Command::Stop).unwrap();
        // A talk's threads have been joined before it has ended.
        while !matches!(events.next(PATIENCE).unwrap().unwrap(), LiveEvent::Ended(_)) {}
        if talk + 1 == WARM {
            until_there_are(before);
            bytes_before = live_bytes();
        }
    }
    until_there_are(before);
    let grew = live_bytes() - bytes_before;
    println!("{before:?} files and threads, before and after {talks} talks; heap {grew:+} bytes since talk {WARM}");
    assert!(grew <= ALLOWED_BYTES, "the heap grew by {grew} bytes");
    drop(session);
}
