//! A process that is killed at any moment, and goes on when it is started again.

use std::process::Child;
use std::time::{Duration, Instant};

use moshibar_test_hub::{Behaviour, Fault, Rule, happens};
use moshibar_test_support::by_depth;

use crate::child::{pull_so_much_and_be_killed, pulling};
use crate::rig::{MIB, Rig, SMALL_BYTES, WEIGHTS, WEIGHTS_BYTES, hasty, pull, tiny};

#[test]
fn the_servers_tag_is_sent_back_after_a_kill() {
    let rig = Rig::new(Behaviour::default());
    pull_so_much_and_be_killed(&rig, &rig.library(), 2 * MIB);
    rig.hub.reset_counters();
    rig.assert_right(&rig.pull().unwrap());
    let log = rig.hub.counters().log;
    let first = log.iter().find(|request| request.path.starts_with("/cdn/")).unwrap();
    assert!(first.if_range.is_some(), "{first:?}");
    let range = first.range.as_deref().unwrap();
    assert!(range.starts_with("bytes=2097152-"), "{range}");
}

/// After a power cut the journal may know of a block that the disk never got.
#[test]
fn a_block_that_a_power_cut_lost_is_fetched_again_and_no_other() {
    let rig = Rig::new(Rule::cdn(Fault::DropAfter { bytes: 3 * MIB }).path_suffix(WEIGHTS));
    let behaviour = rig.hub.behaviour().rule(Rule::cdn(Fault::DropAfter { bytes: 0 }).after(1).path_suffix(WEIGHTS));
    rig.hub.set_behaviour(behaviour);
    pull(&rig.store_with(hasty())).unwrap_err();
    let blobs = crate::rig::files_in(&rig.library().join("blobs"));
    let part = blobs.iter().find(|path| path.extension().is_some_and(|kind| kind == "part")).unwrap();
    let mut bytes = std::fs::read(part).unwrap();
    assert_eq!(bytes.len() as u64, 3 * MIB);
    bytes[300_000..400_000].fill(0);
    std::fs::write(part, bytes).unwrap();
    rig.hub.set_behaviour(Behaviour::default());
    rig.hub.reset_counters();
    rig.assert_right(&rig.pull().unwrap());
    assert_eq!(rig.hub.counters().body_bytes, WEIGHTS_BYTES - 3 * MIB + 256 * 1024);
}

/// When a child is killed.
#[derive(Debug, Clone, Copy)]
enum Kill {
    /// Some time after the hub has sent so many bytes of this model, to this child and to those
    /// before it: so that the whole of a pull sees kills, however slow the machine is.
    Sent { bytes: u64, linger: Duration },
    /// So long after its start: so that its first steps see kills, and its last ones, where
    /// hashing, syncing and renaming are.
    Started { moment: Duration },
}

/// Waits until it is time to kill the child, and does. False if it was over before.
fn kill(child: &mut Child, when: Kill, rig: &Rig) -> bool {
    let begun = Instant::now();
    let mut sent = None;
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let is_time = match when {
            Kill::Started { moment } => begun.elapsed() >= moment,
            Kill::Sent { bytes, linger } => {
                if sent.is_none() && rig.hub.counters().body_bytes >= bytes {
                    sent = Some(Instant::now());
                }
                sent.is_some_and(|sent| sent.elapsed() >= linger)
            }
        };
        if is_time {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        std::thread::park_timeout(Duration::from_micros(200));
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Kills a pull so many times, at places and moments spread over the whole of it. A pull that was
/// over before its kill is not counted; the model is removed then, and all begins anew.
///
/// What a kill costs is counted by what the hub sends, and that must not depend on how far behind a
/// slow reader is: so each answer ends after half a mebibyte, and the next is asked for when all of
/// the last one has been read. 4 MiB take a third of a second.
#[test]
fn kill_9_at_random_moments_costs_a_mebibyte_at_most_and_nothing_wrong() {
    let throttle = Rule::cdn(Fault::Throttle { bytes_per_second: 24 * MIB }).path_suffix(WEIGHTS);
    let rig = Rig::new(Behaviour::default().rule(throttle));
    let pieces = Rule::cdn(Fault::DropAfter { bytes: MIB / 2 }).path_suffix(WEIGHTS);
    rig.hub.set_behaviour(rig.hub.behaviour().rule(pieces));
    let size = WEIGHTS_BYTES + SMALL_BYTES;
    let kills = by_depth(8, 200, 1_000);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut killed, mut whole, mut kills_of_this, mut largest) = (0, 0, 0, 0);
    let mut pulls = 0;
    // How long an undisturbed pull takes here, which the first one tells.
    let mut usual = None;
    while killed < kills {
        pulls += 1;
        assert!(pulls <= 10 * kills, "{killed} kills and {whole} models in {pulls} pulls");
        let sent = rig.hub.counters().body_bytes;
        let begun = Instant::now();
        let mut child = pulling(&rig.library(), &rig.hub.endpoint()).spawn().unwrap();
        let place = dice.below(size * 9 / 8);
        let is_killed = usual.is_some_and(|usual: Duration| {
            let when = if place > sent && place < size {
                Kill::Sent { bytes: place, linger: Duration::from_millis(dice.below(25)) }
            } else {
                Kill::Started { moment: Duration::from_micros(dice.below(usual.as_micros() as u64 * 5 / 4)) }
            };
            kill(&mut child, when, &rig)
        });
        if is_killed {
            killed += 1;
            kills_of_this += 1;
            rig.assert_nothing_wrong();
            continue;
        }
        child.wait().unwrap();
        if kills_of_this == 0 {
            usual = Some(begun.elapsed());
        }
        rig.assert_right(&rig.store().find(&tiny()).unwrap());
        largest = largest.max(spent_on(&rig, kills_of_this));
        whole += 1;
        kills_of_this = 0;
        rig.store().remove(&tiny()).unwrap();
        rig.hub.reset_counters();
    }
    rig.assert_right(&rig.pull().unwrap());
    largest = largest.max(spent_on(&rig, kills_of_this));
    let parts = crate::rig::files_in(&rig.library().join("blobs"));
    let stale = parts.iter().filter(|path| path.extension().is_some_and(|kind| kind == "part")).count();
    assert_eq!(stale, 0, "{parts:?}");
    println!(
        "{killed} kills, {} models whole and right; at most {largest} bytes fetched twice by a kill on average",
        whole + 1
    );
}

/// Bytes that each of so many kills of a model cost on average. It must be a mebibyte at most.
fn spent_on(rig: &Rig, kills: u64) -> u64 {
    // What was on its way to a killed process is counted until the hub notices.
    assert!(happens(|| rig.hub.open_connections() == 0), "a client that is dead is still served");
    let spent = rig.sent_twice();
    assert!(spent <= kills * MIB, "{spent} bytes fetched twice by {kills} kills");
    spent / kills.max(1)
}
