//! The log: on standard error, and in a file for bug reports. Nothing that was said goes there.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tauri::{AppHandle, Manager, Runtime};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// A file that is longer begins anew.
const LONGEST_BYTES: u64 = 4 << 20;

/// What goes into the file: `info` and above, but nothing of the network code.
fn file_filter() -> Targets {
    let silent = ["reqwest", "hyper", "hyper_util", "rustls"].map(|target| (target, LevelFilter::OFF));
    Targets::new().with_default(LevelFilter::INFO).with_target("zbus", LevelFilter::WARN).with_targets(silent)
}

/// The log's file; `None` if the system has no folder for logs.
pub(crate) fn log_file<R: Runtime>(app: &AppHandle<R>) -> Option<PathBuf> {
    app.path().app_log_dir().ok().map(|folder| folder.join("moshibar.log"))
}

/// Begins to write. Standard error gets warnings alone, unless `MOSHIBAR_LOG` chooses otherwise, as
/// a list of levels and targets: `warn,moshibar_app=debug`.
pub(crate) fn begin(path: Option<&Path>) {
    let chosen = std::env::var("MOSHIBAR_LOG").ok().and_then(|levels| levels.parse::<Targets>().ok());
    let filter = chosen.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let to_screen = fmt::layer().with_writer(std::io::stderr).with_filter(filter);
    let to_file = path
        .and_then(opened)
        .map(|file| fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).with_filter(file_filter()));
    // Fails only where a logger is installed already, and then there is one.
    tracing_subscriber::registry().with(to_screen).with(to_file).try_init().ok();
}

fn opened(path: &Path) -> Option<File> {
    std::fs::create_dir_all(path.parent()?).ok()?;
    let is_long = path.metadata().is_ok_and(|file| file.len() > LONGEST_BYTES);
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    if is_long { options.truncate(true) } else { options.append(true) }.open(path).ok()
}
