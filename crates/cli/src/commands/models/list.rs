//! `moshibar models list`: which models there are, which are here, and how each suits this machine. Asks nobody.

use std::path::Path;

use moshibar_store::{
    Basis, BuiltInModel, CATALOG, CatalogModel, Entry, Fit, Machine, ModelState, Quality, Reference, Store,
    Verdict as Suits, recommended,
};
use serde_json::{Value, json};

use crate::args::HubArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::machine::readable_bytes;
use crate::model_choice::built_in;
use crate::table::{Side, mixed_table};

/// How far the size of a model may be from a released one that counts as the same: other authors pack other tables.
const SAME_SIZE: f64 = 0.1;

/// One line of the table.
struct Row {
    name: String,
    size_bytes: u64,
    state: String,
    suits: Option<Suits>,
    is_measured: bool,
    voice: String,
    licence: String,
    note: String,
    json: Value,
}

/// Lists models.
///
/// # Errors
/// [`CliError`] of the store.
pub(super) fn run(console: &Console) -> Result<Verdict, CliError> {
    let store = HubArgs::default().store()?;
    let machine = Machine::this();
    let mut rows: Vec<Row> = store.list()?.iter().map(|entry| of_entry(&store, entry, &machine)).collect();
    rows.extend(built_in::names().iter().map(|name| of_built_in(name)));
    let recommended = recommended(&machine);
    let value = json!({
        "library": { "folder": store.folder(), "free_bytes": store.free_bytes() },
        "machine": machine,
        "recommended_quality": recommended,
        "models": rows.iter().map(|row| &row.json).collect::<Vec<_>>(),
    });
    console.result(&text(&store, &rows, recommended), &value)?;
    Ok(Verdict::Good)
}

fn text(store: &Store, rows: &[Row], recommended: Option<Quality>) -> String {
    let header = ["model", "size", "state", "this machine", "voice", "licence", ""];
    let mut sides = [Side::Left; 7];
    sides[1] = Side::Right;
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let size = if row.size_bytes == 0 { "?".to_owned() } else { readable_bytes(row.size_bytes) };
            let mut suits = row.suits.unwrap_or(Suits::Unknown).name().to_owned();
            if row.is_measured {
                suits += ", measured";
            }
            let Row { name, state, voice, licence, note, .. } = row;
            vec![name.clone(), size, state.clone(), suits, voice.clone(), licence.clone(), note.clone()]
        })
        .collect();
    let free = store.free_bytes().map_or_else(String::new, |bytes| format!(", {} free", readable_bytes(bytes)));
    let choice = match recommended {
        Some(quality) => format!("{quality} is the best quality that suits it."),
        None => "None of the released qualities suits it, as far as is known.".to_owned(),
    };
    [
        mixed_table(&header, &sides, &cells),
        String::new(),
        format!("Library:      {}{free}", store.folder().display()),
        "This machine: estimates; `moshibar models check` shows the arithmetic, `moshibar models check NAME` measures instead, and its word stays."
            .to_owned(),
        format!("              {choice}"),
    ]
    .join("\n")
}

fn of_entry(store: &Store, entry: &Entry, machine: &Machine) -> Row {
    let reference = entry.name.parse::<Reference>().ok().filter(|_| is_released_size(entry));
    let fit = reference.map(|reference| store.fit(&reference, entry.quality, machine));
    let mut json = json!(entry);
    if let Some(object) = json.as_object_mut() {
        object.insert("note".to_owned(), json!(note(entry)));
        object.insert("built_in".to_owned(), json!(false));
        object.insert("fit".to_owned(), json!(fit));
    }
    Row {
        name: entry.name.clone(),
        size_bytes: entry.size_bytes,
        state: state(entry),
        suits: fit.as_ref().map(|fit: &Fit| fit.verdict),
        is_measured: fit.as_ref().is_some_and(|fit| fit.basis == Basis::Measured),
        voice: entry.voice.map_or_else(|| "-".to_owned(), |voice| format!("{voice:?}")),
        licence: entry.licence.clone().unwrap_or_else(|| "not named".to_owned()),
        note: note(entry),
        json,
    }
}

/// A model that is part of the program: in its catalog, or a folder beside it.
fn of_built_in(name: &str) -> Row {
    let model = BuiltInModel::named(name);
    let folder = built_in::folder_as_it_is(name);
    let size_bytes = model.map_or_else(|| size_of(folder.as_deref()), BuiltInModel::size_bytes);
    let (voice, licence) = (model.map(|model| model.voice), model.map(|model| model.licence));
    let note = model.map_or("", |model| model.note);
    let json = json!({
        "name": name,
        "voice": voice,
        "quality": model.map(|model| model.quality),
        "licence": licence,
        "size_bytes": size_bytes,
        "present_bytes": size_bytes,
        "state": { "name": "built_in" },
        "folder": folder,
        "note": note,
        "built_in": true,
        "fit": null,
    });
    Row {
        name: name.to_owned(),
        size_bytes,
        state: "built in".to_owned(),
        suits: None,
        is_measured: false,
        voice: voice.map_or_else(|| "-".to_owned(), |voice| format!("{voice:?}")),
        licence: licence.unwrap_or("not named").to_owned(),
        note: note.to_owned(),
        json,
    }
}

/// Bytes of a folder's files.
fn size_of(folder: Option<&Path>) -> u64 {
    let entries = folder.into_iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let files = entries.filter_map(|entry| entry.metadata().ok()).filter(std::fs::Metadata::is_file);
    files.map(|metadata| metadata.len()).sum()
}

/// Whether the arithmetic of the released 7B holds for a model.
fn is_released_size(entry: &Entry) -> bool {
    let released = CATALOG.iter().find(|model| model.quality == entry.quality).map_or(0, CatalogModel::size_bytes);
    entry.size_bytes.abs_diff(released) as f64 <= released as f64 * SAME_SIZE
}

fn state(entry: &Entry) -> String {
    match &entry.state {
        ModelState::Absent => "absent".to_owned(),
        ModelState::Partial => {
            let percent = entry.present_bytes * 100 / entry.size_bytes.max(1);
            format!("partial {percent} %")
        }
        ModelState::Verified => "verified".to_owned(),
        ModelState::Unchecked => "unchecked".to_owned(),
        ModelState::Damaged { what } => format!("damaged: {what}"),
    }
}

fn note(entry: &Entry) -> String {
    let quality = match entry.quality {
        Quality::Q4 if entry.is_default => "q4, the default",
        Quality::Q4 => "q4, recommended",
        Quality::Q8 => "q8, high quality",
        Quality::Bf16 => "bf16, research, not for real time",
    };
    quality.to_owned()
}
