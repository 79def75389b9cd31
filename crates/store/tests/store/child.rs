//! A process that pulls, to be killed or to run beside others: this test program, run again with variables set.

use std::path::Path;
use std::process::{Command, Stdio};

use moshibar_store::{JobEvent, Phase, Store};
use moshibar_test_hub::{Behaviour, Fault, Rule, happens};

use crate::rig::{Rig, SMALL_BYTES, WEIGHTS, options, present_bytes, pull_watched};

const LIBRARY: &str = "MOSHIBAR_TEST_PULLS_INTO";
const ENDPOINT: &str = "MOSHIBAR_TEST_PULLS_FROM";
const TRUSTS: &str = "MOSHIBAR_TEST_TRUSTS_THE_ENDPOINT";

/// What a child prints when it has to wait for another process.
pub(crate) const FOLLOWS: &str = "it follows another process";

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

/// Pulls the small files and so many bytes of the weights, whole blocks, in a process that is then
/// killed. The hub falls silent after them, so they and no others are there, whenever the kill
/// comes. Afterwards the hub behaves.
pub(crate) fn pull_so_much_and_be_killed(rig: &Rig, library: &Path, bytes: u64) {
    rig.hub.set_behaviour(Rule::cdn(Fault::StallAfter { bytes }).path_suffix(WEIGHTS));
    let store = Store::open(options(&rig.hub.endpoint(), library.to_owned())).unwrap();
    let mut child = pulling(library, &rig.hub.endpoint()).spawn().unwrap();
    let arrived = happens(|| present_bytes(&store) == SMALL_BYTES + bytes);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(arrived, "{} bytes", present_bytes(&store));
    assert!(happens(|| rig.hub.open_connections() == 0), "the hub holds on to a client that is dead");
    rig.hub.set_behaviour(Behaviour::default());
}

#[test]
#[ignore = "only as a child of another test"]
fn pulls() {
    let (Ok(library), Ok(endpoint)) = (std::env::var(LIBRARY), std::env::var(ENDPOINT)) else { return };
    let mut options = options(&endpoint, library.into());
    if std::env::var(TRUSTS).is_ok() {
        options.token = moshibar_store::TokenPolicy::AnyEndpoint;
    }
    let mut follows = false;
    let pulled = pull_watched(&Store::open(options).unwrap(), |event| {
        if !follows && matches!(event, JobEvent::Progress(progress) if progress.phase == Phase::Following) {
            follows = true;
            println!("{FOLLOWS}");
        }
    });
    match pulled {
        Ok(_) => println!("arrived"),
        Err(error) => println!("failed: {}", error.code()),
    }
}
