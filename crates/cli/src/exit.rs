//! From arguments to exit code: the one place where errors are shown.
//!
//! 0 done · 1 failed on the way · 2 the command line or a file it names cannot be used · 130 interrupted.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ErrorKind as ClapErrorKind};

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

/// What is logged where nobody chose. What goes wrong in a download is in its progress and in the sentence at its end.
const QUIET_LOG: &str = "warn,moshibar_store=error,hf_hub=off,reqwest=off,hyper=off,hyper_util=off,h2=off,rustls=off";

/// Shows warnings of the libraries on standard error; `MOSHIBAR_LOG` chooses others, in `RUST_LOG`'s syntax.
fn watch_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MOSHIBAR_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(QUIET_LOG));
    // Fails only where a logger is installed already, and then there is one.
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init().ok();
}
