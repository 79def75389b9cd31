//! Several processes that want the same model at the same time, and what is sent to whom.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use moshibar_test_hub::{Behaviour, Fault, Redirects, Rule, happens};
use moshibar_test_support::by_depth;

use crate::child::{FOLLOWS, pulling, trusting};
use crate::rig::{MIB, Rig, SMALL_BYTES, WEIGHTS, WEIGHTS_BYTES, present_bytes, tiny};

fn output(child: Child) -> String {
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn two_to_eight_processes_fetch_the_bytes_once() {
    for processes in by_depth(vec![2, 8], (2..=8).collect(), (2..=8).collect()) {
        let rig = Rig::new(Rule::cdn(Fault::Throttle { bytes_per_second: 16 << 20 }).path_suffix(WEIGHTS));
        let children: Vec<Child> =
            (0..processes).map(|_| pulling(&rig.library(), &rig.hub.endpoint()).spawn().unwrap()).collect();
        for child in children {
            let said = output(child);
            assert!(said.contains("arrived"), "{said}");
        }
        rig.assert_right(&rig.store().find(&tiny()).unwrap());
        let counters = rig.hub.counters();
        let size = WEIGHTS_BYTES + SMALL_BYTES;
        println!("{processes} processes: {} bytes of {size}, {} listings", counters.body_bytes, counters.api);
        assert!(counters.body_bytes <= size + size / 100, "{} bytes", counters.body_bytes);
        assert_eq!(counters.api, 1);
    }
}

#[test]
fn another_goes_on_when_the_one_that_fetched_is_killed() {
    // The first one cannot finish: after a mebibyte the hub says nothing more to it.
    let rig = Rig::new(Rule::cdn(Fault::StallAfter { bytes: MIB }).times(1).path_suffix(WEIGHTS));
    let store = rig.store();
    let mut first = pulling(&rig.library(), &rig.hub.endpoint()).spawn().unwrap();
    assert!(happens(|| present_bytes(&store) == SMALL_BYTES + MIB), "{} bytes", present_bytes(&store));
    let mut second = pulling(&rig.library(), &rig.hub.endpoint()).spawn().unwrap();
    let mut lines = BufReader::new(second.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(FOLLOWS)), "the second one never waited");
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(lines.any(|line| line.contains("arrived")), "the second one did not go on");
    second.wait().unwrap();
    rig.assert_right(&rig.store().find(&tiny()).unwrap());
    assert_eq!(rig.sent_twice(), 0, "what the first one had is kept");
}

#[test]
fn a_mirror_does_not_see_the_token_and_a_storage_server_never_does() {
    let rig = Rig::new(Behaviour { redirects: Redirects::OtherHost, ..Behaviour::default() });
    let child = pulling(&rig.library(), &rig.hub.endpoint()).env("HF_TOKEN", "hf_secret").spawn().unwrap();
    assert!(output(child).contains("arrived"));
    let log = rig.hub.counters().log;
    assert!(log.iter().all(|request| !request.has_authorization), "{log:?}");

    rig.store().remove(&tiny()).unwrap();
    rig.hub.reset_counters();
    let child = trusting(&rig.library(), &rig.hub.endpoint()).env("HF_TOKEN", "hf_secret").spawn().unwrap();
    assert!(output(child).contains("arrived"));
    let log = rig.hub.counters().log;
    let asked_by_us = log.iter().filter(|request| !request.path.starts_with("/cdn/"));
    assert!(
        asked_by_us.clone().count() >= 4 && asked_by_us.clone().all(|request| request.has_authorization),
        "{log:?}"
    );
    let from_storage = log.iter().filter(|request| request.path.starts_with("/cdn/"));
    assert!(
        from_storage.clone().count() >= 2 && from_storage.clone().all(|request| !request.has_authorization),
        "{log:?}"
    );
}

#[test]
fn a_user_who_forbids_the_network_by_a_variable_is_obeyed() {
    let rig = Rig::new(Behaviour::default());
    let offline = || {
        let child = pulling(&rig.library(), &rig.hub.endpoint()).env("HF_HUB_OFFLINE", "1").spawn().unwrap();
        output(child)
    };
    assert!(offline().contains("failed: offline"));
    assert_eq!(rig.hub.counters().requests, 0);
    rig.pull().unwrap();
    rig.hub.reset_counters();
    assert!(offline().contains("arrived"));
    assert_eq!(rig.hub.counters().requests, 0);
}
