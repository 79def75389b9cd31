//! Global shortcuts: keys that work in every program. They follow the settings.

use std::sync::{Mutex, PoisonError};

use moshibar_session::live::Command;
use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_global_shortcut::{GlobalShortcutExt, Shortcut, ShortcutState};

use crate::app::App;
use crate::error::AppError;
use crate::hub::Hub;
use crate::settings::Settings;
use crate::view::UiEvent;

/// What a shortcut does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Talk,
    Mute,
    PushToTalk,
}

/// The shortcuts that are registered now.
#[derive(Default)]
pub(crate) struct Shortcuts {
    registered: Mutex<Vec<(Shortcut, Does)>>,
}

impl Shortcuts {
    /// Follows the settings. One that another program has is told of, and is not there.
    pub(crate) fn follow<R: Runtime>(&self, app: &AppHandle<R>, settings: &Settings) {
        let wanted = wanted(settings);
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        if *registered == wanted {
            return;
        }
        if let Err(error) = app.global_shortcut().unregister_all() {
            tracing::warn!(%error, "shortcuts cannot be given back");
        }
        registered.clear();
        for (shortcut, does) in wanted {
            match app.global_shortcut().register(shortcut) {
                Ok(()) => registered.push((shortcut, does)),
                Err(error) => {
                    let message = format!("the shortcut {shortcut} cannot be used ({error}): choose another one");
                    app.state::<Hub>().send(&UiEvent::Notice { code: "shortcut", message });
                }
            }
        }
    }

    /// A key went down or up somewhere.
    pub(crate) fn pressed(&self, app: &App, shortcut: &Shortcut, state: ShortcutState) -> Result<(), AppError> {
        let known = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        let does = known.iter().find(|(one, _)| one == shortcut).map(|(_, does)| *does);
        drop(known);
        match (does, state) {
            (Some(Does::Talk), ShortcutState::Pressed) => app.toggle_talk(),
            (Some(Does::Mute), ShortcutState::Pressed) => app.switch(Command::SetMuted(!app.is_muted())),
            (Some(Does::PushToTalk), state) => app.switch(Command::HoldTalkKey(state == ShortcutState::Pressed)),
            _ => Ok(()),
        }
    }
}

fn wanted(settings: &Settings) -> Vec<(Shortcut, Does)> {
    [
        (&settings.shortcut_talk, Does::Talk),
        (&settings.shortcut_mute, Does::Mute),
        (&settings.shortcut_push_to_talk, Does::PushToTalk),
    ]
    .into_iter()
    .filter_map(|(text, does)| Some((text.as_ref()?.parse().ok()?, does)))
    .collect()
}
