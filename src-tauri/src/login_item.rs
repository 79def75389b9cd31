//! Whether the app starts with the computer: follows the settings.

use std::sync::{Mutex, PoisonError};

use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_autostart::ManagerExt;

use crate::hub::Hub;
use crate::settings::Settings;
use crate::view::UiEvent;

/// Keeps the login items as the settings say.
pub(crate) struct LoginItem {
    wanted: Mutex<bool>,
}

impl LoginItem {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { wanted: Mutex::new(settings.launch_at_login) }
    }

    /// Follows the settings.
    pub(crate) fn take<R: Runtime>(&self, app: &AppHandle<R>, event: &UiEvent) {
        let UiEvent::Settings { settings } = event else { return };
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if *wanted == settings.launch_at_login {
            return;
        }
        *wanted = settings.launch_at_login;
        let items = app.autolaunch();
        let done = if *wanted { items.enable() } else { items.disable() };
        if let Err(error) = done {
            let message = format!("the login item could not be changed: {error}");
            app.state::<Hub>().send(&UiEvent::Notice { code: "login_item", message });
        }
    }
}
