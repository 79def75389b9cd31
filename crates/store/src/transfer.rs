//! The bytes of one file, over the network: several connections that each fetch a range, and a hasher behind them.
//!
//! ```text
//! connection ─┐ claims missing blocks, asks for their range, checks the answer,
//! connection ─┼─▶ writes whole blocks ─▶ part ─▶ hasher, in order ─▶ right: renamed, stamped
//! connection ─┘                                                      wrong: all is fetched once more
//! ```

mod answer;
mod connection;
mod crew;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use reqwest::Url;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::blob;
use crate::digest::Expected;
use crate::error::StoreError;
use crate::hub::Hub;
use crate::layout::Layout;
use crate::part::Part;

/// How often a file whose hash is wrong is fetched again from nothing.
const TRIES: u32 = 2;

/// What a transfer tells while it goes on; read by whoever shows progress.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Bytes that came over the network and were wanted.
    pub(crate) received_bytes: AtomicU64,
    /// Connections that fetch at this moment.
    pub(crate) connections: AtomicUsize,
    /// Requests that broke off or were refused, and went on.
    pub(crate) interruptions: AtomicU64,
    /// Why it waits, while it does.
    pub(crate) waiting: std::sync::Mutex<Option<String>>,
}

/// One file to fetch.
pub(crate) struct Transfer {
    pub(crate) hub: Hub,
    pub(crate) url: Url,
    pub(crate) name: String,
    pub(crate) part: Arc<Part>,
    pub(crate) expected: Expected,
    pub(crate) counters: Arc<Counters>,
    /// Whether connections rest.
    pub(crate) paused: watch::Receiver<bool>,
    /// Whether the server was seen to ignore ranges.
    ranges_refused: AtomicBool,
}

impl Transfer {
    pub(crate) fn new(
        hub: Hub,
        url: Url,
        name: String,
        part: Arc<Part>,
        expected: Expected,
        counters: Arc<Counters>,
        paused: watch::Receiver<bool>,
    ) -> Self {
        Self { hub, url, name, part, expected, counters, paused, ranges_refused: AtomicBool::new(false) }
    }

    /// Fetches what is missing of the file, verifies it, and puts it into the library. Returns its SHA-256.
    ///
    /// # Errors
    /// [`StoreError`]; what has arrived stays in the part.
    pub(crate) async fn run(
        self: Arc<Self>,
        layout: &Layout,
        cancel: &CancellationToken,
    ) -> Result<String, StoreError> {
        let mut tries = 1;
        loop {
            let hashes = self.fetch_and_hash(cancel).await?;
            if hashes.are(&self.expected) {
                let (part, layout) = (Arc::clone(&self.part), layout.clone());
                let sha256 = hashes.sha256.clone();
                // On a thread of its own: putting gigabytes on disk may take longer than people who cancel want to wait.
                let finish = tokio::task::spawn_blocking(move || {
                    part.finish(&hashes)?;
                    blob::stamp(&layout, &hashes.sha256)
                });
                tokio::select! {
                    () = cancel.cancelled() => return Err(StoreError::Cancelled),
                    done = finish => done.map_err(broke_off)??,
                }
                return Ok(sha256);
            }
            self.part.start_over()?;
            tracing::warn!(file = self.name, tries, "the hash is wrong; what came is thrown away");
            if tries == TRIES {
                return Err(StoreError::WrongBytes {
                    file: self.name.clone(),
                    host: self.hub.endpoint.host(),
                    expected: self.expected.digits().to_owned(),
                    found: hashes.comparable(&self.expected).unwrap_or_default().to_owned(),
                    tries,
                });
            }
            tries += 1;
        }
    }

    async fn fetch_and_hash(self: &Arc<Self>, cancel: &CancellationToken) -> Result<crate::digest::Hashes, StoreError> {
        let over = cancel.child_token();
        // Whichever way this future ends, nothing of it goes on.
        let _guard = over.clone().drop_guard();
        let (part, expected, stop) = (Arc::clone(&self.part), self.expected.clone(), over.clone());
        let mut hasher = tokio::task::spawn_blocking(move || part.hash(&expected, &stop));
        let crew = crew::fetch(self, &over);
        tokio::pin!(crew);
        let hashed = tokio::select! {
            () = cancel.cancelled() => return Err(StoreError::Cancelled),
            hashed = &mut hasher => hashed,
            failed = &mut crew => {
                over.cancel();
                hasher.await.ok();
                return Err(failed);
            }
        };
        over.cancel();
        hashed.map_err(broke_off)?
    }

    /// Notes why nothing comes, or that it comes again.
    pub(crate) fn waits(&self, reason: Option<String>) {
        *self.counters.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = reason;
    }

    fn ranges_are_refused(&self) -> bool {
        self.ranges_refused.load(Ordering::Relaxed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn broke_off(error: tokio::task::JoinError) -> StoreError {
    StoreError::Internal { reason: error.to_string() }
}
