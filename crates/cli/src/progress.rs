//! Progress bars on standard error. They appear only for work that takes longer than a moment, only on a terminal, and
//! never with `--json` or `--quiet`.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use moshibar_model::LoadProgress;

use crate::console::Console;
use crate::error::CliError;
use crate::interrupt;

/// Work that is over within this time shows no bar.
const MOMENT: Duration = Duration::from_millis(500);

/// A bar that may be shown.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    is_hidden: bool,
    is_wanted: bool,
}

impl Progress {
    /// A bar that counts frames, and can be stopped between two of them.
    pub(crate) fn of_frames(console: &Console, label: &'static str, frames: u64) -> Self {
        Self::new(console, label, frames, "{prefix} {bar:24} {pos}/{len} frames, {eta} left {msg}")
    }

    /// A bar that counts bytes of weights.
    pub(crate) fn of_loading(console: &Console) -> Self {
        Self::new(console, "Loading", 0, "{prefix} {bar:24} {bytes}/{total_bytes}, {bytes_per_sec}")
    }

    /// A bar that counts seconds of work that takes as long as it is given.
    pub(crate) fn of_seconds(console: &Console, label: &'static str, length: Duration) -> Self {
        Self::new(console, label, length.as_secs(), "{prefix} {bar:24} {pos}/{len} s {msg}")
    }

    /// A bar of the store's work, which tells itself what it does, how fast, and how long it will take.
    pub(crate) fn of_job(console: &Console) -> Self {
        Self::new(console, "Starting", 0, "{prefix} {bar:24} {msg}")
    }

    /// A bar that counts models, each of which takes its time: so it is shown at once, and moves to show that all is well.
    pub(crate) fn of_models(console: &Console, label: &'static str, models: u64) -> Self {
        let mut progress = Self::new(console, label, models, "{prefix} {spinner} {pos}/{len} {msg} {elapsed}");
        if progress.is_wanted {
            progress.show();
            progress.bar.enable_steady_tick(MOMENT / 5);
        }
        progress
    }

    fn new(console: &Console, label: &'static str, length: u64, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden()).with_prefix(label);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now(), is_hidden: true, is_wanted: console.is_live() }
    }

    /// One frame more is done.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`](crate::error::ErrorKind::Interrupted) if somebody pressed Ctrl-C.
    pub(crate) fn advance(&mut self) -> Result<(), CliError> {
        self.show_after_a_moment();
        self.bar.inc(1);
        interrupt::check()
    }

    /// So much of the weights is read.
    pub(crate) fn loaded(&mut self, progress: LoadProgress) {
        self.show_after_a_moment();
        self.bar.set_length(progress.total_bytes);
        self.bar.set_position(progress.done_bytes);
    }

    /// So much of the work is done.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub(crate) fn reached(&mut self, position: u64) -> Result<(), CliError> {
        self.show_after_a_moment();
        self.bar.set_position(position);
        interrupt::check()
    }

    /// What the store does, so far.
    pub(crate) fn worked(&mut self, label: &str, done: u64, length: u64, words: String) {
        self.bar.set_prefix(label.to_owned());
        self.bar.set_length(length);
        self.bar.set_position(done);
        self.bar.set_message(words);
        self.show_after_a_moment();
    }

    /// A few words behind the bar.
    pub(crate) fn say(&self, words: String) {
        self.bar.set_message(words);
    }

    /// Does `print` while the bar is out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    fn show_after_a_moment(&mut self) {
        if self.is_wanted && self.is_hidden && self.started.elapsed() > MOMENT {
            self.show();
        }
    }

    fn show(&mut self) {
        self.bar.set_draw_target(ProgressDrawTarget::stderr()); // which hides itself where it is no terminal
        self.is_hidden = false;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
