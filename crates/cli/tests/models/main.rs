//! The library of models as people use it: through the program, against a hub on this machine, in folders of its own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod built_in;
mod checking;
mod getting;
mod keeping;
mod rig;
#[path = "../cli/spoken.rs"]
mod spoken;
mod stopping;
mod talking;

#[cfg(unix)]
mod terminal;
