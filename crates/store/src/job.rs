//! Work that takes its time: it tells how far it is, and can be paused, resumed and cancelled.
//!
//! Progress comes at most ten times a second and is never waited for: whoever does not read misses some of it. The end is not
//! missed: it is the result.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::error::StoreError;
use crate::meter::Meter;
use crate::part::Part;
use crate::transfer::Counters;

/// Events that may wait for a slow reader.
const WAITING_EVENTS: usize = 64;

/// What work tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JobEvent {
    /// What it is about; told before the first byte is fetched.
    About(About),
    /// How far it is.
    Progress(Progress),
}

/// A model that is about to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// The model, as typed.
    pub name: String,
    /// `OWNER/NAME`.
    pub repository: String,
    /// Its commit.
    pub commit: String,
    /// Who offers it.
    pub endpoint: String,
    /// What the user may do with it; `None` where its authors do not say.
    pub licence: Option<String>,
    /// Who must be named, where the catalog knows.
    pub attribution: Option<&'static str>,
    /// All its bytes.
    pub size_bytes: u64,
    /// Bytes that this machine does not have yet.
    pub missing_bytes: u64,
}

/// How far work is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// What it does now.
    pub phase: Phase,
    /// Bytes done, of all files.
    pub done_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// The file it works on.
    pub file: Option<String>,
    /// The mean over the last twenty seconds, once there is one.
    pub bytes_per_second: Option<f64>,
    /// At that speed.
    pub seconds_left: Option<f64>,
    /// Connections that fetch at this moment.
    pub connections: usize,
    /// Requests that broke off or were refused so far, and went on.
    pub interruptions: u64,
}

/// What work does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Phase {
    /// Begins.
    Starting,
    /// Asks the hub what there is.
    Asking,
    /// Another process does the same; this one watches it.
    Following,
    /// Reads files that are here, and hashes them.
    Checking,
    /// Fetches.
    Downloading,
    /// Will try again soon.
    Waiting {
        /// Why.
        reason: String,
    },
    /// Rests until it is resumed.
    Paused,
    /// Puts things in their place.
    Finishing,
}

/// Work that goes on. Dropped, it is cancelled.
#[derive(Debug)]
pub struct Job<T> {
    events: mpsc::Receiver<JobEvent>,
    handle: JobHandle,
    task: tokio::task::JoinHandle<Result<T, StoreError>>,
}

/// Means to direct work from elsewhere.
#[derive(Debug, Clone)]
pub struct JobHandle {
    cancel: CancellationToken,
    paused: Arc<watch::Sender<bool>>,
}

impl JobHandle {
    /// Lets connections rest. What has arrived is kept.
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    /// Ends it within a quarter of a second. What has arrived is kept.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl<T: Send + 'static> Job<T> {
    /// Begins work on the runtime of the caller.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as [`tokio::spawn`].
    pub(crate) fn spawn<F, W>(tell_interval: Duration, work: F) -> Self
    where
        F: FnOnce(Desk) -> W,
        W: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (sender, events) = mpsc::channel(WAITING_EVENTS);
        let (paused, is_paused) = watch::channel(false);
        let handle = JobHandle { cancel: CancellationToken::new(), paused: Arc::new(paused) };
        let desk = Desk {
            board: Arc::new(Mutex::new(Board::default())),
            cancel: handle.cancel.clone(),
            paused: is_paused,
            sender,
        };
        let work = work(desk.clone());
        let task = tokio::spawn(async move {
            tokio::pin!(work);
            let mut tick = tokio::time::interval(tell_interval);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    done = &mut work => {
                        desk.tell_progress();
                        return done;
                    }
                    _ = tick.tick() => desk.tell_progress(),
                }
            }
        });
        Self { events, handle, task }
    }

    /// The next thing that it tells; `None` once it is over.
    pub async fn next(&mut self) -> Option<JobEvent> {
        let cancel = self.handle.cancel.clone();
        tokio::select! {
            biased;
            event = self.events.recv() => event,
            () = left_alone(&cancel) => None,
        }
    }

    /// Means to pause, resume and cancel it.
    pub fn handle(&self) -> JobHandle {
        self.handle.clone()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// What the work says.
    pub async fn finish(mut self) -> Result<T, StoreError> {
        let cancel = self.handle.cancel.clone();
        tokio::select! {
            biased;
            done = &mut self.task => done.unwrap_or_else(|error| Err(StoreError::Internal { reason: error.to_string() })),
            () = left_alone(&cancel) => Err(StoreError::Cancelled),
        }
    }
}

/// Work that was cancelled is waited for so long. A call to the file system that waits for a disk with gigabytes to take cannot
/// be broken off (cancelled pulls took up to 0.43 s so on a quiet machine); the work ends behind it, and keeps its locks until then.
const GRACE: Duration = Duration::from_millis(60);

async fn left_alone(cancel: &CancellationToken) {
    cancel.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.handle.cancel.cancel();
    }
}

/// Where work notes what it does, and sees what is wanted of it.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    board: Arc<Mutex<Board>>,
    pub(crate) cancel: CancellationToken,
    pub(crate) paused: watch::Receiver<bool>,
    sender: mpsc::Sender<JobEvent>,
}

#[derive(Debug, Default)]
struct Board {
    phase: Option<Phase>,
    total_bytes: u64,
    finished_bytes: u64,
    file: Option<File>,
    counters: Arc<Counters>,
    meter: Meter,
}

#[derive(Debug)]
struct File {
    name: String,
    size_bytes: u64,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Local { done_bytes: u64 },
    Network(Arc<Part>),
}

impl Desk {
    /// Fails if somebody asked to stop.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.cancel.is_cancelled() { Err(StoreError::Cancelled) } else { Ok(()) }
    }

    pub(crate) fn tell_about(&self, about: About) {
        self.sender.try_send(JobEvent::About(about)).ok(); // nobody listens
    }

    pub(crate) fn phase(&self, phase: Phase) {
        self.board().phase = Some(phase);
    }

    /// What there is to do, and what of it is done.
    pub(crate) fn expect(&self, total_bytes: u64, finished_bytes: u64) {
        let mut board = self.board();
        (board.total_bytes, board.finished_bytes) = (total_bytes, finished_bytes);
    }

    /// A file on this machine is being read.
    pub(crate) fn reads(&self, name: &str, size_bytes: u64) {
        let mut board = self.board();
        board.phase = Some(Phase::Checking);
        board.file = Some(File { name: name.to_owned(), size_bytes, source: Source::Local { done_bytes: 0 } });
    }

    /// So much more of it is read.
    pub(crate) fn has_read(&self, bytes: u64) {
        if let Some(File { source: Source::Local { done_bytes }, .. }) = &mut self.board().file {
            *done_bytes += bytes;
        }
    }

    /// It was not what was wanted.
    pub(crate) fn leaves(&self) {
        self.board().file = None;
    }

    /// A file is being fetched.
    pub(crate) fn fetches(&self, name: &str, part: &Arc<Part>) -> Arc<Counters> {
        let mut board = self.board();
        board.phase = Some(Phase::Downloading);
        let source = Source::Network(Arc::clone(part));
        board.file = Some(File { name: name.to_owned(), size_bytes: part.size(), source });
        Arc::clone(&board.counters)
    }

    /// A file is done.
    pub(crate) fn finished(&self, size_bytes: u64) {
        let mut board = self.board();
        board.finished_bytes += size_bytes;
        board.file = None;
    }

    fn tell_progress(&self) {
        let is_paused = *self.paused.borrow();
        let progress = self.board().progress(Instant::now(), is_paused);
        self.sender.try_send(JobEvent::Progress(progress)).ok(); // the reader is slow, or gone
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn progress(&mut self, now: Instant, is_paused: bool) -> Progress {
        let (mut phase, mut done_bytes) = (self.phase.clone().unwrap_or(Phase::Starting), self.finished_bytes);
        let mut is_fetching = false;
        match &self.file {
            Some(File { source: Source::Local { done_bytes: read }, size_bytes, .. }) => {
                done_bytes += (*read).min(*size_bytes);
            }
            Some(File { source: Source::Network(part), .. }) => {
                let present_bytes = part.present_bytes();
                done_bytes += present_bytes;
                is_fetching = present_bytes < part.size();
                if !is_fetching {
                    phase = Phase::Finishing;
                }
            }
            None => {}
        }
        let waiting = self.counters.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match waiting {
            _ if is_paused => phase = Phase::Paused,
            Some(reason) if is_fetching => phase = Phase::Waiting { reason },
            _ => {}
        }
        let received_bytes = self.counters.received_bytes.load(Ordering::Relaxed);
        let missing_bytes = self.total_bytes.saturating_sub(done_bytes);
        let reading = if is_fetching && !is_paused {
            self.meter.read(now, received_bytes, missing_bytes)
        } else {
            self.meter.restart();
            crate::meter::Reading::default()
        };
        Progress {
            phase,
            done_bytes: done_bytes.min(self.total_bytes),
            total_bytes: self.total_bytes,
            file: self.file.as_ref().map(|file| file.name.clone()),
            bytes_per_second: reading.bytes_per_second,
            seconds_left: reading.time_left.map(|left| left.as_secs_f64()),
            connections: self.counters.connections.load(Ordering::Relaxed),
            interruptions: self.counters.interruptions.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_cancels_does_not_wait_for_a_disk() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (begins, begun) = tokio::sync::oneshot::channel();
        let (disk, answers) = std::sync::mpsc::channel::<()>();
        let is_left_alone = runtime.block_on(async {
            let mut job: Job<()> = Job::spawn(Duration::from_millis(20), |_| async move {
                begins.send(()).unwrap();
                // A call that nothing breaks off: here until the test is over, or for so long that
                // it has failed.
                let answer = answers.recv_timeout(Duration::from_mins(1));
                assert_eq!(answer, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
                Ok(())
            });
            begun.await.unwrap();
            job.handle().cancel();
            while job.next().await.is_some() {}
            matches!(job.finish().await, Err(StoreError::Cancelled))
        });
        drop(disk);
        assert!(is_left_alone, "it waited for the disk");
    }

    #[test]
    fn progress_is_told_between_two_and_ten_times_a_second() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let times = runtime.block_on(async {
            let mut job: Job<()> = Job::spawn(crate::options::Limits::default().tell_interval, |_| async {
                tokio::time::sleep(Duration::from_secs(10)).await;
                Ok(())
            });
            let (begun, mut times) = (tokio::time::Instant::now(), Vec::new());
            while let Some(event) = job.next().await {
                assert!(matches!(event, JobEvent::Progress(_)), "{event:?}");
                times.push(begun.elapsed());
            }
            times
        });
        for second in (0..10).map(Duration::from_secs) {
            let told = times.iter().filter(|time| (second..second + Duration::from_secs(1)).contains(*time)).count();
            assert!((2..=10).contains(&told), "{told} from {second:?} on: {times:?}");
        }
    }
}
