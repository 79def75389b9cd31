//! How many connections fetch at a time, and what each of them does next.
//!
//! One connection begins. Every few seconds it is tried whether another one makes the whole faster by a sixth; if it does not, it
//! goes again. So a server that gives each connection its share is asked by several, and a line that is full is not.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Transfer;
use super::connection::{Claim, Outcome, Role, fetch as fetch_claim};
use crate::error::StoreError;
use crate::hub::describe;
use crate::journal::BLOCK_BYTES;
use crate::patience::{Patience, Trouble};

/// Blocks that one request asks for at first: 16 MiB, so that others find something to do. Later as many as come in
/// [`REQUEST_TIME`].
const FIRST_CLAIM: u32 = 64;

/// At most 1 GiB.
const LARGEST_CLAIM: u32 = 4_096;

/// At least 16 MiB.
const SMALLEST_CLAIM: u32 = 64;

/// A request costs two round trips; after so long they do not matter.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// By how much another connection must make the whole faster.
const WORTH_IT: f64 = 1.15;

/// With less than this missing nothing is tried any more: 32 MiB.
const NOT_WORTH_IT: u32 = 128;

/// Looks after a failed trial, before the next one.
const REST: u32 = 10;

/// What the connections of one transfer share.
struct Crew {
    transfer: Arc<Transfer>,
    patience: Mutex<Patience>,
    /// Connections beyond this rest.
    allowed: AtomicUsize,
    claim_blocks: AtomicU32,
    /// The server asked for a pause: it has too much to do already.
    is_crowded: AtomicBool,
}

/// Fetches whatever is missing of the part, for as long as something may become missing. Returns only when it must give up.
pub(super) async fn fetch(transfer: &Arc<Transfer>, over: &CancellationToken) -> StoreError {
    let limits = transfer.hub.limits;
    let patience = Patience::new(limits, transfer.hub.endpoint.host(), transfer.name.clone(), Instant::now());
    let crew = Arc::new(Crew {
        transfer: Arc::clone(transfer),
        patience: Mutex::new(patience),
        allowed: AtomicUsize::new(1),
        claim_blocks: AtomicU32::new(FIRST_CLAIM),
        is_crowded: AtomicBool::new(false),
    });
    let mut members = JoinSet::new();
    for number in 0..limits.connections.max(1) {
        let (crew, over) = (Arc::clone(&crew), over.clone());
        members.spawn(async move { crew.work(number, &over).await });
    }
    tokio::select! {
        ended = members.join_next() => match ended {
            Some(Ok(error)) => error,
            Some(Err(error)) => StoreError::Internal { reason: error.to_string() },
            None => StoreError::Internal { reason: "no connection was wanted".to_owned() },
        },
        error = crew.adapt(limits.adapt_interval) => error,
    }
}

impl Crew {
    /// One connection after the other, as long as there is something to fetch.
    async fn work(&self, number: usize, over: &CancellationToken) -> StoreError {
        let role = if number == 0 { Role::First } else { Role::Further };
        loop {
            if over.is_cancelled() {
                return StoreError::Cancelled;
            }
            let blocks = if self.may_work(number) { self.claim() } else { None };
            let Some(blocks) = blocks else {
                self.transfer.part.freed().await;
                continue;
            };
            let mut claim = Claim::new(blocks);
            let ended = self.fetch(&mut claim, number, role, over).await;
            self.transfer.part.release(claim.rest());
            if let Err(error) = ended {
                return error;
            }
        }
    }

    /// Fetches a claim, over as many interruptions as it takes.
    async fn fetch(
        &self,
        claim: &mut Claim,
        number: usize,
        role: Role,
        over: &CancellationToken,
    ) -> Result<(), StoreError> {
        while !claim.rest().is_empty() && self.may_work(number) {
            match fetch_claim(&self.transfer, claim, role, &self.patience, over).await {
                Ok(Outcome::Done) => return Ok(()),
                Ok(Outcome::Partial) if self.transfer.ranges_are_refused() => return Ok(()),
                Ok(Outcome::Partial) => {}
                Ok(Outcome::Paused) => self.wait_out_the_pause(over).await?,
                Err(trouble) => self.recover(trouble, over).await?,
            }
        }
        Ok(())
    }

    async fn recover(&self, trouble: Trouble, over: &CancellationToken) -> Result<(), StoreError> {
        let reason = describe(&trouble);
        if matches!(&trouble, Trouble::Status(status) if matches!(status.code, 429 | 503)) {
            self.is_crowded.store(true, Ordering::Relaxed);
        }
        let wait = self.patience.lock().unwrap_or_else(PoisonError::into_inner).after(trouble, Instant::now())?;
        self.transfer.counters.interruptions.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(file = self.transfer.name, reason, wait_ms = wait.as_millis() as u64, "going on");
        if !wait.is_zero() {
            self.transfer.waits(Some(reason));
        }
        tokio::select! {
            () = over.cancelled() => Err(StoreError::Cancelled),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    async fn wait_out_the_pause(&self, over: &CancellationToken) -> Result<(), StoreError> {
        let mut paused = self.transfer.paused.clone();
        tokio::select! {
            () = over.cancelled() => Err(StoreError::Cancelled),
            // The other end is gone only when the pull is.
            ended = paused.wait_for(|paused| !paused) => ended.map(drop).map_err(|_| StoreError::Cancelled),
        }
    }

    fn may_work(&self, number: usize) -> bool {
        number == 0 || (number < self.allowed.load(Ordering::Relaxed) && !self.transfer.ranges_are_refused())
    }

    fn claim(&self) -> Option<std::ops::Range<u32>> {
        let allowed = self.allowed.load(Ordering::Relaxed).max(1) as u32;
        let fair = self.transfer.part.missing_blocks().div_ceil(allowed);
        self.transfer.part.claim(self.claim_blocks.load(Ordering::Relaxed).min(fair))
    }

    /// Tries how many connections are best, and looks after the disk. Returns only when the disk is full.
    async fn adapt(&self, interval: Duration) -> StoreError {
        let received = || self.transfer.counters.received_bytes.load(Ordering::Relaxed);
        let mut trials = Trials::default();
        let (mut before, mut then) = (received(), Instant::now());
        loop {
            tokio::time::sleep(interval).await;
            let (now, bytes) = (Instant::now(), received());
            let speed =
                bytes.saturating_sub(before) as f64 / now.saturating_duration_since(then).as_secs_f64().max(1e-3);
            (before, then) = (bytes, now);
            if let Err(error) = self.check_space() {
                return error;
            }
            let allowed = self.allowed.load(Ordering::Relaxed);
            let can_grow = allowed < self.transfer.hub.limits.connections
                && !self.transfer.ranges_are_refused()
                && self.transfer.part.missing_blocks() > NOT_WORTH_IT;
            let is_crowded = self.is_crowded.swap(false, Ordering::Relaxed);
            let next = trials.next(allowed, speed, can_grow, is_crowded);
            self.allowed.store(next, Ordering::Relaxed);
            let blocks = speed / next as f64 * REQUEST_TIME.as_secs_f64() / BLOCK_BYTES as f64;
            self.claim_blocks.store((blocks as u32).clamp(SMALLEST_CLAIM, LARGEST_CLAIM), Ordering::Relaxed);
        }
    }

    /// Ends before the volume is so full that the rest of the system suffers.
    fn check_space(&self) -> Result<(), StoreError> {
        let part = &self.transfer.part;
        let missing = part.size().saturating_sub(part.present_bytes());
        let needed_bytes = missing.saturating_add(self.transfer.hub.limits.reserve_bytes / 2);
        match part.free_bytes() {
            Some(free_bytes) if missing > 0 && free_bytes < needed_bytes => {
                Err(StoreError::DiskFull { path: part.library().to_owned(), needed_bytes, free_bytes })
            }
            _ => Ok(()),
        }
    }
}

/// Whether one more connection helps: tried, measured, kept or not.
#[derive(Debug, Default)]
struct Trials {
    /// The speed before the connection that is on trial came.
    on_trial: Option<f64>,
    rest: u32,
}

impl Trials {
    /// How many connections to allow from now on, given the speed since the last look.
    fn next(&mut self, allowed: usize, speed: f64, can_grow: bool, is_crowded: bool) -> usize {
        if is_crowded {
            *self = Self { on_trial: None, rest: REST };
            return 1;
        }
        if let Some(before) = self.on_trial.take()
            && speed < before * WORTH_IT
        {
            self.rest = REST;
            return allowed.saturating_sub(1).max(1);
        }
        if self.rest > 0 {
            self.rest -= 1;
            return allowed;
        }
        // Without a flow there is nothing to compare with.
        if can_grow && speed > 0.0 {
            self.on_trial = Some(speed);
            return allowed + 1;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks so often at a line whose speed depends on the number of connections.
    fn settle(speed_of: impl Fn(usize) -> f64, most: usize, looks: usize) -> Vec<usize> {
        let (mut trials, mut allowed) = (Trials::default(), 1);
        let mut look = || {
            allowed = trials.next(allowed, speed_of(allowed), allowed < most, false);
            allowed
        };
        (0..looks).map(|_| look()).collect()
    }

    #[test]
    fn where_each_connection_has_its_share_all_are_used() {
        assert_eq!(settle(|connections| 3e6 * connections as f64, 4, 6), [2, 3, 4, 4, 4, 4]);
    }

    #[test]
    fn a_full_line_is_left_to_one_connection() {
        let allowed = settle(|_| 12e6, 4, 30);
        let more = allowed.iter().filter(|allowed| **allowed > 1).count();
        assert!(more <= 3, "one look in ten is a trial: {allowed:?}");
        assert_eq!(settle(|connections| 3e6 * connections.min(2) as f64, 4, 5), [2, 3, 2, 2, 2]);
    }

    #[test]
    fn a_server_that_asks_for_a_pause_is_left_to_one_connection() {
        let mut trials = Trials::default();
        assert_eq!(trials.next(4, 1e6, false, true), 1);
        assert_eq!(trials.next(1, 1e6, true, false), 1, "and no trial begins soon");
    }
}
