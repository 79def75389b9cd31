//! When frames come and when blocks go: how much silence has to lead a talk so that its speech never runs dry.

use crate::frame::{FRAME_DURATION, SAMPLE_RATE_HZ};

/// What polls vary beyond the longest gap, 0.5 ms.
const MARGIN_SECONDS: f64 = 0.0005;

/// What is known about the devices and the polls, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    pub(crate) mic_block: f64,
    pub(crate) speaker_block: f64,
    /// The longest time to the next poll.
    pub(crate) next_poll: f64,
    /// How long ago the user's last frame was complete when it was handed over.
    pub(crate) frame_lateness: f64,
    /// How long it takes until what is read next will be played.
    pub(crate) to_play: f64,
}

impl Rhythm {
    /// Silence to put before the first of `frames` that came together, in samples at 24 kHz.
    ///
    /// A block is taken one poll before it is played, all of it: its end must have come a poll and a block before its time.
    /// And the next frame may be later than this one was: by the rest of the time between two polls, and of the microphone's
    /// block where a frame ends in the middle of one.
    pub(crate) fn preroll_samples(&self, frames: usize) -> usize {
        let blocks = FRAME_DURATION.as_secs_f64() / self.mic_block.max(1e-6);
        let is_even = (blocks - blocks.round()).abs() < 1e-3 && blocks >= 1.0;
        let most_lateness = if is_even { 0.0 } else { self.mic_block } + self.next_poll;
        // Frames that came together were complete one after another: the first is the latest.
        let lateness = self.frame_lateness + frames.saturating_sub(1) as f64 * FRAME_DURATION.as_secs_f64();
        let later = (most_lateness - lateness).max(0.0);
        let demand = (self.next_poll + self.speaker_block - self.to_play).max(0.0);
        ((MARGIN_SECONDS + later + demand) * f64::from(SAMPLE_RATE_HZ)) as usize
    }

    /// What both devices take or give at once, in samples at 24 kHz.
    pub(crate) fn lump_samples(&self) -> usize {
        ((self.mic_block + self.speaker_block) * f64::from(SAMPLE_RATE_HZ)) as usize
    }
}
