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

/// Without a graphics processor WebKit would have OpenGL computed by the main one, at three times the cost of painting with that at
/// once (BENCHMARKS.md).
pub(super) fn choose_painter() {
    const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if !has_gpu() && std::env::var_os(SWITCH).is_none() {
        // SAFETY: the process has no second thread yet that could read the environment.
        unsafe { std::env::set_var(SWITCH, "1") };
    }
}

/// Whether the kernel offers a device that draws.
fn has_gpu() -> bool {
    std::fs::read_dir("/dev/dri").is_ok_and(|devices| {
        devices.flatten().any(|device| device.file_name().as_encoded_bytes().starts_with(b"renderD"))
    })
}

pub(super) fn watch(_happens: &Sender<SystemEvent>) {}

pub(super) fn tell_muted(_muted: bool) {}
