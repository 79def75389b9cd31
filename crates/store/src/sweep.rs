//! Deleting files that no model has any more.

use std::collections::BTreeSet;

use crate::error::StoreError;
use crate::layout::Layout;
use crate::lock::Lock;
use crate::manifest::Manifest;

/// The manifests of a library, or why one of them cannot be read.
pub(crate) fn manifests(layout: &Layout) -> Vec<Result<Manifest, StoreError>> {
    let entries = std::fs::read_dir(layout.models()).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path().join("manifest.json")).collect();
    paths.sort();
    paths.iter().filter_map(|path| Manifest::read(path).transpose()).collect()
}

/// Deletes files that no model has. Returns how many bytes that freed.
///
/// # Errors
/// [`StoreError::BadManifest`]: as long as one manifest cannot be read, nobody knows what its model has. What the disk says.
pub(crate) fn sweep(layout: &Layout) -> Result<u64, StoreError> {
    let manifests = manifests(layout).into_iter().collect::<Result<Vec<_>, _>>()?;
    let files = manifests.iter().flat_map(|manifest| &manifest.files);
    let wanted: BTreeSet<String> =
        files.flat_map(|file| [Some(file.expected.key()), file.sha256().map(str::to_owned)]).flatten().collect();
    let mut freed_bytes = 0;
    for entry in std::fs::read_dir(layout.blobs()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let key = name.split('.').next().unwrap_or_default();
        if wanted.contains(key) {
            continue;
        }
        // Somebody who fetches it has the lock.
        let Some(_lock) = Lock::try_take(&layout.lock(key))? else { continue };
        let length = entry.metadata().map_or(0, |metadata| metadata.len());
        let path = entry.path();
        std::fs::remove_file(&path).map_err(|source| StoreError::disk("remove", &path, source))?;
        freed_bytes += length;
    }
    Ok(freed_bytes)
}
