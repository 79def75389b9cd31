//! What can be asked of a session. Commands are taken between two frames, in the order in which they were sent.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use moshibar_audio::{DeviceChoice, Direction, EchoMode};

use crate::live::sound::Wake;
use crate::live::source::EngineSource;

/// Commands that may wait: a person cannot press keys faster than this empties, unless the engine hangs.
const MOST_WAITING: usize = 64;

/// Something to do.
pub enum Command {
    /// Begins a talk; nothing if there is one.
    Start(TalkOptions),
    /// Ends the talk; the engine stays loaded.
    Stop,
    /// Lets Moshi hear silence instead of the user.
    SetMuted(bool),
    /// Push-to-talk: muted unless the key is held.
    SetPushToTalk(bool),
    /// The push-to-talk key went down or up; nothing without push-to-talk.
    HoldTalkKey(bool),
    /// Fades Moshi's voice out; it speaks on unheard.
    SetHushed(bool),
    /// Stops time for Moshi.
    SetPaused(bool),
    /// Chooses a microphone or a speaker, now and for later talks.
    ChooseDevice(Direction, DeviceChoice),
    /// Chooses when the echo is cancelled, now and for later talks.
    SetEcho(EchoMode),
    /// Takes steady noise out of the microphone, or leaves it, now and for later talks.
    SetNoiseSuppression(bool),
    /// The machine is short of memory: the engine gives back what it can do without; in a crisis the talk ends and the engine goes.
    SaveMemory {
        /// Whether programs will be ended soon.
        is_crisis: bool,
    },
    /// The machine goes to sleep: the talk ends, devices are closed before this returns to waiting.
    Sleep,
    /// Takes another engine from now on: ends the talk and drops the engine.
    ReplaceEngine(Box<dyn EngineSource>),
    /// Ends the talk and drops the engine; a start loads it again.
    Unload,
    /// Ends everything.
    Quit,
}

/// What is wanted of one talk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TalkOptions {
    /// Where a folder with the recording is made; `None` records nothing.
    pub record_into: Option<PathBuf>,
    /// Frames that the timeline keeps, the last ones; 0 keeps none.
    pub trace_frames: usize,
    /// Starts with the microphone muted.
    pub muted: bool,
    /// Starts with push-to-talk.
    pub push_to_talk: bool,
}

/// Why a command was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The engine has not come back from a step for so long that commands pile up.
    #[error("the engine does not answer; quit and start again")]
    Busy,
    /// The session's thread is gone.
    #[error("the session is over; start again")]
    Over,
}

/// Sends commands, from any thread, without ever blocking.
#[derive(Clone)]
pub struct Commands {
    sender: SyncSender<Command>,
    wake: Arc<Wake>,
}

impl Commands {
    pub(crate) fn channel(wake: Arc<Wake>) -> (Self, Receiver<Command>) {
        let (sender, receiver) = sync_channel(MOST_WAITING);
        (Self { sender, wake }, receiver)
    }

    /// Sends one.
    ///
    /// # Errors
    /// [`CommandError`] if the session cannot take it; it is dropped then.
    pub fn send(&self, command: Command) -> Result<(), CommandError> {
        let sent = self.sender.try_send(command).map_err(|refused| match refused {
            TrySendError::Full(_) => CommandError::Busy,
            TrySendError::Disconnected(_) => CommandError::Over,
        });
        self.wake.wake();
        sent
    }
}
