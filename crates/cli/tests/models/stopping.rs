//! Ctrl-C in the middle of a download.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use moshibar_test_hub::{Behaviour, Fault, Rule, happens};
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
    let size = 4_000_000;
    // After half of it the hub is silent, which a pull endures for half a minute: whoever leaves
    // before that was interrupted.
    let rig =
        Rig::with_tiny(size, Rule::cdn(Fault::StallAfter { bytes: 2_000_000 }).path_suffix("model.q4.safetensors"));
    let mut pull = rig.asking(&["models", "pull", TINY, "--json"]);
    let mut pull = pull.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(pull.stdout.take().unwrap()).lines();
    let mut next = || -> Option<Value> { Some(serde_json::from_str(&lines.next()?.unwrap()).unwrap()) };
    // Whole blocks are kept, of 256 KiB.
    let kept = 300_001 + 1_234 + 2_000_000 / 262_144 * 262_144;
    let mut arrived = 0;
    while arrived < kept {
        arrived = next().expect("the pull is over already")["done_bytes"].as_u64().unwrap_or(0);
    }
    let pressed = Instant::now();
    interrupt(&pull);
    assert_eq!(pull.wait().unwrap().code(), Some(130));
    let took = pressed.elapsed();
    println!("over {took:?} after Ctrl-C");
    assert!(took < Duration::from_secs(10), "{took:?}");
    let error = std::iter::from_fn(next).last().unwrap();
    assert_eq!(error["error"]["code"], "interrupted");
    assert_says(error["error"]["message"].as_str().unwrap(), &["what has arrived is kept", "the same command goes on"]);
    let entry = rig.entry(TINY).unwrap();
    assert_eq!(entry["state"]["name"], "partial");
    assert_eq!(entry["present_bytes"], kept);
    assert_says(&rig.text(&["models", "list"]), &["partial "]);

    assert!(happens(|| rig.hub.open_connections() == 0), "the hub still serves a client that is gone");
    rig.hub.set_behaviour(Behaviour::default());
    rig.hub.reset_counters();
    let last = rig.pull(&[TINY]).pop().unwrap();
    assert_eq!(last["event"], "finished");
    assert_eq!(rig.hub.counters().body_bytes, size + 300_001 + 1_234 - kept, "what was here is not fetched again");
    assert_eq!(rig.entry(TINY).unwrap()["state"]["name"], "verified");
}
