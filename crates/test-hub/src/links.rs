//! Addresses of files on the CDN: each is given out once, and may be good for a few requests or bytes only.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::content::random_word;
use crate::repository::StoredFile;
use crate::rule::Behaviour;
use crate::stop::lock;

/// All addresses that were given out.
#[derive(Debug, Default)]
pub(crate) struct Links {
    by_token: Mutex<HashMap<String, Arc<Link>>>,
}

/// One address.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) file: Arc<StoredFile>,
    pub(crate) commit: String,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Links {
    /// Gives out an address and returns its token.
    pub(crate) fn issue(&self, file: &Arc<StoredFile>, commit: &str) -> String {
        let mut by_token = lock(&self.by_token);
        let token = format!("{:016x}", random_word(0, by_token.len() as u64));
        let link = Link {
            file: Arc::clone(file),
            commit: commit.into(),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        };
        by_token.insert(token.clone(), Arc::new(link));
        token
    }

    pub(crate) fn find(&self, token: &str) -> Option<Arc<Link>> {
        lock(&self.by_token).get(token).cloned()
    }
}

impl Link {
    /// Counts a request. False if the address is no longer good.
    pub(crate) fn admits(&self, behaviour: &Behaviour) -> bool {
        let requests = self.requests.fetch_add(1, Ordering::Relaxed);
        behaviour.link_requests.is_none_or(|limit| requests < limit)
            && behaviour.link_bytes.is_none_or(|limit| self.bytes.load(Ordering::Relaxed) < limit)
    }

    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
