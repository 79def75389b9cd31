//! The library of models on this machine: what is there, in which state, and what can be done with it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::blob::{self, BlobState};
use crate::catalog::{CATALOG, CatalogModel, DEFAULT_MODEL, Voice};
use crate::error::StoreError;
use crate::hub::Hub;
use crate::job::Job;
use crate::journal;
use crate::layout::Layout;
use crate::lock::Lock;
use crate::manifest::{Manifest, ManifestFile};
use crate::options::StoreOptions;
use crate::place::default_library;
use crate::pull::{Installed, PullOptions, Puller};
use crate::quality::Quality;
use crate::reference::Reference;
use crate::sweep::{manifests, sweep};

/// A library of models, and the hub that fills it.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) layout: Layout,
    pub(crate) options: StoreOptions,
}

/// A model, on this machine or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What people type.
    pub name: String,
    /// `OWNER/NAME` on the hub.
    pub repository: String,
    /// The commit that is pinned; `None`: the hub's newest will be.
    pub commit: Option<String>,
    /// Whose voice, where that is known.
    pub voice: Option<Voice>,
    /// How its weights are packed.
    pub quality: Quality,
    /// What the user may do with it, where that is known.
    pub licence: Option<String>,
    /// Whether people who do not choose get it.
    pub is_default: bool,
    /// All its bytes; before the first contact with the hub to three digits.
    pub size_bytes: u64,
    /// Those that are here, whole files and parts.
    pub present_bytes: u64,
    /// In which state it is.
    pub state: ModelState,
    /// Its folder, if it is usable.
    pub folder: Option<PathBuf>,
}

/// The state of a model on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum ModelState {
    /// Nothing of it is here.
    Absent,
    /// Some of it is here; a pull goes on.
    Partial,
    /// All of it is here and verified.
    Verified,
    /// All of it is here, but was copied or touched since it was verified: it is hashed again before use.
    Unchecked,
    /// It was whole, and is not any more; a pull repairs it.
    Damaged {
        /// Which files.
        what: String,
    },
}

impl Store {
    /// Finds the library. Nothing is created, and nobody is asked.
    ///
    /// # Errors
    /// As [`default_library`].
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let root = match &options.library {
            Some(library) => library.clone(),
            None => default_library()?,
        };
        let root = std::path::absolute(&root).map_err(|source| StoreError::disk("find", &root, source))?;
        Ok(Self { layout: Layout::new(root), options })
    }

    /// The library's folder.
    pub fn folder(&self) -> &Path {
        self.layout.root()
    }

    /// The user's Hugging Face cache, whose files are used where they are the right ones.
    ///
    /// # Errors
    /// [`StoreError::BadEndpoint`].
    pub fn hugging_face_cache(&self) -> Result<PathBuf, StoreError> {
        Ok(Hub::new(&self.options)?.cache_folder().to_owned())
    }

    /// What this machine could still hold.
    pub fn free_bytes(&self) -> Option<u64> {
        crate::space::free_bytes(self.layout.root())
    }

    /// All models: those of the catalog, and what else is in the library.
    ///
    /// # Errors
    /// What the disk says.
    pub fn list(&self) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        for model in &CATALOG {
            entries.push(self.entry(&Reference::Catalog(model))?);
        }
        // What cannot be read is not listed; of the catalog's models it is said.
        for manifest in manifests(&self.layout).into_iter().flatten() {
            if let Ok(reference @ Reference::Repository { .. }) = manifest.name.parse() {
                entries.push(self.entry(&reference)?);
            }
        }
        Ok(entries)
    }

    /// One model.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn entry(&self, reference: &Reference) -> Result<Entry, StoreError> {
        let (manifest, problem) = match Manifest::read(&self.layout.manifest(&reference.folder())) {
            Err(StoreError::BadManifest { problem, .. }) => (None, Some(problem)),
            read => (read?, None),
        };
        let catalog = match reference {
            Reference::Catalog(model) => Some(*model),
            Reference::Repository { .. } => None,
        };
        let state = match (&manifest, problem) {
            (Some(manifest), _) => self.state(reference, manifest),
            (None, Some(problem)) => ModelState::Damaged { what: format!("its manifest: {problem}") },
            (None, None) => ModelState::Absent,
        };
        let is_usable = state == ModelState::Verified;
        Ok(Entry {
            name: reference.to_string(),
            repository: reference.repository(),
            commit: manifest
                .as_ref()
                .map(|manifest| manifest.commit.clone())
                .or(catalog.and_then(|model| model.commit).map(str::to_owned)),
            voice: catalog.map(|model| model.voice),
            quality: manifest
                .as_ref()
                .map(|manifest| manifest.quality)
                .or(catalog.map(|model| model.quality))
                .unwrap_or(Quality::Q4),
            licence: manifest
                .as_ref()
                .and_then(|manifest| manifest.licence.clone())
                .or(catalog.map(|model| model.licence.to_owned())),
            is_default: reference.to_string() == DEFAULT_MODEL,
            size_bytes: manifest
                .as_ref()
                .map_or_else(|| catalog.map_or(0, CatalogModel::size_bytes), Manifest::size_bytes),
            present_bytes: manifest
                .as_ref()
                .map_or(0, |manifest| manifest.files.iter().map(|file| self.present_bytes(file)).sum()),
            state,
            folder: is_usable.then(|| self.layout.model(&reference.folder())),
        })
    }

    /// A model that the engine may open. No byte of it is read, and nobody is asked.
    ///
    /// # Errors
    /// [`StoreError::NotInstalled`] for one that is not or not all here, [`StoreError::Damaged`],
    /// [`StoreError::Unchecked`] for one that must be hashed again first.
    pub fn find(&self, reference: &Reference) -> Result<Installed, StoreError> {
        let name = reference.to_string();
        let folder = reference.folder();
        let Some(manifest) = Manifest::read(&self.layout.manifest(&folder))? else {
            return Err(StoreError::NotInstalled { name });
        };
        match self.state(reference, &manifest) {
            ModelState::Verified => Ok(Installed { folder: self.layout.model(&folder), manifest }),
            ModelState::Absent | ModelState::Partial => Err(StoreError::NotInstalled { name }),
            ModelState::Unchecked => Err(StoreError::Unchecked { name }),
            ModelState::Damaged { what } => Err(StoreError::Damaged { name, what }),
        }
    }

    /// Makes a model whole: verifies what is here, fetches what is missing. Of a model that is whole nothing is read or fetched,
    /// and nobody is asked.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn pull(&self, reference: &Reference, options: PullOptions) -> Job<Installed> {
        let (store, reference) = (self.clone(), reference.clone());
        Job::spawn(self.options.limits.tell_interval, move |desk| async move {
            let hub = Hub::new(&store.options)?;
            Puller { layout: store.layout, hub, desk }.pull(&reference, options).await
        })
    }

    /// Deletes a model, and those of its files that no other model has. Returns how many bytes that freed.
    ///
    /// # Errors
    /// [`StoreError::NotInstalled`], [`StoreError::InUse`] while somebody pulls it, and what the disk says.
    pub fn remove(&self, reference: &Reference) -> Result<u64, StoreError> {
        let folder_name = reference.folder();
        let folder = self.layout.model(&folder_name);
        if !folder.is_dir() {
            return Err(StoreError::NotInstalled { name: reference.to_string() });
        }
        let Some(_lock) = Lock::try_take(&self.layout.lock(&folder_name))? else {
            return Err(StoreError::InUse { name: reference.to_string() });
        };
        std::fs::remove_dir_all(&folder).map_err(|source| StoreError::disk("remove", &folder, source))?;
        sweep(&self.layout)
    }

    fn present_bytes(&self, file: &ManifestFile) -> u64 {
        match file.sha256().map(|sha256| blob::state(&self.layout, sha256)) {
            Some(BlobState::Verified | BlobState::Unchecked) => file.size_bytes,
            _ => journal::claimed_bytes(&self.layout.journal(&file.expected.key()), file.size_bytes),
        }
    }

    fn state(&self, reference: &Reference, manifest: &Manifest) -> ModelState {
        let folder = self.layout.model(&reference.folder());
        let state_of =
            |file: &ManifestFile| file.sha256().map_or(BlobState::Absent, |sha256| blob::state(&self.layout, sha256));
        let link_is_right = |file: &ManifestFile| {
            let target = std::fs::read_link(folder.join(&file.name)).ok();
            file.sha256().is_some_and(|sha256| target.as_deref() == Some(Layout::link_target(sha256).as_path()))
        };
        // Links come last: they tell a model that was whole from one that is arriving.
        let was_whole = manifest.files.iter().any(|file| folder.join(&file.name).is_symlink());
        let lost: Vec<&str> = manifest
            .files
            .iter()
            .filter(|file| state_of(file) == BlobState::Absent || (was_whole && !link_is_right(file)))
            .map(|file| file.name.as_str())
            .collect();
        if was_whole && !lost.is_empty() {
            let verb = if lost.len() == 1 { "is" } else { "are" };
            return ModelState::Damaged { what: format!("{} {verb} missing or wrong", lost.join(", ")) };
        }
        if manifest.files.iter().all(|file| state_of(file) == BlobState::Verified) && was_whole {
            return ModelState::Verified;
        }
        if lost.is_empty() && was_whole {
            return ModelState::Unchecked;
        }
        let is_anything_here = manifest.files.iter().any(|file| self.present_bytes(file) > 0);
        if is_anything_here { ModelState::Partial } else { ModelState::Absent }
    }
}
