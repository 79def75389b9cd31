//! `moshibar models import`: a model that came another way than through the network.

use serde_json::json;

use crate::args::ImportArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::job_view::{self, Watching};
use crate::model_choice::reference;

use super::pull::about;

/// Imports a folder.
///
/// # Errors
/// [`CliError`] of the store.
pub(super) fn run(args: &ImportArgs, console: &Console) -> Result<Verdict, CliError> {
    let reference = args.name.as_deref().map(reference).transpose()?;
    let store = args.hub.store()?;
    let stopped = "stopped; the folder is as it was, and the same command begins again";
    let installed =
        job_view::run(console, Watching::Anyone, stopped, || store.import(&args.folder, reference.as_ref()))?;
    if console.is_json() {
        let models: Vec<_> = installed.iter().map(about).collect();
        console.line(&json!({ "event": "finished", "models": models }))?;
    } else {
        let lines: Vec<String> = installed
            .iter()
            .map(|model| format!("{} is here and verified: {}", model.manifest.name, model.folder.display()))
            .collect();
        console.result(&lines.join("\n"), &json!(null))?;
    }
    Ok(Verdict::Good)
}
