//! The talk as the app holds it: one session for the life of the app, and the thread that turns its events into views.
//!
//! ```text
//! windows, tray, shortcuts ──Command──▶ session ──LiveEvent──▶ moshibar-bridge ──UiEvent──▶ windows, tray
//! ```
//! What is known is told while it is locked, so that nobody hears of two changes in the wrong order.

mod bridge;
mod problem;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use moshibar_session::Trace;
use moshibar_session::live::{
    Command, CommandError, EngineSource, EventReceiver, LiveReport, LiveSession, State, TalkOptions,
};

use self::bridge::Bridge;
use crate::view::{Pace, Problem, TalkView, UiEvent, WordView};

/// Who is told.
pub(crate) trait Listener: Send + Sync + 'static {
    /// Something happened. Must not block, and must not ask the talk.
    fn told(&self, event: UiEvent);
}

/// What is known of the talk at this moment.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) talk: TalkView,
    pub(crate) pace: Option<Pace>,
    pub(crate) words: Vec<WordView>,
    /// Whether Moshi is heard at this moment.
    pub(crate) moshi_speaks: bool,
}

/// What the last talk came to, or what the one that goes on came to so far.
#[derive(Default)]
pub(crate) struct Last {
    pub(crate) report: Option<LiveReport>,
    pub(crate) trace: Option<Trace>,
}

/// How long is waited for the bridge once its session is over. One whose engine hangs is not, and ends with the process.
const BRIDGE_MAY_TAKE: Duration = Duration::from_secs(1);

/// A session with its bridge. Dropped, it ends both.
pub(crate) struct Talk {
    /// `None` once it is shut down.
    session: Mutex<Option<LiveSession>>,
    shared: Arc<Shared>,
    bridge: Mutex<Option<JoinHandle<()>>>,
}

/// What commands and the bridge have in common.
struct Shared {
    known: Mutex<Known>,
    listener: Box<dyn Listener>,
    last: Mutex<Last>,
    unload_after: Mutex<Option<Duration>>,
    /// Whether Moshi is hushed only until the user speaks.
    skips_greeting: AtomicBool,
}

impl Talk {
    /// Takes a session over, whose source builds `model`.
    ///
    /// # Errors
    /// [`io::Error`] if the system has no thread left.
    pub(crate) fn new(
        session: LiveSession,
        events: EventReceiver,
        model: &str,
        listener: impl Listener,
    ) -> io::Result<Self> {
        let known = Known { talk: at_rest(model), pace: None, words: Vec::new(), moshi_speaks: false };
        let shared = Arc::new(Shared {
            known: Mutex::new(known),
            listener: Box::new(listener),
            last: Mutex::default(),
            unload_after: Mutex::default(),
            skips_greeting: AtomicBool::new(false),
        });
        let bridge = Bridge::new(Arc::clone(&shared), session.commands());
        let bridge =
            std::thread::Builder::new().name("moshibar-bridge".to_owned()).spawn(move || bridge.follow(&events))?;
        Ok(Self { session: Mutex::new(Some(session)), shared, bridge: Mutex::new(Some(bridge)) })
    }

    /// What is known.
    pub(crate) fn known(&self) -> Known {
        self.shared.lock().clone()
    }

    /// Looks at what is known; nothing of the talk is told meanwhile.
    pub(crate) fn with_known<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.shared.lock())
    }

    /// What the last talk came to.
    pub(crate) fn last(&self) -> MutexGuard<'_, Last> {
        self.shared.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a talk goes on, or begins.
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self.shared.lock().talk.state, State::Idle | State::Failed | State::Stopping)
    }

    /// Begins a talk.
    ///
    /// # Errors
    /// As [`LiveSession::send`].
    pub(crate) fn start(&self, options: TalkOptions) -> Result<(), CommandError> {
        let (muted, push_to_talk) = (options.muted, options.push_to_talk);
        self.shared.change(|talk| {
            (talk.muted, talk.hushed, talk.paused) = (muted, false, false);
            talk.push_to_talk = push_to_talk;
            talk.problem = None;
        });
        self.send(Command::Start(options))
    }

    /// Takes another source of engines; a talk ends.
    ///
    /// # Errors
    /// As [`LiveSession::send`].
    pub(crate) fn replace(
        &self,
        source: Box<dyn EngineSource>,
        model: &str,
        is_sound_check: bool,
    ) -> Result<(), CommandError> {
        self.send(Command::ReplaceEngine(source))?;
        self.shared.change(|talk| {
            model.clone_into(&mut talk.model);
            talk.is_sound_check = is_sound_check;
            talk.loaded = false;
            talk.problem = None;
        });
        Ok(())
    }

    /// Hushes Moshi, which greets on its own, until the user says the first word. Any other hush or unhush before that counts instead.
    ///
    /// # Errors
    /// As [`LiveSession::send`].
    pub(crate) fn hush_until_user_speaks(&self) -> Result<(), CommandError> {
        self.send(Command::SetHushed(true))?;
        self.shared.skips_greeting.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Sends a command, and notes what the session will not tell of.
    ///
    /// # Errors
    /// As [`LiveSession::send`].
    pub(crate) fn send(&self, command: Command) -> Result<(), CommandError> {
        let switch: Option<(Note, bool)> = match &command {
            Command::SetMuted(on) => Some((|talk, on| talk.muted = on, *on)),
            Command::SetHushed(on) => {
                self.shared.skips_greeting.store(false, Ordering::Relaxed);
                Some((|talk, on| talk.hushed = on, *on))
            }
            Command::SetPaused(on) => Some((|talk, on| talk.paused = on, *on)),
            Command::SetPushToTalk(on) => Some((|talk, on| talk.push_to_talk = on, *on)),
            Command::Unload => Some((|talk, on| talk.loaded = on, false)),
            _ => None,
        };
        match &*self.session.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(session) => session.send(command)?,
            None => return Err(CommandError::Over),
        }
        if let Some((note, on)) = switch {
            self.shared.change(|talk| note(talk, on));
        }
        Ok(())
    }

    /// Ends the talk with its recording, and the session. Waits for that, within bounds.
    pub(crate) fn shut_down(&self) {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(session);
        let bridge = self.bridge.lock().unwrap_or_else(PoisonError::into_inner).take();
        let asked = Instant::now();
        while bridge.as_ref().is_some_and(|bridge| !bridge.is_finished()) && asked.elapsed() < BRIDGE_MAY_TAKE {
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Shows a problem that kept a talk from beginning.
    pub(crate) fn show(&self, problem: Problem) {
        self.shared.change(|talk| talk.problem = Some(problem));
    }

    /// After how long without a talk the model leaves memory.
    pub(crate) fn set_unload_after(&self, limit: Option<Duration>) {
        *self.shared.unload_after.lock().unwrap_or_else(PoisonError::into_inner) = limit;
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes where the talk stands, and tells it if that is news.
    fn change(&self, change: impl FnOnce(&mut TalkView)) {
        let mut known = self.lock();
        let before = known.talk.clone();
        change(&mut known.talk);
        if known.talk != before {
            self.listener.told(UiEvent::Talk { talk: known.talk.clone() });
        }
    }
}

/// Writes a switch down.
type Note = fn(&mut TalkView, bool);

/// Before the first talk.
pub(crate) fn at_rest(model: &str) -> TalkView {
    TalkView {
        state: State::Idle,
        model: model.to_owned(),
        seconds: 0.0,
        muted: false,
        hushed: false,
        paused: false,
        push_to_talk: false,
        loaded: false,
        is_sound_check: false,
        loading: None,
        problem: None,
    }
}
