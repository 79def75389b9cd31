//! Ctrl-C in the middle of a download.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use moshibar_test_hub::{Behaviour, Fault, Rule};
use serde_json::Value;

use crate::rig::{Rig, TINY, assert_says};

/// Presses Ctrl-C.
pub(crate) fn interrupt(program: &Child) {
    // SAFETY: kill takes two numbers; the child is ours and has not been waited for, so its number is its own.
    let sent = unsafe { libc::kill(i32::try_from(program.id()).unwrap(), libc::SIGINT) };
    assert_eq!(sent, 0);
}

#[test]
fn an_interrupted_pull_keeps_what_has_arrived_and_goes_on_from_there() {
    let size = 8_000_000;
    let rig = Rig::with_tiny(size, Rule::cdn(Fault::Throttle { bytes_per_second: 500_000 }));
    let mut pull = rig.asking(&["models", "pull", TINY, "--json"]);
    let mut pull = pull.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(pull.stdout.take().unwrap()).lines();
    let mut next = || -> Option<Value> { Some(serde_json::from_str(&lines.next()?.unwrap()).unwrap()) };
    let mut arrived = 0;
    while arrived < 2_000_000 {
        arrived = next().expect("the pull is over already")["done_bytes"].as_u64().unwrap_or(0);
    }
    let pressed = Instant::now();
    interrupt(&pull);
    assert_eq!(pull.wait().unwrap().code(), Some(130));
    let took = pressed.elapsed();
    assert!(took < Duration::from_millis(250), "{took:?}");
    let error = std::iter::from_fn(next).last().unwrap();
    assert_eq!(error["error"]["code"], "interrupted");
    assert_says(error["error"]["message"].as_str().unwrap(), &["what has arrived is kept", "the same command goes on"]);
    let entry = rig.entry(TINY).unwrap();
    assert_eq!(entry["state"]["name"], "partial");
    let present = entry["present_bytes"].as_u64().unwrap();
    println!("over {took:?} after Ctrl-C, with {present} of {arrived} bytes");
    // Whole blocks are kept; the one of each connection that was not whole is not.
    assert!(present + 1024 * 1024 >= arrived, "{present} of {arrived}");
    assert_says(&rig.text(&["models", "list"]), &["partial "]);

    rig.hub.set_behaviour(Behaviour::default());
    rig.hub.reset_counters();
    let last = rig.pull(&[TINY]).pop().unwrap();
    assert_eq!(last["event"], "finished");
    let fetched = rig.hub.counters().body_bytes;
    let all = size + 300_001 + 1_234;
    // A piece of what the interrupted pull had asked for may have been sent, and counted, after the counters were reset.
    let piece = 64 * 1024;
    assert!(fetched <= all - present + piece, "{fetched} fetched of {all}, and {present} were here");
    assert_eq!(rig.entry(TINY).unwrap()["state"]["name"], "verified");
}
