//! A system that does not ask before a microphone is used, and is not asked about itself. Linux, where the app is developed.

use std::sync::mpsc::Sender;

use super::{Pane, SystemEvent};
use crate::error::AppError;
use crate::view::Permission;

/// Keeps the machine awake: elsewhere a matter of the user's own settings.
pub(super) struct Activity;

impl Activity {
    pub(super) fn begin() -> Self {
        Self
    }
}

pub(super) fn permission() -> Permission {
    Permission::NotNeeded
}

pub(super) fn ask_permission() -> Permission {
    permission()
}

pub(super) fn open_settings(pane: Pane) -> Result<(), AppError> {
    let page = match pane {
        Pane::Microphone => "the microphone",
        Pane::LoginItems => "login items",
    };
    let message = format!("this system has no page for {page} that Moshibar could open: look in its settings");
    Err(AppError::new("not_here", message))
}

pub(super) fn watch(_happens: &Sender<SystemEvent>) {}

pub(super) fn tell_muted(_muted: bool) {}
