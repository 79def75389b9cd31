//! `moshibar live`: the microphone goes in, Moshi comes out of the speaker, until somebody ends it.

mod engines;
pub(crate) mod keys;
mod lines;
mod screen;
mod summary;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moshibar_audio::{AtomicFile, AudioError, CpalBackend, DspOptions, DuplexOptions, SupervisorOptions, SystemClock};
use moshibar_session::Trace;
use moshibar_session::live::{Command, Devices, EndReason, EngineSource, LiveEvent, LiveSession, TalkEnd, TalkOptions};

use crate::args::LiveArgs;
use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::exit::Verdict;
use crate::interrupt;
use crate::loading::Source;

use self::engines::{Loopback, ModelSource};
use self::keys::Keys;
use self::lines::Lines;
use self::screen::Screen;
use self::summary::Summary;

/// How often keys, Ctrl-C and the clock are looked at.
const LOOK_AROUND: Duration = Duration::from_millis(40);

/// Frames in a timeline: ten minutes.
const TRACE_FRAMES: usize = 7_500;

/// Who shows what happens: a person's screen, or lines for a program.
trait Show {
    fn show(&mut self, event: &LiveEvent) -> Result<(), CliError>;
    fn finish(&mut self) -> Result<(), CliError>;
}

/// Holds a live talk.
///
/// # Errors
/// [`CliError`] if there is no model or no device, or if the talk broke off.
pub(crate) fn run(args: &LiveArgs, console: &Console) -> Result<Verdict, CliError> {
    let (model, source): (String, Box<dyn EngineSource>) = if args.loopback {
        ("loopback".to_owned(), Box::new(Loopback))
    } else {
        let source = Source::find(&args.model, args.quality.quality, console)?.draw(&args.sampling);
        let (chosen, options) = (source.chosen, source.options);
        (chosen.name.clone(), Box::new(ModelSource::new(chosen, options)))
    };
    // Before the weights, so that nobody talks for a timeline that cannot be written.
    let trace = args.trace.as_ref().map(AtomicFile::create).transpose()?;
    let clock = Arc::new(SystemClock::default());
    let options = DuplexOptions {
        devices: SupervisorOptions {
            input: args.input_device.clone().into(),
            output: args.output_device.clone().into(),
        },
        dsp: DspOptions { echo: args.echo.into(), noise_suppression: args.noise_suppression },
    };
    let devices = Devices::new(Box::new(|| Ok(Box::new(CpalBackend::new()))), options, Arc::clone(&clock) as _);
    let (session, events) = LiveSession::spawn(source, Box::new(devices), clock).map_err(|reason| {
        CliError::new(ErrorKind::Device, format!("cannot start a thread ({reason}); close other programs"))
    })?;
    let talk = TalkOptions {
        record_into: args.record.clone(),
        trace_frames: if args.trace.is_some() { TRACE_FRAMES } else { 0 },
        muted: args.muted,
        push_to_talk: args.push_to_talk,
    };
    session.send(Command::Start(talk)).map_err(|error| CliError::new(ErrorKind::Device, error.to_string()))?;

    let mut keys = Keys::listen(console, args);
    let mut view: Box<dyn Show + '_> =
        if console.is_json() { Box::new(Lines::new(console)) } else { Box::new(Screen::new(console, keys.help())) };
    let began = Instant::now();
    let mut is_ending = false;
    let mut view_failure = None;
    let end: Box<TalkEnd> = loop {
        let wants_end = interrupt::is_asked() || args.seconds.is_some_and(|limit| began.elapsed() >= limit);
        if !is_ending && (wants_end || view_failure.is_some()) {
            is_ending = true;
            session.send(Command::Stop).ok(); // a hanging engine does not hear it; a second Ctrl-C ends the process
        }
        for command in keys.commands() {
            session.send(command).ok();
        }
        match events.next(LOOK_AROUND) {
            Ok(Some(LiveEvent::Ended(end))) => break end,
            Ok(Some(event)) => {
                if let Err(error) = view.show(&event) {
                    view_failure.get_or_insert(error);
                }
            }
            Ok(None) => {}
            Err(_over) => {
                return Err(CliError::new(ErrorKind::Device, "the session broke off without a word; start again"));
            }
        }
    };
    view.finish()?;
    drop(view);
    drop(keys);
    drop(session);
    if let (Some(file), Some(timeline), Some(path)) = (trace, &end.trace, &args.trace) {
        write_trace(file, timeline, path)?;
    }
    if let Some(error) = view_failure {
        return Err(error);
    }
    if end.reason.is_failure() {
        return Err(broken_off(&end.reason));
    }
    let summary = Summary { args, model: &model, end: &end };
    if console.is_json() {
        console.line(&summary.json())?;
    } else {
        console.result(&summary.text(), &summary.json())?;
    }
    Ok(Verdict::Good)
}

fn write_trace(mut file: AtomicFile, trace: &Trace, path: &Path) -> Result<(), CliError> {
    trace.write_json(&mut file).map_err(|reason| AudioError::writing(path, reason))?;
    Ok(file.commit()?)
}

fn broken_off(reason: &EndReason) -> CliError {
    use moshibar_audio::DeviceErrorKind;
    let kind = match reason {
        EndReason::LoadFailed(_) => ErrorKind::BadModel,
        EndReason::Recording(_) => ErrorKind::Output,
        EndReason::Device(error) if error.kind == DeviceErrorKind::UnknownName => ErrorKind::Usage,
        EndReason::Device(_) => ErrorKind::Sound,
        _ => ErrorKind::Device,
    };
    CliError::new(kind, reason.to_string())
}
