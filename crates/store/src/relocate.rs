//! Moving the library to another folder or volume: everything is copied and verified before anything is deleted.

use std::path::{Path, PathBuf};

use crate::blob::{self, Adopted, BlobState};
use crate::digest::Expected;
use crate::error::StoreError;
use crate::job::{Desk, Job, Phase};
use crate::layout::Layout;
use crate::library::Store;
use crate::lock::Lock;
use crate::place::remember;
use crate::pull::blocking;

impl Store {
    /// Moves the library to an empty or new folder, and remembers that it is there now. Interrupted, it stays where it was, and
    /// the next try goes on. Returns the new place.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn relocate(&self, target: &Path) -> Job<PathBuf> {
        let (store, target) = (self.clone(), target.to_owned());
        Job::spawn(self.options.limits.tell_interval, move |desk| async move {
            blocking(move || store.move_to(&target, &desk)).await
        })
    }

    fn move_to(&self, target: &Path, desk: &Desk) -> Result<PathBuf, StoreError> {
        let target = std::path::absolute(target).map_err(|source| StoreError::disk("find", target, source))?;
        if target == self.layout.root() || target.starts_with(self.layout.root()) {
            return Err(StoreError::NotWritable { path: target, reason: "the library is there already".to_owned() });
        }
        let (from, to) = (&self.layout, Layout::new(target.clone()));
        let is_strange = target.read_dir().is_ok_and(|mut entries| entries.next().is_some()) && !to.blobs().is_dir();
        if is_strange {
            return Err(StoreError::NotWritable { path: target, reason: "there are other files in it".to_owned() });
        }
        let _locks = self.lock_everything()?;
        to.create()?;
        let blobs = self.blobs()?;
        desk.expect(blobs.iter().map(|(_, size)| size).sum(), 0);
        for (sha256, size) in &blobs {
            desk.check()?;
            copy_blob(from, &to, sha256, *size, desk)?;
            desk.finished(*size);
        }
        desk.phase(Phase::Finishing);
        for entry in std::fs::read_dir(from.models()).into_iter().flatten().flatten() {
            copy_model(&entry.path(), &to.models().join(entry.file_name()))?;
        }
        remember(&target)?;
        // From here on the library is there; what stays behind here is only in the way. What is built in is laid out anew there.
        for folder in [from.models(), from.blobs(), from.built_in(), from.root().join("locks")] {
            remove_if_there(&folder)?;
        }
        // The folder may hold files that are not ours: then it stays, and backups must not leave them out.
        std::fs::remove_file(from.root().join("CACHEDIR.TAG")).ok();
        std::fs::remove_dir(from.root()).ok();
        Ok(target)
    }

    /// Nobody may pull while the library moves.
    fn lock_everything(&self) -> Result<Vec<Lock>, StoreError> {
        let in_use = || StoreError::InUse { name: "the library".to_owned() };
        let folder = self.layout.root().join("locks");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.map(|file| Lock::try_take(&file.path())?.ok_or_else(in_use)).collect()
    }

    /// Whole files of the library. Parts stay behind: what they hold is small against what is whole, and is fetched again.
    fn blobs(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let folder = self.layout.blobs();
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let entries = std::fs::read_dir(&folder).map_err(|source| StoreError::disk("read", &folder, source))?;
        let named = entries.flatten().filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_whole = Expected::Sha256(name.clone()).is_well_formed();
            entry.metadata().ok().filter(|_| is_whole).map(|metadata| (name, metadata.len()))
        });
        Ok(named.collect())
    }
}

/// A library that was never filled has no folders.
fn remove_if_there(folder: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|source| StoreError::disk("remove", folder, source)),
    }
}

fn copy_blob(from: &Layout, to: &Layout, sha256: &str, size: u64, desk: &Desk) -> Result<(), StoreError> {
    if blob::state(to, sha256) == BlobState::Verified {
        return Ok(()); // of an earlier try
    }
    desk.reads(sha256, size);
    let expected = Expected::Sha256(sha256.to_owned());
    let adopted =
        blob::adopt(to, &from.blob(sha256), &expected, size, &desk.cancel, &mut |bytes| desk.has_read(bytes))?;
    match adopted {
        Adopted::Right { .. } => Ok(()),
        // It is damaged here already; its model will say so there, and a pull mends it.
        Adopted::Wrong { .. } => {
            tracing::warn!(sha256, "a damaged file stays behind");
            Ok(())
        }
    }
}

fn copy_model(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(to).map_err(|source| StoreError::disk("create", to, source))?;
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        std::fs::remove_file(&copy).ok();
        let copied = match std::fs::read_link(&path) {
            Ok(link) => std::os::unix::fs::symlink(link, &copy),
            Err(_) => std::fs::copy(&path, &copy).map(drop),
        };
        copied.map_err(|source| StoreError::disk("write", &copy, source))?;
    }
    Ok(())
}
