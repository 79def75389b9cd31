//! Several processes that want the same model at the same time, and what is sent to whom.

use std::process::Child;

use moshibar_test_hub::{Behaviour, Fault, Redirects, Rule};

use crate::child::{pulling, trusting};
use crate::rig::{MIMI_BYTES, Rig, WEIGHTS, WEIGHTS_BYTES, tiny};

fn output(child: Child) -> String {
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn two_to_eight_processes_fetch_the_bytes_once() {
    for processes in 2..=8 {
        let rig = Rig::new(Rule::cdn(Fault::Throttle { bytes_per_second: 16 << 20 }).path_suffix(WEIGHTS));
        let children: Vec<Child> =
            (0..processes).map(|_| pulling(&rig.library(), &rig.hub.endpoint()).spawn().unwrap()).collect();
        for child in children {
            let said = output(child);
            assert!(said.contains("arrived"), "{said}");
        }
        rig.assert_right(&rig.store().find(&tiny()).unwrap());
        let counters = rig.hub.counters();
        let size = WEIGHTS_BYTES + MIMI_BYTES + 1_234;
        println!("{processes} processes: {} bytes of {size}, {} listings", counters.body_bytes, counters.api);
        assert!(counters.body_bytes <= size + size / 100, "{} bytes", counters.body_bytes);
        assert_eq!(counters.api, 1);
    }
}

#[test]
fn another_goes_on_when_the_one_that_fetched_is_killed() {
    let rig = Rig::new(Rule::cdn(Fault::Throttle { bytes_per_second: 8 << 20 }).path_suffix(WEIGHTS));
    let mut first = pulling(&rig.library(), &rig.hub.endpoint()).spawn().unwrap();
    std::thread::park_timeout(std::time::Duration::from_millis(150));
    let second = pulling(&rig.library(), &rig.hub.endpoint()).spawn().unwrap();
    std::thread::park_timeout(std::time::Duration::from_millis(150));
    first.kill().unwrap();
    first.wait().unwrap();
    let said = output(second);
    assert!(said.contains("arrived"), "{said}");
    rig.assert_right(&rig.store().find(&tiny()).unwrap());
    let spent = rig.hub.counters().body_bytes.saturating_sub(WEIGHTS_BYTES + MIMI_BYTES + 1_234);
    assert!(spent <= 1 << 20, "{spent} bytes fetched twice");
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
