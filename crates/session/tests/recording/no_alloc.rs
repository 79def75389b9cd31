//! Handing a frame to the recorder allocates nothing: an allocator may wait for a lock that another thread holds.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use moshibar_session::{FRAME_SAMPLES, Recorder};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn handing_over_a_frame_allocates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::start(directory.path(), json!({})).unwrap();
    let (user, moshi) = ([0.25; FRAME_SAMPLES], [-0.5; FRAME_SAMPLES]);
    let long = format!(" {}", "letters".repeat(40));
    assert_no_alloc(|| {
        for text in [Some(" hello"), None, Some(&*long)].into_iter().cycle().take(60) {
            recorder.frame(&user, &moshi, text);
            recorder.gap(1);
            assert!(recorder.failure().is_none());
        }
    });
    let summary = recorder.finish(json!({})).unwrap();
    assert_eq!(summary.duration.as_millis(), 120 * 80);
}
