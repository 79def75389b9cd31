//! macOS: one module for each thing that it is asked or told. Checked and linked from Linux; not run on a Mac yet.

mod activity;
mod memory;
mod microphone;
mod notifications;

use std::sync::mpsc::Sender;

use objc2_app_kit::NSWorkspace;
use objc2_foundation::{NSString, NSURL};

use super::{Pane, SystemEvent};
use crate::error::AppError;

pub(super) use self::activity::Activity;
pub(super) use self::microphone::{ask_permission, permission, tell_muted};

pub(super) fn open_settings(pane: Pane) -> Result<(), AppError> {
    let address = match pane {
        Pane::Microphone => "x-apple.systempreferences:com.apple.preference.security?Privacy_Microphone",
        Pane::LoginItems => "x-apple.systempreferences:com.apple.LoginItems-Settings.extension",
    };
    let refused =
        || AppError::new("not_here", format!("System Settings cannot be opened at {address}: open it by hand"));
    let url = NSURL::URLWithString(&NSString::from_str(address)).ok_or_else(refused)?;
    if NSWorkspace::sharedWorkspace().openURL(&url) { Ok(()) } else { Err(refused()) }
}

/// Every Mac has a graphics processor, and WKWebView uses it.
pub(super) fn choose_painter() {}

pub(super) fn watch(happens: &Sender<SystemEvent>) {
    notifications::watch(happens);
    memory::watch(happens);
    microphone::watch_mute_gesture(happens);
}
