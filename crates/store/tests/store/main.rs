//! The store against a hub that misbehaves.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod basics;
mod child;
mod disks;
mod jobs;
mod kills;
mod library;
mod matrix;
mod processes;
mod rig;
mod suitability;
mod unproven;
