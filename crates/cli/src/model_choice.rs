//! Which model `--model` means: a folder, or the name of a model that came with the program.
//!
//! A name is looked for in `$MOSHIBAR_ASSETS`, then in the folder `assets` beside the program or above it, then in the
//! folder `assets` above the current one. So a clone and a bundle both find their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use moshibar_model::ModelFiles;

use crate::error::{CliError, ErrorKind};

/// The variable that names a folder of models.
const ASSETS_VARIABLE: &str = "MOSHIBAR_ASSETS";

/// A model that was found.
#[derive(Debug)]
pub(crate) struct ChosenModel {
    /// As people call it: its name, or the name of its folder.
    pub(crate) name: String,
    pub(crate) files: ModelFiles,
}

/// Finds the model and reads its config.
///
/// # Errors
/// [`ErrorKind::NoModel`] if there is none, and what [`ModelFiles::open`] says.
pub(crate) fn choose(wanted: &str) -> Result<ChosenModel, CliError> {
    let folder = Path::new(wanted);
    let is_path = wanted.contains(std::path::is_separator) || wanted == "." || wanted == "..";
    let folder = if is_path || folder.is_dir() { folder.to_owned() } else { named(wanted)? };
    let name = std::fs::canonicalize(&folder)
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| wanted.to_owned());
    Ok(ChosenModel { name, files: ModelFiles::open(&folder)? })
}

fn named(name: &str) -> Result<PathBuf, CliError> {
    let assets = assets_folders();
    if let Some(folder) = assets.iter().map(|assets| assets.join(name)).find(|folder| is_model(folder)) {
        return Ok(folder);
    }
    let known: BTreeSet<String> = assets.iter().flat_map(|assets| models_in(assets)).collect();
    let known: Vec<String> = known.into_iter().collect();
    let advice = match known.join(", ") {
        names if names.is_empty() => format!(
            "no model came with this program; give a model's folder as --model ./FOLDER, or the folder of models in {ASSETS_VARIABLE}"
        ),
        names => format!("choose {names}, or give a model's folder as --model ./FOLDER"),
    };
    Err(CliError::new(ErrorKind::NoModel, format!("there is no model named '{name}': {advice}")))
}

fn assets_folders() -> Vec<PathBuf> {
    let configured = std::env::var_os(ASSETS_VARIABLE).map(PathBuf::from);
    let program = std::env::current_exe().ok();
    let current = std::env::current_dir().ok();
    let above = [program, current]
        .into_iter()
        .flatten()
        .flat_map(|place| place.ancestors().map(|folder| folder.join("assets")).collect::<Vec<_>>());
    configured.into_iter().chain(above).collect()
}

fn models_in(assets: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(assets).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_model(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn is_model(folder: &Path) -> bool {
    folder.join("config.json").is_file()
}
