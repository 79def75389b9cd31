//! The DSP's end of a port in the hands of a test: frames are heard and played at will. Feature `simulated`.

use crate::frame::Frame;
use crate::port::{DspPort, FramePort, MicFrame, port};

/// Stands in for the whole sound side.
pub struct ScriptedPort {
    port: DspPort,
}

impl ScriptedPort {
    /// A port for a talk, and the end that the test holds.
    pub fn new() -> (FramePort, Self) {
        let (talk, port) = port();
        (talk, Self { port })
    }

    /// The user says a frame; `false` if the talk has not read the last ones.
    pub fn hears(&mut self, frame: MicFrame) -> bool {
        self.port.mic.push(frame).is_ok()
    }

    /// The oldest frame of Moshi that was not taken yet.
    pub fn plays(&mut self) -> Option<Frame> {
        self.port.speaker.pop().ok()
    }

    /// The switches, as the DSP sees them.
    pub fn controls(&self) -> &crate::port::Controls {
        &self.port.controls
    }
}
