//! `moshibar bench`: how fast a model runs here, measured on what a talk would run.
//!
//! The truth is a run with one synchronisation per frame. A shorter second run waits after each stage, to tell encode, step
//! and decode apart; it is slower than a talk, and labelled so.

mod all;
mod pace;
mod report;
mod subject;

use std::time::{Duration, Instant};

use moshibar_model::{GraphOperations, Sampling, Synchronisation};
use moshibar_session::{MemoryUse, Metrics, StageTimes};

use crate::args::BenchArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::loading::Source;
use crate::machine::peak_resident_bytes;
use crate::progress::Progress;

use self::pace::Pace;
use self::report::Report;
use self::subject::Subject;

/// Frames of the second run: percentiles of stages need no more, and nobody talks that way.
const FRAMES_APART: u64 = 50;

/// Measures one quality, or all of them.
///
/// # Errors
/// [`CliError`] of loading or computing.
pub(crate) fn run(args: &BenchArgs, console: &Console) -> Result<Verdict, CliError> {
    if args.all {
        return all::run(args, console);
    }
    let report = measure(args, console)?;
    console.result(&report.text(), &report.json())?;
    Ok(Verdict::Good)
}

/// What the first run came to.
struct Measured {
    metrics: Metrics,
    /// From the moment a frame was there to its answer; only where frames came at their pace.
    answers: Option<Metrics>,
    synchronisations: u64,
}

/// Measures one quality.
fn measure<'a>(args: &'a BenchArgs, console: &Console) -> Result<Report<'a>, CliError> {
    let mut source = Source::find(&args.model, args.quality.quality, console)?;
    source.options.context = args.context;
    source.options.sampling = args.greedy.then(Sampling::greedy);
    let runtime = moshibar_model::report(args.model.device.into())?;
    let (mut subject, load_time) = Subject::load(&source, args.lm_only)?;
    let description = subject.description().clone();
    let files = &source.chosen.files;
    let (quality, weights) = files.weights(Some(description.quality))?;
    let traffic = if args.lm_only {
        files.language_traffic(Some(quality), description.device)?
    } else {
        let traffic = files.traffic(Some(quality), description.device)?;
        traffic.language_bytes + traffic.codec_bytes
    };

    let measured = measure_frames(&mut subject, args, console)?;
    // Before the second run, which holds more of a frame at once.
    let (memory, resident_bytes): (MemoryUse, _) = (subject.memory(), peak_resident_bytes());
    let operations: GraphOperations = subject.count_operations()?;
    let apart = if args.lm_only { None } else { Some(measure_stages(&mut subject, args, console)?) };

    Ok(Report {
        args,
        model: source.chosen.name,
        runtime,
        file_bytes: std::fs::metadata(&weights).map_or(0, |about| about.len()),
        weights,
        description,
        load_time,
        measured,
        apart,
        operations,
        traffic_bytes: traffic,
        memory,
        resident_bytes,
    })
}

/// The first run: as a talk runs.
fn measure_frames(subject: &mut Subject, args: &BenchArgs, console: &Console) -> Result<Measured, CliError> {
    let mut progress = Progress::of_frames(console, "Measuring", args.warmup + args.frames);
    for _ in 0..args.warmup {
        subject.step()?;
        progress.advance()?;
    }
    let before = subject.synchronisations();
    let mut metrics = Metrics::default();
    let mut pace = args.paced.then(Pace::start);
    let mut answers = args.paced.then(Metrics::default);
    for _ in 0..args.frames {
        let arrived = pace.as_mut().map(Pace::next_frame);
        let (total, stages) = timed_step(subject)?;
        metrics.record(total, &stages);
        if let (Some(arrived), Some(answers)) = (arrived, &mut answers) {
            answers.record(arrived.elapsed(), &StageTimes::default());
        }
        progress.advance()?;
    }
    Ok(Measured { metrics, answers, synchronisations: subject.synchronisations() - before })
}

/// The second run: waits after each stage.
fn measure_stages(subject: &mut Subject, args: &BenchArgs, console: &Console) -> Result<Metrics, CliError> {
    subject.wait(Synchronisation::PerStage);
    let frames = args.frames.min(FRAMES_APART);
    let mut progress = Progress::of_frames(console, "Stages", frames);
    let mut metrics = Metrics::default();
    for _ in 0..frames {
        let (total, stages) = timed_step(subject)?;
        metrics.record(total, &stages);
        progress.advance()?;
    }
    Ok(metrics)
}

fn timed_step(subject: &mut Subject) -> Result<(Duration, StageTimes), CliError> {
    subject.prepare();
    let started = Instant::now();
    let stages = subject.step_prepared()?;
    Ok((started.elapsed(), stages))
}
