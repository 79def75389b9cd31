//! `moshibar bench --all`: every quality on disk, side by side.
//!
//! Each is measured by a process of its own: the peak of one would hide behind the peak of a larger one, and one that runs
//! out of memory takes nobody along.

use std::process::{Command, Stdio};

use clap::ValueEnum;
use moshibar_model::Quality;
use serde_json::{Value, json};

use crate::args::BenchArgs;
use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::exit::Verdict;
use crate::interrupt;
use crate::machine::readable_bytes;
use crate::model_choice::{ChosenModel, choose};
use crate::progress::Progress;
use crate::table::table;

use super::report::{IMPLEMENTATION, yes_or_no};

/// Measures all qualities, one after the other. Bad news if one of them cannot be measured.
///
/// # Errors
/// [`ErrorKind::NoModel`] if there is none, [`ErrorKind::Interrupted`].
pub(super) fn run(args: &BenchArgs, console: &Console) -> Result<Verdict, CliError> {
    let ChosenModel { name, files } = choose(&args.model.model, None, console)?;
    files.weights(None)?;
    let qualities = files.qualities();
    let mut progress = Progress::of_models(console, "Measuring", qualities.len() as u64);
    let mut measured = Vec::new();
    for (quality, _) in &qualities {
        progress.say(format!("{name} {}", quality.name()));
        let report = in_its_own_process(args, *quality)?;
        measured.push((*quality, report));
        progress.advance()?;
    }
    drop(progress);

    let failed = measured.iter().any(|(_, report)| report.get("error").is_some());
    let reports: Vec<&Value> = measured.iter().map(|(_, report)| report).collect();
    let value = json!({ "implementation": IMPLEMENTATION, "model": name, "qualities": reports });
    console.result(&text(&name, &measured), &value)?;
    Ok(if failed { Verdict::Bad } else { Verdict::Good })
}

/// What `moshibar bench --json` says about one quality, its own error included.
fn in_its_own_process(args: &BenchArgs, quality: Quality) -> Result<Value, CliError> {
    let cannot_start = |reason: std::io::Error| {
        let message = format!("cannot start the measurement of {} ({reason}); try again", quality.name());
        CliError::new(ErrorKind::Device, message)
    };
    let mut command = Command::new(std::env::current_exe().map_err(cannot_start)?);
    command.args(["bench", "--json", "--quality", quality.name(), "--model", &args.model.model]);
    command.args(["--frames", &args.frames.to_string(), "--warmup", &args.warmup.to_string()]);
    if let Some(device) = args.model.device.to_possible_value() {
        command.args(["--device", device.get_name()]);
    }
    if let Some(context) = args.context {
        command.args(["--context", &context.to_string()]);
    }
    command.args(args.paced.then_some("--paced")).args(args.greedy.then_some("--greedy"));
    // Its errors come as JSON too.
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().map_err(cannot_start)?;
    interrupt::check()?;
    let report = serde_json::from_slice(&output.stdout).ok().filter(Value::is_object);
    let mut report = report.unwrap_or_else(|| {
        let message = format!(
            "the measurement broke off ({}), most likely for want of memory: close other programs, or leave this quality out",
            output.status
        );
        let failure = CliError::new(ErrorKind::Device, message);
        json!({ "error": { "code": failure.code, "message": failure.message } })
    });
    if let Some(report) = report.as_object_mut() {
        report.insert("quality".to_owned(), json!(quality));
    }
    Ok(report)
}

fn text(model: &str, measured: &[(Quality, Value)]) -> String {
    let number = |report: &Value, path: &str| report.pointer(path).and_then(Value::as_f64).unwrap_or_default();
    let bytes = |report: &Value, path: &str| readable_bytes(number(report, path) as u64);
    let ms = |report: &Value, path: &str| format!("{:.1}", number(report, path));
    let rows: Vec<Vec<String>> = measured
        .iter()
        .filter(|(_, report)| report.get("error").is_none())
        .map(|(quality, report)| {
            vec![
                IMPLEMENTATION.to_owned(),
                report.pointer("/device").and_then(Value::as_str).unwrap_or("?").to_owned(),
                quality.name().to_owned(),
                bytes(report, "/weights_file_bytes"),
                format!("{:.2} s", number(report, "/load_ms") / 1e3),
                format!("{:.0} s", number(report, "/quantisation_ms") / 1e3),
                ms(report, "/metrics/frame/p50_ms"),
                ms(report, "/metrics/frame/p95_ms"),
                ms(report, "/metrics/frame/p99_ms"),
                bytes(report, "/peak_memory/mlx_bytes"),
                yes_or_no(report.pointer("/real_time").and_then(Value::as_bool).unwrap_or(false)).to_owned(),
            ]
        })
        .collect();
    let header = [
        "implementation",
        "device",
        "quality",
        "file",
        "load",
        "quantising",
        "ms p50",
        "ms p95",
        "ms p99",
        "memory",
        "real time",
    ];
    let mut lines = vec![
        model.to_owned(),
        String::new(),
        table(&header, &rows),
        String::new(),
        "Real time: the p99 of a frame is at most 80 ms. Memory: MLX's peak while frames ran.".to_owned(),
    ];
    for (quality, report) in measured {
        if let Some(message) = report.pointer("/error/message").and_then(Value::as_str) {
            lines.push(format!("{}: {message}", quality.name()));
        }
    }
    let warning = measured.iter().find_map(|(_, report)| report.pointer("/warnings/0")?.as_str());
    lines.extend(warning.map(|warning| format!("Beware: {warning}.")));
    lines.join("\n")
}
