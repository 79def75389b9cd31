//! `moshibar talk`: a recording goes in, Moshi's answer comes out, frame by frame as in a live talk.

mod outputs;
mod summary;

use std::ops::ControlFlow;

use moshibar_audio::{Frames, read_wav};
use moshibar_model::Synchronisation;
use moshibar_session::{Engine as _, Event, FrameDone, talk};

use crate::args::TalkArgs;
use crate::caption_line::CaptionLine;
use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::exit::Verdict;
use crate::loading::{Loaded, Source};
use crate::progress::Progress;

use self::outputs::Outputs;
use self::summary::Summary;

/// Holds one talk.
///
/// # Errors
/// [`CliError`] of reading, loading, computing or writing; no file is written then.
pub(crate) fn run(args: &TalkArgs, console: &Console) -> Result<Verdict, CliError> {
    let samples = read_wav(&args.input)?.at_engine_rate()?;
    let frames = Frames::new(&samples, args.tail);
    if frames.len() == 0 {
        let message = format!("{} is too short to talk about; choose a longer recording", args.input.display());
        return Err(CliError::new(ErrorKind::BadInput, message));
    }
    let source = Source::find(&args.model, args.quality.quality, console)?.draw(&args.sampling);
    // Before the weights, so that nobody waits for an answer that cannot be written.
    let mut outputs = Outputs::create(args, frames.len())?;
    let synchronisation = if args.trace.is_some() { Synchronisation::PerStage } else { Synchronisation::PerFrame };
    let Loaded { model: mut engine, time: load_time } = source.engine(synchronisation)?;

    let mut progress = Progress::of_frames(console, "Talking", frames.len() as u64);
    let mut captions = CaptionLine::default();
    let print = |lines: Vec<String>, progress: &Progress| {
        lines.into_iter().try_for_each(|line| progress.aside(|| console.live(&line)))
    };
    let mut hear = |done: &FrameDone<'_>| -> Result<(), CliError> {
        outputs.take(done)?;
        print(captions.push(done.index, done.text), &progress)?;
        progress.say(captions.text().to_owned());
        progress.advance()
    };
    let mut failure = None;
    let talk = talk(&mut engine, frames, |event| {
        let Event::FrameDone(done) = event;
        match hear(&done) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = failure {
        return Err(error);
    }
    print(captions.finish(), &progress)?;
    drop(progress);

    let words = outputs.transcript().clone();
    let written = outputs.finish()?;
    let summary = Summary {
        args,
        model: &source.chosen.name,
        engine: engine.description(),
        memory: engine.memory(),
        load_time,
        talk: &talk,
        words: &words,
        written,
    };
    console.result(&summary.text(), &summary.json())?;
    Ok(Verdict::Good)
}
