//! Live talks on a virtual clock, from the scripted microphone to the scripted speaker.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod clicks;
mod latency;
#[allow(dead_code, reason = "two test programs share it, and each needs a part")]
mod world;
