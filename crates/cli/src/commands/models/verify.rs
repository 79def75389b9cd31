//! `moshibar models verify`: hashes files again. Exit code 1 if one is not as published; then the way out is a pull.

use std::path::PathBuf;

use moshibar_store::{BuiltInModel, FileReport, FileVerdict, ModelState, Reference, Store};
use serde_json::json;

use crate::args::HubArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::job_view::{self, Watching};
use crate::machine::readable_bytes;
use crate::model_choice::{built_in, reference};
use crate::table::{Side, mixed_table};

/// What was found of one model.
struct Verified {
    name: String,
    files: Vec<FileReport>,
    /// What is wrong with it beyond its files: a name in its folder that leads elsewhere.
    damage: Option<String>,
    /// Its folder, if it is part of the program.
    built_in: Option<PathBuf>,
}

/// Verifies one model, or all whose files are all here.
///
/// # Errors
/// [`CliError`] of the store; that a file is wrong is the result, and no error.
pub(super) fn run(name: Option<&str>, console: &Console) -> Result<Verdict, CliError> {
    let store = HubArgs::default().store()?;
    let built_in = name.and_then(BuiltInModel::named);
    let wanted = match (name, built_in) {
        (_, Some(_)) => Vec::new(),
        (Some(name), None) => vec![reference(name)?],
        (None, None) => whole(&store)?,
    };
    let mut verified = Vec::new();
    let all = built_in.map(verify_built_in).into_iter();
    for one in all.chain(wanted.iter().map(|reference| verify(&store, reference, console))) {
        let one = one?;
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
    Ok(Verified { name: reference.to_string(), files, damage, built_in: None })
}

/// By the sums that are compiled in. One that the program lays out itself is mended on the way; one beside it is not.
fn verify_built_in(model: &BuiltInModel) -> Result<Verified, CliError> {
    let folder = built_in::folder(model.name)?;
    let files = folder.as_deref().map(|folder| model.verify(folder)).transpose()?;
    Ok(Verified { name: model.name.to_owned(), files: files.unwrap_or_default(), damage: None, built_in: folder })
}

impl Verified {
    fn is_good(&self) -> bool {
        self.damage.is_none() && self.files.iter().all(|file| file.verdict == FileVerdict::Right)
    }

    fn text(&self) -> String {
        let Self { name, files, damage, built_in } = self;
        let rows: Vec<Vec<String>> = files
            .iter()
            .map(|file| vec![file.name.clone(), readable_bytes(file.size_bytes), word(file.verdict).to_owned()])
            .collect();
        let table = mixed_table(&[name, "size", ""], &[Side::Left, Side::Right, Side::Left], &rows);
        let conclusion = if self.is_good() {
            "All of it is as published.".to_owned()
        } else if let Some(folder) = built_in {
            format!("Not all of it is as it came with this program: get {} anew.", folder.display())
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
