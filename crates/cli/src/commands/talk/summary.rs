//! What a talk came to, in a few lines or as JSON.

use std::time::Duration;

use moshibar_audio::FinishedWav;
use moshibar_model::{DeviceKind, ModelDescription};
use moshibar_session::{MemoryUse, Talk, Transcript};
use serde_json::{Value, json};

use crate::args::TalkArgs;
use crate::commands::milliseconds;

/// Everything worth telling.
pub(super) struct Summary<'a> {
    pub(super) args: &'a TalkArgs,
    pub(super) model: &'a str,
    pub(super) engine: &'a ModelDescription,
    pub(super) memory: MemoryUse,
    pub(super) load_time: Duration,
    pub(super) talk: &'a Talk,
    pub(super) words: &'a Transcript,
    pub(super) written: FinishedWav,
}

impl Summary<'_> {
    /// For people.
    pub(super) fn text(&self) -> String {
        let report = self.talk.metrics.report();
        let mut lines = Vec::new();
        let words = self.said();
        lines.push(if words.is_empty() { "Moshi said nothing.".to_owned() } else { format!("Moshi said: {words}") });
        lines.push(format!(
            "Per frame:  {:.1} ms (p50), {:.1} ms (p95) of {:.0} ms; {} of {} frames late{}",
            report.frame.p50_ms,
            report.frame.p95_ms,
            report.deadline_ms,
            report.missed_deadlines,
            self.talk.frames,
            if self.args.trace.is_some() { " (traced, which is slower than a talk)" } else { "" },
        ));
        if self.engine.device == DeviceKind::Cpu {
            lines.push("            on the CPU, which shows that the answer is right and says nothing about the product's speed".to_owned());
        }
        lines.push(format!(
            "Model:      {} {}, loaded in {:.1} s, seed {}",
            self.model,
            self.engine.quality.name(),
            self.load_time.as_secs_f64(),
            self.engine.sampling.seed,
        ));
        lines.push(format!(
            "Reply:      {} ({:.2} s)",
            self.args.output.display(),
            self.written.duration.as_secs_f64()
        ));
        if self.written.clipped_samples > 0 {
            lines.push(format!(
                "            {} samples were too loud for 16 bits; --float keeps them",
                self.written.clipped_samples
            ));
        }
        if let Some(file) = &self.args.transcript {
            lines.push(format!("Transcript: {}", file.path.display()));
        }
        if let Some(path) = &self.args.trace {
            lines.push(format!("Trace:      {} (open it at https://ui.perfetto.dev)", path.display()));
        }
        lines.join("\n")
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "text": self.said(),
            "words": self.words.words(),
            "frames": self.talk.frames,
            "seconds": self.written.duration.as_secs_f64(),
            "clipped_samples": self.written.clipped_samples,
            "seed": self.engine.sampling.seed,
            "model": self.model,
            "description": self.engine,
            "traced": self.args.trace.is_some(),
            "metrics": self.talk.metrics.report(),
            "memory": self.memory,
            "load_ms": milliseconds(self.load_time),
            "files": {
                "reply": self.args.output,
                "transcript": self.args.transcript.as_ref().map(|file| &file.path),
                "trace": self.args.trace,
            },
        })
    }

    fn said(&self) -> String {
        let words: Vec<&str> = self.words.words().iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }
}
