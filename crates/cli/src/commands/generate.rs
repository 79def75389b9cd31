//! `moshibar generate`: the language model alone, one step per column of the user's codes.

use moshibar_audio::AtomicFile;
use moshibar_session::Metrics;
use moshibar_session::{Stage, StageTimes};
use safetensors::tensor::Dtype;
use serde_json::json;

use crate::args::GenerateArgs;
use crate::codes_file::{Codes, write_tensors};
use crate::commands::{check_distinct, milliseconds};
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::loading::{Loaded, Source};
use crate::progress::Progress;

/// What stands where PyTorch's `LMGen.step` returns `None`.
const NOTHING_YET: i32 = -1;

/// Generates from one file.
///
/// # Errors
/// [`CliError`] of reading, loading, computing or writing.
pub(crate) fn run(args: &GenerateArgs, console: &Console) -> Result<Verdict, CliError> {
    check_distinct(&args.input, &[&args.output])?;
    let codes = Codes::read(&args.input)?;
    let source = Source::find(&args.model, args.quality.quality, console)?.draw(&args.sampling);
    let file = AtomicFile::create(&args.output)?;
    let Loaded { model: mut generator, time: load_time } = source.generator()?;

    let mut progress = Progress::of_frames(console, "Generating", codes.frames as u64);
    let mut metrics = Metrics::default();
    let mut text = Vec::with_capacity(codes.frames);
    let mut audio = vec![Vec::with_capacity(codes.frames); generator.moshi_codebooks()];
    for column in codes.columns() {
        let (generated, times) =
            generator.step(&column).map_err(|error| CliError::refused_codes(&args.input, error))?;
        let mut stages = StageTimes::default();
        stages.record(Stage::Build, times.build);
        stages.record(Stage::Evaluate, times.evaluate);
        metrics.record(stages.total(), &stages);
        text.push(generated.as_ref().map_or(NOTHING_YET, |frame| frame.text));
        for (codebook, row) in audio.iter_mut().enumerate() {
            let code = generated.as_ref().and_then(|frame| frame.audio.get(codebook));
            row.push(code.copied().unwrap_or(NOTHING_YET));
        }
        progress.advance()?;
    }
    drop(progress);

    let bytes = |values: &[i32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let tensors = [
        ("text", Dtype::I32, &[codes.frames][..], bytes(&text)),
        ("audio", Dtype::I32, &[audio.len(), codes.frames][..], bytes(&audio.concat())),
    ];
    write_tensors(file, &tensors)?;
    let words = format!("Tokens: {} ({} steps)", args.output.display(), codes.frames);
    let value = json!({
        "frames": codes.frames,
        "moshi_codebooks": audio.len(),
        "load_ms": milliseconds(load_time),
        "metrics": metrics.report(),
        "model": source.chosen.name,
        "quality": generator.quality(),
        "greedy": args.sampling.greedy,
        "seed": args.sampling.seed,
        "files": { "tokens": args.output },
    });
    console.result(&words, &value)?;
    Ok(Verdict::Good)
}
