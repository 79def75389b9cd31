//! A model, from its name to a folder that the engine may open: what is here is verified, the rest is fetched.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::blob::{self, Adopted, BlobState};
use crate::catalog::CatalogModel;
use crate::digest::Expected;
use crate::error::StoreError;
use crate::hub::Hub;
use crate::job::{About, Desk, Phase};
use crate::layout::{Layout, sync_folder};
use crate::lock::Lock;
use crate::manifest::{Manifest, ManifestFile};
use crate::part::Part;
use crate::plan::{self, ConfigNames};
use crate::quality::Quality;
use crate::reference::Reference;
use crate::sweep::sweep;
use crate::transfer::Transfer;

/// How often it is looked whether another process is done.
const LOOK_AROUND: Duration = Duration::from_millis(200);

/// A config longer than this is none.
const LONGEST_CONFIG: u64 = 256 * 1024;

/// A model that is whole, verified, and in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The folder that the engine opens.
    pub folder: PathBuf,
    /// What it consists of.
    pub manifest: Manifest,
}

/// How to pull.
#[derive(Debug, Clone, Copy, Default)]
pub struct PullOptions {
    /// Which weights of a repository that has several; `None`: as its config says, else the smallest.
    pub quality: Option<Quality>,
    /// Whether a model that is pinned already is taken from the hub anew.
    pub pin: Pin,
}

/// Which commit is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pin {
    /// The one that the library has, if it has one.
    #[default]
    Keep,
    /// The hub's newest.
    Renew,
}

/// Where files may come from, other than the network.
pub(crate) type Candidates = Vec<(PathBuf, u64)>;

/// What a pull works with.
pub(crate) struct Puller {
    pub(crate) layout: Layout,
    pub(crate) hub: Hub,
    pub(crate) desk: Desk,
}

impl Puller {
    /// Pulls a model.
    ///
    /// # Errors
    /// [`StoreError`]; what has arrived is kept.
    pub(crate) async fn pull(&self, reference: &Reference, options: PullOptions) -> Result<Installed, StoreError> {
        self.layout.create()?;
        let folder = reference.folder();
        let _lock = self.wait_for_lock(&folder, &folder).await?;
        let known = Manifest::read(&self.layout.manifest(&folder))?;
        let fits = |manifest: &Manifest| options.quality.is_none_or(|quality| quality == manifest.quality);
        let manifest = match known.clone().filter(|manifest| options.pin == Pin::Keep && fits(manifest)) {
            Some(manifest) => manifest,
            None => self.ask(reference, options.quality).await?.knowing(known.as_ref()),
        };
        let installed = self.install(reference, manifest, None).await?;
        if options.pin == Pin::Renew {
            let layout = self.layout.clone();
            // The old commit's files are not wanted any more. If they cannot be deleted, the new ones are still right.
            blocking(move || sweep(&layout)).await.inspect_err(|error| tracing::warn!(%error, "old files stay")).ok();
        }
        Ok(installed)
    }

    /// Asks the hub what the model consists of.
    pub(crate) async fn ask(&self, reference: &Reference, quality: Option<Quality>) -> Result<Manifest, StoreError> {
        self.desk.phase(Phase::Asking);
        let (host, endpoint) = (self.hub.endpoint.host(), self.hub.endpoint.address().to_owned());
        let repository = reference.repository();
        let on_wait = |reason: &str, wait: Duration| {
            if !wait.is_zero() {
                self.desk.phase(Phase::Waiting { reason: reason.to_owned() });
            }
        };
        let listing = self.hub.listing(&repository, reference.revision(), &self.desk.cancel, &on_wait).await?;
        let model = match reference {
            Reference::Catalog(model) => return plan::of_catalog(model, &listing, &host, &endpoint),
            Reference::Repository { .. } => reference.to_string(),
        };
        let config = listing.files.iter().find(|file| file.path == "config.json");
        let config = match config.filter(|config| config.size_bytes <= LONGEST_CONFIG) {
            None => None,
            Some(file) => {
                let commit = &listing.commit;
                let json = self.hub.small_file(&repository, commit, file, &self.desk.cancel, &on_wait).await?;
                let names: ConfigNames = serde_json::from_slice(&json).map_err(|error| StoreError::NotAModel {
                    repository: repository.clone(),
                    problem: format!("its config.json cannot be read: {error}"),
                })?;
                Some(names)
            }
        };
        plan::of_repository(&model, &repository, &listing, config.as_ref(), quality, &host, &endpoint)
    }

    /// Makes a model whole: from the library, from `given` files or the user's Hugging Face cache, else from the network. Only
    /// given files: then nothing is fetched. The caller holds the model's lock.
    pub(crate) async fn install(
        &self,
        reference: &Reference,
        mut manifest: Manifest,
        given: Option<Candidates>,
    ) -> Result<Installed, StoreError> {
        let folder_name = reference.folder();
        let folder = self.layout.model(&folder_name);
        std::fs::create_dir_all(&folder).map_err(|source| StoreError::disk("create", &folder, source))?;
        let manifest_path = self.layout.manifest(&folder_name);
        // Writing waits for the disk, which may be busy with gigabytes of what was fetched last.
        if Manifest::read(&manifest_path).ok().flatten().as_ref() != Some(&manifest) {
            self.write(&manifest, &manifest_path).await?;
        }
        let missing: Vec<&ManifestFile> = manifest.files.iter().filter(|file| !self.is_verified(file)).collect();
        let missing_bytes: u64 = missing.iter().map(|file| file.size_bytes).sum();
        self.desk.tell_about(About {
            name: reference.to_string(),
            repository: manifest.repository.clone(),
            commit: manifest.commit.clone(),
            endpoint: manifest.endpoint.clone(),
            licence: manifest.licence.clone(),
            attribution: CatalogModel::named(&manifest.name).map(|model| model.attribution),
            size_bytes: manifest.size_bytes(),
            missing_bytes,
        });
        self.desk.expect(manifest.size_bytes(), manifest.size_bytes() - missing_bytes);
        let may_fetch = given.is_none();
        let candidates = match given {
            Some(given) => given,
            None if missing_bytes > 0 => self.hub.cached_files(&manifest.repository),
            None => Vec::new(),
        };
        for index in 0..manifest.files.len() {
            self.desk.check()?;
            let Some(file) = manifest.files.get(index).filter(|file| !self.is_verified(file)).cloned() else {
                continue;
            };
            let sha256 = self.obtain(&manifest, &file, &candidates, may_fetch).await?;
            self.desk.finished(file.size_bytes);
            if let (Expected::GitSha1(_), Some(file)) = (&file.expected, manifest.files.get_mut(index)) {
                file.arrived_sha256 = Some(sha256);
                self.write(&manifest, &manifest_path).await?;
            }
        }
        self.desk.phase(Phase::Finishing);
        let (layout, whole, name) = (self.layout.clone(), manifest.clone(), folder_name.clone());
        self.unless_cancelled(blocking(move || link(&layout, &whole, &name))).await?;
        Ok(Installed { folder, manifest })
    }

    fn is_verified(&self, file: &ManifestFile) -> bool {
        file.sha256().is_some_and(|sha256| blob::state(&self.layout, sha256) == BlobState::Verified)
    }

    /// Makes one file whole. Returns its SHA-256.
    async fn obtain(
        &self,
        manifest: &Manifest,
        file: &ManifestFile,
        candidates: &Candidates,
        may_fetch: bool,
    ) -> Result<String, StoreError> {
        let key = file.expected.key();
        let lock = self.wait_for_lock(&key, &file.name).await?;
        // Another process may have been quicker, or the file may have been moved here.
        if let Some(sha256) = file.sha256() {
            match blob::state(&self.layout, sha256) {
                BlobState::Verified => return Ok(sha256.to_owned()),
                BlobState::Unchecked if self.verify(file, sha256).await? => return Ok(sha256.to_owned()),
                _ => {}
            }
        }
        let mut wrong = None;
        for (path, _) in candidates.iter().filter(|(_, size)| *size == file.size_bytes) {
            match self.adopt(file, path).await? {
                Adopted::Right { sha256 } => return Ok(sha256),
                Adopted::Wrong { found } => wrong = Some((path.clone(), found)),
            }
        }
        if !may_fetch {
            let expected = file.expected.digits().to_owned();
            return Err(match wrong {
                Some((path, found)) => StoreError::ImportedWrong { path, expected, found },
                None => StoreError::NotAModel {
                    repository: manifest.name.clone(),
                    problem: format!("no file there is its {} of {} bytes", file.name, file.size_bytes),
                },
            });
        }
        self.fetch(manifest, file, lock).await
    }

    async fn verify(&self, file: &ManifestFile, sha256: &str) -> Result<bool, StoreError> {
        self.desk.reads(&file.name, file.size_bytes);
        let (layout, desk, sha256, size) = (self.layout.clone(), self.desk.clone(), sha256.to_owned(), file.size_bytes);
        let cancel = desk.cancel.clone();
        let verified =
            blocking(move || blob::verify(&layout, &sha256, size, &cancel, &mut |bytes| desk.has_read(bytes)));
        let is_right = verified.await?;
        self.desk.leaves();
        Ok(is_right)
    }

    async fn adopt(&self, file: &ManifestFile, path: &Path) -> Result<Adopted, StoreError> {
        self.desk.reads(&file.name, file.size_bytes);
        let (layout, desk, path, file) = (self.layout.clone(), self.desk.clone(), path.to_owned(), file.clone());
        let cancel = desk.cancel.clone();
        let adopted = blocking(move || {
            let (expected, size) = (&file.expected, file.size_bytes);
            blob::adopt(&layout, &path, expected, size, &cancel, &mut |bytes| desk.has_read(bytes))
        });
        let adopted = adopted.await;
        self.desk.leaves();
        adopted
    }

    async fn fetch(&self, manifest: &Manifest, file: &ManifestFile, lock: Lock) -> Result<String, StoreError> {
        self.hub.allow(&file.name)?;
        let key = file.expected.key();
        let part = Arc::new(Part::open(&self.layout, &key, file.size_bytes, lock)?);
        self.check_space(&part)?;
        let counters = self.desk.fetches(&file.name, &part);
        let url = self.hub.file_url(&manifest.repository, &manifest.commit, &file.path);
        let transfer = Transfer::new(
            self.hub.clone(),
            url,
            file.name.clone(),
            part,
            file.expected.clone(),
            counters,
            self.desk.paused.clone(),
        );
        Arc::new(transfer).run(&self.layout, &self.desk.cancel).await
    }

    fn check_space(&self, part: &Part) -> Result<(), StoreError> {
        let missing_bytes = part.size().saturating_sub(part.present_bytes());
        let needed_bytes = missing_bytes.saturating_add(self.hub.limits.reserve_bytes);
        match part.free_bytes() {
            Some(free_bytes) if missing_bytes > 0 && free_bytes < needed_bytes => {
                Err(StoreError::DiskFull { path: self.layout.root().to_owned(), needed_bytes, free_bytes })
            }
            _ => Ok(()),
        }
    }

    /// Takes a lock, or watches who has it until it is free.
    pub(crate) async fn wait_for_lock(&self, name: &str, what: &str) -> Result<Lock, StoreError> {
        let path = self.layout.lock(name);
        loop {
            if let Some(lock) = Lock::try_take(&path)? {
                return Ok(lock);
            }
            tracing::debug!(what, "another process works on it");
            self.desk.phase(Phase::Following);
            self.follow(name);
            tokio::select! {
                () = self.desk.cancel.cancelled() => return Err(StoreError::Cancelled),
                () = tokio::time::sleep(LOOK_AROUND) => {}
            }
        }
    }

    /// Shows how far the other process is.
    fn follow(&self, folder: &str) {
        let Ok(Some(manifest)) = Manifest::read(&self.layout.manifest(folder)) else { return };
        let done = manifest.files.iter().map(|file| {
            if self.is_verified(file) {
                return file.size_bytes;
            }
            crate::journal::claimed_bytes(&self.layout.journal(&file.expected.key()), file.size_bytes)
        });
        self.desk.expect(manifest.size_bytes(), done.sum());
    }

    async fn write(&self, manifest: &Manifest, path: &Path) -> Result<(), StoreError> {
        let (manifest, path) = (manifest.clone(), path.to_owned());
        self.unless_cancelled(blocking(move || manifest.write(&path))).await
    }

    /// Waits for a disk that may be busy with gigabytes, but not when somebody wants to stop: what is written then is right, too.
    async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        tokio::select! {
            () = self.desk.cancel.cancelled() => Err(StoreError::Cancelled),
            done = work => done,
        }
    }
}

/// Gives the files their names in the model's folder.
fn link(layout: &Layout, manifest: &Manifest, folder_name: &str) -> Result<(), StoreError> {
    let folder = layout.model(folder_name);
    for file in &manifest.files {
        let Some(sha256) = file.sha256() else { continue };
        let (link, target) = (folder.join(&file.name), Layout::link_target(sha256));
        if std::fs::read_link(&link).is_ok_and(|there| there == target) {
            continue;
        }
        std::fs::remove_file(&link).ok();
        std::os::unix::fs::symlink(&target, &link).map_err(|source| StoreError::disk("write", &link, source))?;
    }
    // Links of an earlier commit that the model has no more.
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = manifest.files.iter().any(|file| name == file.name.as_str());
        if !is_ours && entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            std::fs::remove_file(entry.path()).ok();
        }
    }
    sync_folder(&folder);
    Ok(())
}

/// Runs what may block on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StoreError::Internal { reason: error.to_string() }))
}
