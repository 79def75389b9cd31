//! One process works on a thing at a time; the others watch.
//!
//! A lock is `flock` on a file of its own: the system releases it when its process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::StoreError;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock if nobody has it.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, StoreError> {
        let file = Self::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(StoreError::disk("lock", path, source)),
        }
    }

    /// Takes the lock as soon as nobody has it: for what takes a moment.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn wait(path: &Path) -> Result<Self, StoreError> {
        let file = Self::open(path)?;
        file.lock().map_err(|source| StoreError::disk("lock", path, source))?;
        Ok(Self { _file: file })
    }

    fn open(path: &Path) -> Result<File, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| StoreError::disk("create", folder, source))?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        options.open(path).map_err(|source| StoreError::disk("open", path, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/a.lock");
        let first = Lock::try_take(&path).unwrap();
        assert!(first.is_some());
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(first);
        assert!(Lock::try_take(&path).unwrap().is_some());
    }
}
