//! `moshibar models check NAME`: the model runs as in a talk, frames back to back, and what they took replaces the estimate.

use std::time::{Duration, Instant};

use moshibar_model::{DeviceKind, ModelFiles, Synchronisation};
use moshibar_session::{Engine as _, Metrics, SessionError};
use moshibar_store::{Fit, Machine, Measurement, Needs, Reference, measured};
use serde_json::{Value, json};

use crate::args::{CheckArgs, HubArgs, ModelArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::loading::{Loaded, Source};
use crate::machine::readable_bytes;
use crate::model_choice::stored::of_store;
use crate::progress::Progress;
use crate::speech_like::SpeechLike;

/// Frames that do not count, in which things are compiled and caches fill: as many as `moshibar bench` leaves out.
const WARMUP_FRAMES: u64 = 8;

/// How far the bytes that a frame reads may be from the released model's for it to count as one.
const SAME_TRAFFIC: f64 = 0.05;

const UNOPTIMISED: &str = "this program was built without optimisation, so every figure is worse than it would be: build it with `cargo build --release`";
const ON_THE_CPU: &str = "measured on the CPU, where the program is right but not meant to be fast";

/// What a run came to.
struct Run {
    metrics: Metrics,
    /// Frames of context that were filled when the first one was measured; the later ones had more, and are slower.
    context_frames: u64,
    context_full: usize,
    peak_bytes: usize,
    quality: moshibar_model::Quality,
    device: DeviceKind,
}

/// Runs a model for a while.
///
/// # Errors
/// [`CliError`] of finding, loading or computing.
pub(super) fn run(name: &str, args: &CheckArgs, console: &Console) -> Result<Verdict, CliError> {
    let model = ModelArgs { model: name.to_owned(), device: args.device };
    let source = Source::find(&model, args.quality, console)?;
    let run = run_frames(&source, args.seconds, console)?;
    let report = run.metrics.report();
    let fit = is_released(&source.chosen.files, &run).then(|| {
        let measurement = Measurement {
            p95_ms: report.frame.p95_ms,
            steps_measured: u32::try_from(report.frame.count).unwrap_or(u32::MAX),
            context_now_frames: u32::try_from(run.context_frames).unwrap_or(u32::MAX),
            context_full_frames: u32::try_from(run.context_full).unwrap_or(u32::MAX),
            peak_memory_bytes: Some(run.peak_bytes as u64),
        };
        let machine = Machine::this();
        keep(name, &machine, &measurement, console);
        measured(of_store(run.quality), Some(&machine), &measurement)
    });
    let warnings = warnings(&run);
    let value = json!({
        "model": source.chosen.name,
        "quality": run.quality,
        "device": run.device,
        "frames": report.frame.count,
        "frame": report.frame,
        "deadline_ms": report.deadline_ms,
        "keeps_up": report.frame.p95_ms <= report.deadline_ms,
        "context": { "measured_from_frames": run.context_frames, "full_frames": run.context_full },
        "peak_memory_bytes": run.peak_bytes,
        "fit": fit,
        "warnings": warnings,
    });
    console.result(&text(&source.chosen.name, &run, fit.as_ref(), &warnings, &value), &value)?;
    Ok(Verdict::Good)
}

/// Keeps what was measured with a model of the library, so that `moshibar models list` shows it from now on.
fn keep(name: &str, machine: &Machine, measurement: &Measurement, console: &Console) {
    let Ok(reference) = name.parse::<Reference>() else { return };
    let kept = HubArgs::default().store().and_then(|store| {
        store.keep_measurement(&reference, machine, measurement).map_err(crate::error::CliError::from)
    });
    if let Err(error) = kept {
        console.note(&format!("The measurement is not kept: {}", error.message));
    }
}

fn run_frames(source: &Source<'_>, length: Duration, console: &Console) -> Result<Run, CliError> {
    let Loaded { model: mut engine, .. } = source.engine(Synchronisation::PerFrame)?;
    let mut voice = SpeechLike::new();
    let mut metrics = Metrics::default();
    let mut progress = Progress::of_seconds(console, "Measuring", length);
    let mut frame = 0;
    let mut step = |metrics: Option<&mut Metrics>| -> Result<(), CliError> {
        let heard = voice.next_frame();
        let started = Instant::now();
        let reply = engine.step(&heard).map_err(|reason| SessionError::Engine { frame, reason })?;
        if let Some(metrics) = metrics {
            metrics.record(started.elapsed(), &reply.stages);
        }
        frame += 1;
        Ok(())
    };
    // The first frame is never a measure; where each takes seconds, it is the only one that does not count.
    let started = Instant::now();
    let mut warmup = 0;
    while warmup == 0 || (warmup < WARMUP_FRAMES && started.elapsed() < length) {
        step(None)?;
        warmup += 1;
        progress.reached(0)?;
    }
    let started = Instant::now();
    let mut is_first = true;
    while is_first || started.elapsed() < length {
        step(Some(&mut metrics))?;
        is_first = false;
        progress.reached(started.elapsed().as_secs())?;
    }
    drop(progress);
    let description = engine.description();
    Ok(Run {
        metrics,
        context_frames: warmup.min(description.context as u64),
        context_full: description.context,
        peak_bytes: engine.memory().peak_bytes,
        quality: description.quality,
        device: description.device,
    })
}

/// Whether it is a released 7B, or as large as one: only for those is it known what the rest of the context will cost.
fn is_released(files: &ModelFiles, run: &Run) -> bool {
    let needs = Needs::of_released(of_store(run.quality));
    let expected = needs.read_bytes_per_frame as f64;
    // As a GPU reads them: on a CPU floats are twice as wide.
    let traffic = files.language_traffic(Some(run.quality), DeviceKind::Gpu);
    traffic.is_ok_and(|bytes| (bytes as f64 - expected).abs() <= expected * SAME_TRAFFIC)
}

fn warnings(run: &Run) -> Vec<&'static str> {
    let unoptimised = cfg!(debug_assertions).then_some(UNOPTIMISED);
    let on_the_cpu = (run.device == DeviceKind::Cpu).then_some(ON_THE_CPU);
    unoptimised.into_iter().chain(on_the_cpu).collect()
}

fn text(name: &str, run: &Run, fit: Option<&Fit>, warnings: &[&str], value: &Value) -> String {
    let report = run.metrics.report();
    let keeps_up = value.get("keeps_up").and_then(Value::as_bool).unwrap_or(false);
    let mut lines = vec![format!(
        "{name} {}: 95 % of {} frames took at most {:.1} of {:.0} ms; {} of memory at most",
        run.quality.name(),
        report.frame.count,
        report.frame.p95_ms,
        report.deadline_ms,
        readable_bytes(run.peak_bytes as u64),
    )];
    lines.push(if let Some(fit) = fit {
        format!("Measured, in place of the estimate. {}", super::check::text(fit))
    } else {
        let answer = if keeps_up { "It keeps up here" } else { "It does not keep up here" };
        let filled = (run.context_frames + report.frame.count).min(run.context_full as u64);
        format!("{answer}, with {filled} of its {} frames of context filled.", run.context_full)
    });
    lines.extend(warnings.iter().map(|warning| format!("Beware: {warning}.")));
    lines.join("\n")
}
