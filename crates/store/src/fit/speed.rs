//! The time side of a verdict: what a frame is expected to take on a chip, and what that means against 80 ms.
//!
//! A frame is reading: (temporal transformer + filled context) over the part of the bandwidth that the chip reaches, then
//! the depformer, whose small products reach less, then what the launches of its slices cost, then Mimi.

use super::{Chip, FrameTimes, Judgement, MEASURE, Needs, Verdict};
use crate::machine::Gpu;
use crate::quality::Quality;

/// A frame lasts 1,920 samples at 24 kHz.
pub(super) const FRAME_MS: f64 = 80.0;

/// The most that a comfortable frame takes: a quarter of its 80 ms stays free. A warm laptop slows down, other programs draw,
/// and in one report of 45 to 55 ms a frame (M1 Pro, q4) 2 of 504 frames took more than 80 ms.
pub(super) const COMFORTABLE_MS: f64 = 60.0;

/// How far an estimate is trusted: the base chips' shares, 0.77 and 0.84, lie 5 % around the 0.8 that stands for them.
/// Limits give way by so much for an estimate, so that it does not turn away what a measurement might admit.
pub(super) const ESTIMATE_SPREAD: f64 = 0.05;

/// Part of the bandwidth that the depformer's products of width 1,024 reach. An estimate.
const DEPFORMER_SHARE: f64 = 0.6;

/// Launches of the depformer that wait for each other, about 650 a frame (counted in the graph), and the cost of each:
/// 2.4 to 2.75 µs on an M3 Ultra (ml-explore/mlx#4521).
const DEPFORMER_LAUNCHES: f64 = 650.0;
const LAUNCH_MS: f64 = 0.002_5;

/// Mimi on the same GPU, both ways. A report has 2.7 ms for one; an estimate.
const MIMI_MS: f64 = 5.0;

/// CPU time of a frame's quantised products in f32 on one core of an AMD EPYC: MLX's CPU kernel has one thread. bf16 was
/// not measured.
const CPU_FRAME_S: [(Quality, f64); 2] = [(Quality::Q4, 7.7), (Quality::Q8, 10.8)];

/// What a frame is expected to take on a chip.
pub(super) fn estimate(needs: &Needs, chip: &Chip) -> FrameTimes {
    let reading = chip.bytes_per_ms() * chip.bandwidth_share;
    let main_bytes = needs.read_bytes_per_frame - needs.depformer_bytes_per_frame;
    let depformer_ms = needs.depformer_bytes_per_frame as f64 / (chip.bytes_per_ms() * DEPFORMER_SHARE);
    let empty_ms = main_bytes as f64 / reading + depformer_ms + DEPFORMER_LAUNCHES * LAUNCH_MS + MIMI_MS;
    FrameTimes { empty_ms, full_ms: empty_ms + needs.context_bytes_full as f64 / reading }
}

/// Judges a device by arithmetic; no times where there is none to be had.
pub(super) fn judge(quality: Quality, needs: &Needs, gpu: &Gpu) -> (Option<FrameTimes>, Judgement) {
    let chip = match gpu {
        Gpu::Apple(chip) => chip,
        Gpu::AppleUnknown { brand } => return (None, unknown(brand)),
        Gpu::Other { name, .. } => return (None, unknown(name)),
        Gpu::None => return (None, on_a_cpu(quality)),
    };
    let times = estimate(needs, chip);
    let mut reasons = vec![arithmetic(needs, chip, times)];
    if chip.lowest_of_several {
        reasons.push(format!(
            "{} is sold with faster memory too, and this machine does not tell: the slowest is taken",
            chip.name
        ));
    }
    let (verdict, conclusion) = compare(times, needs.context_frames, ESTIMATE_SPREAD);
    reasons.push(conclusion);
    reasons.push(format!("Estimated, not measured: {MEASURE}"));
    (Some(times), Judgement { verdict, reasons })
}

/// Holds times against the limits, which give way by `spread`.
pub(super) fn compare(times: FrameTimes, context_frames: u32, spread: f64) -> (Verdict, String) {
    let FrameTimes { empty_ms, full_ms } = times;
    if full_ms <= COMFORTABLE_MS * (1.0 + spread) {
        return (
            Verdict::Comfortable,
            format!("At most {full_ms:.0} of {FRAME_MS:.0} ms: room for heat and other programs"),
        );
    }
    if full_ms <= FRAME_MS {
        let line = format!("Up to {full_ms:.0} of {FRAME_MS:.0} ms: a warm machine or other programs can make it late");
        return (Verdict::Tight, line);
    }
    let when = if empty_ms >= FRAME_MS {
        "from the first frame on".to_owned()
    } else {
        let frames = (FRAME_MS - empty_ms) / (full_ms - empty_ms) * f64::from(context_frames);
        let seconds = (frames * FRAME_MS / 1_000.0) as u64;
        format!("from {} min {:02} s into a talk on", seconds / 60, seconds % 60)
    };
    let late =
        format!("A frame takes longer than the {FRAME_MS:.0} ms it lasts {when}, {full_ms:.0} ms at full context");
    if full_ms <= FRAME_MS * (1.0 + spread) {
        return (Verdict::Tight, format!("{late}. The estimate may be {:.0} % off, so it may keep up", spread * 100.0));
    }
    (Verdict::WillNotKeepUp, late)
}

fn arithmetic(needs: &Needs, chip: &Chip, times: FrameTimes) -> String {
    let gb = |bytes: u64| bytes as f64 / 1e9;
    format!(
        "Time: ({:.2} GB of weights + up to {:.2} GB of context) / ({:.2} × {:.0} GB/s of {}) + {:.2} GB of depformer / \
         ({DEPFORMER_SHARE:.2} × {:.0} GB/s) + {:.1} ms of launches + {MIMI_MS:.0} ms of Mimi = {:.1} ms, {:.1} ms at full \
         context",
        gb(needs.read_bytes_per_frame - needs.depformer_bytes_per_frame),
        gb(needs.context_bytes_full),
        chip.bandwidth_share,
        chip.bandwidth_gb_s,
        chip.name,
        gb(needs.depformer_bytes_per_frame),
        chip.bandwidth_gb_s,
        DEPFORMER_LAUNCHES * LAUNCH_MS,
        times.empty_ms,
        times.full_ms,
    )
}

fn unknown(name: &str) -> Judgement {
    Judgement {
        verdict: Verdict::Unknown,
        reasons: vec![format!("Time: no figures for '{name}', and none are guessed: {MEASURE}")],
    }
}

fn on_a_cpu(quality: Quality) -> Judgement {
    let measured = CPU_FRAME_S.iter().find(|(of, _)| *of == quality).map_or_else(
        || "seconds a frame".to_owned(),
        |(_, seconds)| format!("{seconds} s of CPU time a frame on an AMD EPYC"),
    );
    Judgement {
        verdict: Verdict::WillNotKeepUp,
        reasons: vec![format!(
            "Time: no GPU that the engine can use. A CPU takes {measured}, of which each lasts 80 ms"
        )],
    }
}
