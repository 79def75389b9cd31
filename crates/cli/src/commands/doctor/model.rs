//! A model's files: whether each is there, whole, and what its name says. Headers only, no weights.

use std::path::{Path, PathBuf};

use moshibar_model::{DeviceKind, ModelError, ModelFiles};
use serde_json::{Value, json};

use crate::machine::readable_bytes;
use crate::model_choice::ChosenModel;

use super::findings::Findings;

/// What was seen of a model.
#[derive(Debug)]
pub(super) struct Examined {
    name: String,
    folder: PathBuf,
    files: Vec<SeenFile>,
    /// Memory that a talk needs, in the quality that is loaded by default.
    pub(super) needed_bytes: Option<u64>,
    /// Whether a frame was computed.
    pub(super) was_tried: bool,
}

#[derive(Debug)]
struct SeenFile {
    path: PathBuf,
    what: String,
    size_bytes: Option<u64>,
    is_good: bool,
}

/// The way out for a file that is missing or damaged.
const GET_IT_AGAIN: &str = "get this file again from where the model came from; the other files can stay";

/// The share of the memory that a model may take before the rest of the machine suffers.
const COMFORTABLE: f64 = 0.75;

impl Examined {
    pub(super) fn json(&self) -> Value {
        let files = self.files.iter().map(
            |file| json!({ "path": file.path, "what": file.what, "size_bytes": file.size_bytes, "ok": file.is_good }),
        );
        json!({ "name": self.name, "folder": self.folder, "files": files.collect::<Vec<_>>() })
    }

    /// Notes what became of one file.
    fn note<T>(
        &mut self,
        what: &str,
        path: &Path,
        result: Result<T, ModelError>,
        findings: &mut Findings,
        praise: impl FnOnce(T) -> String,
    ) {
        let size_bytes = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
        let is_good = result.is_ok();
        match result {
            Ok(found) => {
                let size = size_bytes.map_or_else(String::new, |bytes| format!(", {}", readable_bytes(bytes)));
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                findings.good(what, format!("{name}{size}{}", praise(found)));
            }
            Err(error) => findings.bad(what, error.to_string(), GET_IT_AGAIN),
        }
        self.files.push(SeenFile { path: path.to_owned(), what: what.to_owned(), size_bytes, is_good });
    }
}

/// Examines the files of a model, and whether `memory_bytes` suffice for it.
pub(super) fn examine(
    chosen: &ChosenModel,
    device: DeviceKind,
    memory_bytes: Option<u64>,
    findings: &mut Findings,
) -> Examined {
    let files = &chosen.files;
    let folder = files.folder().to_owned();
    let mut examined =
        Examined { name: chosen.name.clone(), folder, files: Vec::new(), needed_bytes: None, was_tried: false };
    findings.good("model", format!("{} in {}", chosen.name, examined.folder.display()));
    let config = examined.folder.join("config.json");
    if config.is_file() {
        // It was read when the model was chosen.
        examined.note("config", &config, Ok(()), findings, |()| String::new());
    } else {
        let message = format!("{} is missing, so the sizes of the released 7B are assumed", config.display());
        findings.warning("config", message, "fine for the six released models; others need their config.json");
    }
    for (quality, path) in files.qualities() {
        let result = files.inspect_weights(quality);
        examined.note(&format!("weights {}", quality.name()), &path, result, findings, |()| {
            ", header and size in order".to_owned()
        });
    }
    if let Err(error) = files.weights(None) {
        findings.bad("weights", error.to_string(), "download the model, or give its folder as --model");
    }
    examined.note("codec", &files.mimi(), files.inspect_mimi(), findings, |()| ", header and size in order".to_owned());
    let pieces = files.inspect_tokenizer();
    examined.note("tokenizer", &files.tokenizer(), pieces, findings, |pieces| format!(", {pieces} pieces"));
    if !findings.any_bad() {
        examined.needed_bytes = examine_need(files, device, memory_bytes, findings);
    }
    examined
}

/// Whether the memory suffices, for the quality that is loaded by default. Returns how much that needs.
fn examine_need(
    files: &ModelFiles,
    device: DeviceKind,
    memory_bytes: Option<u64>,
    findings: &mut Findings,
) -> Option<u64> {
    let (quality, _) = files.weights(None).ok()?;
    let needed = files.memory_bytes(Some(quality), device).ok()?;
    let memory = memory_bytes?;
    let name = "memory for it";
    let facts = format!("{} needs about {} of {}", quality.name(), readable_bytes(needed), readable_bytes(memory));
    if needed > memory {
        findings.bad(name, facts, "choose a smaller quality or model");
    } else if needed as f64 > COMFORTABLE * memory as f64 {
        findings.warning(name, format!("{facts}, which leaves little"), "close other programs while you talk");
    } else {
        findings.good(name, facts);
    }
    Some(needed)
}
