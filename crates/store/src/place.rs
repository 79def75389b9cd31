//! Where the library of models is: a variable, else where the user moved it, else the system's folder for application data.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::layout::write_whole;

/// The variable that names another library.
pub const LIBRARY_VARIABLE: &str = "MOSHIBAR_LIBRARY";

/// Where the user moved the library, in the folder for application data.
#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    library: PathBuf,
}

/// The library's folder: `$MOSHIBAR_LIBRARY`, else where it was moved, else `Application Support/Moshibar/library` on a Mac and
/// `$XDG_DATA_HOME/moshibar/library` elsewhere. It need not exist yet.
///
/// # Errors
/// [`StoreError::LibraryMissing`] if it was moved to a volume that is not there.
pub fn default_library() -> Result<PathBuf, StoreError> {
    if let Some(library) = std::env::var_os(LIBRARY_VARIABLE).filter(|library| !library.is_empty()) {
        return Ok(PathBuf::from(library));
    }
    let data = data_folder();
    let Some(library) = moved(&data) else { return Ok(data.join("library")) };
    if library.is_dir() { Ok(library) } else { Err(StoreError::LibraryMissing { path: library }) }
}

/// Remembers that the library is elsewhere now. A library that a variable names is moved by changing the variable.
///
/// # Errors
/// What the disk says.
pub(crate) fn remember(library: &Path) -> Result<(), StoreError> {
    let data = data_folder();
    std::fs::create_dir_all(&data).map_err(|source| StoreError::disk("create", &data, source))?;
    let json = serde_json::to_vec_pretty(&Moved { library: library.to_owned() })
        .map_err(|error| StoreError::Internal { reason: error.to_string() })?;
    write_whole(&data.join("library.json"), &json)
}

fn moved(data: &Path) -> Option<PathBuf> {
    let json = std::fs::read(data.join("library.json")).ok()?;
    Some(serde_json::from_slice::<Moved>(&json).ok()?.library)
}

fn data_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = variable("HOME").unwrap_or_else(|| PathBuf::from("/"));
    if cfg!(target_os = "macos") {
        return home.join("Library/Application Support/Moshibar");
    }
    variable("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")).join("moshibar")
}
