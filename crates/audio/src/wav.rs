//! WAV files: any of them in, mono; ours out, 24 kHz.
//!
//! Reading is our own, because the `hound` crate refuses files that people have: 64-bit float, the
//! made-up lengths of programs that stream, chunks of odd size, 32-bit PCM from some editors.
//! Writing is hound's, and its reader checks ours.
//!
//! Only a live talk's file is written by code of our own, `growing.rs`. hound's writer could keep
//! that one readable too: its `flush` updates the lengths in the header. But it cannot go on with a
//! file whose writer died and take in the sound that the header does not count yet, which is how a
//! recording is recovered.

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
