//! What can go wrong between a name and a verified model. Every message names the thing and the way out.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why the store could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No model has this name.
    #[error("there is no model named '{name}': choose {known}, or any repository in these formats as hf:OWNER/NAME")]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// The names of the catalog.
        known: String,
    },
    /// The words behind `hf:` do not name a repository.
    #[error("'{text}' does not name a repository ({problem}): write hf:OWNER/NAME or hf:OWNER/NAME@REVISION")]
    BadReference {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The model is not on this machine.
    #[error("{name} is not on this machine: get it with `moshibar models pull {name}`")]
    NotInstalled {
        /// The model.
        name: String,
    },
    /// Some of the model's files are missing or wrong.
    #[error("{name} is damaged ({what}): `moshibar models pull {name}` repairs it and fetches only what is wrong")]
    Damaged {
        /// The model.
        name: String,
        /// Which files, and how.
        what: String,
    },
    /// The model's files were copied or touched since they were verified.
    #[error("{name} was copied or touched since it was verified: `moshibar models verify {name}` hashes it again")]
    Unchecked {
        /// The model.
        name: String,
    },
    /// The network is needed, but must not be used.
    #[error(
        "{what} needs the network, and offline mode forbids it: leave --offline and HF_HUB_OFFLINE out, or import the files"
    )]
    Offline {
        /// What needs it.
        what: String,
    },
    /// The hub cannot be reached.
    #[error("{host} cannot be reached ({reason}): check the network; what has arrived is kept")]
    Unreachable {
        /// Whom we wanted to reach.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// The server stopped sending.
    #[error("{host} sends nothing, or next to nothing, for {} s: try again later; what has arrived is kept", waited.as_secs())]
    Stalled {
        /// Who is silent.
        host: String,
        /// How long we waited.
        waited: Duration,
    },
    /// The server asks to come back later, for too long.
    #[error("{host} is busy (HTTP {status}): try again in some minutes; what has arrived is kept")]
    Busy {
        /// Who is busy.
        host: String,
        /// The status.
        status: u16,
    },
    /// The server does not let us have it.
    #[error("{host} refuses {what} (HTTP {status}): {hint}")]
    Refused {
        /// Who refuses.
        host: String,
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
        /// What to do about it.
        hint: &'static str,
    },
    /// The hub does not have it.
    #[error("{host} has no {what}: check the name and the revision")]
    NotFound {
        /// Who does not have it.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// The server answered, but not what was asked for: a portal, a proxy, a broken mirror.
    #[error(
        "{host} does not answer as a model hub does ({problem}): sign in to the network if it asks for that, or choose another --endpoint; nothing wrong was kept"
    )]
    UnexpectedAnswer {
        /// Who answered.
        host: String,
        /// What was wrong with it.
        problem: String,
    },
    /// The bytes are not the published ones, again and again.
    #[error(
        "{file} from {host} is not the published file (sha256 {found} instead of {expected}), {tries} times: choose another --endpoint, or another network; nothing of it was kept"
    )]
    WrongBytes {
        /// The file.
        file: String,
        /// Where it came from.
        host: String,
        /// The published hash.
        expected: String,
        /// What arrived.
        found: String,
        /// How often it was fetched.
        tries: u32,
    },
    /// The hub's facts contradict those that this program was built with.
    #[error(
        "{host} offers another {name} than this version of Moshibar knows ({difference}): update Moshibar, or take it as it is with hf:{repository}"
    )]
    NotAsCatalogued {
        /// The model.
        name: String,
        /// Its repository.
        repository: String,
        /// Who offers it.
        host: String,
        /// What differs.
        difference: String,
    },
    /// The repository does not hold a Moshi in MLX format.
    #[error("{repository} is not a Moshi in MLX format ({problem}): choose a repository like kyutai/moshiko-mlx-q4")]
    NotAModel {
        /// The repository or folder.
        repository: String,
        /// What is missing.
        problem: String,
    },
    /// Files from a folder whose hashes nobody here knows.
    #[error("{} cannot be verified without the network: connect once, or import a copy that has its manifest.json", path.display())]
    Unverifiable {
        /// The folder.
        path: PathBuf,
    },
    /// An imported file is not the published one.
    #[error("{} is not the published file (sha256 {found} instead of {expected}): copy it again, or download it", path.display())]
    ImportedWrong {
        /// The file.
        path: PathBuf,
        /// The published hash.
        expected: String,
        /// The file's.
        found: String,
    },
    /// The endpoint cannot be used.
    #[error("the endpoint '{endpoint}' cannot be used ({problem}): give an https address")]
    BadEndpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The disk is full, or will be.
    #[error("{} has {} free, and {} more is needed: free some space, or move the library with `moshibar models move DIR`; what has arrived is kept",
        path.display(), readable_bytes(*free_bytes), readable_bytes(needed_bytes.saturating_sub(*free_bytes)))]
    DiskFull {
        /// The library.
        path: PathBuf,
        /// What is needed in all, the reserve included.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
    },
    /// The folder cannot be written.
    #[error("{} cannot be written ({reason}): check its permissions, or move the library with `moshibar models move DIR`", path.display())]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Another failure of the file system.
    #[error("cannot {doing} {} ({source}): check the disk", path.display())]
    Disk {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The library is on a volume that is not there.
    #[error("the library of models is in {}, which is not there: connect the volume, or choose another with `moshibar models move DIR`", path.display())]
    LibraryMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A manifest cannot be read.
    #[error("{} cannot be used ({problem}): remove it and pull the model again", path.display())]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Another process works on this.
    #[error("{name} is being worked on by another process: wait for it, or end it")]
    InUse {
        /// The model, or the library.
        name: String,
    },
    /// Somebody asked to stop.
    #[error("stopped; what has arrived is kept")]
    Cancelled,
    /// A part of this program failed.
    #[error("a part of the store broke off ({reason}): try again")]
    Internal {
        /// What it said.
        reason: String,
    },
}

impl StoreError {
    /// A word for programs and for the choice of a button.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownModel { .. } => "unknown_model",
            Self::BadReference { .. } => "bad_reference",
            Self::NotInstalled { .. } => "not_installed",
            Self::Damaged { .. } => "damaged",
            Self::Unchecked { .. } => "unchecked",
            Self::Offline { .. } => "offline",
            Self::Unreachable { .. } => "unreachable",
            Self::Stalled { .. } => "stalled",
            Self::Busy { .. } => "busy",
            Self::Refused { .. } => "refused",
            Self::NotFound { .. } => "not_found",
            Self::UnexpectedAnswer { .. } => "unexpected_answer",
            Self::WrongBytes { .. } => "wrong_bytes",
            Self::NotAsCatalogued { .. } => "not_as_catalogued",
            Self::NotAModel { .. } => "not_a_model",
            Self::Unverifiable { .. } => "unverifiable",
            Self::ImportedWrong { .. } => "imported_wrong",
            Self::BadEndpoint { .. } => "bad_endpoint",
            Self::DiskFull { .. } => "disk_full",
            Self::NotWritable { .. } => "not_writable",
            Self::Disk { .. } => "disk",
            Self::LibraryMissing { .. } => "library_missing",
            Self::BadManifest { .. } => "bad_manifest",
            Self::InUse { .. } => "in_use",
            Self::Cancelled => "cancelled",
            Self::Internal { .. } => "internal",
        }
    }

    /// A failure of the file system as what it means to people. A full disk is told with what is free; who knows what is
    /// needed says so ([`needing`](Self::needing)).
    pub(crate) fn disk(doing: &'static str, path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                let free_bytes = crate::space::free_bytes(path).unwrap_or(0);
                Self::DiskFull { path: path.to_owned(), needed_bytes: free_bytes.saturating_add(1), free_bytes }
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path: path.to_owned(), reason: source.to_string() }
            }
            _ => Self::Disk { doing, path: path.to_owned(), source },
        }
    }

    /// As it is, or a full disk that knows how much is still to be written.
    pub(crate) fn needing(self, missing_bytes: u64, library: &Path) -> Self {
        match self {
            Self::DiskFull { free_bytes, .. } => Self::DiskFull {
                path: library.to_owned(),
                // A quota refuses although the disk has space: then what is free is not for us.
                needed_bytes: missing_bytes.max(free_bytes.saturating_add(1)),
                free_bytes,
            },
            other => other,
        }
    }
}

/// A number of bytes as people read it.
pub fn readable_bytes(bytes: u64) -> String {
    let float = bytes as f64;
    match float {
        1e9.. => format!("{:.2} GB", float / 1e9),
        1e6.. => format!("{:.1} MB", float / 1e6),
        1e3.. => format!("{:.1} kB", float / 1e3),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_quota_are_told_with_what_is_needed() {
        for kind in [std::io::ErrorKind::StorageFull, std::io::ErrorKind::QuotaExceeded] {
            let error = StoreError::disk("write", Path::new("/"), kind.into()).needing(5, Path::new("/library"));
            let StoreError::DiskFull { path, needed_bytes, free_bytes } = error else { panic!("{error}") };
            assert_eq!(path, Path::new("/library"));
            assert!(
                needed_bytes > free_bytes && free_bytes > 0,
                "what is free is not for us: {needed_bytes} {free_bytes}"
            );
        }
    }

    #[test]
    fn sentences_name_the_thing_and_the_way_out() {
        let full = StoreError::DiskFull { path: "/m".into(), needed_bytes: 7_000_000_000, free_bytes: 1_500_000_000 };
        let sentence = full.to_string();
        assert!(sentence.starts_with("/m has 1.50 GB free, and 5.50 GB more is needed"), "{sentence}");
        let read_only = StoreError::disk("write", Path::new("/m"), std::io::ErrorKind::ReadOnlyFilesystem.into());
        assert_eq!(read_only.code(), "not_writable");
    }
}
