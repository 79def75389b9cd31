//! One connection's work on one range: ask, check, write whole blocks, go on where it broke off.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT_ENCODING, HeaderValue, IF_RANGE, RANGE};
use tokio_util::sync::CancellationToken;

use super::Transfer;
use super::answer::{Holds, check, strong_etag};
use crate::error::StoreError;
use crate::journal::BLOCK_BYTES;
use crate::patience::{Patience, Trouble};
use crate::request::trouble;

/// Claimed blocks, and what has come of the first that is not whole. It outlives the connections that fill it.
pub(super) struct Claim {
    blocks: Range<u32>,
    /// Bytes of block `blocks.start`, from its beginning.
    begun: Vec<u8>,
}

impl Claim {
    pub(super) fn new(blocks: Range<u32>) -> Self {
        Self { blocks, begun: Vec::new() }
    }

    /// Blocks that are not written yet.
    pub(super) fn rest(&self) -> Range<u32> {
        self.blocks.clone()
    }
}

/// How a connection ended that did not fail.
pub(super) enum Outcome {
    /// All claimed blocks are written.
    Done,
    /// Not all, or others than those: it is to be looked at again what is missing.
    Partial,
    /// The user wants a pause.
    Paused,
}

/// Whether a connection is the one that goes on where a server knows no ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    First,
    Further,
}

/// Fetches the rest of a claim with one request.
///
/// The file's tag is sent as `If-Range`. It is learnt from the first answer, survives in the part, and is not sent again once a
/// server did not like it: storage servers may differ in it, and the hash tells whether the file is another.
pub(super) async fn fetch(
    transfer: &Transfer,
    claim: &mut Claim,
    role: Role,
    patience: &Mutex<Patience>,
    cancel: &CancellationToken,
) -> Result<Outcome, Trouble> {
    let part = &transfer.part;
    let start = u64::from(claim.blocks.start) * BLOCK_BYTES + claim.begun.len() as u64;
    let end = (u64::from(claim.blocks.end) * BLOCK_BYTES).min(part.size());
    let mut request = transfer
        .hub
        .client
        .get(transfer.url.clone())
        .headers(transfer.hub.headers.clone())
        .header(ACCEPT_ENCODING, "identity")
        .header(RANGE, format!("bytes={start}-{}", end.saturating_sub(1)));
    let tag = part.tag().and_then(|tag| HeaderValue::from_str(&tag).ok());
    let sent_tag = tag.is_some();
    if let Some(tag) = tag {
        request = request.header(IF_RANGE, tag);
    }
    let mut paused = transfer.paused.clone();
    let answer = tokio::select! {
        () = cancel.cancelled() => return Err(Trouble::Final(StoreError::Cancelled)),
        _ = paused.wait_for(|paused| *paused) => return Ok(Outcome::Paused),
        answer = request.send() => answer.map_err(|error| trouble(&error))?,
    };
    let holds = check(&answer, &transfer.url, start, end, part.size())?;
    let (mut sink, until) = match holds {
        Holds::Range { end } => {
            part.learn_tag(strong_etag(answer.headers()));
            (Sink::claim(transfer, claim), end)
        }
        Holds::Whole { .. } if sent_tag => {
            part.refuse_tags();
            return Ok(Outcome::Partial);
        }
        Holds::Whole { is_measured } => {
            transfer.ranges_refused.store(true, Ordering::Relaxed);
            if role == Role::Further {
                return Ok(Outcome::Partial);
            }
            claim.begun.clear();
            (Sink::whole(transfer, is_measured), part.size())
        }
    };
    let is_whole = sink.is_whole();
    let mut stream = answer.bytes_stream();
    let mut watch = Watch::new(transfer.hub.limits.stall_timeout, transfer.hub.limits.stall_bytes);
    let mut offset = if is_whole { 0 } else { start };
    let _counted = Counted::new(&transfer.counters.connections);
    transfer.waits(None);
    while offset < until {
        let chunk = tokio::select! {
            () = cancel.cancelled() => return Err(Trouble::Final(StoreError::Cancelled)),
            _ = paused.wait_for(|paused| *paused) => return Ok(Outcome::Paused),
            chunk = watch.next(&mut stream) => chunk?,
        };
        let Some(chunk) = chunk else {
            return Err(if sink.is_unproven() {
                sink.forget();
                // Its end is in good order, so a next answer will hardly be longer.
                Trouble::Nonsense(format!("its file ends after {offset} bytes instead of {}", part.size()))
            } else {
                Trouble::Connection("the connection ended early".to_owned())
            });
        };
        // What comes beyond the range was not asked for.
        let wanted = chunk.get(..((until - offset).min(chunk.len() as u64)) as usize).unwrap_or_default();
        offset += wanted.len() as u64;
        let fresh = sink.take(wanted).await.map_err(Trouble::Final)?;
        transfer.counters.received_bytes.fetch_add(fresh, Ordering::Relaxed);
        let mut patience = patience.lock().unwrap_or_else(PoisonError::into_inner);
        if sink.is_unproven() {
            patience.may_have_come(fresh, Instant::now());
        } else {
            patience.came(fresh, Instant::now());
        }
    }
    Ok(if is_whole || !claim.blocks.is_empty() { Outcome::Partial } else { Outcome::Done })
}

/// Counts a connection while it fetches.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Cuts what comes into blocks and writes them.
struct Sink<'a> {
    transfer: &'a Transfer,
    mode: Mode<'a>,
}

enum Mode<'a> {
    /// The blocks of a claim, the next one begun.
    Claim(&'a mut Claim),
    /// The whole file from its first byte: blocks that are there already are passed over.
    Whole {
        next: u32,
        begun: Vec<u8>,
        /// Blocks written from an answer of unknown length: until its end nobody knows whether it was the file at all.
        unproven: Option<Vec<u32>>,
    },
}

impl<'a> Sink<'a> {
    fn claim(transfer: &'a Transfer, claim: &'a mut Claim) -> Self {
        Self { transfer, mode: Mode::Claim(claim) }
    }

    fn whole(transfer: &'a Transfer, is_measured: bool) -> Self {
        let unproven = (!is_measured).then(Vec::new);
        Self { transfer, mode: Mode::Whole { next: 0, begun: Vec::new(), unproven } }
    }

    fn is_whole(&self) -> bool {
        matches!(self.mode, Mode::Whole { .. })
    }

    /// Whether nobody knows yet if this is the file at all.
    fn is_unproven(&self) -> bool {
        matches!(self.mode, Mode::Whole { unproven: Some(_), .. })
    }

    /// It was not.
    fn forget(&mut self) {
        if let Mode::Whole { unproven: Some(unproven), .. } = &self.mode {
            self.transfer.part.forget(unproven);
        }
    }

    /// Takes bytes in order. Returns how many of them were news.
    async fn take(&mut self, mut bytes: &[u8]) -> Result<u64, StoreError> {
        let part = &self.transfer.part;
        let mut fresh = 0;
        while !bytes.is_empty() {
            let (index, begun) = match &mut self.mode {
                Mode::Claim(claim) => (claim.blocks.start, &mut claim.begun),
                Mode::Whole { next, begun, .. } => (*next, begun),
            };
            let length = part.block_length(index) as usize;
            if length == 0 {
                break; // beyond the file
            }
            let (now, later) = bytes.split_at(bytes.len().min(length.saturating_sub(begun.len())));
            begun.extend_from_slice(now);
            bytes = later;
            let is_known = part.has(index);
            if !is_known {
                fresh += now.len() as u64;
            }
            if begun.len() < length {
                break;
            }
            let block = std::mem::take(begun);
            if !is_known {
                let part = Arc::clone(part);
                let written = tokio::task::spawn_blocking(move || part.write_block(index, &block)).await;
                written.map_err(|error| StoreError::Internal { reason: error.to_string() })??;
            }
            match &mut self.mode {
                Mode::Claim(claim) => claim.blocks.start += 1,
                Mode::Whole { next, unproven, .. } => {
                    *next += 1;
                    unproven.iter_mut().filter(|_| !is_known).for_each(|unproven| unproven.push(index));
                }
            }
        }
        Ok(fresh)
    }
}

/// Notices when nothing comes, or next to nothing. Only waiting counts: what a slow disk takes in between is not the server's.
struct Watch {
    timeout: Duration,
    least_bytes: u64,
    left: Duration,
    bytes: u64,
}

impl Watch {
    fn new(timeout: Duration, least_bytes: u64) -> Self {
        Self { timeout, least_bytes, left: timeout, bytes: 0 }
    }

    async fn next<S, B>(&mut self, stream: &mut S) -> Result<Option<B>, Trouble>
    where
        S: futures_util::Stream<Item = reqwest::Result<B>> + Unpin,
        B: AsRef<[u8]>,
    {
        // The window begins anew with every `least_bytes`: where it ends, less than that has come.
        let begun = tokio::time::Instant::now();
        let chunk = tokio::time::timeout(self.left, stream.next()).await.map_err(|_| Trouble::Stalled)?;
        self.left = self.left.saturating_sub(begun.elapsed());
        let Some(chunk) = chunk.transpose().map_err(|error| trouble(&error))? else { return Ok(None) };
        self.bytes += chunk.as_ref().len() as u64;
        if self.bytes >= self.least_bytes {
            (self.left, self.bytes) = (self.timeout, 0);
        }
        Ok(Some(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    /// Chunks of so many bytes, each that long after it was asked for.
    fn stream(bytes: usize, after: Duration) -> impl futures_util::Stream<Item = reqwest::Result<Vec<u8>>> {
        futures_util::stream::unfold((), move |()| async move {
            tokio::time::sleep(after).await;
            Some((Ok(vec![0; bytes]), ()))
        })
    }

    fn on_a_virtual_clock(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test);
    }

    #[test]
    fn a_slow_disk_is_not_a_stall() {
        on_a_virtual_clock(async {
            let (mut watch, mut stream) = (Watch::new(TIMEOUT, 100), Box::pin(stream(60, Duration::from_secs(1))));
            for _ in 0..9 {
                assert!(watch.next(&mut stream).await.is_ok());
                tokio::time::sleep(TIMEOUT).await; // the disk
            }
        });
    }

    #[test]
    fn next_to_nothing_is_a_stall() {
        on_a_virtual_clock(async {
            let (mut watch, mut stream) = (Watch::new(TIMEOUT, 100), Box::pin(stream(24, Duration::from_secs(7))));
            for _ in 0..4 {
                assert!(watch.next(&mut stream).await.is_ok(), "28 s");
            }
            assert!(matches!(watch.next(&mut stream).await, Err(Trouble::Stalled)), "30 s, 96 bytes");
        });
    }
}
