//! A trial: the model is loaded as for a talk and answers a few frames. Shows what headers cannot: weights that contradict
//! the config, memory that does not suffice after all, a device that computes nonsense.

use std::time::{Duration, Instant};

use moshibar_model::{DeviceKind, Synchronisation, memory_limit_bytes};
use moshibar_session::{Engine as _, FRAME_DURATION, SessionError};

use crate::args::DoctorArgs;
use crate::commands::milliseconds;
use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::loading::{Loaded, Source};
use crate::machine::readable_bytes;
use crate::progress::Progress;
use crate::speech_like::SpeechLike;

use super::findings::Findings;
use super::model::Examined;

/// Enough to speak, and to have left the first frame behind, in which kernels are compiled.
const FRAMES: u64 = 5;

/// Computes a few frames in the quality that is loaded by default.
///
/// # Errors
/// [`ErrorKind::Interrupted`]; everything else is a finding.
pub(super) fn compute(
    args: &DoctorArgs,
    examined: &mut Examined,
    console: &Console,
    findings: &mut Findings,
) -> Result<(), CliError> {
    match try_to_compute(args, console) {
        Ok(Trial { quality, device, fastest }) => {
            examined.was_tried = true;
            let limit = memory_limit_bytes()
                .map_or_else(String::new, |bytes| format!("; MLX may take {}", readable_bytes(bytes)));
            let facts =
                format!("{FRAMES} frames of {quality} computed, the fastest in {:.1} ms{limit}", milliseconds(fastest));
            if device == DeviceKind::Gpu && fastest > FRAME_DURATION {
                let message = format!("{facts}: too slow for a talk, which has 80 ms");
                findings.warning(
                    "frame",
                    message,
                    "choose a smaller quality, close other programs, then run `moshibar bench`",
                );
            } else {
                findings.good("frame", facts);
            }
            Ok(())
        }
        Err(error) if error.kind == ErrorKind::Interrupted => Err(error),
        Err(error) => {
            findings.bad("frame", error.message, "get the model again; if it stays so, try --device cpu");
            Ok(())
        }
    }
}

struct Trial {
    quality: &'static str,
    device: DeviceKind,
    fastest: Duration,
}

fn try_to_compute(args: &DoctorArgs, console: &Console) -> Result<Trial, CliError> {
    let source = Source::find(&args.model, None, console)?;
    let Loaded { model: mut engine, .. } = source.engine(Synchronisation::PerFrame)?;
    let mut progress = Progress::of_frames(console, "Trying", FRAMES);
    let mut voice = SpeechLike::new();
    let mut fastest = Duration::MAX;
    for frame in 0..FRAMES {
        let heard = voice.next_frame();
        let started = Instant::now();
        engine.step(&heard).map_err(|reason| SessionError::Engine { frame, reason })?;
        // The first frame has no speech yet, so it is no measure.
        if frame > 0 {
            fastest = fastest.min(started.elapsed());
        }
        progress.advance()?;
    }
    let description = engine.description();
    Ok(Trial { quality: description.quality.name(), device: description.device, fastest })
}
