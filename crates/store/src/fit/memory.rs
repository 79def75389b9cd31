//! The memory side of a verdict: what a talk takes, and what a machine has for it.

use super::{Judgement, Needs, Verdict, gigabytes};
use crate::machine::{Gpu, Machine};

/// From 36 GiB on Metal's `recommendedMaxWorkingSetSize` is 3/4 of memory, below it 2/3. Logs of llama.cpp: 36 GiB has
/// 28,991 MB (3/4) and 64 GiB 49,152 MiB (3/4); 32 GiB has 21,845 MiB (2/3) and 16 GiB 10,923 MiB (2/3).
const LARGE_MEMORY_BYTES: u64 = 36 << 30;

/// More than this part of the budget is tight: our own count is some 10 % off what others measured, and windows, browsers
/// and calls share the same GPU memory.
const TIGHT_SHARE: f64 = 0.85;

/// What the system and a browser keep for themselves before a Mac starts to compress and swap. A round figure, not measured.
const SYSTEM_BYTES: u64 = 4_000_000_000;

/// Memory that a machine has for the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) bytes: u64,
    /// Where the figure comes from, for people.
    origin: String,
}

/// Bytes that a talk takes on this device, at full context.
pub(super) fn needed_bytes(needs: &Needs, gpu: &Gpu) -> u64 {
    needs.memory_bytes() + extra_bytes(needs, gpu)
}

fn extra_bytes(needs: &Needs, gpu: &Gpu) -> u64 {
    if *gpu == Gpu::None { needs.cpu_extra_bytes } else { 0 }
}

/// What the machine has for the model; `None` if that is not known.
pub(super) fn budget(machine: &Machine) -> Option<Budget> {
    match &machine.gpu {
        Gpu::Apple(_) | Gpu::AppleUnknown { .. } => machine.memory_bytes.map(|memory_bytes| {
            let (bytes, part) = if memory_bytes < LARGE_MEMORY_BYTES {
                (memory_bytes / 3 * 2, "2/3")
            } else {
                (memory_bytes / 4 * 3, "3/4")
            };
            let gib = memory_bytes as f64 / f64::from(1 << 30);
            Budget { bytes, origin: format!("{part} of {gib:.0} GiB, which macOS lets a GPU use") }
        }),
        Gpu::Other { memory_bytes, .. } => {
            memory_bytes.map(|bytes| Budget { bytes, origin: "the GPU's memory".to_owned() })
        }
        Gpu::None => machine.memory_bytes.map(|memory_bytes| Budget {
            bytes: memory_bytes.saturating_sub(SYSTEM_BYTES),
            origin: format!("{} less {} for the system", gigabytes(memory_bytes), gigabytes(SYSTEM_BYTES)),
        }),
    }
}

/// Judges what a talk takes by the arithmetic of [`Needs`].
pub(super) fn judge(needs: &Needs, needed_bytes: u64, budget: Option<&Budget>, machine: &Machine) -> Judgement {
    let extra = match extra_bytes(needs, &machine.gpu) {
        0 => String::new(),
        bytes => format!(" + {} more because a CPU computes in f32", gigabytes(bytes)),
    };
    let sum = format!(
        "Memory: {} of weights + {} of context ({} frames) + {} of Mimi + {} to work in{extra} = {}",
        gigabytes(needs.weights_bytes),
        gigabytes(needs.context_bytes_full),
        needs.context_frames,
        gigabytes(needs.mimi_bytes),
        gigabytes(needs.working_bytes),
        gigabytes(needed_bytes),
    );
    let (verdict, conclusion) = compare(needed_bytes, budget, machine);
    Judgement { verdict, reasons: vec![sum, conclusion] }
}

/// Judges what a talk took. It ran, so it fits; the question is what is left.
pub(super) fn judge_measured(peak_bytes: u64, budget: Option<&Budget>, machine: &Machine) -> Judgement {
    let sum = format!("Memory: {} at most, measured", gigabytes(peak_bytes));
    let (verdict, conclusion) = compare(peak_bytes, budget, machine);
    match verdict {
        Verdict::Unknown => Judgement { verdict: Verdict::Comfortable, reasons: vec![sum] },
        Verdict::WillNotFit => Judgement {
            verdict: Verdict::Tight,
            reasons: vec![sum, format!("{conclusion}; it ran, at the cost of other programs")],
        },
        _ => Judgement { verdict, reasons: vec![sum, conclusion] },
    }
}

fn compare(needed_bytes: u64, budget: Option<&Budget>, machine: &Machine) -> (Verdict, String) {
    let Some(budget) = budget else {
        return (Verdict::Unknown, "How much memory there is for it is not known".to_owned());
    };
    let share = needed_bytes as f64 / budget.bytes.max(1) as f64;
    let of_budget = format!("{:.0} % of {} ({})", share * 100.0, gigabytes(budget.bytes), budget.origin);
    // Only where model and system share one memory; the budget of a CPU is already without the system's part.
    let left_bytes = match machine.gpu {
        Gpu::Apple(_) | Gpu::AppleUnknown { .. } => {
            machine.memory_bytes.map(|bytes| bytes.saturating_sub(needed_bytes))
        }
        Gpu::Other { .. } | Gpu::None => None,
    };
    match left_bytes {
        _ if share > 1.0 => (Verdict::WillNotFit, format!("That is {of_budget}: it does not fit")),
        _ if share > TIGHT_SHARE => (Verdict::Tight, format!("That is {of_budget}: close other large programs first")),
        Some(left_bytes) if left_bytes < SYSTEM_BYTES => (
            Verdict::Tight,
            format!("That is {of_budget} and leaves the system {}: close other programs first", gigabytes(left_bytes)),
        ),
        _ => (Verdict::Comfortable, format!("That is {of_budget}")),
    }
}
