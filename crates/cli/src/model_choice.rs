//! Which model `--model` means: a folder, the name of a model that came with the program, or a model of the library.
//!
//! In this order. What the user gives as a folder is the user's own business; of the library nothing is opened that is not
//! verified.

pub(crate) mod built_in;
pub(crate) mod stored;

use std::path::{Path, PathBuf};

use moshibar_model::{ModelFiles, Quality};
use moshibar_store::{CATALOG, Reference};

use crate::console::Console;
use crate::error::{CliError, ErrorKind};

use self::stored::IfMissing;

/// A model that was found.
#[derive(Debug)]
pub(crate) struct ChosenModel {
    /// As people call it: its name, or the name of its folder.
    pub(crate) name: String,
    pub(crate) files: ModelFiles,
}

/// Finds the model and reads its config. One of the library that is not here is offered for download where somebody can say
/// yes; one that must be verified again is.
///
/// # Errors
/// [`ErrorKind::NoModel`] if there is none, [`ErrorKind::BadModel`] for one of the library that is damaged, and what
/// [`ModelFiles::open`] says.
pub(crate) fn choose(wanted: &str, quality: Option<Quality>, console: &Console) -> Result<ChosenModel, CliError> {
    found(wanted, quality, IfMissing::Offer, console)
}

/// As [`choose`], for whoever only looks: nothing is downloaded.
///
/// # Errors
/// As [`choose`].
pub(crate) fn find(wanted: &str, console: &Console) -> Result<ChosenModel, CliError> {
    found(wanted, None, IfMissing::Refuse, console)
}

/// The model of the library that a name means.
///
/// # Errors
/// [`ErrorKind::NoModel`] for a name that means none, with those that mean one.
pub(crate) fn reference(name: &str) -> Result<Reference, CliError> {
    if let Ok(reference) = name.parse() {
        return Ok(reference);
    }
    if name.starts_with("hf:") {
        return name.parse::<Reference>().map_err(CliError::from);
    }
    if built_in::is_named(name) {
        let message =
            format!("{name} is part of the program, not of the library: it is always here, use it with --model {name}");
        return Err(CliError::new(ErrorKind::NoModel, message));
    }
    Err(unknown(name, "write hf:OWNER/NAME for any repository in these formats"))
}

fn found(
    wanted: &str,
    quality: Option<Quality>,
    if_missing: IfMissing,
    console: &Console,
) -> Result<ChosenModel, CliError> {
    if let Some(folder) = folder(wanted)? {
        let name = std::fs::canonicalize(&folder)
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .unwrap_or_else(|| wanted.to_owned());
        return Ok(ChosenModel { name, files: ModelFiles::open(&folder)? });
    }
    let reference: Reference = match wanted.parse() {
        Ok(reference) => reference,
        Err(error) if wanted.starts_with("hf:") => return Err(CliError::from(error)),
        Err(_) => {
            let advice = "write hf:OWNER/NAME for any repository, or give a model's folder as --model ./FOLDER";
            return Err(unknown(wanted, advice));
        }
    };
    let folder = stored::folder(&reference, quality, if_missing, console)?;
    Ok(ChosenModel { name: reference.to_string(), files: ModelFiles::open(&folder)? })
}

/// The folder that is meant, if it is not one of the library's models.
///
/// # Errors
/// As [`built_in::folder`].
fn folder(wanted: &str) -> Result<Option<PathBuf>, CliError> {
    let path = Path::new(wanted);
    let is_repository = wanted.starts_with("hf:");
    let is_path = wanted == "." || wanted == ".." || (wanted.contains(std::path::is_separator) && !is_repository);
    if is_path || path.is_dir() { Ok(Some(path.to_owned())) } else { built_in::folder(wanted) }
}

fn unknown(name: &str, advice: &str) -> CliError {
    let names: Vec<String> =
        built_in::names().into_iter().chain(CATALOG.iter().map(|model| model.name.to_owned())).collect();
    let message = format!("there is no model named '{name}': choose {}, {advice}", names.join(", "));
    CliError::new(ErrorKind::NoModel, message)
}
