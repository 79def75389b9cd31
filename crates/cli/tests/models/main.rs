//! The library of models as people use it: through the program, against a hub on this machine, in folders of its own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod checking;
mod getting;
mod keeping;
mod rig;
mod stopping;
mod talking;

#[cfg(unix)]
mod terminal;
