//! Where words go: results to standard output, errors to standard error, one JSON object instead where it was asked for.
//!
//! A reader that closes the pipe (`moshibar … | head -1`) ends the printing, not the work: the files that were asked for
//! are still written.

use std::cell::Cell;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use crate::error::{CliError, ErrorKind};

/// The two streams, and how much may be said on them.
#[derive(Debug)]
pub(crate) struct Console {
    json: bool,
    quiet: bool,
    is_closed: Cell<bool>,
}

impl Console {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet, is_closed: Cell::new(false) }
    }

    /// Whether progress and captions are wanted: by people who wait, and not by programs.
    pub(crate) fn is_live(&self) -> bool {
        !self.json && !self.quiet
    }

    /// Whether programs read what is printed.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints one JSON object on a line of its own, of a stream of them.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub(crate) fn line(&self, value: &impl Serialize) -> Result<(), CliError> {
        self.print(&serde_json::to_string(value).map_err(|error| cannot_print(&error))?)
    }

    /// Says what happens meanwhile on standard error, to people who watch.
    pub(crate) fn note(&self, sentence: &str) {
        if self.is_live() {
            writeln!(io::stderr(), "{sentence}").ok(); // nobody is left to tell if standard error is closed
        }
    }

    /// Prints a result: `text` for people, `value` for programs.
    ///
    /// # Errors
    /// [`ErrorKind::Output`], for instance when standard output is a file on a full disk.
    pub(crate) fn result(&self, text: &str, value: &impl Serialize) -> Result<(), CliError> {
        if self.json {
            let value = serde_json::to_string_pretty(value).map_err(|error| cannot_print(&error))?;
            self.print(&value)
        } else {
            self.print(text.trim_end())
        }
    }

    /// Prints a line while the work goes on.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub(crate) fn live(&self, line: &str) -> Result<(), CliError> {
        if self.is_live() { self.print(line) } else { Ok(()) }
    }

    /// Prints an error: the sentence, and for programs the code too.
    pub(crate) fn error(&self, error: &CliError) {
        let message = error.message.replace('\n', " ");
        if self.json {
            let value = json!({ "error": { "code": error.code, "message": message } });
            // The exit code tells what standard output no longer can.
            self.print(&value.to_string()).ok();
        }
        writeln!(io::stderr(), "moshibar: {message}").ok();
    }

    fn print(&self, text: &str) -> Result<(), CliError> {
        if self.is_closed.get() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            Err(reason) if reason.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed.set(true);
                Ok(())
            }
            printed => printed.map_err(|reason| cannot_print(&reason)),
        }
    }
}

fn cannot_print(reason: &dyn std::error::Error) -> CliError {
    CliError::new(ErrorKind::Output, format!("cannot print the result ({reason}); send it somewhere else"))
}
