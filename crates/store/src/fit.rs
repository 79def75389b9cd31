//! What fits this machine: memory and time per frame of the released 7B, by arithmetic or from a measurement.
//!
//! Pure: what the machine is comes from [`Machine`], what was measured from [`Measurement`]. Every answer carries its
//! arithmetic in lines for people. It advises and never forbids: whoever asks for a model gets it.
//!
//! **Units** bytes; GB = 10⁹ bytes; times in milliseconds; context in frames of 80 ms, which are positions of the model.

mod chips;
mod measured;
mod memory;
mod needs;
mod speed;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

use crate::machine::Machine;
use crate::quality::Quality;

pub use chips::Chip;
pub use measured::{Measurement, measured};
pub use needs::Needs;

/// How to replace an estimate by a measurement.
const MEASURE: &str = "`moshibar models check` measures it";

/// Whether a model can hold a talk on a machine. In the order of what stands in the way: the worse of two is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It fits and keeps up with room to spare, however long the talk.
    Comfortable,
    /// It fits and keeps up, with little to spare in memory or in time.
    Tight,
    /// Not enough is known about the machine.
    Unknown,
    /// A frame takes longer than it lasts, at the latest when the context is full.
    WillNotKeepUp,
    /// It needs more memory than there is for it.
    WillNotFit,
}

/// Where the times of a [`Fit`] come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Arithmetic on published figures: nothing ran.
    Estimated,
    /// Frames of the model itself on this machine.
    Measured,
}

/// How one quality of the released 7B suits one machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fit {
    /// The quality that was asked about.
    pub quality: Quality,
    /// The answer.
    pub verdict: Verdict,
    /// Whether the times were measured.
    pub basis: Basis,
    /// Bytes that a talk takes at full context.
    pub memory_needed_bytes: u64,
    /// Bytes that the machine has for it; `None` if that is not known.
    pub memory_budget_bytes: Option<u64>,
    /// **Units** ms. One frame at the start of a talk; `None` if that is not known.
    pub frame_empty_ms: Option<f64>,
    /// **Units** ms. One frame at full context; `None` if that is not known.
    pub frame_full_ms: Option<f64>,
    /// The arithmetic and what follows from it, in lines for people.
    pub reasons: Vec<String>,
}

/// One side of a verdict, memory or time, and why.
#[derive(Debug)]
struct Judgement {
    verdict: Verdict,
    reasons: Vec<String>,
}

/// How long a frame takes.
///
/// **Units** ms.
#[derive(Debug, Clone, Copy, PartialEq)]
struct FrameTimes {
    empty_ms: f64,
    full_ms: f64,
}

impl Verdict {
    /// The answer in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comfortable => "comfortable",
            Self::Tight => "tight",
            Self::Unknown => "unknown",
            Self::WillNotKeepUp => "will not keep up",
            Self::WillNotFit => "will not fit",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Judges a quality by arithmetic alone.
///
/// Memory: weights, context, Mimi and room to work, against what the machine has for a GPU. Time: the bytes of a frame over
/// the chip's bandwidth, against the 80 ms that a frame lasts. The worse of the two is the answer. No figure for a chip that
/// is not in the table is made up: its speed is [`Verdict::Unknown`] until it is measured.
pub fn verdict(quality: Quality, machine: &Machine) -> Fit {
    let needs = Needs::of_released(quality);
    let needed_bytes = memory::needed_bytes(&needs, &machine.gpu);
    let budget = memory::budget(machine);
    let memory = memory::judge(&needs, needed_bytes, budget.as_ref(), machine);
    let (times, speed) = speed::judge(quality, &needs, &machine.gpu);
    Fit {
        quality,
        verdict: memory.verdict.max(speed.verdict),
        basis: Basis::Estimated,
        memory_needed_bytes: needed_bytes,
        memory_budget_bytes: budget.map(|budget| budget.bytes),
        frame_empty_ms: times.map(|times| times.empty_ms),
        frame_full_ms: times.map(|times| times.full_ms),
        reasons: [memory.reasons, speed.reasons].concat(),
    }
}

/// The best quality for a machine: the highest that is comfortable, else q4 if it is at least tight, else none.
///
/// Never bf16, however fast the machine: it is published for research, and q8 is the high quality of a talk.
pub fn recommended(machine: &Machine) -> Option<Quality> {
    let comfortable = |quality: &Quality| verdict(*quality, machine).verdict == Verdict::Comfortable;
    [Quality::Q8, Quality::Q4]
        .into_iter()
        .find(comfortable)
        .or_else(|| (verdict(Quality::Q4, machine).verdict == Verdict::Tight).then_some(Quality::Q4))
}

/// Bytes as people read them.
fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}
