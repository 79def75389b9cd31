//! Disks that are full, small, read-only, or end in the middle of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use moshibar_store::{Limits, PullOptions, Store, StoreError};
use moshibar_test_hub::{Behaviour, Fault, Rule, happens};

use crate::child::{pull_so_much_and_be_killed, pulling};
use crate::rig::{MIB, Rig, SMALL_BYTES, WEIGHTS, WEIGHTS_BYTES, block_on, options, present_bytes, pull, tiny};

/// A small disk of its own.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` where this user may not mount one.
    fn of(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "moshibar-test"])
            .arg(folder.path())
            .output()
            .ok()?;
        if !mount.status.success() {
            println!("NOT TESTED: no small disk ({})", String::from_utf8_lossy(&mount.stderr).trim());
            return None;
        }
        Some(Self { folder })
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("library")
    }

    fn change(&self, options: &str) {
        let changed =
            Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.folder.path()).status();
        assert!(changed.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.folder.path()).status().ok();
    }
}

/// Answers end after half a mebibyte, so that little is on its way to whoever cannot write it.
fn in_small_answers() -> Rule {
    Rule::cdn(Fault::DropAfter { bytes: MIB / 2 }).path_suffix(WEIGHTS)
}

/// After so many bytes of the weights nothing more comes, for as long as the test takes.
fn silent_after(bytes: u64) -> Rule {
    Rule::cdn(Fault::StallAfter { bytes }).path_suffix(WEIGHTS)
}

fn store(rig: &Rig, library: &Path, reserve_bytes: u64) -> Store {
    let mut options = options(&rig.hub.endpoint(), library.to_owned());
    options.limits = Limits { reserve_bytes, ..options.limits };
    Store::open(options).unwrap()
}

#[test]
fn too_small_a_disk_is_refused_before_a_byte_is_fetched() {
    let Some(disk) = SmallDisk::of("size=3m") else { return };
    let rig = Rig::new(Behaviour::default());
    let error = pull(&store(&rig, &disk.library(), 0)).unwrap_err();
    let StoreError::DiskFull { needed_bytes, free_bytes, .. } = &error else { panic!("{error}") };
    assert_eq!(*needed_bytes, WEIGHTS_BYTES);
    assert!(*free_bytes < 3 * MIB && *free_bytes > 2 * MIB, "{free_bytes}");
    let fetched = rig.hub.counters().body_bytes;
    assert!(fetched <= SMALL_BYTES, "{fetched} bytes of what does not fit");
}

#[test]
fn the_reserve_is_left_free() {
    let Some(disk) = SmallDisk::of("size=10m") else { return };
    let rig = Rig::new(Behaviour::default());
    let error = pull(&store(&rig, &disk.library(), 8 * MIB)).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert!(pull(&store(&rig, &disk.library(), 4 * MIB)).is_ok());
}

#[test]
fn a_disk_that_fills_up_on_the_way_keeps_what_came_and_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::of("size=7m") else { return };
    let rig = Rig::new(silent_after(MIB));
    let library = disk.library();
    let filler = disk.folder.path().join("filler");
    // The space is looked at every few seconds in the product; here never, so that the disk itself says no.
    let mut settings = options(&rig.hub.endpoint(), library.clone());
    settings.limits.adapt_interval = Duration::from_hours(1);
    let store_of_settings = Store::open(settings).unwrap();
    let (error, asked) = block_on(async {
        let job = store_of_settings.pull(&tiny(), PullOptions::default());
        assert!(happens(|| present_bytes(&store_of_settings) == SMALL_BYTES + MIB));
        std::fs::write(&filler, vec![0; 7 << 20]).ok(); // as much of it as there is room for
        rig.hub.set_behaviour(in_small_answers());
        let asked = rig.hub.counters().cdn;
        // The silent answer is given up for another one.
        job.handle().pause();
        assert!(happens(|| rig.hub.files_being_sent() == 0));
        job.handle().resume();
        (job.finish().await.unwrap_err(), asked)
    });
    let StoreError::DiskFull { needed_bytes, free_bytes, .. } = &error else { panic!("{error}") };
    assert!(needed_bytes > free_bytes && *needed_bytes <= WEIGHTS_BYTES - MIB, "{error}");
    assert_eq!(rig.hub.counters().cdn - asked, 1, "asking again makes no room");

    std::fs::remove_file(&filler).unwrap();
    pull(&store(&rig, &library, 0)).unwrap();
    let spent = rig.sent_twice();
    assert!(spent <= MIB, "{spent} bytes fetched twice");
}

#[test]
fn space_that_others_take_is_noticed_before_the_disk_is_full() {
    let Some(disk) = SmallDisk::of("size=12m") else { return };
    // Nothing more comes that could fill the disk: only who looks at it can notice.
    let rig = Rig::new(silent_after(MIB / 2));
    let store = store(&rig, &disk.library(), 4 * MIB);
    let error = block_on(async {
        let job = store.pull(&tiny(), PullOptions::default());
        assert!(happens(|| present_bytes(&store) == SMALL_BYTES + MIB / 2));
        std::fs::write(disk.folder.path().join("filler"), vec![0; 6 << 20]).unwrap();
        job.finish().await.unwrap_err()
    });
    assert!(matches!(error, StoreError::DiskFull { free_bytes, .. } if free_bytes > MIB), "{error}");
}

#[test]
fn a_read_only_disk_is_named() {
    let Some(disk) = SmallDisk::of("size=10m") else { return };
    let rig = Rig::new(Behaviour::default());
    disk.change("ro");
    let error = pull(&store(&rig, &disk.library(), 0)).unwrap_err();
    assert!(matches!(&error, StoreError::NotWritable { path, .. } if path.starts_with(disk.folder.path())), "{error}");
    assert_eq!(rig.hub.counters().requests, 0);
    disk.change("rw");
    assert!(pull(&store(&rig, &disk.library(), 0)).is_ok());
}

#[test]
fn a_disk_that_becomes_read_only_on_the_way_keeps_what_came() {
    let Some(disk) = SmallDisk::of("size=10m") else { return };
    let rig = Rig::new(Behaviour::default());
    let library = disk.library();
    // Files that are open for writing stand in the way of "ro": so the process is killed first, as a pulled plug would.
    pull_so_much_and_be_killed(&rig, &library, MIB);
    disk.change("ro");
    let error = pull(&store(&rig, &library, 0)).unwrap_err();
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
    disk.change("rw");
    pull(&store(&rig, &library, 0)).unwrap();
    assert_eq!(rig.sent_twice(), 0, "bytes fetched twice");
}

/// A quota: the disk has room, but not for this user. The system says so at a write (EDQUOT); `strace` makes it say so.
///
/// `strace` counts the calls of each thread apart, and which thread writes a block is nobody's
/// business. So the disk takes some blocks from a process without `strace`, and from the one with
/// it none.
#[test]
fn a_quota_is_a_full_disk() {
    let rig = Rig::new(Behaviour::default());
    pull_so_much_and_be_killed(&rig, &rig.library(), MIB);
    rig.hub.set_behaviour(in_small_answers());
    let plain = pulling(&rig.library(), &rig.hub.endpoint());
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "inject=pwrite64:error=EDQUOT", "--"]);
    command.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    let Ok(output) = command.output() else {
        // `make test` installs it on Linux; elsewhere there is none.
        assert!(!(cfg!(target_os = "linux") && std::env::var_os("CI").is_some()), "there is no strace");
        println!("NOT TESTED: there is no strace");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    if !said.contains("running 1 test") {
        println!("NOT TESTED: strace does not work here ({})", String::from_utf8_lossy(&output.stderr).trim());
        return;
    }
    assert!(said.contains("failed: disk_full"), "{said}");
    assert_eq!(present_bytes(&rig.store()), SMALL_BYTES + MIB, "what came before is kept, and no more is claimed");
    rig.assert_right(&rig.pull().unwrap());
    let spent = rig.sent_twice();
    assert!(spent <= MIB, "{spent} bytes fetched twice, of which some were on their way when the disk said no");
}
