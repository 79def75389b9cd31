//! The shell with real threads. Nothing here measures time: a hang lasts until the test lets go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use moshibar_audio::{
    AudioEvent, Clock, DeviceChoice, DeviceError, Direction, Frame, FramePort, MicFrame, SILENCE, ScriptedPort,
};

use super::command::{Command, TalkOptions};
use super::event::{EventReceiver, LiveEvent, Warning};
use super::scripted_talk::{HandClock, echo};
use super::sound::{OpenSound, Sound, Wake};
use super::source::{EngineSource, LoadError, Loading};
use super::state::State;
use super::thread::LiveSession;
use crate::engine::{Engine, EngineError, FrameReply, MemoryUse};

/// Only a failing test waits so long, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

/// An engine that does not come back before it is told to.
struct Hanging {
    began: Sender<()>,
    let_go: Receiver<()>,
    hangs: Arc<AtomicBool>,
}

impl Engine for Hanging {
    fn step(&mut self, user: &Frame) -> Result<FrameReply, EngineError> {
        self.hangs.store(true, Ordering::Relaxed);
        self.began.send(()).ok();
        self.let_go.recv_timeout(PATIENCE).ok();
        self.hangs.store(false, Ordering::Relaxed);
        Ok(echo(user))
    }

    fn reset(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse::default()
    }
}

struct HangingOnce(Mutex<Option<Hanging>>);

impl EngineSource for HangingOnce {
    fn build(&mut self, _: &mut dyn FnMut(Loading)) -> Result<Box<dyn Engine>, LoadError> {
        let engine = self.0.lock().unwrap().take();
        engine.map(|engine| Box::new(engine) as Box<dyn Engine>).ok_or(LoadError { message: "only one".to_owned() })
    }

    fn describe(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

struct OnePort(Option<FramePort>);

impl OpenSound for OnePort {
    fn open(&mut self, _: Arc<Wake>) -> Result<Box<dyn Sound>, DeviceError> {
        Ok(Box::new(Self(self.0.take())))
    }
}

impl Sound for OnePort {
    fn port(&mut self) -> &mut FramePort {
        self.0.as_mut().unwrap()
    }

    fn next_event(&mut self) -> Option<AudioEvent> {
        None
    }

    fn choose(&mut self, _: Direction, _: DeviceChoice) {}

    fn rebuilds(&self) -> u64 {
        0
    }
}

fn wait_for(events: &EventReceiver, is_wanted: impl Fn(&LiveEvent) -> bool) {
    while !is_wanted(&events.next(PATIENCE).unwrap().expect("the event does not come")) {}
}

/// A session whose engine hangs in its first step, and what lets it go.
struct Hung {
    session: LiveSession,
    events: EventReceiver,
    clock: Arc<HandClock>,
    release: Sender<()>,
    hangs: Arc<AtomicBool>,
    _end: ScriptedPort,
}

fn hanging() -> Hung {
    let (clock, hangs) = (Arc::<HandClock>::default(), Arc::<AtomicBool>::default());
    let (port, mut end) = ScriptedPort::new();
    let ((began, has_begun), (release, let_go)) = (mpsc::channel(), mpsc::channel());
    let source = HangingOnce(Mutex::new(Some(Hanging { began, let_go, hangs: Arc::clone(&hangs) })));
    let as_clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let (session, events) = LiveSession::spawn(Box::new(source), Box::new(OnePort(Some(port))), as_clock).unwrap();
    session.send(Command::Start(TalkOptions::default())).unwrap();
    // There is no news of devices, and after three seconds of this clock the talk goes on without.
    loop {
        match events.next(Duration::from_millis(10)).unwrap() {
            Some(LiveEvent::State(State::Listening)) => break,
            Some(_) => {}
            None => clock.advance(Duration::from_secs(1)),
        }
    }
    end.hears(MicFrame { samples: SILENCE, heard_at: clock.now(), is_silent: true });
    has_begun.recv_timeout(PATIENCE).unwrap();
    Hung { session, events, clock, release, hangs, _end: end }
}

#[test]
fn a_step_that_hangs_is_reported_while_it_hangs() {
    let Hung { session, events, clock, release, _end, .. } = hanging();
    clock.advance(Duration::from_millis(2_100));
    wait_for(&events, |event| matches!(event, LiveEvent::Warning(Warning::EngineHangs { .. })));
    release.send(()).unwrap();
    wait_for(&events, |event| matches!(event, LiveEvent::Warning(Warning::EngineRebuilt { .. })));
    drop(session);
}

#[test]
fn a_session_can_be_left_although_its_engine_hangs_and_commands_say_so() {
    let Hung { session, events, release, hangs, _end, .. } = hanging();
    let refused = (0..1_000).find_map(|_| session.send(Command::SetMuted(true)).err());
    assert_eq!(refused.unwrap().to_string(), "the engine does not answer; quit and start again");
    drop(session);
    assert!(hangs.load(Ordering::Relaxed), "the session waited for the engine");
    release.send(()).unwrap();
    while events.next(PATIENCE).is_ok() {} // and its thread ends once the engine lets it
}
