//! A whole talk on a virtual clock: scripted devices, the real supervisor, DSP and core, and an engine that says what it
//! hears after as long as it is told to take.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use moshibar_audio::{
    AudioEvent, Clock, DeviceChoice, DeviceError, DeviceId, Direction, DspOptions, DuplexOptions, EchoMode, Frame,
    FramePort, SimulatedDevice, SimulatedDuplex, SimulatedHost, VirtualClock,
};
use moshibar_session::live::{
    Command, Commands, Core, EngineSource, EventReceiver, LiveEvent, LoadError, Loading, Next, OpenSound, Sound,
    TalkOptions, Wake,
};
use moshibar_session::{Engine, EngineError, FrameReply, MemoryUse, StageTimes};

thread_local! {
    /// The sound side's "threads": here, because streams may not cross threads, and the core's parts must be able to.
    static DUPLEX: RefCell<Option<SimulatedDuplex>> = const { RefCell::new(None) };
}

/// Lets time pass up to `to`, or up to the next frame of the user.
fn advance(clock: &VirtualClock, to: Duration) {
    DUPLEX.with_borrow_mut(|duplex| match duplex {
        Some(duplex) => duplex.advance(to),
        None => clock.advance_to(to),
    });
}

struct WorldSounds {
    host: SimulatedHost,
    clock: Arc<VirtualClock>,
    options: DuplexOptions,
}

impl OpenSound for WorldSounds {
    fn open(&mut self, _: Arc<Wake>) -> Result<Box<dyn Sound>, DeviceError> {
        let (duplex, port, events) =
            SimulatedDuplex::new(self.host.clone(), Arc::clone(&self.clock), self.options.clone());
        DUPLEX.set(Some(duplex));
        Ok(Box::new(WorldSound { port, events }))
    }
}

struct WorldSound {
    port: FramePort,
    events: Receiver<AudioEvent>,
}

impl Sound for WorldSound {
    fn port(&mut self) -> &mut FramePort {
        &mut self.port
    }

    fn next_event(&mut self) -> Option<AudioEvent> {
        self.events.try_recv().ok()
    }

    fn choose(&mut self, direction: Direction, choice: DeviceChoice) {
        DUPLEX.with_borrow_mut(|duplex| {
            if let Some(duplex) = duplex {
                duplex.choose(direction, choice);
            }
        });
    }

    fn rebuilds(&self) -> u64 {
        DUPLEX.with_borrow(|duplex| duplex.as_ref().map_or(0, SimulatedDuplex::rebuilds))
    }
}

impl Drop for WorldSound {
    fn drop(&mut self) {
        DUPLEX.take();
    }
}

/// How long the engine takes for a step, by its number.
type Takes = Box<dyn FnMut(u64) -> Duration + Send>;

/// What the engine hears, and when it begins with it.
type Hears = Box<dyn FnMut(&Frame, Duration) + Send>;

/// What tests may change while a talk goes on.
pub(crate) struct EngineScript {
    pub(crate) takes: Takes,
    pub(crate) hears: Hears,
}

struct CopyingSource {
    clock: Arc<VirtualClock>,
    script: Arc<Mutex<EngineScript>>,
}

impl EngineSource for CopyingSource {
    fn build(&mut self, _: &mut dyn FnMut(Loading)) -> Result<Box<dyn Engine>, LoadError> {
        Ok(Box::new(CopyingEngine { clock: Arc::clone(&self.clock), script: Arc::clone(&self.script), steps: 0 }))
    }

    fn describe(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

struct CopyingEngine {
    clock: Arc<VirtualClock>,
    script: Arc<Mutex<EngineScript>>,
    steps: u64,
}

impl Engine for CopyingEngine {
    fn step(&mut self, user: &Frame) -> Result<FrameReply, EngineError> {
        let began = self.clock.now();
        let takes = {
            let mut script = self.script.lock().unwrap();
            (script.hears)(user, began);
            (script.takes)(self.steps)
        };
        self.steps += 1;
        while self.clock.now() < began + takes {
            advance(&self.clock, began + takes);
        }
        Ok(FrameReply { speech: Some(Box::new(*user)), text: None, stages: StageTimes::default() })
    }

    fn reset(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse::default()
    }
}

/// A talk and all around it.
pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) host: SimulatedHost,
    pub(crate) script: Arc<Mutex<EngineScript>>,
    pub(crate) microphone: DeviceId,
    pub(crate) speaker: DeviceId,
    commands: Commands,
    core: Core,
    events: EventReceiver,
    /// What was told, but for frames.
    pub(crate) told: VecDeque<LiveEvent>,
    pub(crate) frames: u64,
}

impl World {
    pub(crate) fn new(microphone: SimulatedDevice, speaker: SimulatedDevice, echo: EchoMode) -> Self {
        let clock = Arc::<VirtualClock>::default();
        let host = SimulatedHost::new(Arc::clone(&clock));
        let (microphone, speaker) = (host.plug(microphone), host.plug(speaker));
        let script =
            Arc::new(Mutex::new(EngineScript { takes: Box::new(|_| Duration::ZERO), hears: Box::new(|_, _| {}) }));
        let options = DuplexOptions { dsp: DspOptions { echo, ..DspOptions::default() }, ..DuplexOptions::default() };
        let sounds = WorldSounds { host: host.clone(), clock: Arc::clone(&clock), options };
        let source = CopyingSource { clock: Arc::clone(&clock), script: Arc::clone(&script) };
        let (core, commands, events) =
            Core::polled(Box::new(source), Box::new(sounds), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { clock, host, script, microphone, speaker, commands, core, events, told: VecDeque::new(), frames: 0 }
    }

    pub(crate) fn clock_seconds(&self) -> f64 {
        self.clock.now().as_secs_f64()
    }

    pub(crate) fn takes(&mut self, takes: impl FnMut(u64) -> Duration + Send + 'static) {
        self.script.lock().unwrap().takes = Box::new(takes);
    }

    pub(crate) fn send(&mut self, command: Command) {
        self.commands.send(command).unwrap();
        self.settle();
    }

    /// Starts a talk, and lets the devices open.
    pub(crate) fn start(&mut self) {
        self.send(Command::Start(TalkOptions::default()));
        self.run(Duration::from_secs(2));
    }

    /// Lets the world run for so long.
    pub(crate) fn run(&mut self, lasts: Duration) {
        let until = self.clock.now() + lasts;
        while self.clock.now() < until {
            let next = self.core.poll();
            self.take_events();
            if let Next::Wait(longest) = next {
                advance(&self.clock, until.min(self.clock.now() + longest));
            }
        }
    }

    fn settle(&mut self) {
        while self.core.poll() == Next::Again {
            self.take_events();
        }
        self.take_events();
    }

    fn take_events(&mut self) {
        while let Some(event) = self.events.try_next() {
            match event {
                LiveEvent::Frame(_) => self.frames += 1,
                LiveEvent::Report(_) => {}
                event => self.told.push_back(event),
            }
        }
    }
}
