//! The core: takes commands, carries frames from the sound to the engine and back, tells what happens.
//!
//! Single-threaded and polled. It never sleeps and never blocks but in the engine and while a model is loaded.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use moshibar_audio::{Clock, DeviceChoice, Direction, EchoMode};

use crate::engine::{Engine, EngineErrorKind, FrameReply};
use crate::error::SessionError;
use crate::live::backlog::Taken;
use crate::live::command::{Command, Commands, TalkOptions};
use crate::live::event::{EndReason, EventReceiver, EventSender, LiveEvent, TalkEnd, Warning};
use crate::live::sound::{OpenSound, Wake};
use crate::live::source::{EngineSource, LoadError, Loading};
use crate::live::state::State;
use crate::live::step_watch::{HANGS_AFTER, StepWatch};
use crate::live::talk::{Answered, LiveTalk};

/// How often the core looks around when nothing wakes it.
const LOOK_AROUND: Duration = Duration::from_millis(250);

/// How long a start waits for the devices before it loads the model without them.
const DEVICES_MAY_TAKE: Duration = Duration::from_secs(3);

/// How often the engine may hang in one talk.
const MOST_HANGS: u64 = 3;

/// What to do after a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Poll again at once: there is more to do.
    Again,
    /// Wait to be woken, this long at most.
    Wait(Duration),
    /// It is over.
    Quit,
}

/// A session, whatever thread it runs on.
pub struct Core {
    clock: Arc<dyn Clock>,
    commands: Receiver<Command>,
    events: EventSender,
    watch: Arc<StepWatch>,
    wake: Arc<Wake>,
    source: Box<dyn EngineSource>,
    sounds: Box<dyn OpenSound>,
    wishes: Wishes,
    engine: Option<Box<dyn Engine>>,
    talk: Option<LiveTalk>,
    state: State,
}

/// What was chosen once and holds for every talk.
#[derive(Default)]
struct Wishes {
    devices: [Option<DeviceChoice>; 2],
    echo: Option<EchoMode>,
    noise_suppression: Option<bool>,
}

/// What a core is made of.
pub(crate) struct CoreParts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) events: EventSender,
    pub(crate) watch: Arc<StepWatch>,
    pub(crate) wake: Arc<Wake>,
    pub(crate) source: Box<dyn EngineSource>,
    pub(crate) sounds: Box<dyn OpenSound>,
}

impl Core {
    pub(crate) fn new(parts: CoreParts) -> Self {
        let CoreParts { clock, commands, events, watch, wake, source, sounds } = parts;
        let (wishes, state) = (Wishes::default(), State::Idle);
        Self { clock, commands, events, watch, wake, source, sounds, wishes, engine: None, talk: None, state }
    }

    /// A session without threads, for whoever polls it: a simulation, or a program with a loop of its own.
    pub fn polled(
        source: Box<dyn EngineSource>,
        sounds: Box<dyn OpenSound>,
        clock: Arc<dyn Clock>,
    ) -> (Self, Commands, EventReceiver) {
        let wake = Arc::<Wake>::default();
        let (commands, waiting) = Commands::channel(Arc::clone(&wake));
        let (events, receiver) = EventSender::channel();
        let watch = Arc::<StepWatch>::default();
        (Self::new(CoreParts { clock, commands: waiting, events, watch, wake, source, sounds }), commands, receiver)
    }

    /// Does what there is to do now: commands, news of the devices, and at most one frame.
    pub fn poll(&mut self) -> Next {
        loop {
            match self.commands.try_recv() {
                Ok(command) => {
                    if self.obey(command).is_break() {
                        return Next::Quit;
                    }
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.end(EndReason::Stopped);
                    return Next::Quit;
                }
            }
        }
        let next = self.talk_on();
        if let Some(talk) = &self.talk {
            self.announce(talk.state());
        }
        next
    }

    fn obey(&mut self, command: Command) -> ControlFlow<()> {
        match command {
            Command::Start(options) => self.start(options),
            Command::Stop => self.end(EndReason::Stopped),
            Command::Sleep => self.end(EndReason::Sleep),
            Command::SetMuted(muted) => self.in_talk(|talk| talk.switches.muted = muted),
            Command::SetPushToTalk(on) => self.in_talk(|talk| talk.switches.push_to_talk = on),
            Command::HoldTalkKey(held) => self.in_talk(|talk| talk.switches.talk_key_held = held),
            Command::SetHushed(hushed) => self.in_talk(|talk| talk.switches.hushed = hushed),
            Command::SetPaused(paused) => self.in_talk(|talk| talk.switches.paused = paused),
            Command::ChooseDevice(direction, choice) => {
                self.wishes.set_device(direction, choice.clone());
                self.in_talk(|talk| talk.sound.choose(direction, choice));
            }
            Command::SetEcho(mode) => {
                self.wishes.echo = Some(mode);
                self.in_talk(|talk| talk.sound.port().controls.set_echo(mode));
            }
            Command::SetNoiseSuppression(on) => {
                self.wishes.noise_suppression = Some(on);
                self.in_talk(|talk| talk.sound.port().controls.set_noise_suppression(on));
            }
            Command::SaveMemory { is_crisis } => self.save_memory(is_crisis),
            Command::ReplaceEngine(source) => {
                self.end(EndReason::Stopped);
                self.drop_engine();
                self.source = source;
            }
            Command::Unload => {
                self.end(EndReason::Stopped);
                self.drop_engine();
            }
            Command::Quit => {
                self.end(EndReason::Stopped);
                self.drop_engine();
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn in_talk(&mut self, change: impl FnOnce(&mut LiveTalk)) {
        if let Some(talk) = &mut self.talk {
            change(talk);
            talk.apply_switches();
        }
    }

    fn start(&mut self, options: TalkOptions) {
        if self.talk.is_some() {
            return;
        }
        self.announce(State::Loading);
        let mut sound = match self.sounds.open(Arc::clone(&self.wake)) {
            Ok(sound) => sound,
            Err(error) => return self.finish(None, EndReason::Device(error)),
        };
        self.wishes.apply(sound.as_mut());
        let settings = self.source.describe();
        match LiveTalk::begin(sound, options, settings, self.clock.now()) {
            Ok(talk) => self.talk = Some(talk),
            Err(reason) => self.finish(None, EndReason::Recording(reason)),
        }
    }

    /// The talk's part of a poll.
    fn talk_on(&mut self) -> Next {
        let Some(talk) = &mut self.talk else { return Next::Wait(LOOK_AROUND) };
        while let Some(event) = talk.sound.next_event() {
            let failure = talk.note(&event);
            self.events.send(LiveEvent::Audio(event));
            if let Some(error) = failure {
                self.end(EndReason::Device(error));
                return Next::Again;
            }
        }
        let now = self.clock.now();
        if !talk.runs() {
            let waited = now.saturating_sub(talk.began);
            if !talk.has_devices() && waited < DEVICES_MAY_TAKE {
                return Next::Wait(LOOK_AROUND.min(DEVICES_MAY_TAKE.saturating_sub(waited)));
            }
            return match self.make_ready() {
                Ok(()) => Next::Again,
                Err(reason) => {
                    self.end(reason);
                    Next::Again
                }
            };
        }
        if let Some(warning) = talk.recorder_failure() {
            self.events.send(LiveEvent::Warning(warning));
        }
        if let Some(report) = talk.report_if_due(now, self.engine.as_deref(), &self.events) {
            self.events.send(LiveEvent::Report(Box::new(report)));
        }
        match talk.next_frame() {
            Some(taken) => {
                if let Err(reason) = self.answer(&taken) {
                    self.end(reason);
                }
                Next::Again
            }
            None => Next::Wait(LOOK_AROUND),
        }
    }

    /// Has an engine that knows nothing of earlier talks, and lets frames flow.
    fn make_ready(&mut self) -> Result<(), EndReason> {
        if self.engine.is_none() {
            self.engine = Some(self.build()?);
        }
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let reset = caught(|| engine.reset()).map_err(|message| {
            self.engine = None;
            EndReason::Panicked { message }
        })?;
        reset.map_err(|reason| {
            self.engine = None;
            EndReason::Engine(SessionError::Engine { frame: 0, reason })
        })?;
        if let Some(talk) = &mut self.talk {
            talk.run(self.clock.now());
        }
        Ok(())
    }

    fn build(&mut self) -> Result<Box<dyn Engine>, EndReason> {
        let (source, events) = (&mut self.source, &self.events);
        // A file has hundreds of tensors: a percent is enough, and leaves room for other events.
        let mut told = None;
        let mut on_progress = |so_far: Loading| {
            let percent = so_far.done_bytes.saturating_mul(100).checked_div(so_far.total_bytes);
            if told.replace(percent) != Some(percent) {
                events.send(LiveEvent::Loading(so_far));
            }
        };
        match caught(|| source.build(&mut on_progress)) {
            Ok(built) => built.map_err(EndReason::LoadFailed),
            Err(message) => Err(EndReason::LoadFailed(LoadError {
                message: format!("loading the model broke down ({message}); start again, and report it if it stays so"),
            })),
        }
    }

    /// One frame to the engine, its answer to the speaker.
    fn answer(&mut self, taken: &Taken) -> Result<(), EndReason> {
        let (Some(engine), Some(talk)) = (&mut self.engine, &mut self.talk) else { return Ok(()) };
        if taken.dropped_before > 0 {
            talk.dropped(taken.dropped_before);
            self.events.send(LiveEvent::Warning(Warning::Dropped { frames: taken.dropped_before }));
        }
        let began = self.clock.now();
        self.watch.begin(began);
        let stepped = caught(|| engine.step(&taken.frame.samples));
        self.watch.end();
        let finished = self.clock.now();
        let took = finished.saturating_sub(began);

        let reply: FrameReply = match stepped {
            Ok(Ok(reply)) => reply,
            Ok(Err(reason)) => {
                if reason.kind == EngineErrorKind::DeviceFailed {
                    self.drop_engine();
                }
                let frame = self.talk.as_ref().map_or(0, LiveTalk::position);
                return Err(EndReason::Engine(SessionError::Engine { frame, reason }));
            }
            Err(message) => {
                self.drop_engine();
                return Err(EndReason::Panicked { message });
            }
        };
        if took >= HANGS_AFTER {
            return self.rebuild_after_hang(took);
        }
        match talk.answered(&taken.frame, reply, began, finished) {
            Answered { failure: Some(reason), .. } => Err(reason),
            Answered { frame, warning, failure: None } => {
                if let Some(warning) = warning {
                    self.events.send(LiveEvent::Warning(warning));
                }
                self.events.send(LiveEvent::Frame(frame));
                Ok(())
            }
        }
    }

    /// A step that took seconds leaves a device that is not to be trusted, and a talk that is out of date.
    fn rebuild_after_hang(&mut self, lasted: Duration) -> Result<(), EndReason> {
        self.drop_engine();
        self.events.send(LiveEvent::Warning(Warning::EngineRebuilt { lasted }));
        let Some(talk) = &mut self.talk else { return Ok(()) };
        let times = talk.hung();
        if times >= MOST_HANGS {
            return Err(EndReason::Hung { times });
        }
        self.announce(State::Loading);
        Ok(())
    }

    fn end(&mut self, reason: EndReason) {
        let Some(mut talk) = self.talk.take() else { return };
        self.announce(State::Stopping);
        let report = talk.runs().then(|| talk.report(self.clock.now(), self.engine.as_deref(), &self.events));
        let end = talk.finish(&reason, report.as_ref());
        for warning in end.warnings {
            self.events.send(LiveEvent::Warning(warning));
        }
        self.finish(
            Some(TalkEnd { reason: reason.clone(), report, trace: end.trace, recording: end.recording }),
            reason,
        );
    }

    fn finish(&mut self, end: Option<TalkEnd>, reason: EndReason) {
        let state = if reason.is_failure() { State::Failed } else { State::Idle };
        let end = end.unwrap_or(TalkEnd { reason, report: None, trace: None, recording: None });
        self.announce(state);
        self.events.send(LiveEvent::Ended(Box::new(end)));
    }

    fn announce(&mut self, state: State) {
        if state != self.state {
            self.state = state;
            self.events.send(LiveEvent::State(state));
        }
    }

    fn save_memory(&mut self, is_crisis: bool) {
        if is_crisis {
            if self.talk.is_some() {
                self.end(EndReason::MemoryIsShort);
            }
            self.drop_engine();
        } else if let Some(engine) = &mut self.engine
            && let Err(error) = engine.save_memory()
        {
            tracing::warn!(%error, "the engine gave no memory back");
        }
    }

    /// An engine that just panicked may do so once more when it is dropped.
    fn drop_engine(&mut self) {
        let engine = self.engine.take();
        if let Err(message) = caught(|| drop(engine)) {
            tracing::warn!(message, "the engine broke down while it was dropped");
        }
    }
}

impl Wishes {
    fn set_device(&mut self, direction: Direction, choice: DeviceChoice) {
        if let Some(wish) = self.devices.get_mut(direction as usize) {
            *wish = Some(choice);
        }
    }

    fn apply(&self, sound: &mut dyn crate::live::sound::Sound) {
        for (direction, choice) in Direction::ALL.into_iter().zip(&self.devices) {
            if let Some(choice) = choice {
                sound.choose(direction, choice.clone());
            }
        }
        if let Some(mode) = self.echo {
            sound.port().controls.set_echo(mode);
        }
        if let Some(on) = self.noise_suppression {
            sound.port().controls.set_noise_suppression(on);
        }
    }
}

/// Runs `work`; a panic becomes its message. Whatever `work` changed is thrown away by the caller then.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic: Box<dyn Any + Send>| {
        let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
    })
}
