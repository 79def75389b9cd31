//! What a session tells: to a window, a terminal, a test. Sending never blocks; what finds no room is counted as missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use moshibar_audio::{AudioEvent, DeviceError};

use crate::error::SessionError;
use crate::live::pace::SlowCause;
use crate::live::report::LiveReport;
use crate::live::source::{LoadError, Loading};
use crate::live::state::State;
use crate::recording::RecordingSummary;
use crate::trace::Trace;

/// Events that may wait: more than half a minute of them.
const MOST_WAITING: usize = 1_024;

/// Something happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum LiveEvent {
    /// The session is in another state now.
    State(State),
    /// How far the model is loaded.
    Loading(Loading),
    /// A frame was heard and answered.
    Frame(FrameInfo),
    /// All counters, once a second.
    Report(Box<LiveReport>),
    /// News of the devices.
    Audio(AudioEvent),
    /// Something is not as it should be; the talk goes on.
    Warning(Warning),
    /// The talk is over.
    Ended(Box<TalkEnd>),
}

/// One frame of a talk, without its sound.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameInfo {
    /// Its number in the talk, dropped ones counted; times 80 ms it is the time in the talk, pauses left out.
    pub index: u64,
    /// The piece of a word that Moshi said, a leading space included.
    pub text: Option<String>,
    /// How long the engine took.
    pub took: Duration,
    /// Frames that wait for the engine.
    pub backlog_frames: usize,
    /// Loudest sample of the user, 0 to 1.
    pub user_level: f32,
    /// Loudest sample of Moshi, 0 to 1.
    pub moshi_level: f32,
}

/// Something is not as it should be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The engine has been too slow for ten seconds.
    #[error("Moshi cannot keep up ({p95_ms:.0} ms a frame, 80 are allowed): {}", cause.advice())]
    TooSlow {
        /// The likely cause.
        cause: SlowCause,
        /// The 95th percentile of the talk.
        p95_ms: f64,
    },
    /// The engine is in time again.
    #[error("Moshi keeps up again")]
    InTime,
    /// The engine was late, and frames were dropped to catch up.
    #[error("left out {frames} frames of 80 ms to catch up")]
    Dropped {
        /// How many.
        frames: u32,
    },
    /// The engine does not come back from a step.
    #[error("the engine has not answered for {:.0} s; waiting for it, and it will be loaded again", lasts.as_secs_f64())]
    EngineHangs {
        /// For how long.
        lasts: Duration,
    },
    /// The engine came back, and is loaded again.
    #[error("the engine came back after {:.0} s and is loaded again; Moshi has forgotten this talk", lasted.as_secs_f64())]
    EngineRebuilt {
        /// How long it was away.
        lasted: Duration,
    },
    /// Moshi's speech was not sound for a frame, which became silence.
    #[error("Moshi made a sound that is none (NaN or infinite samples), and was silent instead")]
    InvalidSpeech,
    /// The recording ended; the talk goes on.
    #[error("the recording has stopped: {reason}")]
    RecordingStopped {
        /// Why, and what to do.
        reason: String,
    },
}

/// Why a talk is over.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EndReason {
    /// Somebody ended it.
    #[error("the talk was ended")]
    Stopped,
    /// The machine went to sleep.
    #[error("the machine went to sleep")]
    Sleep,
    /// The machine had no memory left for a model.
    #[error("the machine is short of memory: close other programs, then start again")]
    MemoryIsShort,
    /// The model could not be loaded.
    #[error("{0}")]
    LoadFailed(LoadError),
    /// No sound.
    #[error("{0}")]
    Device(DeviceError),
    /// The recording could not begin.
    #[error("{0}")]
    Recording(String),
    /// The engine failed.
    #[error("{0}")]
    Engine(SessionError),
    /// The engine panicked: a fault of ours.
    #[error("the engine broke down ({message}); start again, and report it if it stays so")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// The engine hung once too often.
    #[error("the engine hung {times} times; restart the machine if it stays so")]
    Hung {
        /// How often.
        times: u64,
    },
    /// The engine was too slow for thirty seconds.
    #[error("Moshi could not keep up for 30 s: {}", .0.advice())]
    TooSlow(SlowCause),
}

impl EndReason {
    /// Whether the session is `Failed` now, and not `Idle`.
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Stopped | Self::Sleep)
    }
}

/// What a talk came to.
#[derive(Debug)]
pub struct TalkEnd {
    /// Why it is over.
    pub reason: EndReason,
    /// Its counters; `None` if it ended before the first frame could come.
    pub report: Option<LiveReport>,
    /// Its timeline, where one was asked for.
    pub trace: Option<Trace>,
    /// Its recording, where one was asked for and could be completed.
    pub recording: Option<RecordingSummary>,
}

/// There will be no more events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is over; start again")]
pub struct SessionOver;

/// Takes events.
pub struct EventReceiver {
    events: Receiver<LiveEvent>,
}

impl EventReceiver {
    /// Waits for the next event; `None` after `timeout`.
    ///
    /// # Errors
    /// [`SessionOver`] once the session's threads are gone and all events were taken.
    pub fn next(&self, timeout: Duration) -> Result<Option<LiveEvent>, SessionOver> {
        match self.events.recv_timeout(timeout) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(SessionOver),
        }
    }

    /// The next event, if there is one already.
    pub fn try_next(&self) -> Option<LiveEvent> {
        self.events.try_recv().ok()
    }
}

/// Sends events, from the core and from the thread that watches it.
#[derive(Clone)]
pub(crate) struct EventSender {
    events: SyncSender<LiveEvent>,
    missed: Arc<AtomicU64>,
}

impl EventSender {
    pub(crate) fn channel() -> (Self, EventReceiver) {
        let (sender, receiver) = sync_channel(MOST_WAITING);
        (Self { events: sender, missed: Arc::default() }, EventReceiver { events: receiver })
    }

    /// Sends, or counts what was not taken.
    pub(crate) fn send(&self, event: LiveEvent) {
        if self.events.try_send(event).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}
