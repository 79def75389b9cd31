//! What a program reads: one JSON object per line, as it happens. The last line is the summary, or the error.

use moshibar_session::live::LiveEvent;
use moshibar_session::{LiveCaptions, LiveWord, Speaker};
use serde_json::json;

use crate::commands::live::Show;
use crate::console::Console;
use crate::error::CliError;

/// Prints events.
pub(super) struct Lines<'a> {
    console: &'a Console,
    words: LiveCaptions,
}

impl<'a> Lines<'a> {
    pub(super) fn new(console: &'a Console) -> Self {
        Self { console, words: LiveCaptions::default() }
    }

    fn words(&self, words: Vec<LiveWord>) -> Result<(), CliError> {
        words.into_iter().try_for_each(|shown| self.console.line(&json!({ "event": "word", "word": shown.word })))
    }
}

impl Show for Lines<'_> {
    fn show(&mut self, event: &LiveEvent) -> Result<(), CliError> {
        match event {
            LiveEvent::State(state) => self.console.line(&json!({ "event": "state", "state": state })),
            LiveEvent::Loading(so_far) => self.console.line(&json!({ "event": "loading", "loading": so_far })),
            LiveEvent::Frame(frame) => {
                let words = self.words.push(Speaker::Moshi, frame.index, frame.text.as_deref());
                self.words(words)
            }
            LiveEvent::Report(report) => self.console.line(&json!({ "event": "report", "report": report })),
            LiveEvent::Audio(event) => {
                self.console.line(&json!({ "event": "device", "message": event.to_string(), "details": event }))
            }
            LiveEvent::Warning(warning) => {
                self.console.line(&json!({ "event": "warning", "message": warning.to_string() }))
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), CliError> {
        let rest = self.words.finish();
        self.words(rest)
    }
}
