//! WAV files: any of them in, mono; ours out, 24 kHz.
//!
//! Reading is our own, because the `hound` crate refuses files that people have: 64-bit float, the made-up lengths of
//! programs that stream, chunks of odd size, 32-bit PCM from some editors. Writing is hound's, and its reader checks ours;
//! but for a live talk's, which must be a whole file at any moment.

mod growing;
mod header;
mod reader;
mod writer;

#[cfg(test)]
mod mutation_tests;
#[cfg(test)]
mod scripted_files;

pub use growing::GrowingWav;
pub use reader::read_wav;
pub use writer::{Channels, FinishedWav, SampleFormat, WavWriter, write_wav};
