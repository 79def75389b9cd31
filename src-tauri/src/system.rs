//! What only the system can do or say: may the microphone be used, will the machine sleep, is it hot, is memory short. One face for
//! all systems; `macos` is the one that matters, and elsewhere the system is not asked.

#[cfg(not(target_os = "macos"))]
mod elsewhere;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(not(target_os = "macos"))]
use elsewhere as platform;
#[cfg(target_os = "macos")]
use macos as platform;

use std::io;
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};

use moshibar_session::live::State;

use crate::error::AppError;
use crate::view::{Permission, TalkView, UiEvent};

/// A page of the system's own settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pane {
    Microphone,
    LoginItems,
}

/// What happens to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_os = "macos"), allow(dead_code))] // only there does the system say so
pub(crate) enum SystemEvent {
    /// It goes to sleep in a moment.
    Sleeps,
    /// The screen is locked: nobody may listen in.
    Locked,
    Unlocked,
    /// Memory is short; in a crisis the system ends programs soon.
    MemoryIsShort {
        is_crisis: bool,
    },
    /// It is so hot that it computes more slowly.
    Hot,
    /// The user's earphones were pressed, which mute and unmute.
    MuteGesture {
        mutes: bool,
    },
}

/// Whether the microphone may be used, and how the user is asked.
#[derive(Clone, Copy)]
pub(crate) struct MicrophoneGate {
    pub(crate) state: fn() -> Permission,
    /// Asks, if nobody did, and waits for the answer: never on the main thread, which shows the question.
    pub(crate) ask: fn() -> Permission,
}

/// The system's.
pub(crate) const MICROPHONE: MicrophoneGate =
    MicrophoneGate { state: platform::permission, ask: platform::ask_permission };

/// Opens a page of the system's settings.
///
/// # Errors
/// [`AppError`] `not_here` on a system that has no such page.
pub(crate) fn open_settings(pane: Pane) -> Result<(), AppError> {
    platform::open_settings(pane)
}

/// Has windows painted by what this machine paints with best. The first thing of all: it may change the environment.
pub(crate) fn choose_painter() {
    platform::choose_painter();
}

/// Tells of what happens to the machine, for as long as the app lives, on a thread of its own: the system calls back in the middle
/// of what we tell it. To be called on the main thread.
///
/// # Errors
/// [`io::Error`] if the system has no thread left.
pub(crate) fn watch(told: impl Fn(SystemEvent) + Send + 'static) -> io::Result<()> {
    let (happens, events) = channel();
    std::thread::Builder::new().name("moshibar-system".to_owned()).spawn(move || events.into_iter().for_each(told))?;
    platform::watch(&happens);
    Ok(())
}

/// What the system is told of a talk: that it must not doze meanwhile, and whether the user is muted.
#[derive(Default)]
pub(crate) struct TalkNews {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    activity: Option<platform::Activity>,
    muted: bool,
}

impl TalkNews {
    /// Follows the talk.
    pub(crate) fn take(&self, event: &UiEvent) {
        let UiEvent::Talk { talk } = event else { return };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if needs_the_machine(talk) != told.activity.is_some() {
            told.activity = needs_the_machine(talk).then(platform::Activity::begin);
        }
        if talk.muted != told.muted {
            told.muted = talk.muted;
            platform::tell_muted(talk.muted);
        }
    }
}

fn needs_the_machine(talk: &TalkView) -> bool {
    matches!(talk.state, State::Loading | State::Listening | State::Muted | State::Paused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::talk::at_rest;

    #[test]
    fn the_machine_is_kept_awake_for_a_talk_and_no_longer() {
        let news = TalkNews::default();
        let is_awake = |state| {
            news.take(&UiEvent::Talk { talk: TalkView { state, ..at_rest("nano") } });
            news.told.lock().unwrap().activity.is_some()
        };
        for (state, awake) in [
            (State::Idle, false),
            (State::Loading, true),
            (State::Listening, true),
            (State::Paused, true),
            (State::Stopping, false),
            (State::Muted, true),
            (State::Failed, false),
        ] {
            assert_eq!(is_awake(state), awake, "{state:?}");
        }
    }
}
