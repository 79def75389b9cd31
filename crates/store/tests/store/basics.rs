//! What everybody sees on a good day.

use moshibar_store::{Expected, JobEvent, ModelState, StoreError};
use moshibar_test_hub::Behaviour;

use crate::rig::{COMMIT, MIMI_BYTES, Rig, WEIGHTS_BYTES, pull_watched, tiny};

#[test]
fn a_model_arrives_whole_and_is_never_fetched_again() {
    let rig = Rig::new(Behaviour::default());
    let store = rig.store();
    assert!(matches!(store.find(&tiny()), Err(StoreError::NotInstalled { .. })));
    let installed = rig.pull().unwrap();
    rig.assert_right(&installed);
    assert_eq!(installed.manifest.commit, COMMIT);
    assert_eq!(installed.manifest.licence.as_deref(), Some("cc-by-4.0"));
    assert_eq!(store.find(&tiny()).unwrap(), installed);
    let counters = rig.hub.counters();
    assert_eq!(counters.api, 1, "{counters:?}");
    assert!(counters.body_bytes <= WEIGHTS_BYTES + MIMI_BYTES + 1_234, "{counters:?}");

    rig.hub.reset_counters();
    rig.assert_right(&rig.pull().unwrap());
    assert_eq!(rig.hub.counters().requests, 0, "a model that is whole needs nobody");
}

#[test]
fn a_file_of_git_is_verified_by_gits_hash_and_pinned_by_its_own() {
    let rig = Rig::new(Behaviour::default());
    let installed = rig.pull().unwrap();
    let tokenizer = &installed.manifest.files[0];
    assert!(matches!(tokenizer.expected, Expected::GitSha1(_)), "{tokenizer:?}");
    let bytes = std::fs::read(installed.folder.join(&tokenizer.name)).unwrap();
    assert_eq!(tokenizer.sha256(), Some(crate::rig::sha256(&bytes).as_str()));
}

#[test]
fn what_it_is_and_how_far_it_is_are_told() {
    let rig = Rig::new(Behaviour::default());
    let (mut abouts, mut last) = (Vec::new(), None);
    pull_watched(&rig.store(), |event| match event {
        JobEvent::About(about) => abouts.push(about.clone()),
        JobEvent::Progress(progress) => last = Some(progress.clone()),
    })
    .unwrap();
    let [about] = abouts.as_slice() else { panic!("{abouts:?}") };
    let size = WEIGHTS_BYTES + MIMI_BYTES + 1_234;
    assert_eq!((about.licence.as_deref(), about.size_bytes, about.missing_bytes), (Some("cc-by-4.0"), size, size));
    let last = last.unwrap();
    assert_eq!((last.done_bytes, last.total_bytes), (size, size));
}

#[test]
fn a_removed_model_leaves_nothing() {
    let rig = Rig::new(Behaviour::default());
    rig.pull().unwrap();
    let store = rig.store();
    assert_eq!(store.entry(&tiny()).unwrap().state, ModelState::Verified);
    let freed = store.remove(&tiny()).unwrap();
    assert!(freed >= WEIGHTS_BYTES + MIMI_BYTES, "{freed}");
    assert_eq!(store.entry(&tiny()).unwrap().state, ModelState::Absent);
    assert_eq!(std::fs::read_dir(rig.library().join("blobs")).unwrap().count(), 0);
}
