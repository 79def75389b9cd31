//! Hashing a model of the library again, from its first byte to its last.

use serde::Serialize;

use crate::blob::{self, BlobState};
use crate::error::StoreError;
use crate::job::{Desk, Job};
use crate::library::Store;
use crate::manifest::{Manifest, ManifestFile};
use crate::pull::{Puller, blocking};
use crate::reference::Reference;

/// What was found of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// What it is.
    pub verdict: FileVerdict,
}

/// What a file was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileVerdict {
    /// The published one.
    Right,
    /// Not the published one; it was set aside, and a pull mends it.
    Wrong,
    /// Not there, or not all of it.
    Missing,
}

impl Store {
    /// Hashes all files of a model, whatever is known of them.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn verify(&self, reference: &Reference) -> Job<Vec<FileReport>> {
        let (store, reference) = (self.clone(), reference.clone());
        Job::spawn(self.options.limits.tell_interval, move |desk| async move {
            let hub = crate::hub::Hub::new(&store.options)?;
            let puller = Puller { layout: store.layout.clone(), hub, desk: desk.clone() };
            let folder = reference.folder();
            let Some(manifest) = Manifest::read(&store.layout.manifest(&folder))? else {
                return Err(StoreError::NotInstalled { name: reference.to_string() });
            };
            let _lock = puller.wait_for_lock(&folder, &folder).await?;
            desk.expect(manifest.size_bytes(), 0);
            let mut reports = Vec::new();
            for file in &manifest.files {
                let verdict = verify_one(&store, &puller, &desk, file).await?;
                desk.finished(file.size_bytes);
                reports.push(FileReport { name: file.name.clone(), size_bytes: file.size_bytes, verdict });
            }
            Ok(reports)
        })
    }
}

async fn verify_one(
    store: &Store,
    puller: &Puller,
    desk: &Desk,
    file: &ManifestFile,
) -> Result<FileVerdict, StoreError> {
    desk.check()?;
    let Some(sha256) = file.sha256().map(str::to_owned) else { return Ok(FileVerdict::Missing) };
    let _lock = puller.wait_for_lock(&sha256, &file.name).await?;
    if blob::state(&store.layout, &sha256) == BlobState::Absent {
        return Ok(FileVerdict::Missing);
    }
    desk.reads(&file.name, file.size_bytes);
    let (layout, desk, size) = (store.layout.clone(), desk.clone(), file.size_bytes);
    let cancel = desk.cancel.clone();
    let is_right =
        blocking(move || blob::verify(&layout, &sha256, size, &cancel, &mut |bytes| desk.has_read(bytes))).await?;
    Ok(if is_right { FileVerdict::Right } else { FileVerdict::Wrong })
}
