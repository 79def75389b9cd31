//! Hashes: what a file should have, and computing what it has.
//!
//! Files in Git LFS are known by SHA-256. Small files that lie in git itself are known to the hub by git's object id only, a
//! SHA-1 over a header and the bytes; they are pinned by their SHA-256 once they have arrived.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::error::StoreError;
use crate::journal::BLOCK_BYTES;

/// What a file must hash to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// 64 hexadecimal digits.
    Sha256(String),
    /// Git's object id, 40 hexadecimal digits.
    GitSha1(String),
}

impl Expected {
    /// Checks the form: hexadecimal digits in lower case, of the right number. They become file names.
    pub(crate) fn is_well_formed(&self) -> bool {
        let (digits, length) = match self {
            Self::Sha256(digits) => (digits, 64),
            Self::GitSha1(digits) => (digits, 40),
        };
        digits.len() == length && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// The name under which the file's bytes lie in the library.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Sha256(digits) => digits.clone(),
            Self::GitSha1(digits) => format!("git-{digits}"),
        }
    }

    /// The digits alone.
    pub fn digits(&self) -> &str {
        match self {
            Self::Sha256(digits) | Self::GitSha1(digits) => digits,
        }
    }
}

/// Computes the hashes of a file whose bytes come in order.
pub(crate) struct Hasher {
    sha256: Sha256,
    git_sha1: Option<sha1::Sha1>,
}

/// The hashes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hashes {
    pub(crate) sha256: String,
    git_sha1: Option<String>,
}

impl Hasher {
    /// Computes what `expected` needs, and SHA-256 always. **Units** `size`: bytes of the whole file.
    pub(crate) fn new(expected: &Expected, size: u64) -> Self {
        let git_sha1 = matches!(expected, Expected::GitSha1(_)).then(|| {
            let mut sha1 = sha1::Sha1::new();
            sha1.update(format!("blob {size}\0"));
            sha1
        });
        Self { sha256: Sha256::new(), git_sha1 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha1) = &mut self.git_sha1 {
            sha1.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Hashes {
        Hashes { sha256: hex(&self.sha256.finalize()), git_sha1: self.git_sha1.map(|sha1| hex(&sha1.finalize())) }
    }
}

impl Hashes {
    /// Whether these are the hashes of the file that was expected.
    pub(crate) fn are(&self, expected: &Expected) -> bool {
        self.comparable(expected) == Some(expected.digits())
    }

    /// The hash to show beside the expected one.
    pub(crate) fn comparable(&self, expected: &Expected) -> Option<&str> {
        match expected {
            Expected::Sha256(_) => Some(&self.sha256),
            Expected::GitSha1(_) => self.git_sha1.as_deref(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").ok(); // writing to a String cannot fail
        text
    })
}

/// The SHA-256 of a few bytes, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Reads a file of `size` bytes in order, block by block, hashes it, and hands every block to `on_block`.
///
/// # Errors
/// [`StoreError::Cancelled`], what the disk says, and what `on_block` says. A file that is shorter is hashed as far as it goes.
pub(crate) fn hash_file(
    file: &File,
    path: &Path,
    expected: &Expected,
    size: u64,
    cancel: &CancellationToken,
    mut on_block: impl FnMut(u32, &[u8]) -> Result<(), StoreError>,
) -> Result<Hashes, StoreError> {
    let mut hasher = Hasher::new(expected, size);
    let mut buffer = vec![0; BLOCK_BYTES as usize];
    let (mut offset, mut index) = (0, 0);
    loop {
        if cancel.is_cancelled() {
            return Err(StoreError::Cancelled);
        }
        let read = read_block(file, &mut buffer, offset).map_err(|source| StoreError::disk("read", path, source))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(hasher.finish());
        }
        hasher.update(bytes);
        on_block(index, bytes)?;
        offset += read as u64;
        index += 1;
    }
}

/// Fills the buffer from `offset`, or as much of it as the file holds.
pub(crate) fn read_block(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(expected: &Expected, bytes: &[u8]) -> Hashes {
        let mut hasher = Hasher::new(expected, bytes.len() as u64);
        bytes.chunks(3).for_each(|chunk| hasher.update(chunk));
        hasher.finish()
    }

    #[test]
    fn hashes_are_those_of_sha256sum_and_of_git() {
        // printf 'hello\n' | sha256sum; printf 'hello\n' | git hash-object --stdin
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        let (sha256, git) = (Expected::Sha256(sha256.to_owned()), Expected::GitSha1(git.to_owned()));
        assert!(hashes(&sha256, b"hello\n").are(&sha256));
        assert!(hashes(&git, b"hello\n").are(&git));
        assert!(!hashes(&sha256, b"hello!").are(&sha256));
        assert!(!hashes(&git, b"hello!").are(&git));
        assert!(!hashes(&sha256, b"hello\n").are(&git), "what was not computed is not equal");
    }

    #[test]
    fn only_digits_become_file_names() {
        let sha256 = |digits: &str| Expected::Sha256(digits.to_owned());
        assert!(sha256(&"0a".repeat(32)).is_well_formed());
        for digits in ["", "0a", "../../../../pwned", &"0A".repeat(32), &"0g".repeat(32), &"0a".repeat(33)] {
            assert!(!sha256(digits).is_well_formed(), "{digits}");
        }
        assert!(Expected::GitSha1("0a".repeat(20)).is_well_formed());
        assert!(!Expected::GitSha1("0a".repeat(32)).is_well_formed());
    }
}
