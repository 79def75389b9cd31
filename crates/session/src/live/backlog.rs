//! The user's frames that wait for the engine, and which of them are given up when it cannot keep up.
//!
//! Up to five frames (400 ms) are worked off one after the other. Beyond that, frames are dropped together with the steps that
//! would have answered them, so that both speakers stay aligned: silent ones first, then the oldest. Where frames are missing,
//! the last sound before the gap fades into the first one after it, over 5 ms.

use std::collections::VecDeque;

use moshibar_audio::{FRAME_SAMPLES, MicFrame, PORT_FRAMES};

/// Frames that may wait: 400 ms.
pub(crate) const MOST_WAITING_FRAMES: usize = 5;

/// The cross-fade at a gap: 5 ms.
const FADE_SAMPLES: usize = 120;

/// The queue between the microphone and the engine.
pub(crate) struct Backlog {
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    frame: MicFrame,
    gap: Option<Gap>,
}

/// Frames that are missing before one that waits.
struct Gap {
    frames: u32,
    /// The first samples of the first frame that is missing: how the sound before the gap went on.
    went_on: [f32; FADE_SAMPLES],
}

/// A frame for the engine.
pub(crate) struct Taken {
    pub(crate) frame: MicFrame,
    /// How many frames were dropped before it.
    pub(crate) dropped_before: u32,
}

impl Default for Backlog {
    fn default() -> Self {
        Self { waiting: VecDeque::with_capacity(PORT_FRAMES + 1) }
    }
}

impl Backlog {
    /// Adds the newest frame.
    pub(crate) fn push(&mut self, frame: MicFrame) {
        self.waiting.push_back(Waiting { frame, gap: None });
    }

    /// Frames that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Forgets all frames.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Drops what is too much, and takes the oldest of the others.
    pub(crate) fn next(&mut self) -> Option<Taken> {
        while self.waiting.len() > MOST_WAITING_FRAMES {
            self.drop_one();
        }
        let Waiting { mut frame, gap } = self.waiting.pop_front()?;
        if let Some(gap) = &gap {
            cross_fade(&gap.went_on, &mut frame.samples);
        }
        Some(Taken { frame, dropped_before: gap.map_or(0, |gap| gap.frames) })
    }

    /// The oldest silent frame goes, or else the oldest one. Never the newest, which carries the gap on.
    fn drop_one(&mut self) {
        let newest = self.waiting.len().saturating_sub(1);
        let silent = self.waiting.iter().take(newest).position(|waiting| waiting.frame.is_silent);
        let Some(Waiting { frame, gap }) = self.waiting.remove(silent.unwrap_or(0)) else { return };
        let Some(after) = self.waiting.get_mut(silent.unwrap_or(0)) else { return };
        let before = gap.unwrap_or_else(|| Gap { frames: 0, went_on: beginning(&frame.samples) });
        let frames = before.frames + 1 + after.gap.as_ref().map_or(0, |gap| gap.frames);
        after.gap = Some(Gap { frames, went_on: before.went_on });
    }
}

fn beginning(samples: &[f32; FRAME_SAMPLES]) -> [f32; FADE_SAMPLES] {
    let mut beginning = [0.0; FADE_SAMPLES];
    beginning.iter_mut().zip(samples).for_each(|(to, from)| *to = *from);
    beginning
}

/// Equal gain, not equal power: the two sounds are pieces of one voice, and often both near silence.
fn cross_fade(from: &[f32; FADE_SAMPLES], to: &mut [f32; FRAME_SAMPLES]) {
    for (index, (old, new)) in from.iter().zip(to).enumerate() {
        let share = (index + 1) as f32 / (FADE_SAMPLES + 1) as f32;
        *new = old * (1.0 - share) + *new * share;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn frame(value: f32, is_silent: bool) -> MicFrame {
        MicFrame { samples: [value; FRAME_SAMPLES], heard_at: Duration::ZERO, is_silent }
    }

    fn backlog(frames: impl IntoIterator<Item = MicFrame>) -> Backlog {
        let mut backlog = Backlog::default();
        frames.into_iter().for_each(|frame| backlog.push(frame));
        backlog
    }

    /// What comes out: the last sample of each frame, and how many were dropped before it.
    fn taken(mut backlog: Backlog) -> Vec<(f32, u32)> {
        std::iter::from_fn(|| backlog.next())
            .map(|taken| (taken.frame.samples[FRAME_SAMPLES - 1], taken.dropped_before))
            .collect()
    }

    #[test]
    fn five_frames_are_worked_off_without_a_loss() {
        let waiting = backlog((1..=5).map(|value| frame(value as f32, false)));
        assert_eq!(taken(waiting), [(1.0, 0), (2.0, 0), (3.0, 0), (4.0, 0), (5.0, 0)]);
    }

    #[test]
    fn beyond_five_the_oldest_go_when_all_are_loud() {
        let waiting = backlog((1..=8).map(|value| frame(value as f32, false)));
        assert_eq!(taken(waiting), [(4.0, 3), (5.0, 0), (6.0, 0), (7.0, 0), (8.0, 0)]);
    }

    #[test]
    fn silent_frames_go_first_wherever_they_are() {
        let silent = [3, 4, 7];
        let waiting = backlog((1..=8).map(|value| frame(value as f32, silent.contains(&value))));
        assert_eq!(taken(waiting), [(1.0, 0), (2.0, 0), (5.0, 2), (6.0, 0), (8.0, 1)]);
    }

    #[test]
    fn the_newest_frame_stays_even_if_silent() {
        let waiting = backlog((1..=7).map(|value| frame(value as f32, value == 7)));
        assert_eq!(taken(waiting).last(), Some(&(7.0, 0)));
    }

    #[test]
    fn gaps_that_meet_become_one() {
        // 2 is silent and goes first; then 1 and 3, around it, are the oldest.
        let waiting = backlog((1..=8).map(|value| frame(value as f32, value == 2)));
        assert_eq!(taken(waiting)[0], (4.0, 3));
    }

    #[test]
    fn nothing_is_lost_without_being_counted() {
        for count in 0..=PORT_FRAMES {
            let waiting = backlog((0..count).map(|value| frame(value as f32, value % 3 == 0)));
            let taken = taken(waiting);
            let dropped: u32 = taken.iter().map(|(_, dropped)| dropped).sum();
            assert_eq!(taken.len() + dropped as usize, count);
            assert!(taken.len() <= MOST_WAITING_FRAMES);
        }
    }

    #[test]
    fn the_sound_before_a_gap_fades_into_the_sound_after_it() {
        // One long ramp, cut: without the fade the step at the splice is that of 3 frames.
        let ramp = |index: usize| {
            let mut samples = [0.0; FRAME_SAMPLES];
            samples.iter_mut().enumerate().for_each(|(i, s)| *s = (index * FRAME_SAMPLES + i) as f32 * 1e-5);
            MicFrame { samples, heard_at: Duration::ZERO, is_silent: (1..4).contains(&index) }
        };
        let mut waiting = backlog((0..8).map(ramp));
        let sound: Vec<f32> = std::iter::from_fn(|| waiting.next()).flat_map(|taken| taken.frame.samples).collect();
        let steepest = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        let cut = 3.0 * FRAME_SAMPLES as f32 * 1e-5;
        assert!(steepest < cut / 100.0, "{steepest}, and {cut} without a fade");
        assert_eq!(sound.len(), 5 * FRAME_SAMPLES);
    }
}
