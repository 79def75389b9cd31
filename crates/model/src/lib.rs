//! The brain: everything MLX. Reads Kyutai's published checkpoints as they are and runs them one frame at a time.
//!
//! A model belongs to the thread that loaded it. Nothing here quantises, opens a socket, or logs what was said.

mod codec;
mod engine;
mod error;
mod ffi;
mod files;
mod generator;
#[cfg(test)]
mod golden_tests;
mod graph;
mod header;
mod inspection;
#[cfg(any(target_os = "macos", test))]
mod kernels;
mod loading;
mod mimi;
mod moshi;
mod nn;
mod quality;
mod runtime;
mod traffic;
mod weights;

pub use codec::Codec;
pub use engine::{ModelDescription, MoshiEngine, Synchronisation};
pub use error::ModelError;
pub use files::ModelFiles;
pub use generator::{GeneratedFrame, Generator, StepTimes};
pub use graph::GraphOperations;
pub use header::Header;
pub use loading::{LoadOptions, LoadProgress};
pub use moshi::sampler::{Sampling, SamplingChanges, Strategy};
pub use quality::Quality;
pub use runtime::{DeviceChoice, DeviceKind, Runtime, RuntimeReport, memory_limit_bytes, report};
pub use traffic::WeightTraffic;
