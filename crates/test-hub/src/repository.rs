//! Repositories of the hub: which files they hold, and what git and Git LFS would call those.
//!
//! [`Repository`] is how a test describes one; [`StoredRepository`] is the same with its digests, made once at the start.

use std::io;
use std::sync::Arc;

use crate::content::{Content, git_blob_of};

/// A repository of one revision, which is `main` and also has the name of its commit.
///
/// Several with the same name are several commits of it; the last one is `main`.
#[derive(Debug, Clone)]
pub struct Repository {
    id: String,
    commit: Option<String>,
    licence: Option<String>,
    files: Vec<NewFile>,
}

#[derive(Debug, Clone)]
struct NewFile {
    path: String,
    content: Content,
    storage: Storage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    Git,
    Lfs,
}

impl Repository {
    /// An empty repository with the name `owner/name`, under CC-BY 4.0.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), commit: None, licence: Some("cc-by-4.0".into()), files: Vec::new() }
    }

    /// Its commit, 40 hexadecimal digits. Without one, the hub makes it up from the name.
    #[must_use]
    pub fn commit(mut self, commit: impl Into<String>) -> Self {
        self.commit = Some(commit.into());
        self
    }

    /// Its licence, as the hub writes it; `None` if it does not say.
    #[must_use]
    pub fn licence(mut self, licence: Option<&str>) -> Self {
        self.licence = licence.map(Into::into);
        self
    }

    /// Adds a small file, which lies in git itself. The path is not checked: it may be a hostile one.
    #[must_use]
    pub fn file(self, path: impl Into<String>, content: impl Into<Content>) -> Self {
        self.with(path.into(), content.into(), Storage::Git)
    }

    /// Adds a large file, which lies in Git LFS and is fetched from the CDN.
    #[must_use]
    pub fn lfs_file(self, path: impl Into<String>, content: impl Into<Content>) -> Self {
        self.with(path.into(), content.into(), Storage::Lfs)
    }

    fn with(mut self, path: String, content: Content, storage: Storage) -> Self {
        self.files.push(NewFile { path, content, storage });
        self
    }

    pub(crate) fn store(self) -> io::Result<StoredRepository> {
        let commit = self.commit.unwrap_or_else(|| git_blob_of(&self.id));
        let files = self.files.into_iter().map(|file| file.store().map(Arc::new)).collect::<io::Result<_>>()?;
        Ok(StoredRepository { id: self.id, commit, licence: self.licence, files })
    }
}

impl NewFile {
    fn store(self) -> io::Result<StoredFile> {
        let size_bytes = self.content.size_bytes();
        let (oid, lfs) = match self.storage {
            Storage::Git => (self.content.git_blob()?, None),
            Storage::Lfs => {
                let sha256 = self.content.sha256()?;
                let pointer =
                    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size_bytes}\n");
                (git_blob_of(&pointer), Some(Lfs { sha256, pointer_bytes: pointer.len() as u64 }))
            }
        };
        Ok(StoredFile { path: self.path, content: self.content, size_bytes, oid, lfs })
    }
}

/// A repository with its digests.
#[derive(Debug)]
pub(crate) struct StoredRepository {
    pub(crate) id: String,
    pub(crate) commit: String,
    pub(crate) licence: Option<String>,
    pub(crate) files: Vec<Arc<StoredFile>>,
}

impl StoredRepository {
    pub(crate) fn file(&self, path: &str) -> Option<&Arc<StoredFile>> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// A file with its digests.
#[derive(Debug)]
pub(crate) struct StoredFile {
    pub(crate) path: String,
    pub(crate) content: Content,
    pub(crate) size_bytes: u64,
    /// The SHA-1 that git gives to the file, or to its pointer if it lies in Git LFS.
    pub(crate) oid: String,
    pub(crate) lfs: Option<Lfs>,
}

/// What Git LFS knows of a file.
#[derive(Debug)]
pub(crate) struct Lfs {
    pub(crate) sha256: String,
    pub(crate) pointer_bytes: u64,
}

impl StoredFile {
    /// What the hub itself calls this version of the file, in quotes.
    pub(crate) fn hub_etag(&self) -> String {
        format!("\"{}\"", self.lfs.as_ref().map_or(&self.oid, |lfs| &lfs.sha256))
    }

    /// What the CDN calls it, in quotes. Another name, as object stores have their own: only this one fits `If-Range`.
    pub(crate) fn cdn_etag(&self) -> String {
        format!("\"cdn-{}\"", self.oid)
    }
}

/// The repository that a request means.
pub(crate) fn find<'a>(
    repositories: &'a [StoredRepository],
    id: &str,
    revision: &str,
) -> Result<&'a StoredRepository, NotFound> {
    let mut any = false;
    for repository in repositories.iter().rev().filter(|repository| repository.id == id) {
        any = true;
        if revision == "main" || revision == repository.commit {
            return Ok(repository);
        }
    }
    Err(if any { NotFound::Revision } else { NotFound::Repository })
}

/// What is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotFound {
    Repository,
    Revision,
    File,
}

impl NotFound {
    /// The value of `X-Error-Code`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Repository => "RepoNotFound",
            Self::Revision => "RevisionNotFound",
            Self::File => "EntryNotFound",
        }
    }
}
