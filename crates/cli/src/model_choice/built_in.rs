//! Models that came with the program.
//!
//! They are looked for in `$MOSHIBAR_ASSETS`, then in the folder `assets` beside the program or above it, then in the folder
//! `assets` above the current one. So a clone and a bundle both find their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The variable that names a folder of models.
const ASSETS_VARIABLE: &str = "MOSHIBAR_ASSETS";

/// The folder of the model of this name.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    assets_folders().into_iter().map(|assets| assets.join(name)).find(|folder| is_model(folder))
}

/// All names.
pub(crate) fn names() -> BTreeSet<String> {
    assets_folders().iter().flat_map(|assets| models_in(assets)).collect()
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
