//! From what a session says to what a person reads: a plain sentence, and the one button that helps.

use moshibar_audio::{AudioEvent, DeviceError, DeviceErrorKind, Direction};
use moshibar_session::live::{EndReason, LiveReport, Warning};

use crate::view::{Pace, Problem, ProblemAction};

/// What news are to a window.
pub(super) enum Said {
    /// Nothing that anybody must know.
    Nothing,
    /// It stands there until it is over.
    Lasts(Problem),
    /// What stood there under one of these codes is over.
    Over(&'static [&'static str]),
    /// It is shown once.
    Passing {
        /// What kind it is.
        code: &'static str,
        /// What happened.
        message: String,
    },
}

const OF_MICROPHONE: &[&str] = &["microphone_denied", "microphone_lost", "microphone_silent", "sound_service"];
const OF_SPEAKER: &[&str] = &["speaker_lost", "sound_service"];

/// The figures of a report that are shown.
pub(super) fn pace_of(report: &LiveReport) -> Pace {
    let frame = &report.metrics.frame;
    Pace {
        p50_ms: frame.p50_ms,
        p95_ms: frame.p95_ms,
        max_ms: frame.max_ms,
        backlog_frames: report.backlog_frames,
        dropped_frames: report.dropped_frames,
        memory_bytes: report.memory.active_bytes as u64,
    }
}

pub(super) fn of_warning(warning: &Warning) -> Said {
    let message = warning.to_string();
    match warning {
        Warning::TooSlow { .. } => Said::Lasts(problem("talk_too_slow", message, Some(ProblemAction::SwitchToQ4))),
        Warning::EngineHangs { .. } => Said::Lasts(problem("engine_hangs", message, None)),
        Warning::InTime => Said::Over(&["talk_too_slow"]),
        Warning::EngineRebuilt { .. } => Said::Over(&["engine_hangs"]),
        Warning::Dropped { .. } => Said::Nothing, // it is counted, and the count is shown
        Warning::InvalidSpeech => Said::Passing { code: "invalid_speech", message },
        Warning::RecordingStopped { .. } => Said::Passing { code: "recording_stopped", message },
        _ => Said::Passing { code: "warning", message },
    }
}

pub(super) fn of_audio(event: &AudioEvent) -> Said {
    match event {
        AudioEvent::Opened { direction: Direction::Input, .. } => Said::Over(OF_MICROPHONE),
        AudioEvent::Opened { direction: Direction::Output, .. } => Said::Over(OF_SPEAKER),
        AudioEvent::SignalIsBack { .. } => Said::Over(&["microphone_silent"]),
        AudioEvent::NoSignal { .. } => {
            Said::Lasts(problem("microphone_silent", event.to_string(), Some(ProblemAction::ChooseMicrophone)))
        }
        AudioEvent::Failed { error, .. } => {
            let (code, action) = of_device(error);
            Said::Lasts(problem(code, error.to_string(), Some(action)))
        }
        AudioEvent::FellBack { .. } => Said::Passing { code: "device_fell_back", message: event.to_string() },
        _ => Said::Nothing,
    }
}

/// What is wrong after a talk, if its end was none that somebody wanted.
pub(super) fn of_end(reason: &EndReason) -> Option<Problem> {
    if !reason.is_failure() {
        return None;
    }
    let message = reason.to_string();
    let (code, action) = match reason {
        EndReason::LoadFailed(_) => ("load_failed", ProblemAction::Verify),
        EndReason::Device(error) => of_device(error),
        EndReason::Recording(_) => ("recording_failed", ProblemAction::Retry),
        EndReason::MemoryIsShort => ("memory_short", ProblemAction::SwitchToQ4),
        EndReason::TooSlow(_) => ("talk_too_slow", ProblemAction::SwitchToQ4),
        _ => ("engine_failed", ProblemAction::Retry),
    };
    Some(problem(code, message, Some(action)))
}

fn of_device(error: &DeviceError) -> (&'static str, ProblemAction) {
    match (error.kind, error.direction) {
        (DeviceErrorKind::PermissionDenied, _) => ("microphone_denied", ProblemAction::OpenMicrophoneSettings),
        (DeviceErrorKind::Backend, _) => ("sound_service", ProblemAction::Retry),
        (_, Some(Direction::Output)) => ("speaker_lost", ProblemAction::ChooseSpeaker),
        _ => ("microphone_lost", ProblemAction::ChooseMicrophone),
    }
}

fn problem(code: &'static str, message: String, action: Option<ProblemAction>) -> Problem {
    Problem { code, message, hint: None, action }
}
