//! What a live talk came to, in a few lines or as JSON.

use moshibar_session::live::TalkEnd;
use serde_json::{Value, json};

use crate::args::LiveArgs;

/// Everything worth telling.
pub(super) struct Summary<'a> {
    pub(super) args: &'a LiveArgs,
    pub(super) model: &'a str,
    pub(super) end: &'a TalkEnd,
}

impl Summary<'_> {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mut lines = Vec::new();
        match &self.end.report {
            None => lines.push("The talk ended before it began.".to_owned()),
            Some(report) => {
                let (frame, audio) = (report.metrics.frame, report.audio);
                lines.push(format!(
                    "Per frame:  {:.1} ms (p50), {:.1} ms (p95) of {:.0} ms; {} of {} frames late, {} left out",
                    frame.p50_ms,
                    frame.p95_ms,
                    report.metrics.deadline_ms,
                    report.metrics.missed_deadlines,
                    report.frames,
                    report.dropped_frames,
                ));
                lines.push(format!(
                    "Sound:      {} underruns, {} xruns, devices opened again {} times, clocks {:+.0} ppm apart",
                    audio.underruns, audio.xruns, report.rebuilds, audio.drift_ppm,
                ));
                if audio.is_cancelling_echo {
                    lines.push(format!("Echo:       {:.0} dB quieter", audio.echo_return_loss_db));
                }
                if report.invalid_frames > 0 {
                    lines.push(format!(
                        "            {} frames of Moshi's speech were no sound, and silent",
                        report.invalid_frames
                    ));
                }
            }
        }
        if let Some(recording) = &self.end.recording {
            lines.push(format!("Recording:  {}", recording.folder.display()));
        }
        if let Some(path) = &self.args.trace {
            lines.push(format!("Trace:      {} (open it at https://ui.perfetto.dev)", path.display()));
        }
        lines.join("\n")
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "event": "ended",
            "reason": self.end.reason.to_string(),
            "model": self.model,
            "report": self.end.report,
            "files": {
                "recording": self.end.recording.as_ref().map(|recording| &recording.folder),
                "trace": self.args.trace,
            },
        })
    }
}
