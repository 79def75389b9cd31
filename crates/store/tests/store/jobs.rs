//! Pausing, cancelling, going on; how often progress is told; how many connections work.

use std::time::{Duration, Instant};

use moshibar_store::{Job, JobEvent, Phase, PullOptions, Store, StoreError};
use moshibar_test_hub::{Content, Fault, Rule};

use crate::rig::{MIMI_BYTES, Rig, WEIGHTS, WEIGHTS_BYTES, block_on, limits, options, pull_watched, tiny};

const MIB: u64 = 1 << 20;

fn slow(bytes_per_second: u64) -> Rule {
    Rule::cdn(Fault::Throttle { bytes_per_second }).path_suffix(WEIGHTS)
}

/// Waits long: what lies in a connection's buffers when it is given up comes a second time, and here it is counted how much does.
fn patient_store(rig: &Rig) -> Store {
    let mut settings = options(&rig.hub.endpoint(), rig.library());
    settings.limits.patience = Duration::from_secs(20);
    settings.limits.stall_timeout = Duration::from_secs(10);
    Store::open(settings).unwrap()
}

#[test]
fn a_pause_keeps_what_came_and_asks_for_nothing() {
    let rig = Rig::new(slow(6 * MIB));
    let store = rig.store();
    block_on(async {
        let mut job = store.pull(&tiny(), PullOptions::default());
        let handle = job.handle();
        wait_for_bytes(&mut job, 2 * MIB).await;
        handle.pause();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (requests, sent) = (rig.hub.counters().requests, rig.hub.counters().body_bytes);
        let mut phases = Vec::new();
        while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(500), job.next()).await {
            if let JobEvent::Progress(progress) = event {
                phases.push(progress.phase);
            }
            if phases.len() > 5 {
                break;
            }
        }
        assert_eq!(phases.last(), Some(&Phase::Paused), "{phases:?}");
        assert_eq!(rig.hub.counters().requests, requests, "a pause asks for nothing");
        assert_eq!(rig.hub.counters().body_bytes, sent, "nothing comes in a pause");
        handle.resume();
        let installed = job.finish().await.unwrap();
        rig.assert_right(&installed);
    });
    let spent = rig.hub.counters().body_bytes.saturating_sub(WEIGHTS_BYTES + MIMI_BYTES + 1_234);
    assert!(spent <= MIB, "{spent} bytes fetched twice");
}

async fn wait_for_bytes(job: &mut Job<moshibar_store::Installed>, bytes: u64) {
    while let Some(event) = job.next().await {
        if matches!(event, JobEvent::Progress(progress) if progress.done_bytes >= bytes) {
            return;
        }
    }
    panic!("the pull ended too soon");
}

/// Threads and files are those of a process, so this needs one of its own.
#[test]
fn a_cancelled_pull_stops_within_a_quarter_of_a_second_and_leaves_nothing_running() {
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", "jobs::cancels_alone", "--nocapture", "--include-ignored"]);
    let output = alone.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("100 cancels"), "{said}");
}

#[test]
#[ignore = "only as a child of another test"]
fn cancels_alone() {
    let rig = Rig::new(slow(3 * MIB));
    let store = rig.store();
    let mut slowest = Duration::ZERO;
    block_on(async {
        let (files, threads) = (open_files(), threads());
        let mut dice = 1_u64;
        for round in 0..100 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let job = store.pull(&tiny(), PullOptions::default());
            tokio::time::sleep(Duration::from_millis((dice >> 33) % 40)).await;
            let begun = Instant::now();
            job.handle().cancel();
            match job.finish().await {
                Err(StoreError::Cancelled) => {}
                Ok(_) => assert!(round > 20, "too early for an end"),
                Err(other) => panic!("{other}"),
            }
            slowest = slowest.max(begun.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let more = open_files().saturating_sub(files);
        // Idle connections and the runtime's own threads come and go; a leak would be a hundred.
        assert!(more <= 10, "{more} files more are open");
        let more = self::threads().saturating_sub(threads);
        assert!(more <= 10, "{more} threads more");
    });
    println!("100 cancels: the slowest took {slowest:?}");
    assert!(slowest <= Duration::from_millis(250), "{slowest:?}");
    rig.hub.set_behaviour(moshibar_test_hub::Behaviour::default());
    rig.assert_right(&rig.pull().unwrap());
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

#[test]
fn a_dropped_pull_is_a_cancelled_one() {
    let rig = Rig::new(slow(MIB));
    let store = rig.store();
    block_on(async {
        let mut job = store.pull(&tiny(), PullOptions::default());
        wait_for_bytes(&mut job, MIMI_BYTES).await;
        drop(job);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let requests = rig.hub.counters().requests;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(rig.hub.counters().requests, requests);
    });
}

#[test]
fn progress_is_told_between_two_and_ten_times_a_second_and_never_goes_back() {
    let rig = Rig::new(slow(2 * MIB));
    let mut times = Vec::new();
    let mut last = 0;
    pull_watched(&rig.store(), |time, event, _| {
        if let JobEvent::Progress(progress) = event {
            times.push(time.as_secs_f64());
            assert!(progress.done_bytes >= last, "{last} then {}", progress.done_bytes);
            last = progress.done_bytes;
        }
    })
    .unwrap();
    let duration = times.last().unwrap() - times[0];
    assert!(duration > 1.5, "{duration} s");
    let most =
        times.iter().map(|begin| times.iter().filter(|time| (*begin..begin + 1.0).contains(*time)).count()).max();
    assert!(most.unwrap() <= 10, "{most:?} in a second");
    assert!(times.len() as f64 >= 2.0 * duration, "{} in {duration} s", times.len());
}

#[test]
fn more_connections_are_used_where_each_has_its_share() {
    // 96 MiB at 8 MiB/s for a connection: 12 s with one, a third of that with four.
    let size = 96 * MIB;
    let rig = Rig::with_weights(Content::random(1, size), slow(8 * MIB));
    let store = patient_store(&rig);
    let begun = Instant::now();
    let mut most = 0;
    let installed = pull_watched(&store, |_, event, _| {
        if let JobEvent::Progress(progress) = event {
            most = most.max(progress.connections);
        }
    })
    .unwrap();
    let took = begun.elapsed();
    let whole = std::fs::read(installed.folder.join(WEIGHTS)).unwrap();
    assert!(whole == Content::random(1, size).to_vec().unwrap());
    let counters = rig.hub.counters();
    let spent = counters.body_bytes.saturating_sub(size + MIMI_BYTES + 1_234);
    println!("96 MiB in {took:?} with {most} connections, {spent} bytes twice");
    assert!(most <= limits().connections, "{most} connections");
    // How many it comes to on a busy machine is left open; that it comes to four on a quiet one is tested without a clock.
    assert!(counters.max_concurrent_bodies >= 2, "{}", counters.max_concurrent_bodies);
    assert!(spent <= MIB, "{spent} bytes fetched twice");
}

#[test]
fn connections_that_are_sent_away_leave_their_work_to_the_others() {
    let size = 96 * MIB;
    let rig = Rig::with_weights(Content::random(1, size), slow(8 * MIB));
    // Several are at work by then; all that ask anew are told that the server has enough to do.
    let crowded = Rule::cdn(Fault::status(429)).after(5).times(6).path_suffix(WEIGHTS);
    let breaks = Rule::cdn(Fault::DropAfter { bytes: 9 * MIB }).path_suffix(WEIGHTS);
    rig.hub.set_behaviour(rig.hub.behaviour().rule(breaks).rule(crowded));
    let store = patient_store(&rig);
    let pulled = block_on(async {
        let job = store.pull(&tiny(), PullOptions::default());
        tokio::time::timeout(Duration::from_mins(1), job.finish()).await.expect("it hangs")
    });
    assert!(std::fs::read(pulled.unwrap().folder.join(WEIGHTS)).unwrap() == Content::random(1, size).to_vec().unwrap());
    let refused = rig.hub.counters().log.iter().filter(|request| request.status == 429).count();
    assert_eq!(refused, 6);
}

#[test]
fn parallel_ranges_survive_breaks_and_kills_of_each_other() {
    let size = 64 * MIB;
    let rule = slow(8 * MIB);
    let rig = Rig::with_weights(Content::random(1, size), rule);
    let behaviour = rig.hub.behaviour().rule(Rule::cdn(Fault::DropAfter { bytes: 3 * MIB + 77 }).path_suffix(WEIGHTS));
    rig.hub.set_behaviour(behaviour);
    let store = patient_store(&rig);
    let mut interruptions = 0;
    let installed = pull_watched(&store, |_, event, _| {
        if let JobEvent::Progress(progress) = event {
            interruptions = progress.interruptions;
        }
    })
    .unwrap();
    assert!(interruptions >= 16, "{interruptions}: no connection brings more than 3 of 64 MiB");
    assert!(std::fs::read(installed.folder.join(WEIGHTS)).unwrap() == Content::random(1, size).to_vec().unwrap());
    let spent = rig.hub.counters().body_bytes.saturating_sub(size + MIMI_BYTES + 1_234);
    assert!(spent <= MIB, "{spent} bytes fetched twice");
}
