//! A talk through a sound system: a virtual microphone and speaker, and a program between them that gives back what it hears.
//!
//! What the program got and what it gave come from one recording, in step to the sample, so that neither the player nor the
//! recorder can be mistaken for it. Real time, Linux only; the rig is scripts/virtual-audio.sh.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]
#![cfg(target_os = "linux")]

mod bad_input;
mod clicks;
mod comparison;
mod comparison_tests;
mod copying;
mod performance;
#[path = "../cli/recogniser.rs"]
mod recogniser;
mod rig;
mod signal;
#[path = "../cli/spoken.rs"]
mod spoken;
mod talking;
