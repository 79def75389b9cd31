//! What to do after a failure: wait how long and try again, or give up with which error.
//!
//! Bytes are what counts: as long as they come, a pull goes on, however often it is interrupted. A server may ask for a pause. What
//! no waiting can mend ends at once, or after a few tries where a second answer may differ from the first.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::options::Limits;

/// Bytes that count as progress: less is a server that sends next to nothing.
const PROGRESS_BYTES: u64 = 64 * 1024;

/// Tries where an answer makes no sense.
const TRIES_OF_NONSENSE: u32 = 5;

/// Tries where access is refused by a storage server: its address may have expired, and the next comes with a fresh one.
const TRIES_OF_REFUSALS: u32 = 5;

/// What went wrong with one request.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No connection, or it broke: what the system said.
    Connection(String),
    /// Nothing came, or next to nothing.
    Stalled,
    /// An answer that is none: its status.
    Status(Status),
    /// An answer that makes no sense: what is wrong with it.
    Nonsense(String),
    /// What no further request can mend.
    Final(StoreError),
}

/// A status that is no success.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) from: From,
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The hub itself.
    Hub,
    /// A storage server that the hub sent us to, whose addresses expire.
    Storage,
}

/// Remembers how long nothing has come.
#[derive(Debug)]
pub(crate) struct Patience {
    limits: Limits,
    host: String,
    what: String,
    begun: Instant,
    last_progress: Option<Instant>,
    bytes_since: u64,
    /// Time that servers asked for since then, and that is not counted as waiting in vain.
    pardoned: Duration,
    failures: u32,
    nonsense: u32,
    refusals: u32,
}

impl Patience {
    /// For requests of `what` from `host`.
    pub(crate) fn new(limits: Limits, host: String, what: String, now: Instant) -> Self {
        Self {
            limits,
            host,
            what,
            begun: now,
            last_progress: None,
            bytes_since: 0,
            pardoned: Duration::ZERO,
            failures: 0,
            nonsense: 0,
            refusals: 0,
        }
    }

    /// So many bytes came that we wanted.
    pub(crate) fn came(&mut self, bytes: u64, now: Instant) {
        self.bytes_since += bytes;
        if self.bytes_since >= PROGRESS_BYTES {
            self.bytes_since = 0;
            self.last_progress = Some(now);
            self.pardoned = Duration::ZERO;
            (self.failures, self.nonsense, self.refusals) = (0, 0, 0);
        }
    }

    /// So many bytes came of an answer that may turn out to be none: it is not silent, but it does not make up for what made no
    /// sense before. Otherwise a file that is always too short would be fetched for ever.
    pub(crate) fn may_have_come(&mut self, bytes: u64, now: Instant) {
        let counts = (self.failures, self.nonsense, self.refusals);
        self.came(bytes, now);
        (self.failures, self.nonsense, self.refusals) = counts;
    }

    /// How long to wait before the next try.
    ///
    /// # Errors
    /// What to give up with.
    pub(crate) fn after(&mut self, trouble: Trouble, now: Instant) -> Result<Duration, StoreError> {
        let host = || self.host.clone();
        let what = || self.what.clone();
        let mut asked = None;
        let surrender = match trouble {
            Trouble::Final(error) => return Err(error),
            Trouble::Connection(reason) => StoreError::Unreachable { host: host(), reason },
            Trouble::Stalled => StoreError::Stalled { host: host(), waited: self.limits.stall_timeout },
            Trouble::Nonsense(problem) => {
                self.nonsense += 1;
                let error = StoreError::UnexpectedAnswer { host: host(), problem };
                if self.nonsense >= TRIES_OF_NONSENSE {
                    return Err(error);
                }
                error
            }
            Trouble::Status(Status { code: code @ (401 | 403 | 404 | 410), from, .. }) => {
                self.refusals += 1;
                let allowed = if from == From::Hub { 1 } else { TRIES_OF_REFUSALS };
                let error = refusal(host(), what(), code, from);
                if self.refusals >= allowed {
                    return Err(error);
                }
                error
            }
            Trouble::Status(Status { code: code @ (408 | 425 | 429 | 500..=599), retry_after, .. }) => {
                asked = retry_after;
                StoreError::Busy { host: host(), status: code }
            }
            Trouble::Status(Status { code, .. }) => {
                self.nonsense += 1;
                let problem = format!("HTTP {code} for {}", self.what);
                let error = StoreError::UnexpectedAnswer { host: host(), problem };
                if self.nonsense >= TRIES_OF_NONSENSE {
                    return Err(error);
                }
                error
            }
        };
        let (since, patience) = match self.last_progress {
            Some(progress) => (progress, self.limits.patience),
            None => (self.begun, self.limits.patience_at_first),
        };
        let wait = match asked {
            Some(asked) => {
                let asked = asked.min(self.limits.longest_retry_after);
                // To wait as asked is not to wait in vain; but a server that asks again and again sends nothing either.
                let pardon = asked.min(self.limits.longest_retry_after.saturating_sub(self.pardoned));
                self.pardoned += pardon;
                self.begun += pardon;
                self.last_progress = self.last_progress.map(|progress| progress + pardon);
                asked
            }
            None => self.pause(),
        };
        self.failures += 1;
        if now.saturating_duration_since(since) > patience { Err(surrender) } else { Ok(wait) }
    }

    /// None after progress, then doubling, a fifth more or less so that many clients do not come back at once.
    fn pause(&self) -> Duration {
        let Some(doublings) = self.failures.checked_sub(1) else { return Duration::ZERO };
        let pause = self.limits.first_pause.saturating_mul(1 << doublings.min(16)).min(self.limits.longest_pause);
        let dice = RandomState::new().hash_one(doublings) % 401;
        pause.mul_f64(0.8 + dice as f64 / 1_000.0)
    }
}

fn refusal(host: String, what: String, status: u16, from: From) -> StoreError {
    match (status, from) {
        (404 | 410, From::Hub) => StoreError::NotFound { host, what },
        (404 | 410, From::Storage) => StoreError::Refused {
            host,
            what,
            status,
            hint: "the file is gone there; try again later, or another --endpoint",
        },
        (401, From::Hub) => StoreError::Refused {
            host,
            what,
            status,
            hint: "it does not exist, or needs a token: accept its terms on the hub's page, and set HF_TOKEN",
        },
        (_, From::Hub) => StoreError::Refused {
            host,
            what,
            status,
            hint: "accept its terms on the hub's page, and set HF_TOKEN to a token of that account",
        },
        (_, From::Storage) => {
            StoreError::Refused { host, what, status, hint: "check the clock of this machine, and try again" }
        }
    }
}

/// Reads `Retry-After`: seconds, or a date.
pub(crate) fn retry_after(header: &str, now: std::time::SystemTime) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(header.trim()).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(now: Instant) -> Patience {
        Patience::new(Limits::default(), "hub".into(), "file".into(), now)
    }

    fn status(code: u16, from: From) -> Trouble {
        Trouble::Status(Status { code, retry_after: None, from })
    }

    fn lost() -> Trouble {
        Trouble::Connection("gone".into())
    }

    #[test]
    fn as_long_as_bytes_come_nobody_gives_up() {
        let begun = Instant::now();
        let mut patience = patience(begun);
        for hour in 0..100 {
            let now = begun + Duration::from_secs(hour * 480);
            patience.came(PROGRESS_BYTES, now);
            assert_eq!(patience.after(lost(), now).unwrap(), Duration::ZERO, "at once after progress");
        }
        let last = begun + Duration::from_mins(99 * 8);
        assert!(patience.after(lost(), last + Duration::from_secs(599)).is_ok());
        let error = patience.after(lost(), last + Duration::from_secs(601)).unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    }

    #[test]
    fn next_to_nothing_is_no_progress() {
        let begun = Instant::now();
        let mut patience = patience(begun);
        for second in 0..30 {
            patience.came(1, begun + Duration::from_secs(second));
        }
        let error = patience.after(Trouble::Stalled, begun + Duration::from_secs(31)).unwrap_err();
        assert!(matches!(error, StoreError::Stalled { .. }), "{error}");
    }

    #[test]
    fn pauses_grow_and_end() {
        let begun = Instant::now();
        let mut patience = patience(begun);
        let pauses: Vec<f64> = (0..12).map(|_| patience.after(lost(), begun).unwrap().as_secs_f64()).collect();
        let ideal = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0, 30.0];
        for (pause, ideal) in pauses.iter().zip(ideal) {
            assert!((pause - ideal).abs() <= 0.2 * ideal + 1e-9, "{pauses:?}");
        }
    }

    #[test]
    fn a_server_is_obeyed_within_reason() {
        let begun = Instant::now();
        let mut patience = patience(begun);
        let mut ask = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            patience.after(Trouble::Status(Status { code: 429, retry_after, from: From::Hub }), begun).unwrap()
        };
        assert_eq!(ask(7), Duration::from_secs(7));
        assert_eq!(ask(4_000), Duration::from_mins(2));
        let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now), Some(Duration::ZERO));
        assert_eq!((retry_after(" 3 ", now), retry_after("soon", now)), (Some(Duration::from_secs(3)), None));
    }

    #[test]
    fn a_server_that_asks_for_pauses_for_ever_is_given_up() {
        let begun = Instant::now();
        let busy = || Trouble::Status(Status { code: 429, retry_after: Some(Duration::from_secs(2)), from: From::Hub });
        let ends_after = |mut patience: Patience, begun: Instant| {
            let pauses =
                (0..10_000).take_while(|pause| patience.after(busy(), begun + Duration::from_secs(pause * 2)).is_ok());
            Duration::from_secs(pauses.count() as u64 * 2)
        };
        // Its pauses up to the longest that is granted, and our own patience.
        let at_first = ends_after(patience(begun), begun);
        assert!((150..=154).contains(&at_first.as_secs()), "{at_first:?}");
        let mut after_progress = patience(begun);
        after_progress.came(PROGRESS_BYTES, begun);
        let later = ends_after(after_progress, begun);
        assert!((720..=724).contains(&later.as_secs()), "{later:?}");
    }

    #[test]
    fn what_waiting_cannot_mend_ends_soon() {
        let now = Instant::now();
        assert!(matches!(patience(now).after(status(404, From::Hub), now), Err(StoreError::NotFound { .. })));
        assert!(matches!(patience(now).after(status(403, From::Hub), now), Err(StoreError::Refused { .. })));
        let mut of_storage = patience(now);
        let tries = (0..100).take_while(|_| of_storage.after(status(403, From::Storage), now).is_ok()).count();
        assert_eq!(tries, 4, "a fresh address may help");
        let mut of_nonsense = patience(now);
        let tries = (0..100).take_while(|_| of_nonsense.after(Trouble::Nonsense("portal".into()), now).is_ok()).count();
        assert_eq!(tries, 4);
        assert!(patience(now).after(status(503, From::Hub), now).is_ok());
    }
}
