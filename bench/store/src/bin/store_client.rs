//! The store as a program that other programs measure (`make bench-store`): does one thing and
//! prints one line of JSON.
//!
//! ```text
//! store_client pull   ENDPOINT LIBRARY [--impatient] [--report-memory]
//! store_client verify ENDPOINT LIBRARY
//! store_client cancel ENDPOINT LIBRARY pull|verify DELAY_MS,DELAY_MS,…
//! ```
//!
//! The model is `hf:lab/tiny`. `cancel` starts the work once for each delay, cancels it then, and
//! tells how long `Job::finish` took to return from there.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use moshibar_bench_store::report;
use moshibar_store::{Installed, Job, Limits, PullOptions, Reference, Store, StoreError, StoreOptions};
use serde_json::{Value, json};

const USAGE: &str = "usage: store_client pull|verify|cancel ENDPOINT LIBRARY …";
const MODEL: &str = "hf:lab/tiny";
const WEIGHTS: &str = "model.q4.safetensors";

/// As for people, but for a table that is to be done in minutes: seconds instead of 30 s and 10
/// min, and no reserve, so that a small volume can be full.
fn impatient() -> Limits {
    Limits {
        stall_timeout: Duration::from_secs(3),
        patience_at_first: Duration::from_secs(5),
        patience: Duration::from_secs(20),
        longest_retry_after: Duration::from_secs(10),
        reserve_bytes: 0,
        ..Limits::default()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    report("store_client", run().await)
}

async fn run() -> Result<Value, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [verb, endpoint, library, rest @ ..] = words.as_slice() else { return Err(USAGE.into()) };
    let has = |flag: &str| rest.iter().any(|word| word == flag);
    let limits = if has("--impatient") { impatient() } else { Limits::default() };
    let store = Store::open(StoreOptions {
        library: Some(PathBuf::from(library)),
        endpoint: Some(endpoint.clone()),
        limits,
        ..StoreOptions::default()
    })?;
    let model: Reference = MODEL.parse()?;
    let begun = Instant::now();
    let line = match (verb.as_str(), rest) {
        ("pull", _) => {
            let at_first = peak_resident_bytes();
            let mut line = outcome(store.pull(&model, PullOptions::default()).finish().await);
            if let Some((at_first, at_last)) = at_first.zip(peak_resident_bytes()).filter(|_| has("--report-memory")) {
                line = with(line, "peak_bytes_at_first", at_first);
                line = with(line, "peak_bytes_at_last", at_last);
            }
            line
        }
        ("verify", _) => json!({ "files": store.verify(&model).finish().await? }),
        ("cancel", [what, delays, ..]) => {
            let delays = delays.split(',').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
            cancel(&store, &model, what, &delays).await?
        }
        _ => return Err(USAGE.into()),
    };
    Ok(with(line, "seconds", begun.elapsed().as_secs_f64()))
}

fn with(mut line: Value, key: &str, value: impl Into<Value>) -> Value {
    if let Some(fields) = line.as_object_mut() {
        fields.insert(key.to_owned(), value.into());
    }
    line
}

fn outcome(pulled: Result<Installed, StoreError>) -> Value {
    match pulled {
        Ok(installed) => json!({ "outcome": "done", "path": installed.folder.join(WEIGHTS) }),
        Err(error) => json!({ "outcome": "error", "code": error.code(), "message": error.to_string() }),
    }
}

/// Cancels the work once for each delay. What is done before its delay is up is deleted if need be,
/// and not counted.
async fn cancel(store: &Store, model: &Reference, what: &str, delays_ms: &[u64]) -> Result<Value, Box<dyn Error>> {
    let mut latencies_ms = Vec::new();
    let mut too_late = 0;
    for delay in delays_ms.iter().copied().map(Duration::from_millis) {
        let latency = match what {
            "pull" => cancel_after(store.pull(model, PullOptions::default()), delay).await?,
            "verify" => cancel_after(store.verify(model), delay).await?,
            _ => return Err(USAGE.into()),
        };
        match latency {
            Some(latency) => latencies_ms.push(latency.as_secs_f64() * 1e3),
            None => too_late += 1,
        }
        if what == "pull" && latency.is_none() {
            store.remove(model)?;
        }
    }
    Ok(json!({ "latencies_ms": latencies_ms, "too_late": too_late }))
}

/// How long the work took to end once it was cancelled; `None` if it was done before.
async fn cancel_after<T: Send + 'static>(job: Job<T>, delay: Duration) -> Result<Option<Duration>, StoreError> {
    let handle = job.handle();
    let finish = job.finish();
    tokio::pin!(finish);
    let done = tokio::select! {
        done = &mut finish => Some(done),
        () = tokio::time::sleep(delay) => None,
    };
    if let Some(done) = done {
        return done.map(|_| None);
    }
    handle.cancel();
    let cancelled = Instant::now();
    match finish.await {
        Err(StoreError::Cancelled) => Ok(Some(cancelled.elapsed())),
        Err(error) => Err(error),
        Ok(_) => Ok(None),
    }
}

/// The most memory that this process ever had; Linux only.
fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
