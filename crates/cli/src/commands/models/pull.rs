//! `moshibar models pull`: makes a model whole. What has arrived is never fetched again, however often it is interrupted.

use moshibar_store::{DEFAULT_MODEL, Installed, Pin, PullOptions, Reference};
use serde_json::{Value, json};

use crate::args::PullArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::job_view::{self, Watching};
use crate::model_choice::stored::{agree, of_store};
use crate::model_choice::{built_in, reference};

/// The voice of whoever names a quality alone.
const DEFAULT_VOICE: &str = "moshiko";

/// Pulls a model.
///
/// # Errors
/// [`CliError`] of the store; what has arrived is kept.
pub(super) fn run(args: &PullArgs, console: &Console) -> Result<Verdict, CliError> {
    let quality = args.quality.map(of_store);
    if let Some(name) = args.name.as_deref().filter(|name| built_in::is_named(name)) {
        return is_here(name, console);
    }
    let reference = match (&args.name, quality) {
        (Some(name), _) => reference(name)?,
        (None, Some(quality)) => reference(&format!("{DEFAULT_VOICE}-{quality}"))?,
        (None, None) => reference(DEFAULT_MODEL)?,
    };
    if let (Reference::Catalog(model), Some(wanted)) = (&reference, quality) {
        agree(&reference, model.quality, wanted)?;
    }
    let store = args.hub.store()?;
    let options = PullOptions { quality, pin: if args.renew { Pin::Renew } else { Pin::Keep } };
    let stopped = "stopped; what has arrived is kept, and the same command goes on from there";
    let installed = job_view::run(console, Watching::Anyone, stopped, || store.pull(&reference, options))?;
    if console.is_json() {
        console.line(&finished(&installed))?;
    } else {
        let folder = installed.folder.display();
        let text =
            format!("{reference} is here and verified: {folder}\n`moshibar live --model {reference}` talks with it.");
        console.result(&text, &Value::Null)?;
    }
    Ok(Verdict::Good)
}

/// A model that is part of the program: whoever pulls it has it already.
fn is_here(name: &str, console: &Console) -> Result<Verdict, CliError> {
    let folder = built_in::folder(name)?;
    if console.is_json() {
        console.line(&json!({ "event": "finished", "name": name, "folder": folder, "built_in": true }))?;
    } else {
        let text = format!(
            "{name} is part of the program: nothing is to be fetched.\n`moshibar live --model {name}` talks with it."
        );
        console.result(&text, &Value::Null)?;
    }
    Ok(Verdict::Good)
}

fn finished(installed: &Installed) -> Value {
    let mut value = about(installed);
    if let Some(object) = value.as_object_mut() {
        object.insert("event".to_owned(), json!("finished"));
    }
    value
}

/// A model that is here, for programs.
pub(super) fn about(installed: &Installed) -> Value {
    let manifest = &installed.manifest;
    let files = manifest.files.iter();
    let files = files.map(|file| json!({ "name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256() }));
    json!({
        "name": manifest.name,
        "folder": installed.folder,
        "repository": manifest.repository,
        "commit": manifest.commit,
        "quality": manifest.quality,
        "licence": manifest.licence,
        "files": files.collect::<Vec<_>>(),
    })
}
