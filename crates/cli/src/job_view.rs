//! The store's work on the screen: a bar for people, lines for programs, and Ctrl-C, which keeps what has arrived.
//!
//! The store needs a tokio runtime, and gets a small one for as long as a job lasts. Called by `moshibar models`, and by
//! whoever needs a model that is not here or not verified yet.

use std::time::{Duration, Instant};

use moshibar_store::{About, Job, JobEvent, Phase, Progress as JobProgress, StoreError};

use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::interrupt;
use crate::machine::readable_bytes;
use crate::progress::Progress;

/// How often Ctrl-C is looked for.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// A job that is told to stop and goes on for so long is left alone: what has arrived is on disk, and survives a kill too.
const PATIENCE: Duration = Duration::from_millis(150);

/// The hub that needs no mention.
const HUB: &str = "https://huggingface.co";

/// Who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watching {
    /// People, or programs that read a stream of events.
    Anyone,
    /// People alone: the command prints its one JSON object later.
    People,
}

/// Runs a job to its end. `stopped` is what is said if somebody presses Ctrl-C.
///
/// # Errors
/// What the job says; [`ErrorKind::Interrupted`]; that an event cannot be printed.
pub(crate) fn run<T: Send + 'static>(
    console: &Console,
    watching: Watching,
    stopped: &str,
    start: impl FnOnce() -> Job<T>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|reason| {
        CliError::new(ErrorKind::Device, format!("cannot start a thread ({reason}); close other programs"))
    })?;
    let mut view = View { console, bar: Progress::of_job(console), is_streaming: watching == Watching::Anyone };
    let result = runtime.block_on(async { follow(start(), &mut view, stopped).await });
    drop(view);
    runtime.shutdown_background(); // what reads a disk is not waited for: it notices by itself, or ends with the process
    result
}

/// Shows events until the job is over.
async fn follow<T: Send + 'static>(mut job: Job<T>, view: &mut View<'_>, stopped: &str) -> Result<T, CliError> {
    let handle = job.handle();
    let mut look = tokio::time::interval(LOOK_AROUND);
    let mut cancelled: Option<Instant> = None;
    let mut failure = None;
    let interrupted = || CliError::new(ErrorKind::Interrupted, stopped);
    loop {
        tokio::select! {
            event = job.next() => match event {
                None => break,
                Some(event) if cancelled.is_none() => {
                    if let Err(error) = view.show(&event) {
                        failure = Some(error);
                    }
                }
                Some(_) => {}
            },
            _ = look.tick() => {}
        }
        match cancelled {
            None if failure.is_some() || interrupt::is_asked() => {
                handle.cancel();
                cancelled = Some(Instant::now());
            }
            Some(since) if since.elapsed() > PATIENCE => return Err(failure.unwrap_or_else(interrupted)),
            _ => {}
        }
    }
    match job.finish().await {
        _ if failure.is_some() => Err(failure.unwrap_or_else(interrupted)),
        Err(StoreError::Cancelled) => Err(interrupted()),
        finished => Ok(finished?),
    }
}

struct View<'a> {
    console: &'a Console,
    bar: Progress,
    is_streaming: bool,
}

impl View<'_> {
    fn show(&mut self, event: &JobEvent) -> Result<(), CliError> {
        if self.console.is_json() {
            return if self.is_streaming { self.console.line(event) } else { Ok(()) };
        }
        match event {
            JobEvent::About(about) if about.missing_bytes > 0 => {
                self.bar.aside(|| self.console.note(&introduction(about)));
            }
            JobEvent::About(_) => {}
            JobEvent::Progress(progress) => {
                let label = phase(&progress.phase);
                self.bar.worked(label, progress.done_bytes, progress.total_bytes, words(progress));
            }
        }
        Ok(())
    }
}

/// What is about to be fetched, in a few lines.
fn introduction(about: &About) -> String {
    let commit: String = about.commit.chars().take(7).collect();
    let mut lines = vec![format!("Model:     {} ({} at {commit})", about.name, about.repository)];
    let licence = about.licence.as_deref().unwrap_or("its authors name none");
    let attribution = about.attribution.map_or_else(String::new, |attribution| format!("; {attribution}"));
    lines.push(format!("Licence:   {licence}{attribution}"));
    let missing = match about.missing_bytes {
        missing if missing == about.size_bytes => "all of it to come".to_owned(),
        missing => format!("{} of it to come", readable_bytes(missing)),
    };
    lines.push(format!("Size:      {}, {missing}", readable_bytes(about.size_bytes)));
    if about.endpoint != HUB {
        lines.push(format!("Served by: {}", about.endpoint));
    }
    lines.join("\n")
}

/// What a job does, in a word or two.
fn phase(phase: &Phase) -> &'static str {
    match phase {
        Phase::Starting => "Starting",
        Phase::Asking => "Asking the hub",
        Phase::Following => "Following another process",
        Phase::Checking => "Checking local copies",
        Phase::Downloading => "Downloading",
        Phase::Waiting { .. } => "Waiting",
        Phase::Paused => "Paused",
        Phase::Finishing => "Finishing",
    }
}

/// How far it is, how fast, and how long it will take.
fn words(progress: &JobProgress) -> String {
    let JobProgress { phase, done_bytes, total_bytes, bytes_per_second, seconds_left, .. } = progress;
    let mut parts = Vec::new();
    if *total_bytes > 0 {
        parts.push(format!("{} of {}", readable_bytes(*done_bytes), readable_bytes(*total_bytes)));
    }
    if let Phase::Waiting { reason } = phase {
        parts.push(reason.clone());
        return parts.join(": ");
    }
    parts.extend(bytes_per_second.map(|speed| format!("{}/s", readable_bytes(speed as u64))));
    parts.extend(seconds_left.map(|seconds| format!("{} left", readable_seconds(seconds))));
    parts.join(", ")
}

fn readable_seconds(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About {
            name: "moshiko-q4".to_owned(),
            repository: "kyutai/moshiko-mlx-q4".to_owned(),
            commit: "18e4df760a34d5977a34517d7d1580e07acbb2f1".to_owned(),
            endpoint: HUB.to_owned(),
            licence: Some("cc-by-4.0".to_owned()),
            attribution: Some("Moshi by Kyutai, CC BY 4.0"),
            size_bytes: 5_195_000_000,
            missing_bytes: 5_195_000_000,
        }
    }

    #[test]
    fn a_model_is_introduced_before_it_comes() {
        assert_eq!(
            introduction(&about()),
            "Model:     moshiko-q4 (kyutai/moshiko-mlx-q4 at 18e4df7)\n\
             Licence:   cc-by-4.0; Moshi by Kyutai, CC BY 4.0\n\
             Size:      5.20 GB, all of it to come"
        );
        let mirror = About {
            endpoint: "https://mirror.example".to_owned(),
            licence: None,
            attribution: None,
            missing_bytes: 1_000_000,
            ..about()
        };
        let text = introduction(&mirror);
        assert!(text.contains("its authors name none\n") && text.contains("1.0 MB of it to come\n"), "{text}");
        assert!(text.ends_with("Served by: https://mirror.example"), "{text}");
    }

    #[test]
    fn progress_is_told_in_words() {
        let mut progress = JobProgress {
            phase: Phase::Downloading,
            done_bytes: 1_200_000_000,
            total_bytes: 5_200_000_000,
            file: None,
            bytes_per_second: Some(43_000_000.0),
            seconds_left: Some(92.2),
            connections: 4,
            interruptions: 0,
        };
        assert_eq!(words(&progress), "1.20 GB of 5.20 GB, 43.0 MB/s, 1 min 33 s left");
        progress.phase = Phase::Waiting { reason: "huggingface.co cannot be reached".to_owned() };
        assert_eq!(words(&progress), "1.20 GB of 5.20 GB: huggingface.co cannot be reached");
        assert_eq!([0.2, 59.0, 3_725.0].map(readable_seconds), ["1 s", "59 s", "1 h 02 min"]);
    }
}
