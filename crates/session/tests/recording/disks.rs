//! Places where nothing can be recorded.

use std::path::Path;

use moshibar_session::Recorder;
use serde_json::json;

#[test]
fn places_that_cannot_be_written_are_said_before_the_talk() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let failure = Recorder::start(&file, json!({})).err().unwrap().to_string();
    assert_eq!(failure, format!("cannot record the talk in {} because that is a file; name a folder", file.display()));
    let mut places = vec![file.join("below"), folder.path().join("no/such")];
    if Path::new("/proc/self").exists() {
        places.push("/proc/recordings".into());
    }
    for place in places {
        let failure = Recorder::start(&place, json!({})).err().unwrap();
        let sentence = failure.to_string();
        println!("{sentence}");
        assert!(sentence.starts_with("cannot record the talk: cannot write ") && sentence.contains("; "), "{sentence}");
        assert!(sentence.contains(place.to_str().unwrap()), "{sentence}");
    }
}
