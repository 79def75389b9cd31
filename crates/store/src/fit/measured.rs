//! A verdict from frames that ran, in place of the estimate.

use serde::{Deserialize, Serialize};

use super::{Basis, Fit, FrameTimes, MEASURE, Needs, Verdict, memory, speed};
use crate::machine::Machine;
use crate::quality::Quality;

/// Fewer frames than this have no p95 other than their slowest.
const FEWEST_STEPS: u32 = 20;

/// What a run of the model on this machine showed. The first frames, in which things are loaded and compiled, do not count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// **Units** ms. 95 % of the frames took no longer, from the user's speech to Moshi's, Mimi both ways included.
    pub p95_ms: f64,
    /// Frames that were measured.
    pub steps_measured: u32,
    /// Frames of context that were filled when they were measured.
    pub context_now_frames: u32,
    /// Frames of context that this model can fill.
    pub context_full_frames: u32,
    /// The most bytes that the engine held, its context at full length included; `None` where it cannot tell.
    pub peak_memory_bytes: Option<u64>,
}

/// Judges a quality of the released 7B by what was measured; the machine, where it is known, gives the memory's budget.
///
/// What was measured stands as it is. A measured frame already read all weights and `context_now_frames` of context, so
/// the bandwidth it implies is `(weights + context now) / p95`, and what the frames of context still to come will cost is
/// their bytes over that bandwidth:
///
/// ```text
/// full = p95 + (context full − context now) · bytes per frame of context / bandwidth
/// ```
///
/// Launches and Mimi are in the p95 too, so that bandwidth is lower than the memory's and `full` rather too long than too
/// short; a measurement at full context needs no such rule. The limits are those of an estimate without its spread. A run
/// of fewer than 20 frames can refuse a model but not recommend it. What ran has fitted, so memory is tight at worst.
pub fn measured(quality: Quality, machine: Option<&Machine>, measurement: &Measurement) -> Fit {
    let needs = Needs::of_released(quality);
    let nowhere = Machine::default();
    let machine = machine.unwrap_or(&nowhere);
    let budget = memory::budget(machine);
    let needed_bytes = measurement.peak_memory_bytes.unwrap_or_else(|| memory::needed_bytes(&needs, &machine.gpu));
    let memory = match measurement.peak_memory_bytes {
        Some(peak_bytes) => memory::judge_measured(peak_bytes, budget.as_ref(), machine),
        None => memory::judge(&needs, needed_bytes, budget.as_ref(), machine),
    };
    // Without a peak the budget is still held against our own count, but what ran has fitted.
    let memory_verdict = match memory.verdict {
        Verdict::WillNotFit => Verdict::Tight,
        Verdict::Unknown => Verdict::Comfortable,
        verdict => verdict,
    };

    let mut reasons = memory.reasons;
    let times = extrapolate(&needs, measurement);
    let speed_verdict = match times {
        None => {
            reasons.push(format!("Time: nothing was measured: {MEASURE}"));
            Verdict::Unknown
        }
        Some(times) => {
            let (verdict, conclusion) = speed::compare(times, measurement.context_full_frames, 0.0);
            reasons.push(arithmetic(measurement, times));
            reasons.push(conclusion);
            let few = measurement.steps_measured < FEWEST_STEPS && verdict != Verdict::WillNotKeepUp;
            if few {
                reasons.push(format!("{} frames are too few to promise anything", measurement.steps_measured));
            }
            if few { Verdict::Unknown } else { verdict }
        }
    };
    Fit {
        quality,
        verdict: memory_verdict.max(speed_verdict),
        basis: Basis::Measured,
        memory_needed_bytes: needed_bytes,
        memory_budget_bytes: budget.map(|budget| budget.bytes),
        frame_empty_ms: times.map(|times| times.empty_ms),
        frame_full_ms: times.map(|times| times.full_ms),
        reasons,
    }
}

/// The rule of [`measured`]; `None` if nothing was measured.
fn extrapolate(needs: &Needs, measurement: &Measurement) -> Option<FrameTimes> {
    let p95_ms = measurement.p95_ms;
    if !p95_ms.is_finite() || p95_ms <= 0.0 || measurement.steps_measured == 0 {
        return None;
    }
    let context_bytes = |frames: u32| f64::from(frames) * needs.context_bytes_per_frame as f64;
    let now_bytes = context_bytes(measurement.context_now_frames.min(measurement.context_full_frames));
    let bytes_per_ms = (needs.read_bytes_per_frame as f64 + now_bytes) / p95_ms;
    let full_bytes = context_bytes(measurement.context_full_frames);
    Some(FrameTimes {
        empty_ms: p95_ms - now_bytes / bytes_per_ms,
        full_ms: p95_ms + (full_bytes - now_bytes) / bytes_per_ms,
    })
}

fn arithmetic(measurement: &Measurement, times: FrameTimes) -> String {
    let Measurement { p95_ms, steps_measured, context_now_frames, context_full_frames, .. } = *measurement;
    let measured = format!(
        "Time: p95 of {p95_ms:.1} ms over {steps_measured} frames, measured with {context_now_frames} frames of context"
    );
    if context_now_frames >= context_full_frames {
        return measured;
    }
    format!("{measured}; by the bytes still to come {:.1} ms with {context_full_frames}", times.full_ms)
}
