//! The types of the windows' pages (ui/src/bindings.ts) are the shell's: `make bindings` writes
//! them, and every test run compares.

use std::path::Path;

use ts_rs::{Config, TS};

use crate::error::AppError;
use crate::history::TalkDetail;
use crate::settings::Settings;
use crate::view::{Permission, UiEvent};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/bindings.ts");

/// Set by `make bindings`: the file is written then, and not compared.
const WRITES: &str = "MOSHIBAR_WRITE_BINDINGS";

/// What windows are told, and what commands take and answer, with all that it is made of.
fn typescript(folder: &Path) -> String {
    let config = Config::new().with_out_dir(folder);
    UiEvent::export_all(&config).unwrap();
    AppError::export_all(&config).unwrap();
    TalkDetail::export_all(&config).unwrap();
    Settings::export_all(&config).unwrap();
    Permission::export_all(&config).unwrap();
    std::fs::read_to_string(folder.join("bindings.ts")).unwrap()
}

#[test]
fn the_pages_know_the_shells_types() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = typescript(folder.path());
    if std::env::var_os(WRITES).is_some() {
        std::fs::write(FILE, wanted).unwrap();
        return;
    }
    let found = std::fs::read_to_string(FILE).unwrap();
    let differs = wanted.lines().zip(found.lines()).position(|(wanted, found)| wanted != found);
    let line = differs.unwrap_or_else(|| wanted.lines().count().min(found.lines().count())) + 1;
    assert!(
        wanted == found,
        "ui/src/bindings.ts is not what the shell's types say, from line {line} on: run `make bindings`, look at it, and commit it"
    );
}
