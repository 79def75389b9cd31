//! `moshibar models`: the library of models on this machine, and which of them suits it.
//!
//! What takes its time (pull, verify, import, move) prints with `--json` a stream of lines, one object each; the last one is
//! `{"event":"finished",…}`, or the error. The others print one object.

mod check;
mod import;
mod list;
mod measure;
mod pull;
mod relocate;
mod verify;

use serde_json::json;

use crate::args::{HubArgs, ModelsCommand};
use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::exit::Verdict;
use crate::machine::readable_bytes;
use crate::model_choice::{built_in, reference};

/// Runs one of the commands.
///
/// # Errors
/// [`CliError`] of the store, of loading or computing.
pub(crate) fn run(command: &ModelsCommand, console: &Console) -> Result<Verdict, CliError> {
    match command {
        ModelsCommand::List => list::run(console),
        ModelsCommand::Pull(args) => pull::run(args, console),
        ModelsCommand::Verify { name } => verify::run(name.as_deref(), console),
        ModelsCommand::Remove { name } => remove(name, console),
        ModelsCommand::Import(args) => import::run(args, console),
        ModelsCommand::Move { folder } => relocate::run(folder, console),
        ModelsCommand::Check(args) => check::run(args, console),
        ModelsCommand::Path { name } => path(name.as_deref(), console),
    }
}

/// `moshibar models remove`.
fn remove(name: &str, console: &Console) -> Result<Verdict, CliError> {
    if built_in::is_named(name) {
        let message = format!("{name} is part of the program: there is nothing to remove");
        return Err(CliError::new(ErrorKind::Usage, message));
    }
    let reference = reference(name)?;
    let freed_bytes = HubArgs::default().store()?.remove(&reference)?;
    let freed = match freed_bytes {
        0 => "nothing was freed, because its files belong to other models too".to_owned(),
        bytes => format!("{} are free again", readable_bytes(bytes)),
    };
    let value = json!({ "name": reference.to_string(), "freed_bytes": freed_bytes });
    console.result(&format!("{reference} is removed: {freed}"), &value)?;
    Ok(Verdict::Good)
}

/// `moshibar models path`: one line, for scripts. Of a model only where it may be opened as it is.
fn path(name: Option<&str>, console: &Console) -> Result<Verdict, CliError> {
    let store = HubArgs::default().store()?;
    let folder = match name {
        None => store.folder().to_owned(),
        Some(name) => match built_in::folder(name)? {
            Some(folder) => folder,
            None => store.find(&reference(name)?)?.folder,
        },
    };
    console.result(&folder.display().to_string(), &json!({ "name": name, "folder": folder }))?;
    Ok(Verdict::Good)
}
