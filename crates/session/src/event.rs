//! What the loop tells its observer. Borrowed from the loop: copy what must outlive the frame.

use std::time::Duration;

use moshibar_audio::{FRAME_DURATION, Frame};

use crate::engine::StageTimes;

/// Something happened in a talk.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A frame was heard and answered.
    FrameDone(FrameDone<'a>),
}

/// One frame of a talk, heard and answered.
#[derive(Debug, Clone, Copy)]
pub struct FrameDone<'a> {
    /// Its number in the talk, from 0; times 80 ms it is the time in the talk.
    pub index: u64,
    /// What the user said.
    pub user: &'a Frame,
    /// What Moshi said at the same time; silence while it has no speech yet. All samples are finite.
    pub moshi: &'a Frame,
    /// The piece of a word that Moshi said, a leading space included.
    pub text: Option<&'a str>,
    /// When the engine began with it, since the beginning of the talk.
    pub started: Duration,
    /// How long the engine took, seen from outside.
    pub total: Duration,
    /// How long its stages took, as the engine says.
    pub stages: StageTimes,
}

impl FrameDone<'_> {
    /// Whether a live talk would have stuttered: the engine took longer than the frame lasts.
    pub fn is_late(&self) -> bool {
        self.total > FRAME_DURATION
    }
}
