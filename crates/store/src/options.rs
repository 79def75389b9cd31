//! How the store behaves: where it asks, how long it waits, how much it leaves free.

use std::path::PathBuf;
use std::time::Duration;

/// Where the library is, whom to ask and how.
#[derive(Debug, Clone, Default)]
pub struct StoreOptions {
    /// The library's folder; `None`: as [`default_library`](crate::default_library) finds it.
    pub library: Option<PathBuf>,
    /// The hub or a mirror; `None`: `HF_ENDPOINT`, else the Hugging Face Hub.
    pub endpoint: Option<String>,
    /// The user's Hugging Face cache, whose files are used where they are the right ones; `None`: as Python's tools find it.
    pub hugging_face_cache: Option<PathBuf>,
    /// Whether the user's token may go to a host that is not the hub's own.
    pub token: TokenPolicy,
    /// Whether the network may be used. `HF_HUB_OFFLINE` forbids it too.
    pub network: Network,
    /// Patience and limits.
    pub limits: Limits,
}

/// Who gets the user's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenPolicy {
    /// The Hugging Face Hub alone.
    #[default]
    HubOnly,
    /// Whatever endpoint is chosen: the user trusts it.
    AnyEndpoint,
}

/// Whether requests may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// They may, unless `HF_HUB_OFFLINE` is set.
    #[default]
    Online,
    /// None is made.
    Offline,
}

/// Patience and limits. The defaults are for people; tests are less patient.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For a connection to be made.
    pub connect_timeout: Duration,
    /// A connection that sends nothing, or next to nothing, for so long is given up and made anew.
    pub stall_timeout: Duration,
    /// Fewer bytes than this in `stall_timeout` are next to nothing.
    pub stall_bytes: u64,
    /// Without a first byte, a pull ends after so long.
    pub patience_at_first: Duration,
    /// Once bytes have come, a pull goes on until none came for so long: Wi-Fi changes, lids close.
    pub patience: Duration,
    /// The longest time that a server may ask us to wait.
    pub longest_retry_after: Duration,
    /// The first pause after a failure; it doubles up to `longest_pause`.
    pub first_pause: Duration,
    /// See `first_pause`.
    pub longest_pause: Duration,
    /// Connections at a time for one file, at most.
    pub connections: usize,
    /// How often it is looked at whether another connection helps.
    pub adapt_interval: Duration,
    /// Left free on the volume.
    pub reserve_bytes: u64,
    /// How often progress is told.
    pub tell_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            stall_bytes: 16 * 1024,
            patience_at_first: Duration::from_secs(30),
            patience: Duration::from_mins(10),
            longest_retry_after: Duration::from_mins(2),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            connections: 4,
            adapt_interval: Duration::from_secs(3),
            reserve_bytes: 2 << 30,
            tell_interval: Duration::from_millis(125),
        }
    }
}
