//! Models that came another way: a folder of files, a Hugging Face snapshot, another Mac's library.
//!
//! Their hashes must be known, from the library's own manifest, from one that came along, or from the hub.

use std::path::{Path, PathBuf};

use crate::catalog::CATALOG;
use crate::error::StoreError;
use crate::hub::Hub;
use crate::job::Job;
use crate::library::Store;
use crate::manifest::Manifest;
use crate::pull::{Candidates, Installed, Puller};
use crate::reference::Reference;

/// Folders deeper than this are not looked into.
const DEPTH: usize = 3;

/// More files than this are no model.
const MOST_FILES: usize = 10_000;

impl Store {
    /// Takes a model from a folder: its files, or a whole library with `models` and `blobs`. `reference`: which model it is; `None`:
    /// the one whose manifest or whose files are there. The folder stays as it is. Nothing is fetched but hashes.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn import(&self, folder: &Path, reference: Option<&Reference>) -> Job<Vec<Installed>> {
        let (store, folder, wanted) = (self.clone(), folder.to_owned(), reference.cloned());
        Job::spawn(self.options.limits.tell_interval, move |desk| async move {
            let hub = Hub::new(&store.options)?;
            store.layout.create()?;
            let puller = Puller { layout: store.layout.clone(), hub, desk };
            let found = Found::in_folder(&folder)?;
            let mut models = found.manifests(wanted.as_ref());
            if models.is_empty() {
                let reference = match wanted {
                    Some(reference) => reference,
                    None => guess(&found, &folder)?,
                };
                let manifest = match Manifest::read(&store.layout.manifest(&reference.folder()))? {
                    Some(manifest) => manifest,
                    None => puller.ask(&reference, None).await.map_err(|error| match error {
                        StoreError::Offline { .. } | StoreError::Unreachable { .. } => {
                            StoreError::Unverifiable { path: folder.clone() }
                        }
                        other => other,
                    })?,
                };
                models.push((reference, manifest));
            }
            let mut installed = Vec::new();
            for (reference, manifest) in models {
                check_catalog(&reference, &manifest)?;
                let name = reference.folder();
                let _lock = puller.wait_for_lock(&name, &name).await?;
                let had_it = store.layout.manifest(&name).exists();
                let done = puller.install(&reference, manifest, Some(found.files.clone())).await;
                if done.is_err() && !had_it {
                    // A model that did not come leaves no name behind.
                    std::fs::remove_dir_all(store.layout.model(&name)).ok();
                }
                installed.push(done?);
            }
            Ok(installed)
        })
    }
}

/// A manifest from elsewhere must not make a name mean other bytes than the catalog says.
fn check_catalog(reference: &Reference, manifest: &Manifest) -> Result<(), StoreError> {
    let Reference::Catalog(model) = reference else { return Ok(()) };
    let is_known = |file: &crate::manifest::ManifestFile| {
        model.files.iter().find(|known| known.name == file.name).is_some_and(|known| {
            known.size.allows(file.size_bytes) && known.sha256.is_none_or(|sha256| file.expected.digits() == sha256)
        })
    };
    if manifest.repository == model.repository
        && manifest.files.len() == model.files.len()
        && manifest.files.iter().all(is_known)
    {
        return Ok(());
    }
    Err(StoreError::NotAsCatalogued {
        name: model.name.to_owned(),
        repository: model.repository.to_owned(),
        host: "the folder".to_owned(),
        difference: "its manifest names other files".to_owned(),
    })
}

/// Which model of the catalog a folder may hold, by the name and size of its weights; moshiko and moshika look alike, so the one
/// whose name is in the path is meant.
fn guess(found: &Found, folder: &Path) -> Result<Reference, StoreError> {
    let fitting: Vec<_> = CATALOG
        .iter()
        .filter(|model| {
            let weights = model.files.first();
            weights.is_some_and(|weights| {
                found.files.iter().any(|(path, size)| {
                    path.file_name().is_some_and(|name| name == weights.name) && weights.size.allows(*size)
                })
            })
        })
        .collect();
    let path = folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).to_string_lossy().to_lowercase();
    let named = fitting.iter().find(|model| path.contains(model.name.split('-').next().unwrap_or(model.name)));
    match (named, fitting.as_slice()) {
        (Some(model), _) | (None, [model]) => Ok(Reference::Catalog(model)),
        (None, []) => Err(StoreError::NotAModel {
            repository: folder.display().to_string(),
            problem: "it holds no weights of a model that is known; name it with --as".to_owned(),
        }),
        (None, _) => {
            let names: Vec<_> = fitting.iter().map(|model| model.name).collect();
            Err(StoreError::NotAModel {
                repository: folder.display().to_string(),
                problem: format!("it may be {}: say which with --as", names.join(" or ")),
            })
        }
    }
}

/// What lies in a folder.
struct Found {
    files: Candidates,
    manifests: Vec<Manifest>,
}

impl Found {
    fn in_folder(folder: &Path) -> Result<Self, StoreError> {
        let mut found = Self { files: Vec::new(), manifests: Vec::new() };
        let entries = std::fs::read_dir(folder).map_err(|source| StoreError::disk("read", folder, source))?;
        drop(entries);
        found.look_into(folder, DEPTH);
        found.files.sort();
        Ok(found)
    }

    fn look_into(&mut self, folder: &Path, depth: usize) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path: PathBuf = entry.path();
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            if metadata.is_dir() && depth > 0 {
                self.look_into(&path, depth - 1);
            } else if metadata.is_file() && self.files.len() < MOST_FILES {
                if path.file_name().is_some_and(|name| name == "manifest.json")
                    && let Ok(Some(manifest)) = Manifest::read(&path)
                {
                    self.manifests.push(manifest);
                }
                self.files.push((path, metadata.len()));
            }
        }
    }

    /// The models whose manifests are there, or the wanted one of them.
    fn manifests(&self, wanted: Option<&Reference>) -> Vec<(Reference, Manifest)> {
        let named = self.manifests.iter().filter_map(|manifest| Some((manifest.name.parse().ok()?, manifest.clone())));
        named.filter(|(reference, _)| wanted.is_none_or(|wanted| wanted == reference)).collect()
    }
}
