//! The store against a hub that misbehaves.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod basics;
mod rig;
mod unproven;
