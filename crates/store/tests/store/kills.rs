//! A process that is killed at any moment, and goes on when it is started again.

use std::time::{Duration, Instant};

use moshibar_test_hub::{Fault, Rule};
use moshibar_test_support::by_depth;

use crate::child::pulling;
use crate::rig::{MIMI_BYTES, Rig, WEIGHTS, WEIGHTS_BYTES};

const MIB: u64 = 1 << 20;

#[test]
fn the_servers_tag_is_sent_back_after_a_kill() {
    let rig = Rig::new(Rule::cdn(Fault::Throttle { bytes_per_second: 4 * MIB }).path_suffix(WEIGHTS));
    let mut child = pulling(&rig.library(), &rig.hub.endpoint()).spawn().unwrap();
    while rig.hub.counters().body_bytes < MIMI_BYTES + 2 * MIB {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    rig.hub.reset_counters();
    rig.assert_right(&rig.pull().unwrap());
    let log = rig.hub.counters().log;
    let first = log.iter().find(|request| request.path.starts_with("/cdn/")).unwrap();
    assert!(first.if_range.is_some(), "{first:?}");
    let range = first.range.as_deref().unwrap();
    assert!(!range.starts_with("bytes=0-"), "{range}");
}

/// After a power cut the journal may know of a block that the disk never got.
#[test]
fn a_block_that_a_power_cut_lost_is_fetched_again_and_no_other() {
    let rig = Rig::new(Rule::cdn(Fault::DropAfter { bytes: 3 * MIB }).path_suffix(WEIGHTS));
    let behaviour = rig.hub.behaviour().rule(Rule::cdn(Fault::StallAfter { bytes: 0 }).after(1).path_suffix(WEIGHTS));
    rig.hub.set_behaviour(behaviour);
    rig.pull().unwrap_err();
    let blobs = crate::rig::files_in(&rig.library().join("blobs"));
    let part = blobs.iter().find(|path| path.extension().is_some_and(|kind| kind == "part")).unwrap();
    let mut bytes = std::fs::read(part).unwrap();
    assert_eq!(bytes.len() as u64, 3 * MIB);
    bytes[300_000..400_000].fill(0);
    std::fs::write(part, bytes).unwrap();
    rig.hub.set_behaviour(moshibar_test_hub::Behaviour::default());
    rig.hub.reset_counters();
    rig.assert_right(&rig.pull().unwrap());
    assert_eq!(rig.hub.counters().body_bytes, WEIGHTS_BYTES - 3 * MIB + 256 * 1024);
}

/// Kills a pull so many times, at moments spread over the whole of it, some of them in the last part, where hashing, syncing and
/// renaming are. A pull that was over before its kill is not counted; the model is removed then, and all begins anew.
#[test]
fn kill_9_at_random_moments_costs_a_mebibyte_at_most_and_nothing_wrong() {
    // 4 MiB in about a third of a second.
    let throttle = Rule::cdn(Fault::Throttle { bytes_per_second: 12 * MIB }).path_suffix(WEIGHTS);
    let rig = Rig::new(throttle);
    let size = WEIGHTS_BYTES + MIMI_BYTES + 1_234;
    let (mut killed, mut whole, mut dice) = (0, 0, 0x9e37_79b9_7f4a_7c15_u64);
    let (mut kills_of_this, mut largest) = (0, 0);
    let kills = by_depth(20, 200, 1_000);
    while killed < kills {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = Duration::from_micros((dice >> 33) % 450_000);
        let begun = Instant::now();
        let mut child = pulling(&rig.library(), &rig.hub.endpoint()).spawn().unwrap();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if begun.elapsed() >= moment {
                break None;
            }
            std::thread::park_timeout(Duration::from_micros(200));
        };
        if ended.is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            kills_of_this += 1;
            rig.assert_nothing_wrong();
            continue;
        }
        let installed = rig.store().find(&crate::rig::tiny()).unwrap();
        rig.assert_right(&installed);
        let spent = rig.hub.counters().body_bytes.saturating_sub(size);
        largest = largest.max(spent / kills_of_this.max(1));
        assert!(spent <= kills_of_this * MIB, "{spent} bytes fetched twice by {kills_of_this} kills");
        whole += 1;
        kills_of_this = 0;
        rig.store().remove(&crate::rig::tiny()).unwrap();
        rig.hub.reset_counters();
    }
    rig.assert_right(&rig.pull().unwrap());
    let spent = rig.hub.counters().body_bytes.saturating_sub(size);
    assert!(spent <= kills_of_this * MIB, "{spent} bytes fetched twice by {kills_of_this} kills");
    let parts = crate::rig::files_in(&rig.library().join("blobs"));
    let stale = parts.iter().filter(|path| path.extension().is_some_and(|kind| kind == "part")).count();
    assert_eq!(stale, 0, "{parts:?}");
    println!(
        "{killed} kills, {} models whole and right; at most {largest} bytes fetched twice by a kill on average",
        whole + 1
    );
}
