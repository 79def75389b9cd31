//! What files of the hub consist of: bytes in memory, or bytes made up as they are sent.
//!
//! Zeros and random bytes of any size cost no memory: each byte is known from its offset alone, so a range may start
//! anywhere. Offsets and sizes are in bytes. Digests are lower-case hexadecimal.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The most that is written at once. Larger pieces are no faster on the loopback interface, smaller ones are.
pub(crate) const PIECE_BYTES: usize = 256 * 1024;

static ZEROS: [u8; PIECE_BYTES] = [0; PIECE_BYTES];

/// The contents of one file.
#[derive(Debug, Clone)]
pub struct Content {
    source: Source,
    sha256: Option<String>,
}

#[derive(Debug, Clone)]
enum Source {
    Bytes(Arc<[u8]>),
    Zeros { size_bytes: u64 },
    Random { seed: u64, size_bytes: u64 },
    File { file: Arc<File>, size_bytes: u64 },
}

impl Content {
    /// These bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::from(Source::Bytes(Arc::from(bytes.into())))
    }

    /// So many zeros, which are not held in memory.
    pub fn zeros(size_bytes: u64) -> Self {
        Self::from(Source::Zeros { size_bytes })
    }

    /// So many bytes that look random and are the same for the same `seed`; they are not held in memory.
    pub fn random(seed: u64, size_bytes: u64) -> Self {
        Self::from(Source::Random { seed, size_bytes })
    }

    /// What is in the file at `path`, read as it is sent.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = File::open(path)?;
        let size_bytes = file.metadata()?.len();
        Ok(Self::from(Source::File { file: Arc::new(file), size_bytes }))
    }

    /// Says what the SHA-256 is, so that it need not be computed: gigabytes of zeros take seconds. May be a lie.
    #[must_use]
    pub fn with_sha256(mut self, sha256: impl Into<String>) -> Self {
        self.sha256 = Some(sha256.into());
        self
    }

    /// How long it is.
    pub fn size_bytes(&self) -> u64 {
        match &self.source {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Zeros { size_bytes } | Source::Random { size_bytes, .. } | Source::File { size_bytes, .. } => {
                *size_bytes
            }
        }
    }

    /// Its SHA-256, as given or else computed.
    ///
    /// # Errors
    /// If it is a file that cannot be read.
    pub fn sha256(&self) -> io::Result<String> {
        match &self.sha256 {
            Some(given) => Ok(given.clone()),
            None => self.digest(Sha256::new()),
        }
    }

    /// What git calls it: the SHA-1 of `blob`, its size, a zero byte, and itself.
    pub(crate) fn git_blob(&self) -> io::Result<String> {
        self.digest(Sha1::new_with_prefix(format!("blob {}\0", self.size_bytes())))
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// If it is a file that cannot be read.
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.each_piece(|piece| all.extend_from_slice(piece))?;
        Ok(all)
    }

    /// At most `limit_bytes` of what lies at `offset`; nothing beyond the end. `buffer` holds what had to be made up.
    pub(crate) fn piece<'a>(
        &'a self,
        offset: u64,
        limit_bytes: usize,
        buffer: &'a mut Vec<u8>,
    ) -> io::Result<&'a [u8]> {
        let left = self.size_bytes().saturating_sub(offset);
        let length = left.min(limit_bytes.min(PIECE_BYTES) as u64) as usize;
        match &self.source {
            Source::Bytes(bytes) => Ok(bytes.get(offset as usize..).and_then(|rest| rest.get(..length)).unwrap_or(&[])),
            Source::Zeros { .. } => Ok(ZEROS.get(..length).unwrap_or(&[])),
            Source::Random { seed, .. } => {
                buffer.resize(length, 0);
                fill_random(*seed, offset, buffer);
                Ok(buffer)
            }
            Source::File { file, .. } => {
                buffer.resize(length, 0);
                file.read_exact_at(buffer, offset)?;
                Ok(buffer)
            }
        }
    }

    fn each_piece(&self, mut visit: impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = Vec::new();
        let mut offset = 0;
        while offset < self.size_bytes() {
            let piece = self.piece(offset, PIECE_BYTES, &mut buffer)?;
            visit(piece);
            offset += piece.len() as u64;
        }
        Ok(())
    }

    fn digest<D: Digest>(&self, mut digest: D) -> io::Result<String> {
        self.each_piece(|piece| digest.update(piece))?;
        Ok(hex(&digest.finalize()))
    }
}

impl From<Source> for Content {
    fn from(source: Source) -> Self {
        Self { source, sha256: None }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::bytes(text)
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::bytes(text)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::bytes(bytes)
    }
}

/// The SHA-1 that git gives to a text, for pointers and for what has no contents here.
pub(crate) fn git_blob_of(text: &str) -> String {
    hex(&Sha1::new_with_prefix(format!("blob {}\0{text}", text.len())).finalize())
}

/// Numbers that look random: splitmix64 by index (Steele, Lea and Flood, 2014).
pub(crate) fn random_word(seed: u64, index: u64) -> u64 {
    let mut word = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn fill_random(seed: u64, offset: u64, buffer: &mut [u8]) {
    let mut index = offset / 8;
    let skipped = (offset % 8) as usize;
    let (head, rest) = buffer.split_at_mut(((8 - skipped) % 8).min(buffer.len()));
    if !head.is_empty() {
        for (to, from) in head.iter_mut().zip(random_word(seed, index).to_le_bytes().into_iter().skip(skipped)) {
            *to = from;
        }
        index += 1;
    }
    let (words, tail) = rest.as_chunks_mut::<8>();
    for word in words {
        *word = random_word(seed, index).to_le_bytes();
        index += 1;
    }
    for (to, from) in tail.iter_mut().zip(random_word(seed, index).to_le_bytes()) {
        *to = from;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_piece_of_random_bytes_is_the_same_as_in_the_whole() {
        let content = Content::random(7, 1000);
        let whole = content.to_vec().unwrap();
        assert_eq!(whole.len(), 1000);
        for (offset, length) in [(0, 1000), (1, 7), (3, 3), (5, 100), (8, 8), (993, 100), (999, 1), (1000, 5)] {
            let mut buffer = Vec::new();
            let piece = content.piece(offset, length, &mut buffer).unwrap();
            let end = (offset as usize + length).min(1000);
            assert_eq!(piece, &whole[offset as usize..end], "{offset} {length}");
        }
        assert_ne!(whole, Content::random(8, 1000).to_vec().unwrap());
    }

    #[test]
    fn digests_are_those_of_the_usual_programs() {
        // `printf 'hello\n' | sha256sum`, and `printf 'hello\n' | git hash-object --stdin`.
        let content = Content::from("hello\n");
        assert_eq!(content.sha256().unwrap(), "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
        assert_eq!(content.git_blob().unwrap(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(git_blob_of("hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
    }

    #[test]
    fn a_digest_that_is_given_is_not_computed() {
        assert_eq!(Content::zeros(1 << 60).with_sha256("ab").sha256().unwrap(), "ab");
    }
}
