//! The program as people run it: arguments in, exit code, sentences and files out.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod bad_input;
mod codes;
mod dialogues;
mod machine;
mod outputs;
mod program;
mod recogniser;
mod spoken;
