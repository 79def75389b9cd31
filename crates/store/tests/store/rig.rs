//! A hub with one small model, a library beside it, and limits for tests.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use moshibar_store::{
    Installed, JobEvent, Limits, Network, PullOptions, Reference, Store, StoreError, StoreOptions, TokenPolicy,
};
use moshibar_test_hub::{Behaviour, Content, Hub, Repository};
use sha2::Digest as _;
use tempfile::TempDir;

pub(crate) const WEIGHTS: &str = "model.q4.safetensors";
pub(crate) const MIMI: &str = "tokenizer-e351c8d8-checkpoint125.safetensors";
pub(crate) const TOKENIZER: &str = "tokenizer_spm_32k_3.model";
pub(crate) const COMMIT: &str = "18e4df760a34d5977a34517d7d1580e07acbb2f1";

/// Not a multiple of a block, so that the last one is short.
pub(crate) const WEIGHTS_BYTES: u64 = 4 * 1024 * 1024 + 12_345;
pub(crate) const MIMI_BYTES: u64 = 300_001;

/// The small files, which are fetched before the weights.
pub(crate) const SMALL_BYTES: u64 = MIMI_BYTES + 1_234;

pub(crate) const MIB: u64 = 1 << 20;

/// A hub, a library, and the model `hf:lab/tiny`.
pub(crate) struct Rig {
    pub(crate) hub: Hub,
    folder: TempDir,
}

impl Rig {
    pub(crate) fn new(behaviour: impl Into<Behaviour>) -> Self {
        static SHA256: LazyLock<String> = LazyLock::new(|| sha256(&weights()));
        Self::with_weights(Content::random(1, WEIGHTS_BYTES).with_sha256(&*SHA256), behaviour)
    }

    pub(crate) fn with_weights(weights: Content, behaviour: impl Into<Behaviour>) -> Self {
        let repository = Repository::new("lab/tiny")
            .commit(COMMIT)
            .file("README.md", "# A model")
            .lfs_file(WEIGHTS, weights)
            .lfs_file(MIMI, Content::random(2, MIMI_BYTES))
            .file(TOKENIZER, Content::random(3, 1_234));
        let hub = Hub::builder().repository(repository).behaviour(behaviour).start().unwrap();
        Self { hub, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.folder.path().join("library")
    }

    pub(crate) fn hugging_face_cache(&self) -> PathBuf {
        self.folder.path().join("hugging-face")
    }

    pub(crate) fn options(&self) -> StoreOptions {
        options(&self.hub.endpoint(), self.library())
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(self.options()).unwrap()
    }

    pub(crate) fn store_with(&self, limits: Limits) -> Store {
        Store::open(StoreOptions { limits, ..self.options() }).unwrap()
    }

    pub(crate) fn pull(&self) -> Result<Installed, StoreError> {
        pull(&self.store())
    }

    /// Bytes that were sent beyond those of the model.
    pub(crate) fn sent_twice(&self) -> u64 {
        self.hub.counters().body_bytes.saturating_sub(WEIGHTS_BYTES + SMALL_BYTES)
    }

    /// Everything that lies beside the library, where nothing may lie.
    pub(crate) fn outside(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let ours = [self.library(), self.hugging_face_cache()];
        entries.map(|entry| entry.unwrap().path()).filter(|path| !ours.contains(path)).collect()
    }

    /// The model is whole, and nothing is in the library that is not as published.
    pub(crate) fn assert_right(&self, installed: &Installed) {
        assert_eq!(std::fs::read(installed.folder.join(WEIGHTS)).unwrap(), weights());
        assert_eq!(
            std::fs::read(installed.folder.join(MIMI)).unwrap(),
            Content::random(2, MIMI_BYTES).to_vec().unwrap()
        );
        assert_eq!(
            std::fs::read(installed.folder.join(TOKENIZER)).unwrap(),
            Content::random(3, 1_234).to_vec().unwrap()
        );
        self.assert_nothing_wrong();
    }

    /// No file has the name of a hash that it does not have, and nothing was written outside.
    pub(crate) fn assert_nothing_wrong(&self) {
        assert_eq!(self.outside(), [] as [PathBuf; 0]);
        for path in files_in(&self.library().join("blobs")) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.len() == 64 && !name.contains('.') {
                let bytes = std::fs::read(&path).unwrap();
                assert_eq!(sha256(&bytes), name, "a wrong file has a right name");
            }
        }
        for path in files_in(&self.library()) {
            assert!(!path.to_string_lossy().contains("pwned"), "{}", path.display());
        }
    }
}

/// Limits of a test: pauses are short, so that a test is, but patience is long. A busy machine
/// makes everything late, and what is late is neither broken nor silent.
pub(crate) fn limits() -> Limits {
    Limits {
        connect_timeout: Duration::from_mins(1),
        stall_timeout: Duration::from_mins(1),
        stall_bytes: 1_024,
        patience_at_first: Duration::from_mins(2),
        patience: Duration::from_mins(2),
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(40),
        adapt_interval: Duration::from_millis(200),
        reserve_bytes: 0,
        ..Limits::default()
    }
}

/// Limits of a test in which nothing helps, and it is known that it will not: it gives up soon.
pub(crate) fn hasty() -> Limits {
    Limits { patience_at_first: Duration::from_millis(200), patience: Duration::from_millis(200), ..limits() }
}

pub(crate) fn options(endpoint: &str, library: PathBuf) -> StoreOptions {
    StoreOptions {
        hugging_face_cache: Some(library.with_file_name("hugging-face")),
        library: Some(library),
        endpoint: Some(endpoint.to_owned()),
        token: TokenPolicy::HubOnly,
        network: Network::Online,
        limits: limits(),
    }
}

/// The weights as published.
pub(crate) fn weights() -> Vec<u8> {
    Content::random(1, WEIGHTS_BYTES).to_vec().unwrap()
}

pub(crate) fn tiny() -> Reference {
    "hf:lab/tiny".parse().unwrap()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

pub(crate) fn pull(store: &Store) -> Result<Installed, StoreError> {
    block_on(async { store.pull(&tiny(), PullOptions::default()).finish().await })
}

/// Pulls, and gives every event to `on_event`.
pub(crate) fn pull_watched(store: &Store, mut on_event: impl FnMut(&JobEvent)) -> Result<Installed, StoreError> {
    block_on(async {
        let mut job = store.pull(&tiny(), PullOptions::default());
        while let Some(event) = job.next().await {
            on_event(&event);
        }
        job.finish().await
    })
}

/// Bytes of the model that this library has, as its journals say: what survives a kill.
pub(crate) fn present_bytes(store: &Store) -> u64 {
    store.entry(&tiny()).unwrap().present_bytes
}

pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files_in(&path));
        } else {
            found.push(path);
        }
    }
    found
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    sha2::Sha256::digest(bytes).iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}
