//! How the small clients of `make bench-store` end: one line of JSON on standard output, or a
//! sentence and exit code 1.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use serde_json::Value;

/// Prints what came of it.
pub fn report(program: &str, result: Result<Value, Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(line) => {
            // Whoever measures reads this line, or is gone.
            writeln!(std::io::stdout(), "{line}").ok();
            ExitCode::SUCCESS
        }
        Err(error) => {
            writeln!(std::io::stderr(), "{program}: {error}").ok();
            ExitCode::FAILURE
        }
    }
}
