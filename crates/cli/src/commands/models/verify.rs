//! `moshibar models verify`: hashes files again. Exit code 1 if one is not as published; then the way out is a pull.

use moshibar_store::{FileReport, FileVerdict, ModelState, Reference, Store};
use serde_json::json;

use crate::args::HubArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::job_view::{self, Watching};
use crate::machine::readable_bytes;
use crate::model_choice::reference;
use crate::table::{Side, mixed_table};

/// What was found of one model.
struct Verified {
    name: String,
    files: Vec<FileReport>,
    /// What is wrong with it beyond its files: a name in its folder that leads elsewhere.
    damage: Option<String>,
}

/// Verifies one model, or all whose files are all here.
///
/// # Errors
/// [`CliError`] of the store; that a file is wrong is the result, and no error.
pub(super) fn run(name: Option<&str>, console: &Console) -> Result<Verdict, CliError> {
    let store = HubArgs::default().store()?;
    let wanted = match name {
        Some(name) => vec![reference(name)?],
        None => whole(&store)?,
    };
    let mut verified = Vec::new();
    for reference in &wanted {
        let one = verify(&store, reference, console)?;
        if console.is_json() {
            let value = json!({ "event": "verified", "name": one.name, "ok": one.is_good(), "files": one.files });
            console.line(&value)?;
        }
        verified.push(one);
    }
    let is_good = verified.iter().all(Verified::is_good);
    if console.is_json() {
        let names: Vec<&str> = verified.iter().map(|one| one.name.as_str()).collect();
        console.line(&json!({ "event": "finished", "ok": is_good, "names": names }))?;
    } else if verified.is_empty() {
        let text = format!("no model is in {}: get one with `moshibar models pull`", store.folder().display());
        console.result(&text, &json!(null))?;
    } else {
        let texts: Vec<String> = verified.iter().map(Verified::text).collect();
        console.result(&texts.join("\n\n"), &json!(null))?;
    }
    Ok(if is_good { Verdict::Good } else { Verdict::Bad })
}

/// The models that were whole once; one that is still arriving is not wrong.
fn whole(store: &Store) -> Result<Vec<Reference>, CliError> {
    let entries = store.list()?.into_iter();
    let whole = entries.filter(|entry| !matches!(entry.state, ModelState::Absent | ModelState::Partial));
    whole.map(|entry| reference(&entry.name)).collect()
}

fn verify(store: &Store, reference: &Reference, console: &Console) -> Result<Verified, CliError> {
    let stopped = "stopped; the same command begins again";
    let files = job_view::run(console, Watching::Anyone, stopped, || store.verify(reference))?;
    let damage = match store.entry(reference)?.state {
        ModelState::Damaged { what } => Some(what),
        _ => None,
    };
    Ok(Verified { name: reference.to_string(), files, damage })
}

impl Verified {
    fn is_good(&self) -> bool {
        self.damage.is_none() && self.files.iter().all(|file| file.verdict == FileVerdict::Right)
    }

    fn text(&self) -> String {
        let Self { name, files, damage } = self;
        let rows: Vec<Vec<String>> = files
            .iter()
            .map(|file| vec![file.name.clone(), readable_bytes(file.size_bytes), word(file.verdict).to_owned()])
            .collect();
        let table = mixed_table(&[name, "size", ""], &[Side::Left, Side::Right, Side::Left], &rows);
        let conclusion = if self.is_good() {
            "All of it is as published.".to_owned()
        } else {
            let damage = damage.as_ref().map_or_else(String::new, |damage| format!(" ({damage})"));
            format!("Not all of it is as published{damage}: `moshibar models pull {name}` fetches only what is wrong.")
        };
        format!("{table}\n{conclusion}")
    }
}

fn word(verdict: FileVerdict) -> &'static str {
    match verdict {
        FileVerdict::Right => "right",
        FileVerdict::Wrong => "WRONG",
        FileVerdict::Missing => "MISSING",
    }
}
