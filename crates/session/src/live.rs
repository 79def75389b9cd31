//! The live talk: one thread that builds, owns and drops the engine, takes commands, and tells what happens.
//!
//! `core.rs` is the loop. It is polled and asks an injected clock, so that a day passes in minutes in tests; `thread.rs` is the
//! shell that runs it in real time. The sound comes through a [`FramePort`](moshibar_audio::FramePort); devices lie below it.

mod backlog;
mod command;
mod core;
mod devices;
mod event;
mod pace;
mod report;
mod sound;
mod source;
mod state;
mod step_watch;
mod talk;
mod thread;

#[cfg(test)]
mod core_tests;
#[cfg(test)]
pub(crate) mod scripted_talk;
#[cfg(test)]
mod thread_tests;

pub use self::core::{Core, Next};
pub use command::{Command, CommandError, Commands, TalkOptions};
pub use devices::{Devices, MakeBackend};
pub use event::{EndReason, EventReceiver, FrameInfo, LiveEvent, SessionOver, TalkEnd, Warning};
pub use pace::SlowCause;
pub use report::LiveReport;
pub use sound::{OpenSound, Sound, Wake};
pub use source::{EngineSource, LoadError, Loading};
pub use state::State;
pub use thread::LiveSession;
