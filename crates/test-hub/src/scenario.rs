//! A hub described in JSON, for programs that are not written in Rust.
//!
//! ```json
//! {
//!   "repositories": [{
//!     "id": "kyutai/tiny", "commit": "0123456789abcdef0123456789abcdef01234567", "licence": "cc-by-4.0",
//!     "files": [
//!       { "path": "config.json", "kind": "text", "text": "{}" },
//!       { "path": "model.safetensors", "kind": "random", "seed": 1, "size": 4194304 },
//!       { "path": "tokenizer.model", "kind": "file", "from": "/tmp/tokenizer.model", "lfs": true }
//!     ]
//!   }],
//!   "behaviour": { "redirects": "other_host", "link_requests": 3 },
//!   "rules": [{ "on": "cdn", "times": 1, "fault": { "drop_after": { "bytes": 1000 } } }]
//! }
//! ```

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::repository::Repository;
use crate::rule::{Behaviour, Rule};
use crate::server::{Builder, Hub};

/// What a hub holds and how it behaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its repositories.
    pub repositories: Vec<RepositorySpec>,
    /// How it behaves.
    #[serde(default)]
    pub behaviour: Behaviour,
    /// Rules that are added to those of `behaviour`.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// One repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositorySpec {
    /// `owner/name`.
    pub id: String,
    /// Its commit; without one, it is made up from the name.
    #[serde(default)]
    pub commit: Option<String>,
    /// Its licence; without one, CC-BY 4.0, and with an empty one, none.
    #[serde(default)]
    pub licence: Option<String>,
    /// Its files.
    pub files: Vec<FileSpec>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSpec {
    /// Its path in the repository.
    pub path: String,
    /// If it lies in Git LFS; without this, `.safetensors` files do.
    #[serde(default)]
    pub lfs: Option<bool>,
    /// Its SHA-256, if that need not be computed.
    #[serde(default)]
    pub sha256: Option<String>,
    /// What is in it.
    #[serde(flatten)]
    pub content: ContentSpec,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ContentSpec {
    /// See [`Content::random`].
    Random {
        /// Tells contents apart.
        #[serde(default)]
        seed: u64,
        /// How many bytes.
        size: u64,
    },
    /// See [`Content::zeros`].
    Zeros {
        /// How many bytes.
        size: u64,
    },
    /// A text.
    Text {
        /// The text.
        text: String,
    },
    /// See [`Content::file`].
    File {
        /// Where it is on this machine.
        from: PathBuf,
    },
}

impl Scenario {
    /// A hub that is like this, still to be started.
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn builder(self) -> io::Result<Builder> {
        let mut behaviour = self.behaviour;
        behaviour.rules.extend(self.rules);
        let builder = Hub::builder().behaviour(behaviour);
        self.repositories.into_iter().try_fold(builder, |builder, spec| Ok(builder.repository(spec.repository()?)))
    }
}

impl RepositorySpec {
    fn repository(self) -> io::Result<Repository> {
        let mut repository = Repository::new(self.id);
        if let Some(commit) = self.commit {
            repository = repository.commit(commit);
        }
        if let Some(licence) = &self.licence {
            repository = repository.licence(Some(licence.as_str()).filter(|licence| !licence.is_empty()));
        }
        self.files.into_iter().try_fold(repository, |repository, file| {
            let is_lfs = file.lfs.unwrap_or_else(|| file.path.ends_with(".safetensors"));
            let content = file.content.content()?;
            let content = match file.sha256 {
                Some(sha256) => content.with_sha256(sha256),
                None => content,
            };
            Ok(if is_lfs { repository.lfs_file(file.path, content) } else { repository.file(file.path, content) })
        })
    }
}

impl ContentSpec {
    fn content(self) -> io::Result<Content> {
        match self {
            Self::Random { seed, size } => Ok(Content::random(seed, size)),
            Self::Zeros { size } => Ok(Content::zeros(size)),
            Self::Text { text } => Ok(Content::from(text)),
            Self::File { from } => Content::file(from),
        }
    }
}
