//! The commands, one file each.

mod bench;
mod decode;
mod devices;
mod doctor;
mod encode;
mod generate;
pub(crate) mod live;
mod models;
mod talk;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::args::Command;
use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::exit::Verdict;

/// Runs one command.
///
/// # Errors
/// Whatever stopped it; what it was writing is gone then.
pub(crate) fn run(command: &Command, console: &Console) -> Result<Verdict, CliError> {
    match command {
        Command::Live(args) => live::run(args, console),
        Command::Talk(args) => talk::run(args, console),
        Command::Encode(args) => encode::run(args, console),
        Command::Decode(args) => decode::run(args, console),
        Command::Generate(args) => generate::run(args, console),
        Command::Bench(args) => bench::run(args, console),
        Command::Models(command) => models::run(command, console),
        Command::Devices => devices::run(console),
        Command::Doctor(args) => doctor::run(args, console),
    }
}

/// Refuses to write two results to one file, or a result over the input.
///
/// # Errors
/// [`ErrorKind::Usage`].
fn check_distinct(input: &Path, outputs: &[&Path]) -> Result<(), CliError> {
    let mut taken: Vec<PathBuf> = vec![real_place(input)];
    for output in outputs {
        let place = real_place(output);
        if taken.contains(&place) {
            let message = format!("{} is named twice; give every file a name of its own", output.display());
            return Err(CliError::new(ErrorKind::Usage, message));
        }
        taken.push(place);
    }
    Ok(())
}

/// The same path for all names of a file that exists; for others, of its folder.
fn real_place(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
