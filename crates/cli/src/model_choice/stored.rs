//! A model of the library, ready to be opened: verified again where that is needed, offered for download where it is not here.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use moshibar_model::Quality;
use moshibar_store::{Entry, Installed, PullOptions, Reference, Store, StoreError, StoreOptions};

use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::interrupt;
use crate::job_view::{self, Watching};
use crate::machine::readable_bytes;

/// How often Ctrl-C is looked for while a question waits for its answer.
const LOOK_AROUND: Duration = Duration::from_millis(40);

/// What happens to a model that is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMissing {
    /// It is offered for download, where somebody can say yes.
    Offer,
    /// The way to it is said.
    Refuse,
}

/// The folder of a model of the library, all of whose files are verified.
///
/// # Errors
/// [`ErrorKind::NoModel`] if it is not here or not in this quality, and what the store says.
pub(super) fn folder(
    reference: &Reference,
    quality: Option<Quality>,
    if_missing: IfMissing,
    console: &Console,
) -> Result<PathBuf, CliError> {
    if let (Reference::Catalog(model), Some(wanted)) = (reference, quality.map(of_store)) {
        agree(reference, model.quality, wanted)?;
    }
    let store = Store::open(StoreOptions::default())?;
    let installed = match store.find(reference) {
        Err(StoreError::Unchecked { .. }) => {
            let stopped = format!("stopped before {reference} was verified; the same command begins again");
            job_view::run(console, Watching::People, &stopped, || store.verify(reference))?;
            store.find(reference)?
        }
        Err(StoreError::NotInstalled { .. }) if if_missing == IfMissing::Offer && can_ask(console) => {
            offer(&store, reference, quality, console)?
        }
        found => found?,
    };
    if let Some(wanted) = quality.map(of_store) {
        agree(reference, installed.manifest.quality, wanted)?;
    }
    Ok(installed.folder)
}

/// A quality in the store's words.
pub(crate) fn of_store(quality: Quality) -> moshibar_store::Quality {
    match quality {
        Quality::Q4 => moshibar_store::Quality::Q4,
        Quality::Q8 => moshibar_store::Quality::Q8,
        Quality::Bf16 => moshibar_store::Quality::Bf16,
    }
}

/// Refuses a quality that a model does not have.
///
/// # Errors
/// [`ErrorKind::NoModel`].
pub(crate) fn agree(
    reference: &Reference,
    has: moshibar_store::Quality,
    wanted: moshibar_store::Quality,
) -> Result<(), CliError> {
    if has == wanted {
        return Ok(());
    }
    let message = match reference {
        Reference::Catalog(model) => {
            let voice = model.name.split('-').next().unwrap_or(model.name);
            format!("{reference} is {has}, not {wanted}: choose {voice}-{wanted}, or leave --quality out")
        }
        Reference::Repository { .. } => format!(
            "{reference} is here as {has}, not as {wanted}: `moshibar models pull {reference} --quality {wanted}` gets that, or leave --quality out"
        ),
    };
    Err(CliError::new(ErrorKind::NoModel, message))
}

/// Whether somebody sits there who can be asked.
fn can_ask(console: &Console) -> bool {
    console.is_live() && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks whether the model is to be downloaded, and downloads it.
fn offer(
    store: &Store,
    reference: &Reference,
    quality: Option<Quality>,
    console: &Console,
) -> Result<Installed, CliError> {
    let question = question(&store.entry(reference)?, &host());
    let mut stderr = io::stderr();
    write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush()).ok(); // who cannot read it will not say yes
    if !is_yes()? {
        return Err(StoreError::NotInstalled { name: reference.to_string() }.into());
    }
    let options = PullOptions { quality: quality.map(of_store), ..PullOptions::default() };
    let stopped = format!("stopped; what has arrived is kept: `moshibar models pull {reference}` goes on from there");
    job_view::run(console, Watching::People, &stopped, || store.pull(reference, options))
}

fn question(entry: &Entry, host: &str) -> String {
    let name = &entry.name;
    let licence = entry.licence.as_ref().map_or_else(String::new, |licence| format!(", licence {licence}"));
    if entry.size_bytes == 0 {
        // A repository that nobody has asked about: how large it is, is told before the first byte.
        return format!("{name} is not here; {host} may have it{licence}. Download it now?");
    }
    let (size, present) = (readable_bytes(entry.size_bytes), entry.present_bytes);
    if present == 0 {
        return format!("{name} is not here: {size} from {host}{licence}. Download it now?");
    }
    let missing = readable_bytes(entry.size_bytes.saturating_sub(present));
    format!("{name} is not all here: {missing} of {size} are to come from {host}{licence}. Download them now?")
}

/// Who would be asked.
fn host() -> String {
    let endpoint = std::env::var("HF_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty());
    let endpoint = endpoint.unwrap_or_else(|| "https://huggingface.co".to_owned());
    let address = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, address)| address);
    address.split('/').next().unwrap_or(address).to_owned()
}

/// Waits for an answer, or for Ctrl-C.
fn is_yes() -> Result<bool, CliError> {
    let (sender, receiver) = mpsc::channel();
    // Nothing can wake a thread that reads a terminal: it ends with the next line, or with the process.
    let thread = std::thread::Builder::new().name("moshibar-answer".to_owned()).spawn(move || {
        let mut line = String::new();
        io::stdin().read_line(&mut line).ok(); // no answer is no
        sender.send(line).ok();
    });
    drop(thread);
    loop {
        match receiver.recv_timeout(LOOK_AROUND) {
            Ok(line) => return Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes")),
            Err(RecvTimeoutError::Timeout) => interrupt::check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use moshibar_store::{ModelState, Quality};

    use super::*;

    #[test]
    fn a_question_says_what_comes_from_whom() {
        let mut entry = Entry {
            name: "moshiko-q4".to_owned(),
            repository: "kyutai/moshiko-mlx-q4".to_owned(),
            commit: None,
            voice: None,
            quality: Quality::Q4,
            licence: Some("cc-by-4.0".to_owned()),
            is_default: true,
            size_bytes: 5_194_000_000,
            present_bytes: 0,
            state: ModelState::Absent,
            folder: None,
        };
        assert_eq!(
            question(&entry, "huggingface.co"),
            "moshiko-q4 is not here: 5.19 GB from huggingface.co, licence cc-by-4.0. Download it now?"
        );
        entry.present_bytes = 4_000_000_000;
        assert!(
            question(&entry, "h").starts_with("moshiko-q4 is not all here: 1.19 GB of 5.19 GB are to come from h, ")
        );
        (entry.size_bytes, entry.present_bytes, entry.licence) = (0, 0, None);
        assert_eq!(question(&entry, "h"), "moshiko-q4 is not here; h may have it. Download it now?");
    }
}
