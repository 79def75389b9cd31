//! An engine for the tests that answers what it was told to, and takes as long as its stages say,
//! by a clock of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use moshibar_audio::{FRAME_SAMPLES, Frame};

use crate::engine::{Engine, EngineError, EngineErrorKind, FrameReply, MemoryUse, StageTimes};
use crate::live::scripted_talk::HandClock;

/// Plays its replies in order, over resets, and then fails.
pub(crate) struct ScriptedEngine {
    replies: VecDeque<FrameReply>,
    /// Every frame that it was given.
    pub(crate) heard: Vec<Frame>,
    /// How many frames it had heard at each reset.
    pub(crate) resets_before_frame: Vec<usize>,
    /// What it fails with once its replies are used up.
    pub(crate) failure: Option<EngineError>,
    /// Goes on by what each step takes, and stands still otherwise.
    pub(crate) clock: Arc<HandClock>,
}

impl ScriptedEngine {
    pub(crate) fn new(replies: impl IntoIterator<Item = FrameReply>) -> Self {
        Self {
            replies: replies.into_iter().collect(),
            heard: Vec::new(),
            resets_before_frame: Vec::new(),
            failure: None,
            clock: Arc::default(),
        }
    }
}

impl Engine for ScriptedEngine {
    fn step(&mut self, user: &Frame) -> Result<FrameReply, EngineError> {
        assert!(!self.resets_before_frame.is_empty(), "a talk begins with a reset");
        let Some(reply) = self.replies.pop_front() else {
            let over =
                || EngineError { kind: EngineErrorKind::InvalidOutput, message: "the script is over".to_owned() };
            return Err(self.failure.clone().unwrap_or_else(over));
        };
        self.heard.push(*user);
        self.clock.advance(reply.stages.total());
        Ok(reply)
    }

    fn reset(&mut self) -> Result<(), EngineError> {
        self.resets_before_frame.push(self.heard.len());
        Ok(())
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse::default()
    }
}

/// A frame of the same sample throughout.
pub(crate) fn frame_of(sample: f32) -> Frame {
    [sample; FRAME_SAMPLES]
}

/// Moshi has no speech yet.
pub(crate) fn silent() -> FrameReply {
    FrameReply { speech: None, text: None, stages: StageTimes::default() }
}

/// Moshi says a frame of `sample`, and perhaps a piece of a word.
pub(crate) fn says(sample: f32, piece: Option<&str>) -> FrameReply {
    FrameReply { speech: Some(Box::new(frame_of(sample))), text: piece.map(str::to_owned), ..silent() }
}
