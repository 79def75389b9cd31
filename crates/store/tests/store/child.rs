//! A process that pulls, to be killed or to run beside others: this test program, run again with variables set.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::rig::{options, pull};

const LIBRARY: &str = "MOSHIBAR_TEST_PULLS_INTO";
const ENDPOINT: &str = "MOSHIBAR_TEST_PULLS_FROM";
const TRUSTS: &str = "MOSHIBAR_TEST_TRUSTS_THE_ENDPOINT";

/// A command that pulls `hf:lab/tiny` and prints `arrived` or the code of an error.
pub(crate) fn pulling(library: &Path, endpoint: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::pulls", "--nocapture", "--include-ignored"]);
    command.env(LIBRARY, library).env(ENDPOINT, endpoint);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// As [`pulling`], by a user who trusts the endpoint with the token.
pub(crate) fn trusting(library: &Path, endpoint: &str) -> Command {
    let mut command = pulling(library, endpoint);
    command.env(TRUSTS, "yes");
    command
}

#[test]
#[ignore = "only as a child of another test"]
fn pulls() {
    let (Ok(library), Ok(endpoint)) = (std::env::var(LIBRARY), std::env::var(ENDPOINT)) else { return };
    let mut options = options(&endpoint, library.into());
    if std::env::var(TRUSTS).is_ok() {
        options.token = moshibar_store::TokenPolicy::AnyEndpoint;
    }
    let store = moshibar_store::Store::open(options).unwrap();
    match pull(&store) {
        Ok(_) => println!("arrived"),
        Err(error) => println!("failed: {}", error.code()),
    }
}
