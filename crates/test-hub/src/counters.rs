//! What the hub was asked and what it sent, so that a test can tell what its client did.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::stop::lock;

/// What happened since the start, or since the last reset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Connections that were accepted.
    pub connections: u64,
    /// All requests, each of which is also one of the next five.
    pub requests: u64,
    /// Descriptions and listings.
    pub api: u64,
    /// HEAD, of files.
    pub head: u64,
    /// GET of `/…/resolve/…`.
    pub resolve: u64,
    /// GET of the CDN.
    pub cdn: u64,
    /// Anything else.
    pub other: u64,
    /// Bytes of files that were written, wherever they came from; not those of other bodies. A client that leaves has read
    /// less: what lies in the buffers of its connection counts too.
    pub body_bytes: u64,
    /// The most bodies of files that were on their way at the same time.
    pub max_concurrent_bodies: u64,
    /// The requests, in order.
    pub log: Vec<RequestRecord>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Its method.
    pub method: String,
    /// Its path, still encoded and without the query.
    pub path: String,
    /// The file it is about, if any.
    pub file: Option<String>,
    /// Its header `Range`.
    pub range: Option<String>,
    /// Its header `If-Range`.
    pub if_range: Option<String>,
    /// If it has a header `Authorization`.
    pub has_authorization: bool,
    /// Its header `Host`.
    pub host: String,
    /// Its header `User-Agent`.
    pub user_agent: Option<String>,
    /// The status of the answer, even if that never came.
    pub status: u16,
}

/// As which of the counters a request counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Api,
    Head,
    Resolve,
    Cdn,
    Other,
}

/// The counters of a running hub.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counters: Counters,
    open_bodies: u64,
    files_being_sent: u64,
}

impl Ledger {
    pub(crate) fn read(&self) -> Counters {
        lock(&self.state).counters.clone()
    }

    pub(crate) fn reset(&self) {
        let mut state = lock(&self.state);
        // Bodies that are on their way stay so.
        state.counters = Counters { max_concurrent_bodies: state.open_bodies, ..Counters::default() };
    }

    pub(crate) fn connection(&self) {
        lock(&self.state).counters.connections += 1;
    }

    pub(crate) fn request(&self, kind: Kind, record: RequestRecord) {
        let counters = &mut lock(&self.state).counters;
        counters.requests += 1;
        match kind {
            Kind::Api => counters.api += 1,
            Kind::Head => counters.head += 1,
            Kind::Resolve => counters.resolve += 1,
            Kind::Cdn => counters.cdn += 1,
            Kind::Other => counters.other += 1,
        }
        counters.log.push(record);
    }

    pub(crate) fn body_bytes(&self, bytes: u64) {
        lock(&self.state).counters.body_bytes += bytes;
    }

    pub(crate) fn open_body(&self) -> OpenBody<'_> {
        let mut state = lock(&self.state);
        state.open_bodies += 1;
        state.counters.max_concurrent_bodies = state.counters.max_concurrent_bodies.max(state.open_bodies);
        OpenBody(self)
    }

    pub(crate) fn send_file(&self) -> SentFile<'_> {
        lock(&self.state).files_being_sent += 1;
        SentFile(self)
    }

    pub(crate) fn files_being_sent(&self) -> u64 {
        lock(&self.state).files_being_sent
    }
}

/// A body of a file that is on its way.
#[derive(Debug)]
pub(crate) struct OpenBody<'a>(&'a Ledger);

impl Drop for OpenBody<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).open_bodies -= 1;
    }
}

/// A file that is being sent, up to its last byte.
#[derive(Debug)]
pub(crate) struct SentFile<'a>(&'a Ledger);

impl Drop for SentFile<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).files_being_sent -= 1;
    }
}
