//! How much room a volume has for us.

use std::path::Path;

/// Bytes that this user may still write on the volume of `path`, or of the nearest folder above it that exists; `None` where
/// the system does not say.
///
/// On a Mac, space that the system would clear for us (purgeable space) is not counted: `statvfs` does not know of it.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|folder| folder.exists())?;
    let volume = rustix::fs::statvfs(there).ok()?;
    Some(volume.f_bavail.saturating_mul(volume.f_frsize))
}
