//! Ctrl-C: the first one asks the command to stop between two frames, so that its unfinished files are removed; the second
//! ends the process at once. Loading weights cannot stop half-way and does not write anything.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{CliError, ErrorKind};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Starts to listen for Ctrl-C, and for the signals that ask a process to end.
///
/// # Errors
/// [`ErrorKind::Device`] if the system does not allow it.
pub(crate) fn watch() -> Result<(), CliError> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            crate::commands::live::keys::restore_terminal();
            #[expect(clippy::exit, reason = "the user insists, and the first request was not heard in time")]
            std::process::exit(i32::from(ErrorKind::Interrupted.exit_code()));
        }
    })
    .map_err(|reason| CliError::new(ErrorKind::Device, format!("cannot listen for Ctrl-C ({reason}); try again")))
}

/// Whether somebody asked to stop.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Fails if somebody asked to stop.
///
/// # Errors
/// [`ErrorKind::Interrupted`].
pub(crate) fn check() -> Result<(), CliError> {
    if is_asked() {
        return Err(CliError::new(ErrorKind::Interrupted, "interrupted, and nothing was written"));
    }
    Ok(())
}
