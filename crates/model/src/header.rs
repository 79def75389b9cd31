//! The header of a safetensors file: name, type, shape and place of every tensor, checked before anything else is read.
//!
//! No MLX here: MLX sees a file only when this has accepted it, and `fuzz/` builds this file without MLX.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use safetensors::tensor::{Dtype as FileDtype, Metadata};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::error::ModelError;

/// Largest header that is believed; MLX's own limit.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// Largest size of a dimension: MLX counts in 32 bits, signed.
const MAX_DIMENSION: usize = i32::MAX as usize;

/// Name, type and shape of every tensor in a file, nothing read yet.
#[derive(Debug, Clone)]
pub struct Header {
    tensors: BTreeMap<String, (FileDtype, Vec<usize>)>,
    data_bytes: u64,
}

impl Header {
    /// Checks the bytes between the length field and the data.
    ///
    /// **Units** `file_bytes`: size of the whole file, against which the tensors are added up.
    ///
    /// # Errors
    /// One sentence about what is wrong: JSON, offsets that overlap or leave gaps, sizes that overflow or contradict
    /// the shape, a file that is shorter or longer than its tensors.
    pub fn parse(header: &[u8], file_bytes: u64) -> Result<Self, String> {
        let text = std::str::from_utf8(header).map_err(|error| format!("its header is not text: {error}"))?;
        // `Metadata` keeps the last of several tensors of one name, and forgets the others.
        let UniqueKeys = serde_json::from_str(text).map_err(|error| format!("its header: {error}"))?;
        // `Metadata` refuses gaps, overlaps, sizes that do not match shape and type, and products that overflow.
        let metadata: Metadata = serde_json::from_str(text).map_err(|error| format!("its header: {error}"))?;
        let tensors = metadata.tensors();
        if let Some((name, info)) = tensors.iter().find(|(_, info)| info.shape.iter().any(|size| *size > MAX_DIMENSION))
        {
            return Err(format!("tensor '{name}' has shape {:?}, of which a size is beyond 32 bits", info.shape));
        }
        let data_bytes = tensors.values().map(|info| info.data_offsets.1 as u64).max().unwrap_or(0);
        let expected = 8 + header.len() as u64 + data_bytes;
        if expected != file_bytes {
            return Err(format!("it should be {expected} bytes long, but is {file_bytes}"));
        }
        if tensors.is_empty() {
            return Err("it holds no tensors".to_owned());
        }
        let tensors = tensors.into_iter().map(|(name, info)| (name, (info.dtype, info.shape.clone()))).collect();
        Ok(Self { tensors, data_bytes })
    }

    /// Reads and checks the header of the file at `path`.
    ///
    /// # Errors
    /// [`ModelError::Missing`], [`ModelError::Unreadable`], [`ModelError::Damaged`].
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let damaged = |message: String| ModelError::Damaged { path: path.to_owned(), message };
        let mut file = open(path)?;
        let unreadable = |source| ModelError::Unreadable { path: path.to_owned(), source };
        let file_bytes = file.metadata().map_err(unreadable)?.len();
        let mut length = [0; 8];
        if file_bytes < 8 {
            return Err(damaged(format!("it is only {file_bytes} bytes long")));
        }
        file.read_exact(&mut length).map_err(unreadable)?;
        let header_bytes = u64::from_le_bytes(length);
        if header_bytes > MAX_HEADER_BYTES || header_bytes > file_bytes - 8 {
            return Err(damaged(format!("it claims a header of {header_bytes} bytes")));
        }
        let mut header = vec![0; header_bytes as usize];
        file.read_exact(&mut header).map_err(unreadable)?;
        Self::parse(&header, file_bytes).map_err(damaged)
    }

    /// Element type and shape of a tensor.
    pub(crate) fn tensor(&self, key: &str) -> Option<(FileDtype, &[usize])> {
        self.tensors.get(key).map(|(dtype, shape)| (*dtype, shape.as_slice()))
    }

    /// Name, element type and shape of every tensor.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&str, FileDtype, &[usize])> {
        self.tensors.iter().map(|(name, (dtype, shape))| (name.as_str(), *dtype, shape.as_slice()))
    }

    /// Bytes of all tensors.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.data_bytes
    }
}

/// Opens a file for reading, with the errors of this crate.
fn open(path: &Path) -> Result<File, ModelError> {
    let missing = |hint: &str| ModelError::Missing { path: path.to_owned(), hint: hint.to_owned() };
    if path.is_dir() {
        return Err(missing("it is a folder, and a file is needed"));
    }
    File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => missing("check the model's folder, or download the model again"),
        _ => ModelError::Unreadable { path: path.to_owned(), source },
    })
}

/// A JSON object of which no key comes twice.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<IgnoredAny>()?;
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("'{key}' comes twice")));
            }
            seen.insert(key);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a header of these entries, in a file of `data_bytes` of data.
    fn refusal(entries: &str, data_bytes: u64) -> Option<String> {
        let header = format!("{{{entries}}}");
        Header::parse(header.as_bytes(), 8 + header.len() as u64 + data_bytes).err()
    }

    #[test]
    fn tensors_that_fill_the_file_are_accepted() {
        let two = r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[2,2],"data_offsets":[4,12]}"#;
        assert_eq!(refusal(two, 12), None);
    }

    /// The first of the two was forgotten, whatever it claimed.
    #[test]
    fn name_that_comes_twice_is_an_error() {
        let twice = r#""a":{"dtype":"F32","shape":[9],"data_offsets":[0,1]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
        let refusal = refusal(twice, 4).unwrap();
        assert!(refusal.contains("'a' comes twice"), "{refusal}");
    }

    /// Checked of any header by fuzz/targets/tensors.rs: without elements the other sizes were not looked at, and overflowed later.
    #[test]
    fn size_beyond_32_bits_is_an_error() {
        let empty = r#""a":{"dtype":"U32","shape":[0,4611686018427387904],"data_offsets":[0,0]}"#;
        let refusal = refusal(empty, 0).unwrap();
        assert!(refusal.contains("'a'") && refusal.contains("32 bits"), "{refusal}");
    }
}
