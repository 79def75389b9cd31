//! A core on a clock that the test moves, with a sound side and an engine that do what they are told.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use moshibar_audio::{
    AudioEvent, Clock, DeviceChoice, DeviceError, DeviceErrorKind, Direction, FRAME_DURATION, FRAME_SAMPLES, Frame,
    FramePort, MicFrame, ScriptedPort,
};
use serde_json::Value;

use crate::engine::{Engine, EngineError, FrameReply, MemoryUse, StageTimes};
use crate::live::command::{Command, Commands, TalkOptions};
use crate::live::core::{Core, Next};
use crate::live::event::{EventReceiver, LiveEvent, TalkEnd, Warning};
use crate::live::sound::{OpenSound, Sound, Wake};
use crate::live::source::{EngineSource, LoadError, Loading};
use crate::live::state::State;

/// A clock that stands still until a test moves it.
#[derive(Default)]
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// What the engine does with a frame.
pub(crate) type Step = Box<dyn FnMut(&Frame) -> Result<FrameReply, EngineError> + Send>;

/// What the test and the scripted parts share.
pub(crate) struct Script {
    pub(crate) step: Step,
    /// How long each step takes, the next one first; then zero.
    pub(crate) takes: VecDeque<Duration>,
    pub(crate) load_error: Option<String>,
    pub(crate) builds: u32,
    pub(crate) resets: u32,
    /// How often the engine was to give memory back.
    pub(crate) savings: u32,
    pub(crate) engines_alive: i32,
}

struct ScriptedEngine {
    script: Arc<Mutex<Script>>,
    clock: Arc<HandClock>,
}

impl Engine for ScriptedEngine {
    fn step(&mut self, user: &Frame) -> Result<FrameReply, EngineError> {
        let mut script = self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let takes = script.takes.pop_front().unwrap_or_default();
        self.clock.advance(takes);
        (script.step)(user)
    }

    fn reset(&mut self) -> Result<(), EngineError> {
        self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner).resets += 1;
        Ok(())
    }

    fn save_memory(&mut self) -> Result<(), EngineError> {
        self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner).savings += 1;
        Ok(())
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse { active_bytes: 7, ..MemoryUse::default() }
    }
}

impl Drop for ScriptedEngine {
    fn drop(&mut self) {
        self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner).engines_alive -= 1;
    }
}

struct ScriptedSource {
    script: Arc<Mutex<Script>>,
    clock: Arc<HandClock>,
}

impl EngineSource for ScriptedSource {
    fn build(&mut self, on_progress: &mut dyn FnMut(Loading)) -> Result<Box<dyn Engine>, LoadError> {
        let mut script = self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        on_progress(Loading { done_bytes: 1, total_bytes: 2 });
        script.builds += 1;
        if let Some(message) = script.load_error.take() {
            return Err(LoadError { message });
        }
        script.engines_alive += 1;
        Ok(Box::new(ScriptedEngine { script: Arc::clone(&self.script), clock: Arc::clone(&self.clock) }))
    }

    fn describe(&self) -> Value {
        Value::Null
    }
}

/// The sound side that the talk holds; the test holds the other end.
struct HeldSound {
    port: FramePort,
    events: Arc<Mutex<VecDeque<AudioEvent>>>,
}

impl Sound for HeldSound {
    fn port(&mut self) -> &mut FramePort {
        &mut self.port
    }

    fn next_event(&mut self) -> Option<AudioEvent> {
        self.events.lock().unwrap().pop_front()
    }

    fn choose(&mut self, _: Direction, _: DeviceChoice) {}

    fn rebuilds(&self) -> u64 {
        0
    }
}

#[derive(Default)]
pub(crate) struct Sounds {
    pub(crate) ends: Vec<ScriptedPort>,
    pub(crate) refuses: Option<DeviceError>,
}

struct HeldSounds {
    sounds: Arc<Mutex<Sounds>>,
    events: Arc<Mutex<VecDeque<AudioEvent>>>,
}

impl OpenSound for HeldSounds {
    fn open(&mut self, _: Arc<Wake>) -> Result<Box<dyn Sound>, DeviceError> {
        let mut sounds = self.sounds.lock().unwrap();
        if let Some(error) = sounds.refuses.take() {
            return Err(error);
        }
        let (port, end) = ScriptedPort::new();
        sounds.ends.push(end);
        Ok(Box::new(HeldSound { port, events: Arc::clone(&self.events) }))
    }
}

/// A session in the hands of a test.
pub(crate) struct Rig {
    pub(crate) core: Core,
    pub(crate) commands: Commands,
    pub(crate) events: EventReceiver,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) script: Arc<Mutex<Script>>,
    pub(crate) sounds: Arc<Mutex<Sounds>>,
    pub(crate) news: Arc<Mutex<VecDeque<AudioEvent>>>,
    pub(crate) seen: Rc<RefCell<Seen>>,
}

/// What the session told.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) states: Vec<State>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) frames: Vec<u64>,
    pub(crate) ends: Vec<TalkEnd>,
    pub(crate) reports: usize,
}

impl Rig {
    /// A session whose engine echoes: its answer is the frame that it hears.
    pub(crate) fn echoing() -> Self {
        Self::new(Box::new(|user| Ok(echo(user))))
    }

    pub(crate) fn new(step: Step) -> Self {
        let clock = Arc::<HandClock>::default();
        let script = Arc::new(Mutex::new(Script {
            step,
            takes: VecDeque::new(),
            load_error: None,
            builds: 0,
            resets: 0,
            savings: 0,
            engines_alive: 0,
        }));
        let sounds = Arc::<Mutex<Sounds>>::default();
        let news = Arc::<Mutex<VecDeque<AudioEvent>>>::default();
        let source = ScriptedSource { script: Arc::clone(&script), clock: Arc::clone(&clock) };
        let held = HeldSounds { sounds: Arc::clone(&sounds), events: Arc::clone(&news) };
        let (core, commands, events) =
            Core::polled(Box::new(source), Box::new(held), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { core, commands, events, clock, script, sounds, news, seen: Rc::default() }
    }

    pub(crate) fn send(&mut self, command: Command) {
        self.commands.send(command).unwrap();
        self.settle();
    }

    /// Starts a talk whose devices open at once.
    pub(crate) fn start(&mut self) {
        self.start_with(TalkOptions::default());
    }

    pub(crate) fn start_with(&mut self, options: TalkOptions) {
        self.commands.send(Command::Start(options)).unwrap();
        self.settle();
        self.clock.advance(Duration::from_secs(3)); // no news of devices: the talk goes on without
        self.settle();
    }

    /// Polls until there is nothing to do, and collects what was told.
    pub(crate) fn settle(&mut self) {
        while self.core.poll() == Next::Again {}
        let mut seen = self.seen.borrow_mut();
        while let Some(event) = self.events.try_next() {
            match event {
                LiveEvent::State(state) => seen.states.push(state),
                LiveEvent::Warning(warning) => seen.warnings.push(warning),
                LiveEvent::Frame(frame) => seen.frames.push(frame.index),
                LiveEvent::Ended(end) => seen.ends.push(*end),
                LiveEvent::Report(_) => seen.reports += 1,
                LiveEvent::Loading(_) | LiveEvent::Audio(_) => {}
            }
        }
    }

    /// The user says a frame, 80 ms later.
    pub(crate) fn hear(&mut self, value: f32) {
        self.clock.advance(FRAME_DURATION);
        self.hear_now(value);
        self.settle();
    }

    pub(crate) fn hear_now(&mut self, value: f32) {
        let frame = MicFrame { samples: [value; FRAME_SAMPLES], heard_at: self.clock.now(), is_silent: value == 0.0 };
        self.sounds.lock().unwrap().ends.last_mut().unwrap().hears(frame);
    }

    /// What Moshi has said since the last call: the first sample of each frame.
    pub(crate) fn played(&mut self) -> Vec<f32> {
        let mut sounds = self.sounds.lock().unwrap();
        let end = sounds.ends.last_mut().unwrap();
        std::iter::from_fn(|| end.plays()).map(|frame| frame[0]).collect()
    }

    pub(crate) fn clock_now(&self) -> Duration {
        self.clock.now()
    }

    pub(crate) fn last_state(&self) -> State {
        self.seen.borrow().states.last().copied().unwrap_or_default()
    }
}

pub(crate) fn echo(user: &Frame) -> FrameReply {
    FrameReply { speech: Some(Box::new(*user)), text: None, stages: StageTimes::default() }
}

pub(crate) fn no_microphone() -> DeviceError {
    DeviceError {
        kind: DeviceErrorKind::NoDevice,
        direction: Some(Direction::Input),
        message: "there is no microphone; connect one".to_owned(),
    }
}
