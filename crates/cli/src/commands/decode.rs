//! `moshibar decode`: Mimi's codes to a WAV file.

use std::time::Instant;

use moshibar_audio::{Channels, SILENCE, SampleFormat, WavWriter};
use serde_json::json;

use crate::args::DecodeArgs;
use crate::codes_file::Codes;
use crate::commands::{check_distinct, milliseconds};
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::loading::Source;
use crate::progress::Progress;

/// Decodes one file.
///
/// # Errors
/// [`CliError`] of reading, loading, computing or writing.
pub(crate) fn run(args: &DecodeArgs, console: &Console) -> Result<Verdict, CliError> {
    check_distinct(&args.input, &[&args.output])?;
    let codes = Codes::read(&args.input)?;
    let source = Source::find(&args.model, None, console)?;
    let format = if args.float { SampleFormat::Float32 } else { SampleFormat::Int16 };
    let mut file = WavWriter::create(&args.output, Channels::Moshi, format)?;
    let mut codec = source.codec()?.model;

    let mut progress = Progress::of_frames(console, "Decoding", codes.frames as u64);
    let started = Instant::now();
    for (frame, column) in codes.columns().enumerate() {
        let speech = codec.decode(&column, frame).map_err(|error| CliError::refused_codes(&args.input, error))?;
        file.write(&SILENCE, &speech)?;
        progress.advance()?;
    }
    drop(progress);
    let time = started.elapsed();

    let finished = file.finish()?;
    let seconds = finished.duration.as_secs_f64();
    let text = format!("Speech: {} ({seconds:.2} s)", args.output.display());
    let value = json!({
        "num_codebooks": codes.num_codebooks,
        "frames": codes.frames,
        "seconds": seconds,
        "clipped_samples": finished.clipped_samples,
        "frame_ms_mean": milliseconds(time) / codes.frames as f64,
        "model": source.chosen.name,
        "files": { "speech": args.output },
    });
    console.result(&text, &value)?;
    Ok(Verdict::Good)
}
