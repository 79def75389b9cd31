//! The test hub as a program: reads a scenario, says where it listens, and serves until its input ends.
//!
//! `test-hub [--scenario FILE] [--port PORT] [--until-killed]`. Without a file, the scenario is the first thing on the
//! input. One line goes to the output: `{"endpoint":"http://127.0.0.1:…","other_endpoint":"http://localhost:…"}`.

use std::error::Error;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use moshibar_test_hub::Scenario;
use serde_json::{Deserializer, json};

const USAGE: &str = "usage: test-hub [--scenario FILE] [--port PORT] [--until-killed]";

#[derive(Default)]
struct Arguments {
    scenario: Option<PathBuf>,
    port: u16,
    is_until_killed: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if this fails.
            drop(writeln!(io::stderr(), "test-hub: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let mut input = io::stdin().lock();
    let scenario: Scenario = match &arguments.scenario {
        Some(path) => serde_json::from_slice(&fs::read(path)?)?,
        None => Deserializer::from_reader(&mut input).into_iter().next().ok_or(USAGE)??,
    };
    let hub = scenario.builder()?.port(arguments.port).start()?;
    let line = json!({ "endpoint": hub.endpoint(), "other_endpoint": hub.other_endpoint() });
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()?;
    if arguments.is_until_killed {
        loop {
            std::thread::park();
        }
    }
    let mut rest = [0; 4096];
    while input.read(&mut rest)? > 0 {}
    Ok(())
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--scenario" => arguments.scenario = Some(words.next().ok_or(USAGE)?.into()),
                "--port" => arguments.port = words.next().ok_or(USAGE)?.parse()?,
                "--until-killed" => arguments.is_until_killed = true,
                _ => return Err(USAGE.into()),
            }
        }
        Ok(arguments)
    }
}
