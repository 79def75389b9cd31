//! What a measurement came to, as a table for people or JSON for programs.

use std::path::PathBuf;
use std::time::Duration;

use moshibar_model::{DeviceKind, GraphOperations, ModelDescription, RuntimeReport};
use moshibar_session::{MemoryUse, Metrics, MetricsReport, Percentiles};
use serde_json::{Value, json};

use crate::args::BenchArgs;
use crate::commands::milliseconds;
use crate::machine::readable_bytes;
use crate::table::table;

use super::Measured;

/// What made the figures, for tables that stand beside others.
pub(super) const IMPLEMENTATION: &str = "Moshibar (MLX, Rust)";

/// Why figures of a machine without a GPU are no figures of the product.
pub(super) const CPU_WARNING: &str = "measured on the CPU, where the program is right but not meant to be fast: these figures compare versions and implementations on this machine, and say nothing about the product's speed on a GPU";

/// One quality, measured.
pub(super) struct Report<'a> {
    pub(super) args: &'a BenchArgs,
    pub(super) model: String,
    pub(super) runtime: RuntimeReport,
    pub(super) description: ModelDescription,
    pub(super) weights: PathBuf,
    pub(super) file_bytes: u64,
    pub(super) load_time: Duration,
    pub(super) measured: Measured,
    /// The second run, with a wait after each stage.
    pub(super) apart: Option<Metrics>,
    pub(super) operations: GraphOperations,
    /// Weights that one frame reads.
    pub(super) traffic_bytes: u64,
    pub(super) memory: MemoryUse,
    pub(super) resident_bytes: Option<u64>,
}

impl Report<'_> {
    /// For people.
    pub(super) fn text(&self) -> String {
        let Self { args, description, .. } = self;
        let metrics = self.measured.metrics.report();
        let what = if args.lm_only { ", the language model alone" } else { "" };
        let mut lines = vec![
            format!(
                "{} {}{what}, on {}: {} frames after {} that do not count, {}, context {}",
                self.model,
                description.quality.name(),
                device(&self.runtime),
                args.frames,
                args.warmup,
                if args.greedy { "greedy" } else { "sampled" },
                description.context,
            ),
            String::new(),
            self.durations(&metrics),
            String::new(),
            format!(
                "Real time:    {}: 99 % of the frames took at most {:.1} ms of {:.0} ms; {} of {} took longer than that",
                yes_or_no(is_real_time(&metrics)),
                metrics.frame.p99_ms,
                metrics.deadline_ms,
                metrics.missed_deadlines,
                metrics.frame.count,
            ),
        ];
        if let Some(answers) = self.measured.answers.as_ref().map(Metrics::report) {
            lines.push(format!(
                "At its pace:  answered {:.1} ms (p50), {:.1} ms (p99) after a frame was there; {} of {} answers came too late",
                answers.frame.p50_ms, answers.frame.p99_ms, answers.missed_deadlines, answers.frame.count,
            ));
        }
        lines.push(format!(
            "Graph:        {} operations per frame, of which {} compute; {} synchronisation(s) per frame",
            self.operations.primitives,
            self.operations.computing,
            self.synchronisations_per_frame(&metrics),
        ));
        lines.push(format!(
            "Weights:      {} read per frame, {:.2} GB/s at the median frame",
            readable_bytes(self.traffic_bytes),
            self.gigabytes_per_second(&metrics),
        ));
        lines.push(format!(
            "Memory:       {} at most in MLX while it ran; {} at most in the process, loading included",
            readable_bytes(self.memory.peak_bytes as u64),
            self.resident_bytes.map_or_else(|| "unknown".to_owned(), readable_bytes),
        ));
        lines.push(format!(
            "Loading:      {:.2} s, none of it quantising; {} holds {}",
            self.load_time.as_secs_f64(),
            self.weights.display(),
            readable_bytes(self.file_bytes),
        ));
        lines.extend(self.warning().map(|warning| format!("Beware:       {warning}.")));
        lines.join("\n")
    }

    /// The table of durations.
    fn durations(&self, metrics: &MetricsReport) -> String {
        let mut rows = vec![row("whole frame", &metrics.frame)];
        rows.extend(metrics.stages.iter().map(|stage| row(&format!("  {}", stage.stage), &stage.percentiles)));
        if let Some(apart) = self.apart.as_ref().map(Metrics::report) {
            rows.push(row("waiting after each stage, slower", &apart.frame));
            rows.extend(apart.stages.iter().map(|stage| row(&format!("  {}", stage.stage), &stage.percentiles)));
        }
        table(&["ms", "p50", "p95", "p99", "max"], &rows)
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let Self { args, description, .. } = self;
        let metrics = self.measured.metrics.report();
        let apart = self.apart.as_ref().map(Metrics::report).map(|apart| {
            let stages: serde_json::Map<String, Value> =
                apart.stages.iter().map(|stage| (stage.stage.to_owned(), json!(stage.percentiles))).collect();
            json!({ "frames": apart.frame.count, "whole_frame": apart.frame, "by_stage": stages })
        });
        json!({
            "implementation": IMPLEMENTATION,
            "model": self.model,
            "quality": description.quality,
            "device": description.device,
            "device_name": self.runtime.device_name,
            "backend": self.runtime.backend,
            "mlx_version": self.runtime.mlx_version,
            "lm_only": args.lm_only,
            "greedy": args.greedy,
            "paced": args.paced,
            "frames": args.frames,
            "warmup": args.warmup,
            "context": description.context,
            "metrics": metrics,
            "answers": self.measured.answers.as_ref().map(|answers| {
                let report = answers.report();
                json!({ "late": report.missed_deadlines, "after_arrival": report.frame })
            }),
            "waiting_after_each_stage": apart,
            "real_time": is_real_time(&metrics),
            "real_time_means": "p99 of the whole frame is at most deadline_ms",
            "operations_per_frame": self.operations,
            "synchronisations_per_frame": self.synchronisations_per_frame(&metrics),
            "weight_bytes_per_frame": self.traffic_bytes,
            "gigabytes_per_second": self.gigabytes_per_second(&metrics),
            "peak_memory": {
                "mlx_bytes": self.memory.peak_bytes,
                "process_bytes": self.resident_bytes,
                "means": "mlx: while frames ran; process: resident, loading included",
            },
            "ring_bytes": description.ring_bytes,
            "weights_file": self.weights,
            "weights_file_bytes": self.file_bytes,
            "load_ms": milliseconds(self.load_time),
            "quantisation_ms": 0,
            "warnings": self.warning().into_iter().collect::<Vec<_>>(),
        })
    }

    fn synchronisations_per_frame(&self, metrics: &MetricsReport) -> f64 {
        self.measured.synchronisations as f64 / metrics.frame.count.max(1) as f64
    }

    fn gigabytes_per_second(&self, metrics: &MetricsReport) -> f64 {
        if metrics.frame.p50_ms > 0.0 { self.traffic_bytes as f64 / metrics.frame.p50_ms / 1e6 } else { 0.0 }
    }

    fn warning(&self) -> Option<&'static str> {
        (self.description.device == DeviceKind::Cpu).then_some(CPU_WARNING)
    }
}

/// Whether a live talk would not stutter: all but one frame in a hundred are in time.
fn is_real_time(metrics: &MetricsReport) -> bool {
    metrics.frame.p99_ms <= metrics.deadline_ms
}

pub(super) fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

/// The device in words.
fn device(runtime: &RuntimeReport) -> String {
    let kind = match runtime.device {
        DeviceKind::Cpu => "the CPU",
        DeviceKind::Gpu => "the GPU",
    };
    match &runtime.device_name {
        Some(name) => format!("{kind} ({name})"),
        None => kind.to_owned(),
    }
}

fn row(name: &str, Percentiles { p50_ms, p95_ms, p99_ms, max_ms, .. }: &Percentiles) -> Vec<String> {
    let numbers = [p50_ms, p95_ms, p99_ms, max_ms].map(|value| format!("{value:.2}"));
    std::iter::once(name.to_owned()).chain(numbers).collect()
}
