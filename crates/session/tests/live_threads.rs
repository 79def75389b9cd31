//! A thousand talks with all their threads, started and stopped at any moment: none is left behind.
//!
//! A test binary of its own, because the threads and files that it counts are everybody's.

#![cfg(target_os = "linux")] // it counts them in /proc
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::Duration;

use moshibar_audio::{Clock, DuplexOptions, Frame, SILENCE, SimulatedDevice, SimulatedHost, SystemClock, VirtualClock};
use moshibar_session::live::{Command, Devices, EngineSource, LiveEvent, LiveSession, LoadError, Loading, TalkOptions};
use moshibar_session::{Engine, EngineError, FrameReply, MemoryUse, StageTimes};

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

/// Open files and threads of this process, and its resident memory in kB.
fn held() -> (usize, usize, i64) {
    let count = |path: &str| std::fs::read_dir(path).map_or(0, Iterator::count);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0);
    (count("/proc/self/fd"), count("/proc/self/task"), resident)
}

#[test]
fn a_thousand_starts_and_stops_leave_no_thread_and_no_memory_behind() {
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
    let mut before = (0, 0, 0);
    for talk in 0..1_000_u64 {
        session.send(Command::Start(TalkOptions::default())).unwrap();
        for step in 0..talk % 4 {
            // In different moments of a talk: before its devices are open, while they open, after.
            host.advance(devices_clock.now() + Duration::from_millis(40 * step));
            std::thread::yield_now();
        }
        session.send(Command::Stop).unwrap();
        while !matches!(events.next(Duration::from_secs(20)).unwrap().unwrap(), LiveEvent::Ended(_)) {}
        if talk == 99 {
            before = held();
        }
    }
    let after = held();
    println!("after 100 and 1,000 talks (files, threads, resident kB): {before:?}, {after:?}");
    assert_eq!((after.0, after.1), (before.0, before.1));
    assert!(after.2 - before.2 <= 2_048, "resident memory grew by {} kB", after.2 - before.2);
    drop(session);
}
