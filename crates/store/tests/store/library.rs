//! What happens to a model once it is here: bits rot, files are copied, libraries move, other programs have it already.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use moshibar_store::{FileVerdict, Manifest, ModelState, Network, PullOptions, Reference, Store, StoreError};
use moshibar_test_hub::{Behaviour, Content, Fault, Rule};

use crate::rig::{
    MIB, MIMI, MIMI_BYTES, Rig, TOKENIZER, WEIGHTS, WEIGHTS_BYTES, block_on, files_in, hasty, tiny, weights,
};

fn state(store: &Store) -> ModelState {
    store.entry(&tiny()).unwrap().state
}

fn verify(store: &Store) -> Vec<(String, FileVerdict)> {
    let reports = block_on(async { store.verify(&tiny()).finish().await }).unwrap();
    reports.into_iter().map(|report| (report.name, report.verdict)).collect()
}

fn flip_a_bit(path: &Path, offset: usize) {
    let path = path.canonicalize().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(&path, bytes).unwrap();
}

fn offline(rig: &Rig) -> Store {
    let mut options = rig.options();
    options.network = Network::Offline;
    Store::open(options).unwrap()
}

#[test]
fn a_rotten_bit_is_found_and_only_its_block_is_fetched_again() {
    let rig = Rig::new(Behaviour::default());
    let installed = rig.pull().unwrap();
    let store = rig.store();
    assert!(verify(&store).iter().all(|(_, verdict)| *verdict == FileVerdict::Right));
    flip_a_bit(&installed.folder.join(WEIGHTS), 2_000_000);
    assert_eq!(state(&store), ModelState::Unchecked, "the file was touched");
    assert!(matches!(store.find(&tiny()), Err(StoreError::Unchecked { .. })));
    let wrong: Vec<_> = verify(&store).into_iter().filter(|(_, verdict)| *verdict == FileVerdict::Wrong).collect();
    assert_eq!(wrong, [(WEIGHTS.to_owned(), FileVerdict::Wrong)]);
    assert!(matches!(state(&store), ModelState::Damaged { .. }), "{:?}", state(&store));
    assert!(matches!(store.find(&tiny()), Err(StoreError::Damaged { .. })));
    rig.assert_nothing_wrong();
    rig.hub.reset_counters();
    rig.assert_right(&rig.pull().unwrap());
    let counters = rig.hub.counters();
    assert_eq!((counters.body_bytes, counters.api), (256 * 1024, 0), "one block, and no question");
}

#[test]
fn a_cut_file_is_repaired_by_what_is_missing() {
    let rig = Rig::new(Behaviour::default());
    let installed = rig.pull().unwrap();
    let blob = installed.folder.join(WEIGHTS).canonicalize().unwrap();
    std::fs::OpenOptions::new().write(true).open(&blob).unwrap().set_len(3 * MIB).unwrap();
    rig.hub.reset_counters();
    rig.assert_right(&rig.pull().unwrap());
    assert_eq!(rig.hub.counters().body_bytes, WEIGHTS_BYTES - 3 * MIB);
}

#[test]
fn a_copied_library_is_hashed_again_before_it_is_used() {
    let rig = Rig::new(Behaviour::default());
    rig.pull().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp").arg("-r").arg(rig.library()).arg(elsewhere.path()).status();
    assert!(copied.unwrap().success());
    let mut options = rig.options();
    options.library = Some(elsewhere.path().join("library"));
    options.network = Network::Offline;
    let copy = Store::open(options).unwrap();
    assert_eq!(state(&copy), ModelState::Unchecked);
    assert!(verify(&copy).iter().all(|(_, verdict)| *verdict == FileVerdict::Right));
    assert_eq!(state(&copy), ModelState::Verified);
}

#[test]
fn files_in_the_hugging_face_cache_are_verified_and_used() {
    let rig = Rig::new(Behaviour::default());
    put_into_cache(&rig, &weights());
    let installed = rig.pull().unwrap();
    rig.assert_right(&installed);
    let fetched = rig.hub.counters().body_bytes;
    assert!(fetched <= MIMI_BYTES + 1_234, "{fetched} bytes, although the weights were here");
    // On one volume they are the same bytes under a second name.
    let blob = installed.folder.join(WEIGHTS).canonicalize().unwrap();
    assert_eq!(std::fs::metadata(&blob).unwrap().nlink(), 2);
    rig.store().remove(&tiny()).unwrap();
    let snapshot = rig.hugging_face_cache().join("models--lab--tiny/snapshots").join(crate::rig::COMMIT).join(WEIGHTS);
    assert_eq!(std::fs::read(snapshot).unwrap(), weights(), "the other program's file stays as it is");
}

#[test]
fn wrong_files_in_the_hugging_face_cache_are_left_alone() {
    let rig = Rig::new(Behaviour::default());
    let mut wrong = weights();
    wrong[1_000] ^= 1;
    put_into_cache(&rig, &wrong);
    rig.assert_right(&rig.pull().unwrap());
    assert!(rig.hub.counters().body_bytes >= WEIGHTS_BYTES);
    let snapshot = rig.hugging_face_cache().join("models--lab--tiny/snapshots").join(crate::rig::COMMIT).join(WEIGHTS);
    assert_eq!(std::fs::read(snapshot).unwrap(), wrong);
}

#[test]
fn a_shared_file_that_rots_is_fetched_again_and_not_mended_in_place() {
    let rig = Rig::new(Behaviour::default());
    put_into_cache(&rig, &weights());
    let installed = rig.pull().unwrap();
    flip_a_bit(&installed.folder.join(WEIGHTS), 77);
    assert!(verify(&rig.store()).contains(&(WEIGHTS.to_owned(), FileVerdict::Wrong)));
    rig.assert_right(&rig.pull().unwrap());
    let snapshot = rig.hugging_face_cache().join("models--lab--tiny/snapshots").join(crate::rig::COMMIT).join(WEIGHTS);
    let mut rotten = weights();
    rotten[77] ^= 1;
    assert!(std::fs::read(snapshot).unwrap() == rotten, "the other program's file is not ours to write");
}

/// A blob and a link to it, as Python's huggingface_hub and hf-hub lay them.
fn put_into_cache(rig: &Rig, bytes: &[u8]) {
    let repository = rig.hugging_face_cache().join("models--lab--tiny");
    let snapshot = repository.join("snapshots").join(crate::rig::COMMIT);
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::create_dir_all(repository.join("blobs")).unwrap();
    std::fs::write(repository.join("blobs/etag"), bytes).unwrap();
    std::os::unix::fs::symlink("../../blobs/etag", snapshot.join(WEIGHTS)).unwrap();
}

#[test]
fn models_share_the_files_that_they_share() {
    let first = moshibar_test_hub::Repository::new("lab/tiny")
        .lfs_file(WEIGHTS, Content::random(1, WEIGHTS_BYTES))
        .lfs_file(MIMI, Content::random(2, MIMI_BYTES))
        .lfs_file(TOKENIZER, Content::random(3, 1_234));
    let second = moshibar_test_hub::Repository::new("lab/other")
        .lfs_file("model.q8.safetensors", Content::random(9, MIB))
        .lfs_file(MIMI, Content::random(2, MIMI_BYTES))
        .lfs_file(TOKENIZER, Content::random(3, 1_234));
    let hub = moshibar_test_hub::Hub::builder().repository(first).repository(second).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(crate::rig::options(&hub.endpoint(), folder.path().join("library"))).unwrap();
    let other: Reference = "hf:lab/other".parse().unwrap();
    crate::rig::pull(&store).unwrap();
    hub.reset_counters();
    block_on(async { store.pull(&other, PullOptions::default()).finish().await }).unwrap();
    assert_eq!(hub.counters().body_bytes, MIB, "the codec and the tokenizer were here");
    store.remove(&tiny()).unwrap();
    assert!(store.find(&other).is_ok(), "what another model has stays");
    assert_eq!(store.list().unwrap().iter().filter(|entry| entry.name.starts_with("hf:")).count(), 1);
}

#[test]
fn a_folder_of_files_is_imported_when_the_hub_knows_their_hashes() {
    let rig = Rig::new(Behaviour::default());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(WEIGHTS), weights()).unwrap();
    std::fs::write(folder.path().join(MIMI), Content::random(2, MIMI_BYTES).to_vec().unwrap()).unwrap();
    std::fs::write(folder.path().join("any name"), Content::random(3, 1_234).to_vec().unwrap()).unwrap();
    let import = |store: &Store| block_on(async { store.import(folder.path(), Some(&tiny())).finish().await });
    let error = import(&offline(&rig)).unwrap_err();
    assert!(matches!(error, StoreError::Unverifiable { .. }), "{error}");
    let installed = import(&rig.store()).unwrap();
    rig.assert_right(&installed[0]);
    assert_eq!(rig.hub.counters().body_bytes, 0, "only hashes were asked for");

    rig.store().remove(&tiny()).unwrap();
    let mut wrong = weights();
    wrong[5] ^= 1;
    std::fs::write(folder.path().join(WEIGHTS), wrong).unwrap();
    let error = import(&rig.store()).unwrap_err();
    assert!(matches!(error, StoreError::ImportedWrong { .. }), "{error}");
    assert_eq!(state(&rig.store()), ModelState::Absent, "a model that did not come leaves no name");
}

#[test]
fn another_macs_library_is_imported_without_a_network() {
    let rig = Rig::new(Behaviour::default());
    rig.pull().unwrap();
    let here = tempfile::tempdir().unwrap();
    let mut options = rig.options();
    options.library = Some(here.path().join("library"));
    options.network = Network::Offline;
    let store = Store::open(options).unwrap();
    let installed = block_on(async { store.import(&rig.library(), None).finish().await }).unwrap();
    assert_eq!(installed.len(), 1);
    rig.assert_right(&installed[0]);
    assert!(store.find(&tiny()).is_ok());
}

#[test]
fn a_manifest_from_elsewhere_cannot_give_a_known_name_other_bytes() {
    let rig = Rig::new(Behaviour::default());
    let installed = rig.pull().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in files_in(&installed.folder) {
        std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let hostile =
        Manifest { name: "moshiko-q4".into(), repository: "kyutai/moshiko-mlx-q4".into(), ..installed.manifest };
    std::fs::write(folder.path().join("manifest.json"), serde_json::to_vec(&hostile).unwrap()).unwrap();
    let error = block_on(async { offline(&rig).import(folder.path(), None).finish().await }).unwrap_err();
    assert!(matches!(error, StoreError::NotAsCatalogued { .. }), "{error}");
}

#[test]
fn a_library_moves_and_what_is_there_is_verified() {
    let rig = Rig::new(Behaviour::default());
    rig.pull().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("models of mine");
    let data = elsewhere.path().join("data");
    let moved = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "library::moves", "--nocapture", "--include-ignored"])
        .env("MOSHIBAR_TEST_MOVES", rig.library())
        .env("MOSHIBAR_TEST_MOVES_TO", &target)
        .env("XDG_DATA_HOME", &data)
        .env_remove("MOSHIBAR_LIBRARY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&moved.stdout).into_owned() + &String::from_utf8_lossy(&moved.stderr);
    assert!(said.contains("moved and found"), "{said}");
    assert!(!rig.library().exists());
    let mut options = rig.options();
    options.library = Some(target.clone());
    let store = Store::open(options).unwrap();
    assert_eq!(store.find(&tiny()).unwrap().folder, target.join("models/lab--tiny"));
    assert_eq!(std::fs::read(target.join("models/lab--tiny").join(WEIGHTS)).unwrap(), weights());
    rig.hub.reset_counters();
    crate::rig::pull(&store).unwrap();
    assert_eq!(rig.hub.counters().requests, 0);
}

/// Where the library is depends on variables, and those on the process.
#[test]
#[ignore = "only as a child of another test"]
fn moves() {
    let (Ok(from), Ok(to)) = (std::env::var("MOSHIBAR_TEST_MOVES"), std::env::var("MOSHIBAR_TEST_MOVES_TO")) else {
        return;
    };
    let store = Store::open(moshibar_store::StoreOptions { library: Some(from.into()), ..Default::default() }).unwrap();
    let moved = block_on(async { store.relocate(to.as_ref()).finish().await }).unwrap();
    let found = moshibar_store::default_library().unwrap();
    assert_eq!((moved.as_path(), found.as_path()), (Path::new(&to), Path::new(&to)));
    println!("moved and found");
}

#[test]
fn a_pull_goes_on_offline_only_as_far_as_files_are_here() {
    let rig = Rig::new(Rule::cdn(Fault::DropAfter { bytes: 0 }).path_suffix(WEIGHTS));
    assert!(matches!(crate::rig::pull(&offline(&rig)), Err(StoreError::Offline { .. })));
    crate::rig::pull(&rig.store_with(hasty())).unwrap_err();
    assert_eq!(state(&rig.store()), ModelState::Partial);
    rig.hub.reset_counters();
    assert!(matches!(crate::rig::pull(&offline(&rig)), Err(StoreError::Offline { .. })));
    assert_eq!(rig.hub.counters().requests, 0);
}

#[test]
fn a_new_commit_is_taken_when_it_is_wanted_and_not_before() {
    let rig = Rig::new(Behaviour::default());
    rig.pull().unwrap();
    let newer = moshibar_test_hub::Repository::new("lab/tiny")
        .commit("ffffffffffffffffffffffffffffffffffffffff")
        .lfs_file(WEIGHTS, Content::random(7, MIB))
        .lfs_file(MIMI, Content::random(2, MIMI_BYTES))
        .file(TOKENIZER, Content::random(3, 1_234));
    let hub = moshibar_test_hub::Hub::builder().repository(newer).start().unwrap();
    let mut options = rig.options();
    options.endpoint = Some(hub.endpoint());
    let store = Store::open(options).unwrap();
    rig.assert_right(&crate::rig::pull(&store).unwrap());
    assert_eq!(hub.counters().requests, 0);
    let renew = PullOptions { pin: moshibar_store::Pin::Renew, ..PullOptions::default() };
    let installed = block_on(async { store.pull(&tiny(), renew).finish().await }).unwrap();
    assert_eq!(installed.manifest.commit, "f".repeat(40));
    assert_eq!(std::fs::read(installed.folder.join(WEIGHTS)).unwrap(), Content::random(7, MIB).to_vec().unwrap());
    assert_eq!(hub.counters().body_bytes, MIB, "what did not change was here");
    let old = crate::rig::sha256(&weights());
    assert!(!rig.library().join("blobs").join(old).exists(), "gigabytes that nobody wants any more");
}
