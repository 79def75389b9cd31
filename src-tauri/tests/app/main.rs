//! The app as people have it: the built program on a screen that nobody sees, beside virtual sound devices (Linux).

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod bench;
mod rig;
#[allow(clippy::needless_pass_by_value, clippy::unused_self, clippy::used_underscore_binding)]
// as zbus wants its methods
mod tray;
mod windows;
