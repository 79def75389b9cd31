//! From arguments to exit code: the one place where errors are shown.
//!
//! 0 done · 1 failed on the way · 2 the command line or a file it names cannot be used · 130 interrupted.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ErrorKind as ClapErrorKind};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::args::Args;
use crate::commands;
use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::interrupt;

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything is as it should be.
    Good,
    /// The command did its work, and its result is bad news.
    Bad,
}

/// Runs one command line.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let asks_for_json = arguments.iter().any(|argument| argument == "--json");
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(refusal) => return refuse(&refusal, &Console::new(asks_for_json, false)),
    };
    watch_log();
    let console = Console::new(args.json, args.quiet);
    let result = interrupt::watch().and_then(|()| commands::run(&args.command, &console));
    match result {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::FAILURE,
        Err(error) => fail(&error, &console),
    }
}

fn fail(error: &CliError, console: &Console) -> ExitCode {
    console.error(error);
    ExitCode::from(error.kind.exit_code())
}

/// Shows help where it was asked for, and else what is wrong with the arguments, in one sentence.
fn refuse(refusal: &clap::Error, console: &Console) -> ExitCode {
    match refusal.kind() {
        ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion => {
            // clap prints these to standard output; nobody is left to tell if that is closed.
            refusal.print().ok();
            ExitCode::SUCCESS
        }
        ClapErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            refusal.print().ok();
            ExitCode::from(ErrorKind::Usage.exit_code())
        }
        _ => fail(&CliError::new(ErrorKind::Usage, sentence(refusal)), console),
    }
}

/// clap's message without its layout: the first paragraph, its tips, and where to read more.
fn sentence(refusal: &clap::Error) -> String {
    let rendered = refusal.render().to_string();
    let mut paragraphs = rendered.split("\n\n").map(|paragraph| {
        paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    });
    let what = paragraphs.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    let tip = paragraphs.find_map(|paragraph| paragraph.strip_prefix("tip: ").map(|tip| format!("; {tip}")));
    let command = match refusal.get(ContextKind::Usage) {
        Some(usage) => usage.to_string().split_whitespace().skip_while(|word| *word != "moshibar").nth(1).map_or_else(
            String::new,
            |word| {
                if word.starts_with(|letter: char| letter.is_ascii_lowercase()) {
                    format!("{word} ")
                } else {
                    String::new()
                }
            },
        ),
        None => String::new(),
    };
    format!("{what}{}; `moshibar {command}--help` explains", tip.unwrap_or_default())
}

/// What is logged if `MOSHIBAR_LOG` is not set: warnings, but of the store only errors, and nothing
/// of its network code. What goes wrong in a download is in its progress and in the sentence at its
/// end.
fn quiet() -> Targets {
    let silent = ["reqwest", "hyper", "hyper_util", "rustls"].map(|target| (target, LevelFilter::OFF));
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("moshibar_store", LevelFilter::ERROR)
        .with_targets(silent)
}

/// Shows warnings of the libraries on standard error. `MOSHIBAR_LOG` chooses others, as a list of
/// levels and targets: `warn,moshibar_store=debug`.
fn watch_log() {
    let chosen = std::env::var("MOSHIBAR_LOG").ok().and_then(|levels| levels.parse::<Targets>().ok());
    let to_screen = fmt::layer().with_writer(std::io::stderr).with_filter(chosen.unwrap_or_else(quiet));
    // Fails only where a logger is installed already, and then there is one.
    tracing_subscriber::registry().with(to_screen).try_init().ok();
}
