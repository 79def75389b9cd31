//! Where things lie in the library of models.
//!
//! ```text
//! LIBRARY/models/NAME/manifest.json            what the model consists of, pinned
//! LIBRARY/models/NAME/model.q4.safetensors ->  ../../blobs/SHA256
//! LIBRARY/blobs/SHA256                         a file's bytes, whole; shared by all models that have it
//! LIBRARY/blobs/SHA256.json                    when they were verified, and how the file looked then
//! LIBRARY/blobs/SHA256.blocks                  the CRC of each block, to repair without fetching everything
//! LIBRARY/blobs/SHA256.part, .journal, .tag    bytes that are arriving, which have arrived, the server's tag for them
//! LIBRARY/built-in/NAME-HASH/                  a model that is part of the program, for the engine to open
//! LIBRARY/locks/                               who works on what
//! ```

use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// A library's root, and the names below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// Where models are laid out that are part of the program.
    pub(crate) fn built_in(&self) -> PathBuf {
        self.root.join("built-in")
    }

    /// The folder that the engine opens.
    pub(crate) fn model(&self, folder: &str) -> PathBuf {
        self.models().join(folder)
    }

    pub(crate) fn manifest(&self, folder: &str) -> PathBuf {
        self.model(folder).join("manifest.json")
    }

    pub(crate) fn blob(&self, key: &str) -> PathBuf {
        self.blobs().join(key)
    }

    /// What a link in a model's folder points to: relative, so that the library can move.
    pub(crate) fn link_target(key: &str) -> PathBuf {
        Path::new("../../blobs").join(key)
    }

    pub(crate) fn stamp(&self, key: &str) -> PathBuf {
        self.blobs().join(format!("{key}.json"))
    }

    pub(crate) fn blocks(&self, key: &str) -> PathBuf {
        self.blobs().join(format!("{key}.blocks"))
    }

    pub(crate) fn part(&self, key: &str) -> PathBuf {
        self.blobs().join(format!("{key}.part"))
    }

    pub(crate) fn journal(&self, key: &str) -> PathBuf {
        self.blobs().join(format!("{key}.journal"))
    }

    pub(crate) fn tag(&self, key: &str) -> PathBuf {
        self.blobs().join(format!("{key}.tag"))
    }

    pub(crate) fn lock(&self, name: &str) -> PathBuf {
        self.root.join("locks").join(format!("{name}.lock"))
    }

    /// Makes the folders, and marks the library as something that backups leave out.
    ///
    /// # Errors
    /// [`StoreError::NotWritable`], and what else the disk says.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        for folder in [self.models(), self.blobs(), self.root.join("locks")] {
            std::fs::create_dir_all(&folder).map_err(|source| StoreError::disk("create", &folder, source))?;
        }
        crate::backups::leave_out(&self.root);
        Ok(())
    }
}

/// Puts a folder's entries on disk, so that a rename survives a power cut. A volume that cannot do so is let be.
pub(crate) fn sync_folder(folder: &Path) {
    if let Ok(folder) = std::fs::File::open(folder) {
        folder.sync_all().ok();
    }
}

/// Writes a small file whole or not at all: in the steps of `AtomicFile` in the audio crate, which
/// this one does not know.
///
/// # Errors
/// What the disk says.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    use std::io::Write as _;
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| StoreError::disk("write", path, source))?;
    sync_folder(folder);
    Ok(())
}
