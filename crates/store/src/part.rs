//! A file that is arriving: written block by block in any order, by several connections, and hashed in order behind them.
//!
//! Blocks are claimed, written, and from then on survive a kill. The hasher reads them back from the file: what it hashes is
//! what the disk gives, for blocks of this run and of earlier ones alike, and a block that is not as it arrived is fetched again.

use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::digest::{Expected, Hasher, Hashes, read_block};
use crate::error::StoreError;
use crate::journal::{BLOCK_BYTES, Journal, Record};
use crate::layout::{Layout, sync_folder};
use crate::lock::Lock;

/// How soon the hasher sees that it shall stop.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// What is put on disk at a time while hashing, so that the end waits for little: 256 MiB.
const SYNC_BLOCKS: u32 = 1_024;

/// How often a block may be fetched anew because the disk gives back something else, before the disk is not trusted any more.
const REREADS: u32 = 3;

/// A file that is arriving.
#[derive(Debug)]
pub(crate) struct Part {
    layout: Layout,
    key: String,
    size: u64,
    path: PathBuf,
    file: File,
    /// Held only while memory is looked at: whoever shows progress or cancels must not wait for a disk.
    state: Mutex<State>,
    journal: Mutex<Journal>,
    landed: Condvar,
    freed: Notify,
    /// Held as long as any thread has the part: one that still writes when a pull was cancelled must be the only one.
    _lock: Lock,
}

#[derive(Debug)]
struct State {
    blocks: Vec<Block>,
    present_bytes: u64,
    tag: Tag,
}

/// The tag that the server gave the file, for `If-Range`.
#[derive(Debug)]
enum Tag {
    Unknown,
    Known(String),
    /// A server did not like it, or it was none.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Missing,
    Claimed,
    Present(u32),
}

impl Part {
    /// Opens what has arrived of a file so far. `lock`: the file's.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn open(layout: &Layout, key: &str, size: u64, lock: Lock) -> Result<Self, StoreError> {
        let path = layout.part(key);
        let journal_path = layout.journal(key);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| StoreError::disk("write", &path, source))?;
        let there = file.metadata().map_err(|source| StoreError::disk("read", &path, source))?.len();
        let (journal, records) =
            Journal::open(&journal_path, size).map_err(|source| StoreError::disk("write", &journal_path, source))?;
        let mut state = State {
            blocks: vec![Block::Missing; size.div_ceil(BLOCK_BYTES) as usize],
            present_bytes: 0,
            tag: std::fs::read_to_string(layout.tag(key)).map_or(Tag::Unknown, Tag::Known),
        };
        for Record { index, crc32 } in records {
            let end = (u64::from(index) * BLOCK_BYTES).saturating_add(block_length(index, size));
            if let Some(block) = state.blocks.get_mut(index as usize)
                && end <= there
            {
                *block = Block::Present(crc32);
            }
        }
        state.present_bytes = state.count_present(size);
        Ok(Self {
            layout: layout.clone(),
            key: key.to_owned(),
            size,
            path,
            file,
            state: Mutex::new(state),
            journal: Mutex::new(journal),
            landed: Condvar::new(),
            freed: Notify::new(),
            _lock: lock,
        })
    }

    /// **Units** bytes of the whole file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The library that the file will be in.
    pub(crate) fn library(&self) -> &Path {
        self.layout.root()
    }

    /// What the volume has for us.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        crate::space::free_bytes(self.layout.root())
    }

    /// Bytes that have arrived.
    pub(crate) fn present_bytes(&self) -> u64 {
        self.state().present_bytes
    }

    /// The tag to send back, if there is one.
    pub(crate) fn tag(&self) -> Option<String> {
        match &self.state().tag {
            Tag::Known(tag) => Some(tag.clone()),
            Tag::Unknown | Tag::Refused => None,
        }
    }

    /// Remembers the file's tag, also for a later run.
    pub(crate) fn learn_tag(&self, tag: Option<HeaderValue>) {
        let tag = tag.and_then(|tag| tag.to_str().ok().map(str::to_owned));
        let mut state = self.state();
        if let (Tag::Unknown, Some(tag)) = (&state.tag, tag) {
            state.tag = Tag::Known(tag.clone());
            drop(state);
            std::fs::write(self.layout.tag(&self.key), &tag).ok(); // without it the next run asks without a tag
        }
    }

    /// Sends no tags any more.
    pub(crate) fn refuse_tags(&self) {
        self.state().tag = Tag::Refused;
        std::fs::remove_file(self.layout.tag(&self.key)).ok();
    }

    /// Whether the block has arrived.
    pub(crate) fn has(&self, index: u32) -> bool {
        matches!(self.state().blocks.get(index as usize), Some(Block::Present(_)))
    }

    /// Takes the first blocks that are missing and that nobody fetches, next to each other: at most `most` blocks.
    pub(crate) fn claim(&self, most: u32) -> Option<Range<u32>> {
        let mut state = self.state();
        let first = state.blocks.iter().position(|block| *block == Block::Missing)?;
        let run = state.blocks.iter_mut().skip(first).take(most.max(1) as usize);
        let mut end = first;
        for block in run.take_while(|block| **block == Block::Missing) {
            *block = Block::Claimed;
            end += 1;
        }
        Some(first as u32..end as u32)
    }

    /// Blocks that are missing or being fetched.
    pub(crate) fn missing_blocks(&self) -> u32 {
        self.state().blocks.iter().filter(|block| !matches!(block, Block::Present(_))).count() as u32
    }

    /// Gives back claimed blocks that did not arrive.
    pub(crate) fn release(&self, claimed: Range<u32>) {
        let mut state = self.state();
        let blocks = state.blocks.iter_mut().skip(claimed.start as usize).take(claimed.len());
        blocks.filter(|block| **block == Block::Claimed).for_each(|block| *block = Block::Missing);
        drop(state);
        self.freed.notify_waiters();
    }

    /// Waits until blocks may be missing again.
    pub(crate) async fn freed(&self) {
        // A release between two looks must not be slept through.
        tokio::time::timeout(Duration::from_millis(200), self.freed.notified()).await.ok();
    }

    /// Bytes of block `index`.
    pub(crate) fn block_length(&self, index: u32) -> u64 {
        block_length(index, self.size)
    }

    /// Writes a whole block and records it.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn write_block(&self, index: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let full = |source| {
            let missing = self.size.saturating_sub(self.present_bytes());
            StoreError::disk("write", &self.path, source).needing(missing, self.layout.root())
        };
        self.file.write_all_at(bytes, u64::from(index) * BLOCK_BYTES).map_err(full)?;
        let crc32 = crc32fast::hash(bytes);
        let recorded = self.journal().append(Record { index, crc32 });
        recorded.map_err(full)?;
        self.state().put(index, Block::Present(crc32), self.size);
        self.landed.notify_all();
        Ok(())
    }

    /// Forgets blocks that have arrived: they were not what they seemed.
    pub(crate) fn forget(&self, indices: &[u32]) {
        let mut state = self.state();
        for index in indices {
            state.put(*index, Block::Missing, self.size);
        }
        drop(state);
        self.freed.notify_waiters();
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn start_over(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        state.blocks.fill(Block::Missing);
        (state.present_bytes, state.tag) = (0, Tag::Unknown);
        std::fs::remove_file(self.layout.tag(&self.key)).ok();
        drop(state);
        let (size, path) = (self.size, self.layout.journal(&self.key));
        self.journal().begin(size).map_err(|source| StoreError::disk("write", &path, source))?;
        self.file.set_len(0).map_err(|source| StoreError::disk("write", &self.path, source))
    }

    /// Hashes the file in order, waiting for blocks that have not arrived. To be called on a thread that may block.
    ///
    /// # Errors
    /// [`StoreError::Cancelled`], and what the disk says.
    pub(crate) fn hash(&self, expected: &Expected, cancel: &CancellationToken) -> Result<Hashes, StoreError> {
        let mut hasher = Hasher::new(expected, self.size);
        let mut buffer = vec![0; BLOCK_BYTES as usize];
        let mut index = 0;
        let mut faults = DiskFaults::default();
        while u64::from(index) * BLOCK_BYTES < self.size {
            let crc32 = self.wait_for(index, cancel)?;
            let wanted = buffer.get_mut(..self.block_length(index) as usize).unwrap_or_default();
            let read = read_block(&self.file, wanted, u64::from(index) * BLOCK_BYTES)
                .map_err(|source| StoreError::disk("read", &self.path, source))?;
            if read < wanted.len() || crc32fast::hash(wanted) != crc32 {
                faults.of(index).map_err(|source| StoreError::disk("read back", &self.path, source))?;
                tracing::warn!(block = index, "a block is not as it arrived, and is fetched again");
                self.forget(&[index]);
                continue;
            }
            hasher.update(wanted);
            index += 1;
            if index % SYNC_BLOCKS == 0 {
                self.file.sync_data().map_err(|source| StoreError::disk("write", &self.path, source))?;
            }
        }
        Ok(hasher.finish())
    }

    fn wait_for(&self, index: u32, cancel: &CancellationToken) -> Result<u32, StoreError> {
        let mut state = self.state();
        loop {
            if cancel.is_cancelled() {
                return Err(StoreError::Cancelled);
            }
            if let Some(Block::Present(crc32)) = state.blocks.get(index as usize) {
                return Ok(*crc32);
            }
            state = match self.landed.wait_timeout(state, LOOK_AROUND) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Puts the verified file on disk under the name of its hash, its journal beside it.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn finish(&self, hashes: &Hashes) -> Result<PathBuf, StoreError> {
        let whole = self.layout.blob(&hashes.sha256);
        let failed = |source| StoreError::disk("write", &whole, source).needing(self.size, self.layout.root());
        // Something longer than the file may have been there: a part of another size, cut off by nobody.
        self.file.set_len(self.size).map_err(failed)?;
        self.file.sync_all().map_err(failed)?;
        self.journal().sync().map_err(failed)?;
        // The bytes first: a kill in between leaves a file that is hashed once more, never bytes without their journal.
        std::fs::rename(&self.path, &whole).map_err(failed)?;
        let journal = self.layout.journal(&self.key);
        std::fs::rename(&journal, self.layout.blocks(&hashes.sha256)).map_err(failed)?;
        std::fs::remove_file(self.layout.tag(&self.key)).ok();
        sync_folder(&self.layout.blobs());
        Ok(whole)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts how often one block came back wrong. Blocks of an earlier run may be wrong once, after a power cut; a disk that
/// spoils the same block again and again would have it fetched for ever.
#[derive(Debug, Default)]
struct DiskFaults {
    block: u32,
    times: u32,
}

impl DiskFaults {
    fn of(&mut self, block: u32) -> std::io::Result<()> {
        self.times = if block == self.block { self.times + 1 } else { 1 };
        self.block = block;
        if self.times <= REREADS {
            return Ok(());
        }
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "it gives back other bytes than were written"))
    }
}

impl State {
    fn put(&mut self, index: u32, new: Block, size: u64) {
        let Some(block) = self.blocks.get_mut(index as usize) else { return };
        let was_present = matches!(block, Block::Present(_));
        *block = new;
        let length = block_length(index, size);
        match (was_present, matches!(new, Block::Present(_))) {
            (false, true) => self.present_bytes += length,
            (true, false) => self.present_bytes = self.present_bytes.saturating_sub(length),
            _ => {}
        }
    }

    fn count_present(&self, size: u64) -> u64 {
        let present = self.blocks.iter().enumerate().filter(|(_, block)| matches!(block, Block::Present(_)));
        present.map(|(index, _)| block_length(index as u32, size)).sum()
    }
}

fn block_length(index: u32, size: u64) -> u64 {
    size.saturating_sub(u64::from(index) * BLOCK_BYTES).min(BLOCK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_spoils_one_block_again_and_again_is_not_trusted() {
        let mut faults = DiskFaults::default();
        for block in 0..100 {
            assert!(faults.of(block).is_ok(), "each may be wrong once");
        }
        let tries = (0..100).take_while(|_| faults.of(7).is_ok()).count();
        assert_eq!(tries, 3);
    }
}
