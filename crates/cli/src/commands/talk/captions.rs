//! Captions while Moshi speaks: a line when a caption is complete, and its first words behind the progress bar.

use std::time::Duration;

use moshibar_session::{Caption, Transcript};

use crate::console::Console;
use crate::error::CliError;
use crate::progress::Progress;

/// Prints each caption once. A caption is complete when the next one has begun, and stays as it is from then on.
#[derive(Debug)]
pub(super) struct LiveCaptions<'a> {
    console: &'a Console,
    printed: usize,
    words_seen: usize,
}

impl<'a> LiveCaptions<'a> {
    pub(super) fn new(console: &'a Console) -> Self {
        Self { console, printed: 0, words_seen: 0 }
    }

    /// Shows what is new.
    ///
    /// # Errors
    /// As [`Console::live`].
    pub(super) fn show(&mut self, transcript: &Transcript, progress: &Progress) -> Result<(), CliError> {
        if !self.console.is_live() || transcript.words().len() == self.words_seen {
            return Ok(());
        }
        self.words_seen = transcript.words().len();
        let captions = transcript.captions();
        if let Some((current, complete)) = captions.split_last() {
            self.print(complete, progress)?;
            progress.say(current.text.clone());
        }
        Ok(())
    }

    /// Shows the rest.
    ///
    /// # Errors
    /// As [`Console::live`].
    pub(super) fn finish(&mut self, transcript: &Transcript, progress: &Progress) -> Result<(), CliError> {
        self.print(&transcript.captions(), progress)
    }

    fn print(&mut self, captions: &[Caption], progress: &Progress) -> Result<(), CliError> {
        for Caption { text, start, .. } in captions.iter().skip(self.printed) {
            progress.aside(|| self.console.live(&format!("{:>7.2} s  {text}", Duration::as_secs_f64(start))))?;
            self.printed += 1;
        }
        Ok(())
    }
}
