//! What a model consists of, pinned: from the hub at the first download, from then on from the library.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::digest::Expected;
use crate::error::StoreError;
use crate::layout::write_whole;
use crate::quality::Quality;
use crate::reference::is_plain;

/// The form that this program writes.
const FORMAT: u32 = 1;

/// What a model consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of this file.
    pub format: u32,
    /// What people call the model, as they would type it.
    pub name: String,
    /// `OWNER/NAME` on the hub.
    pub repository: String,
    /// The commit, 40 hexadecimal digits.
    pub commit: String,
    /// Who said so: the hub, or a mirror.
    pub endpoint: String,
    /// How the weights are packed.
    pub quality: Quality,
    /// What the user may do with it, as its authors say; `None` where they do not.
    pub licence: Option<String>,
    /// Its files, the small ones first.
    pub files: Vec<ManifestFile>,
}

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name in the model's folder.
    pub name: String,
    /// Its path in the repository.
    pub path: String,
    /// How large it is.
    pub size_bytes: u64,
    /// What it must hash to.
    pub expected: Expected,
    /// Its SHA-256, where `expected` is not that: known once the file has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived_sha256: Option<String>,
}

impl ManifestFile {
    /// The SHA-256 under which the file lies in the library, if that is known yet.
    pub fn sha256(&self) -> Option<&str> {
        match &self.expected {
            Expected::Sha256(digits) => Some(digits),
            Expected::GitSha1(_) => self.arrived_sha256.as_deref(),
        }
    }
}

impl Manifest {
    /// A manifest of this program's form.
    pub(crate) fn new(name: String, repository: String, commit: String, endpoint: String, quality: Quality) -> Self {
        Self { format: FORMAT, name, repository, commit, endpoint, quality, licence: None, files: Vec::new() }
    }

    /// Bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// As it is, with the hashes of arrived files that another manifest knows.
    pub(crate) fn knowing(mut self, other: Option<&Self>) -> Self {
        for file in &mut self.files {
            let same = other.into_iter().flat_map(|other| &other.files).find(|known| known.expected == file.expected);
            if let Some(known) = same {
                file.arrived_sha256.clone_from(&known.arrived_sha256);
            }
        }
        self
    }

    /// Reads a manifest; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::BadManifest`] for one that is damaged, or that names files outside of its folder.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let json = match std::fs::read(path) {
            Ok(json) => json,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::disk("read", path, source)),
        };
        Self::parse(&json, path).map(Some)
    }

    /// Reads a manifest's bytes. `path`: where they come from, for sentences.
    fn parse(json: &[u8], path: &Path) -> Result<Self, StoreError> {
        let bad = |problem: String| StoreError::BadManifest { path: path.to_owned(), problem };
        let manifest: Self = serde_json::from_slice(json).map_err(|error| bad(error.to_string()))?;
        manifest.problem().map_or(Ok(manifest), |problem| Err(bad(problem)))
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let json =
            serde_json::to_vec_pretty(self).map_err(|error| StoreError::Internal { reason: error.to_string() })?;
        write_whole(path, &json)
    }

    /// What makes it unusable. Nothing in it may lead out of the library, whoever wrote it.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.format != FORMAT {
            return Some(format!("its form is {}, and this program knows {FORMAT}", self.format));
        }
        if !Expected::GitSha1(self.commit.clone()).is_well_formed() {
            return Some("its commit is not 40 hexadecimal digits".to_owned());
        }
        if self.repository.split('/').count() != 2 || !self.repository.split('/').all(is_plain) {
            return Some("its repository is no OWNER/NAME".to_owned());
        }
        let mut seen = std::collections::BTreeSet::new();
        for file in &self.files {
            let is_unsafe =
                !is_plain(&file.name) || !file.path.split('/').all(is_plain) || file.name == "manifest.json";
            if is_unsafe || !seen.insert(file.name.to_lowercase()) {
                return Some(format!("the file name {:?} is not usable", file.name));
            }
            let arrived = file.arrived_sha256.clone().map(Expected::Sha256);
            if !file.expected.is_well_formed() || arrived.is_some_and(|arrived| !arrived.is_well_formed()) {
                return Some(format!("the hash of {} is none", file.name));
            }
        }
        self.files.is_empty().then(|| "it has no files".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, path: &str, sha256: &str) -> Manifest {
        let mut manifest =
            Manifest::new("m".into(), "a/b".into(), "0a".repeat(20), "https://huggingface.co".into(), Quality::Q4);
        let expected = Expected::Sha256(sha256.to_owned());
        manifest.files =
            vec![ManifestFile { name: name.into(), path: path.into(), size_bytes: 1, expected, arrived_sha256: None }];
        manifest
    }

    #[test]
    fn a_manifest_survives_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        assert_eq!(Manifest::read(&path).unwrap(), None);
        let written = manifest("model.q4.safetensors", "model.q4.safetensors", &"ab".repeat(32));
        written.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), Some(written));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(Manifest::read(&path), Err(StoreError::BadManifest { .. })));
    }

    #[test]
    fn a_hundred_thousand_damaged_manifests_are_refused_or_safe() {
        let whole = manifest("model.q4.safetensors", "deep/model.q4.safetensors", &"ab".repeat(32));
        let json = serde_json::to_vec_pretty(&whole).unwrap();
        let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
        let mut roll = |sides: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) as usize % sides
        };
        let mut read = 0;
        for _ in 0..100_000 {
            let mut bytes = json.clone();
            for _ in 0..=roll(2) {
                let (at, byte) = (roll(bytes.len()), b"../\\\"A0{}[],:%\n\0"[roll(16)]);
                match roll(8) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.insert(at, byte),
                    2 => drop(bytes.remove(at)),
                    _ => bytes[at] = byte,
                }
            }
            if let Ok(manifest) = Manifest::parse(&bytes, Path::new("manifest.json")) {
                read += 1;
                for file in &manifest.files {
                    let inside = Path::new("library").join(&file.name);
                    assert_eq!(inside.components().count(), 2, "{manifest:?}");
                    assert!(file.expected.is_well_formed() && !file.name.starts_with('.'), "{manifest:?}");
                }
            }
        }
        assert!(read > 5_000, "only {read} could be read: the damage is too rough to test anything");
    }

    #[test]
    fn nothing_in_a_manifest_leads_out_of_the_library() {
        let sha256 = "ab".repeat(32);
        assert_eq!(manifest("a.model", "deep/a.model", &sha256).problem(), None);
        for name in ["../a", "/a", "a/b", "", ".a", "a\0", "manifest.json", &"a".repeat(300)] {
            assert!(manifest(name, "a", &sha256).problem().is_some(), "{name}");
        }
        for path in ["../a", "/a", "a//b", "a/../../b", "a?x"] {
            assert!(manifest("a", path, &sha256).problem().is_some(), "{path}");
        }
        assert!(manifest("a", "a", "../../etc/passwd").problem().is_some());
        let mut twice = manifest("a", "a", &sha256);
        let mut second = twice.files[0].clone();
        second.name = "A".into();
        twice.files.push(second);
        assert!(twice.problem().is_some(), "a Mac's file system takes both names for one");
    }
}
