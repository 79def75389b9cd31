//! `moshibar encode`: a recording to Mimi's codes. Every frame is encoded, the last one filled up with silence.

use std::time::{Duration, Instant};

use moshibar_audio::{AtomicFile, Frames, read_wav};
use serde_json::json;

use crate::args::EncodeArgs;
use crate::codes_file::Codes;
use crate::commands::{check_distinct, milliseconds};
use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::exit::Verdict;
use crate::loading::Source;
use crate::progress::Progress;

/// Encodes one file.
///
/// # Errors
/// [`CliError`] of reading, loading, computing or writing.
pub(crate) fn run(args: &EncodeArgs, console: &Console) -> Result<Verdict, CliError> {
    check_distinct(&args.input, &[&args.output])?;
    let samples = read_wav(&args.input)?.at_engine_rate()?;
    let frames = Frames::new(&samples, Duration::ZERO);
    if frames.len() == 0 {
        let message = format!("{} is too short to encode; choose a longer recording", args.input.display());
        return Err(CliError::new(ErrorKind::BadInput, message));
    }
    let source = Source::find(&args.model, None, console)?;
    let file = AtomicFile::create(&args.output)?;
    let mut codec = source.codec()?.model;

    let mut progress = Progress::of_frames(console, "Encoding", frames.len() as u64);
    let started = Instant::now();
    let mut columns = Vec::with_capacity(frames.len());
    for frame in frames {
        columns.push(codec.encode(&frame)?);
        progress.advance()?;
    }
    drop(progress);
    let time = started.elapsed();

    let codes = Codes::from_columns(codec.num_codebooks(), &columns);
    let Codes { num_codebooks, frames, .. } = codes;
    codes.write(file)?;
    let text = format!("Codes: {} ({num_codebooks} codebooks, {frames} frames)", args.output.display());
    let value = json!({
        "num_codebooks": num_codebooks,
        "frames": frames,
        "frame_ms_mean": milliseconds(time) / frames as f64,
        "model": source.chosen.name,
        "files": { "codes": args.output },
    });
    console.result(&text, &value)?;
    Ok(Verdict::Good)
}
