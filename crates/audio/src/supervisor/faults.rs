//! What a stream reports, kept in atomics until the supervisor looks: 20,000 reports a second cost an addition each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::backend::{FaultSink, StreamFault};
use crate::stream::StreamCounters;

/// Other faults between two looks that make a storm. A healthy stream has none; a dead ALSA stream 1,000 in 50 ms
/// (20,000 a second, measured with cpal 0.18.2).
const STORM: u64 = 50;

/// The faults of one stream.
#[derive(Debug, Default)]
pub(super) struct Faults {
    is_lost: AtomicBool,
    is_invalidated: AtomicBool,
    is_rerouted: AtomicBool,
    others: AtomicU64,
}

/// What the supervisor has to do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    Rerouted,
    Lost,
    Invalidated,
    Storm,
}

impl Faults {
    /// What a stream gets to report with.
    pub(super) fn sink(self: &Arc<Self>, counters: Arc<StreamCounters>) -> FaultSink {
        let faults = Arc::clone(self);
        Box::new(move |fault| match fault {
            StreamFault::DeviceLost => faults.is_lost.store(true, Ordering::Relaxed),
            StreamFault::Invalidated => faults.is_invalidated.store(true, Ordering::Relaxed),
            StreamFault::Rerouted => faults.is_rerouted.store(true, Ordering::Relaxed),
            StreamFault::Xrun => {
                counters.xruns.fetch_add(1, Ordering::Relaxed);
            }
            StreamFault::Other => {
                faults.others.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    /// The worst since the last look.
    pub(super) fn take(&self) -> Verdict {
        let is_storm = self.others.swap(0, Ordering::Relaxed) >= STORM;
        let is_rerouted = self.is_rerouted.swap(false, Ordering::Relaxed);
        if self.is_lost.load(Ordering::Relaxed) {
            Verdict::Lost
        } else if self.is_invalidated.load(Ordering::Relaxed) {
            Verdict::Invalidated
        } else if is_storm {
            Verdict::Storm
        } else if is_rerouted {
            Verdict::Rerouted
        } else {
            Verdict::Fine
        }
    }
}
