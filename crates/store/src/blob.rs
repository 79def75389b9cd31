//! Whole files of the library, known by their hash, and the proof that they were verified.
//!
//! The proof is a stamp: what the file system said of the file (size, time of change, inode) when its hash was right. As long as
//! it says the same, the file is taken to be the same; otherwise it is hashed again before anybody reads it.

use std::fs::{File, Metadata};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::digest::{Expected, hash_file};
use crate::error::StoreError;
use crate::journal::{Journal, Record};
use crate::layout::{Layout, sync_folder, write_whole};

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobState {
    /// Not there.
    Absent,
    /// There and verified, and not changed since.
    Verified,
    /// There, but moved, copied or changed since it was verified, or never verified: to be hashed before use.
    Unchecked,
}

/// How a verified file looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    sha256: String,
    size_bytes: u64,
    modified_s: i64,
    modified_ns: i64,
    inode: u64,
}

impl Stamp {
    fn of(sha256: &str, metadata: &Metadata) -> Self {
        Self {
            sha256: sha256.to_owned(),
            size_bytes: metadata.size(),
            modified_s: metadata.mtime(),
            modified_ns: metadata.mtime_nsec(),
            inode: metadata.ino(),
        }
    }
}

/// Looks at a file's stamp.
pub(crate) fn state(layout: &Layout, sha256: &str) -> BlobState {
    let Ok(metadata) = std::fs::metadata(layout.blob(sha256)) else { return BlobState::Absent };
    let stamp = std::fs::read(layout.stamp(sha256)).ok();
    let stamp = stamp.and_then(|json| serde_json::from_slice::<Stamp>(&json).ok());
    if stamp.as_ref() == Some(&Stamp::of(sha256, &metadata)) { BlobState::Verified } else { BlobState::Unchecked }
}

/// Notes that the file has the hash that is its name.
///
/// # Errors
/// What the disk says.
pub(crate) fn stamp(layout: &Layout, sha256: &str) -> Result<(), StoreError> {
    let path = layout.blob(sha256);
    let metadata = std::fs::metadata(&path).map_err(|source| StoreError::disk("read", &path, source))?;
    let json = serde_json::to_vec_pretty(&Stamp::of(sha256, &metadata))
        .map_err(|error| StoreError::Internal { reason: error.to_string() })?;
    write_whole(&layout.stamp(sha256), &json)
}

/// Hashes a file of the library again. If it is right, it is stamped. If it is not, it becomes a part whose wrong blocks are
/// missing, so that nobody reads it and a pull fetches only those.
///
/// **Units** `on_bytes` gets bytes since its last call. Returns whether the file is right.
///
/// # Errors
/// [`StoreError::Cancelled`], and what the disk says.
pub(crate) fn verify(
    layout: &Layout,
    sha256: &str,
    size: u64,
    cancel: &CancellationToken,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<bool, StoreError> {
    let path = layout.blob(sha256);
    let expected = Expected::Sha256(sha256.to_owned());
    let (hashes, records) = hash_with_records(&path, &expected, size, cancel, on_bytes)?;
    let is_whole = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == size);
    if hashes.are(&expected) && is_whole {
        let (mut journal, kept) = open_journal(&layout.blocks(sha256), size)?;
        if kept.len() != records.len() {
            journal.begin(size).map_err(|source| StoreError::disk("write", &path, source))?;
            for record in records {
                journal.append(record).map_err(|source| StoreError::disk("write", &path, source))?;
            }
        }
        std::fs::remove_file(layout.journal(sha256)).ok(); // left behind by a kill just before the end
        stamp(layout, sha256)?;
        return Ok(true);
    }
    set_aside(layout, sha256, size, &records)?;
    Ok(false)
}

/// Makes a wrong file a part: its journal has the blocks that are as they arrived.
fn set_aside(layout: &Layout, sha256: &str, size: u64, found: &[Record]) -> Result<(), StoreError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::disk("write", &path, source)
    };
    let (_, known) = open_journal(&layout.blocks(sha256), size)?;
    if std::fs::metadata(layout.blob(sha256)).is_ok_and(|metadata| metadata.nlink() > 1) {
        // The same bytes have a name elsewhere, in a cache of another program. They are not ours to mend.
        for path in [layout.stamp(sha256), layout.blocks(sha256), layout.blob(sha256)] {
            std::fs::remove_file(&path).map_err(failed(&path)).or_else(only_if_there)?;
        }
        return Ok(());
    }
    let journal_path = layout.journal(sha256);
    let (mut journal, _) = open_journal(&journal_path, size)?;
    journal.begin(size).map_err(failed(&journal_path))?;
    // Without a journal of old nobody knows which blocks are right, and all are fetched again.
    for record in known.into_iter().filter(|record| found.contains_at(*record)) {
        journal.append(record).map_err(failed(&journal_path))?;
    }
    std::fs::remove_file(layout.stamp(sha256)).ok();
    std::fs::remove_file(layout.blocks(sha256)).ok();
    std::fs::rename(layout.blob(sha256), layout.part(sha256)).map_err(failed(&layout.part(sha256)))?;
    sync_folder(&layout.blobs());
    Ok(())
}

/// What was not there need not be removed.
fn only_if_there(error: StoreError) -> Result<(), StoreError> {
    match error {
        StoreError::Disk { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => Err(other),
    }
}

trait ContainsAt {
    /// Whether the block is as this record says. Blocks were recorded in order.
    fn contains_at(&self, record: Record) -> bool;
}

impl ContainsAt for [Record] {
    fn contains_at(&self, record: Record) -> bool {
        self.get(record.index as usize) == Some(&record)
    }
}

/// Takes a file from elsewhere into the library if its hash is right: by a second name for the same bytes where both lie on one
/// volume, else by a copy. The file itself stays as it is.
///
/// **Units** `on_bytes` gets bytes since its last call. Returns the file's SHA-256, or what it is instead.
///
/// # Errors
/// [`StoreError::Cancelled`], and what the disk says.
pub(crate) fn adopt(
    layout: &Layout,
    source: &Path,
    expected: &Expected,
    size: u64,
    cancel: &CancellationToken,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<Adopted, StoreError> {
    // A link is followed first: its bytes are what is wanted, not another link.
    let source = &std::fs::canonicalize(source).map_err(|error| StoreError::disk("read", source, error))?;
    if std::fs::metadata(source).map_or(true, |metadata| !metadata.is_file() || metadata.len() != size) {
        return Ok(Adopted::Wrong { found: format!("of another size than {size} bytes") });
    }
    let arriving = Arriving::new(layout, &expected.key());
    // The second name comes before the hash, so that what is hashed is what was named.
    let hashed = if std::fs::hard_link(source, &arriving.path).is_ok() {
        hash_with_records(&arriving.path, expected, size, cancel, on_bytes)
    } else {
        copy_with_records(layout, source, &arriving.path, expected, size, cancel, on_bytes)
    };
    let (hashes, records) = hashed?;
    if !hashes.are(expected) {
        return Ok(Adopted::Wrong { found: hashes.comparable(expected).unwrap_or(&hashes.sha256).to_owned() });
    }
    let path = layout.blob(&hashes.sha256);
    let failed = |source| StoreError::disk("write", &path, source);
    let (mut journal, _) = open_journal(&layout.blocks(&hashes.sha256), size)?;
    journal.begin(size).map_err(failed)?;
    for record in records {
        journal.append(record).map_err(failed)?;
    }
    std::fs::rename(&arriving.path, &path).map_err(failed)?;
    sync_folder(&layout.blobs());
    stamp(layout, &hashes.sha256)?;
    forget_part(layout, &expected.key());
    Ok(Adopted::Right { sha256: hashes.sha256 })
}

/// What became of a file from elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Adopted {
    Right { sha256: String },
    Wrong { found: String },
}

/// Removes what arrived of a file that is whole now, or not wanted any more.
pub(crate) fn forget_part(layout: &Layout, key: &str) {
    for path in [layout.part(key), layout.journal(key), layout.tag(key)] {
        std::fs::remove_file(path).ok();
    }
}

/// A name that is gone when the work on it ends.
struct Arriving {
    path: PathBuf,
}

impl Arriving {
    fn new(layout: &Layout, key: &str) -> Self {
        let path = layout.blobs().join(format!("{key}.adopting"));
        std::fs::remove_file(&path).ok(); // an earlier one that was killed; the caller holds the lock
        Self { path }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

type HashesAndRecords = (crate::digest::Hashes, Vec<Record>);

fn hash_with_records(
    path: &Path,
    expected: &Expected,
    size: u64,
    cancel: &CancellationToken,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<HashesAndRecords, StoreError> {
    read_with_records(path, expected, size, cancel, |bytes| {
        on_bytes(bytes.len() as u64);
        Ok(())
    })
}

fn copy_with_records(
    layout: &Layout,
    source: &Path,
    target: &Path,
    expected: &Expected,
    size: u64,
    cancel: &CancellationToken,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<HashesAndRecords, StoreError> {
    let failed = |error| StoreError::disk("write", target, error).needing(size, layout.root());
    let mut copy = File::create(target).map_err(failed)?;
    let read = read_with_records(source, expected, size, cancel, |bytes| {
        copy.write_all(bytes).map_err(failed)?;
        on_bytes(bytes.len() as u64);
        Ok(())
    })?;
    copy.sync_all().map_err(failed)?;
    Ok(read)
}

fn read_with_records(
    path: &Path,
    expected: &Expected,
    size: u64,
    cancel: &CancellationToken,
    mut on_block: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<HashesAndRecords, StoreError> {
    let file = File::open(path).map_err(|source| StoreError::disk("read", path, source))?;
    let mut records = Vec::new();
    let hashes = hash_file(&file, path, expected, size, cancel, |index, bytes| {
        records.push(Record { index, crc32: crc32fast::hash(bytes) });
        on_block(bytes)
    })?;
    Ok((hashes, records))
}

fn open_journal(path: &Path, size: u64) -> Result<(Journal, Vec<Record>), StoreError> {
    Journal::open(path, size).map_err(|source| StoreError::disk("write", path, source))
}
