//! `moshibar models move`: the library goes to another folder or volume.

use std::path::Path;

use moshibar_store::LIBRARY_VARIABLE;
use serde_json::json;

use crate::args::HubArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::job_view::{self, Watching};

/// Moves the library.
///
/// # Errors
/// [`CliError`] of the store; the library is where it was then.
pub(super) fn run(folder: &Path, console: &Console) -> Result<Verdict, CliError> {
    let store = HubArgs::default().store()?;
    let stopped = "stopped; the library is where it was, and the same command goes on";
    let place = job_view::run(console, Watching::Anyone, stopped, || store.relocate(folder))?;
    let is_named = std::env::var_os(LIBRARY_VARIABLE).is_some_and(|library| !library.is_empty());
    let warning = is_named.then(|| {
        format!(
            "{LIBRARY_VARIABLE} still names the old folder, and comes first: set it to {}, or leave it out",
            place.display()
        )
    });
    if console.is_json() {
        let warnings: Vec<&String> = warning.iter().collect();
        console.line(&json!({ "event": "finished", "folder": place, "warnings": warnings }))?;
    } else {
        let mut lines = vec![format!("The library is in {} now.", place.display())];
        lines.extend(warning.map(|warning| format!("Beware: {warning}.")));
        console.result(&lines.join("\n"), &json!(null))?;
    }
    Ok(Verdict::Good)
}
