//! Models that are part of the program.
//!
//! They are looked for in `$MOSHIBAR_ASSETS`, then in the folder `assets` beside the program or above it, then in the folder
//! `assets` above the current one: a clone and a bundle find their own there, in every quality. Elsewhere the program has the bytes
//! of one quality in itself, and the store lays them out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use moshibar_store::{BUILT_IN, BuiltInModel};

use crate::args::HubArgs;
use crate::error::CliError;

/// The variable that names a folder of models.
const ASSETS_VARIABLE: &str = "MOSHIBAR_ASSETS";

/// Whether a model of this name is part of the program.
pub(crate) fn is_named(name: &str) -> bool {
    BuiltInModel::named(name).is_some() || in_assets(name).is_some()
}

/// The folder of the model of this name, laid out first where that is needed; `None` for a name that means none.
///
/// # Errors
/// As [`Store::built_in`](moshibar_store::Store::built_in).
pub(crate) fn folder(name: &str) -> Result<Option<PathBuf>, CliError> {
    if let Some(folder) = in_assets(name) {
        return Ok(Some(folder));
    }
    let Some(model) = BuiltInModel::named(name) else { return Ok(None) };
    Ok(Some(HubArgs::default().store()?.built_in(model)?))
}

/// As [`folder`], for whoever only looks: nothing is laid out.
pub(crate) fn folder_as_it_is(name: &str) -> Option<PathBuf> {
    in_assets(name).or_else(|| HubArgs::default().store().ok()?.find_built_in(BuiltInModel::named(name)?))
}

/// All names.
pub(crate) fn names() -> BTreeSet<String> {
    let compiled_in = BUILT_IN.iter().map(|model| model.name.to_owned());
    compiled_in.chain(assets_folders().iter().flat_map(|assets| models_in(assets))).collect()
}

fn in_assets(name: &str) -> Option<PathBuf> {
    assets_folders().into_iter().map(|assets| assets.join(name)).find(|folder| is_model(folder))
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
