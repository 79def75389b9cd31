//! Which blocks of a file have arrived, on disk: a header, then eight bytes for each block, appended as blocks arrive.
//!
//! A block is written to the file before its record is written here, so that after a kill nothing counts that is not there.
//! A power cut may lose the block and keep the record: so a record carries the block's CRC-32, and a block that differs does not
//! count either. The journal of a whole file is kept beside it: when bits rot on the disk, it tells which blocks to fetch again.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// What is written, recorded and lost at a time. With four connections at most, a kill costs 1 MiB at most.
pub(crate) const BLOCK_BYTES: u64 = 256 * 1024;

const MAGIC: &[u8; 4] = b"mbj1";
const HEADER_BYTES: usize = 16;
const RECORD_BYTES: usize = 8;

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
}

/// One block that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) index: u32,
    pub(crate) crc32: u32,
}

impl Journal {
    /// Opens the journal of a file of `size` bytes and reads what it says; later records of a block replace earlier ones. One
    /// of another size, or damaged at its head, is begun anew; a torn record at its end is cut off.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn open(path: &Path, size: u64) -> std::io::Result<(Self, Vec<Record>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let Some(records) = parse(&bytes, size) else {
            let mut journal = Self { file };
            journal.begin(size)?;
            return Ok((journal, Vec::new()));
        };
        let whole = HEADER_BYTES + records.len() * RECORD_BYTES;
        if whole < bytes.len() {
            file.set_len(whole as u64)?;
        }
        Ok((Self { file }, records))
    }

    /// Forgets all blocks.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn begin(&mut self, size: u64) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all(&header(size))
    }

    /// Records a block that is in the file.
    ///
    /// # Errors
    /// What the disk says. A record that was written in part is cut off when the journal is opened again.
    pub(crate) fn append(&mut self, record: Record) -> std::io::Result<()> {
        let mut bytes = [0; RECORD_BYTES];
        let (index, crc32) = bytes.split_at_mut(4);
        index.copy_from_slice(&record.index.to_le_bytes());
        crc32.copy_from_slice(&record.crc32.to_le_bytes());
        let before = self.file.metadata()?.len();
        self.file.write_all(&bytes).inspect_err(|_| {
            self.file.set_len(before).ok(); // or it is cut off later
        })
    }

    /// Puts the records on disk.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }
}

/// Bytes of a file of `size` bytes that a journal on disk claims, without opening it for writing: to show how far another
/// process is. Blocks that arrived twice count twice, up to the file's size.
pub(crate) fn claimed_bytes(path: &Path, size: u64) -> u64 {
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let records = length.saturating_sub(HEADER_BYTES as u64) / RECORD_BYTES as u64;
    records.saturating_mul(BLOCK_BYTES).min(size)
}

fn header(size: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&(BLOCK_BYTES as u32).to_le_bytes());
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes
}

fn parse(bytes: &[u8], size: u64) -> Option<Vec<Record>> {
    let records = bytes.strip_prefix(header(size).as_slice())?;
    let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).ok();
    records
        .chunks_exact(RECORD_BYTES)
        .map(|record| {
            let (index, crc32) = record.split_at_checked(4)?;
            Some(Record { index: number(index)?, crc32: number(crc32)? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_and_a_torn_one_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, records) = Journal::open(&path, 1_000_000).unwrap();
        assert_eq!(records, []);
        let written = [Record { index: 3, crc32: 7 }, Record { index: 0, crc32: u32::MAX }];
        for record in written {
            journal.append(record).unwrap();
        }
        assert_eq!(claimed_bytes(&path, 1_000_000), 2 * BLOCK_BYTES);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(&[1, 2, 3]).unwrap();
        let (mut journal, records) = Journal::open(&path, 1_000_000).unwrap();
        assert_eq!(records, written);
        journal.append(Record { index: 1, crc32: 1 }).unwrap();
        let (_, records) = Journal::open(&path, 1_000_000).unwrap();
        assert_eq!(records.len(), 3, "what follows a torn record can be read");
    }

    #[test]
    fn a_journal_of_another_file_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, _) = Journal::open(&path, 1_000_000).unwrap();
        journal.append(Record { index: 0, crc32: 0 }).unwrap();
        assert_eq!(Journal::open(&path, 1_000_001).unwrap().1, []);
        std::fs::write(&path, b"mb").unwrap();
        assert_eq!(Journal::open(&path, 1_000_001).unwrap().1, []);
        std::fs::write(&path, [0; 100]).unwrap();
        assert_eq!(Journal::open(&path, 1_000_001).unwrap().1, []);
    }
}
