//! Models come: from the hub, from a folder; and do not, with the reason.

use std::time::Instant;

use moshibar_test_hub::{Behaviour, Fault, Rule};

use crate::rig::{NANO, Rig, TINY, assert_says, lines, nano, refusal, succeeded};

#[test]
fn a_model_comes_and_people_read_first_what_it_is() {
    let rig = Rig::with_tiny(1_000_000, Behaviour::default());
    let output = succeeded(&mut rig.asking(&["models", "pull", TINY]));
    let (said, meanwhile) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let commit = rig.hub.commit("lab/tiny").unwrap();
    let introduction = [TINY, "lab/tiny at", &commit[..7], "cc-by-4.0", "1.3 MB, all of it to come"];
    assert_says(&meanwhile, &introduction);
    assert_says(&meanwhile, &["Served by: http://127.0.0.1"]);
    assert_says(&said, &["is here and verified", rig.library().to_str().unwrap(), "moshibar live --model hf:lab/tiny"]);

    rig.hub.reset_counters();
    let again = succeeded(&mut rig.asking(&["models", "pull", TINY]));
    assert_eq!(String::from_utf8_lossy(&again.stderr), "", "there is nothing to introduce");
    assert_eq!(rig.hub.counters().requests, 0);
}

#[test]
fn programs_read_a_stream_that_ends_with_what_is_here() {
    // A second and a half.
    let slow = Rule::cdn(Fault::Throttle { bytes_per_second: 1_000_000 });
    let rig = Rig::with_tiny(1_500_000, slow);
    let begun = Instant::now();
    let lines = rig.pull(&[TINY]);
    let seconds = begun.elapsed().as_secs_f64();
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((count("about"), count("finished")), (1, 1));
    assert_eq!(count("progress") + 2, lines.len(), "nothing else is told");
    println!("{} progress events in {seconds:.1} s", count("progress"));
    // How often at least is tested in the store, on a virtual clock: this one is late where the
    // machine is busy.
    assert!(count("progress") as f64 <= 10.0 * seconds + 2.0, "{} in {seconds} s", count("progress"));
    let done: Vec<u64> = lines.iter().filter_map(|line| line["done_bytes"].as_u64()).collect();
    assert!(done.is_sorted() && *done.last().unwrap() == 1_801_235, "{done:?}");
    assert!(done.iter().any(|bytes| (301_236..1_801_235).contains(bytes)), "something is told on the way: {done:?}");
    let finished = lines.last().unwrap();
    assert_eq!(finished["event"], "finished");
    assert_eq!(finished["commit"], rig.hub.commit("lab/tiny").unwrap());
    let weights = &finished["files"].as_array().unwrap()[2];
    assert_eq!(weights["sha256"], rig.hub.sha256("lab/tiny", "model.q4.safetensors").unwrap());
    let folder = std::path::Path::new(finished["folder"].as_str().unwrap());
    assert_eq!(folder.join("model.q4.safetensors").metadata().unwrap().len(), 1_500_000);
}

#[test]
fn quiet_says_only_the_result() {
    let rig = Rig::with_tiny(100_000, Behaviour::default());
    let output = succeeded(&mut rig.asking(&["models", "pull", TINY, "--quiet"]));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_says(&String::from_utf8_lossy(&output.stdout), &["is here and verified"]);
}

#[test]
fn a_repository_gives_the_quality_that_is_asked_for() {
    let rig = Rig::with_nano(Behaviour::default());
    let quality = |arguments: &[&str]| rig.pull(arguments).last().unwrap()["quality"].clone();
    assert_eq!(quality(&[NANO]), "q8", "as its config says");
    rig.hub.reset_counters();
    assert_eq!(quality(&[NANO, "--renew"]), "q8");
    let counters = rig.hub.counters();
    assert_eq!((counters.api, counters.cdn), (1, 0), "what is asked again is not fetched again");
    assert_eq!(quality(&[NANO, "--quality", "q4"]), "q4");
    let (_, sentence) = rig.refusal(2, &["models", "pull", "moshiko-q4", "--quality", "q8"]);
    assert_says(&sentence, &["moshiko-q4 is q4, not q8", "moshiko-q8"]);
}

#[test]
fn wrong_bytes_are_no_model() {
    let rig = Rig::with_tiny(1_000_000, Rule::cdn(Fault::FlipBit { offset: 1_000, bit: 0 }));
    let (code, sentence) = refusal(1, &mut rig.asking(&["models", "pull", TINY]));
    assert_eq!(code, "wrong_bytes");
    assert_says(&sentence, &["is not the published file", "--endpoint", "nothing of it was kept"]);
    assert_ne!(rig.entry(TINY).unwrap()["state"]["name"], "verified");
    assert!(rig.blobs().len() < 3);
}

#[test]
fn what_cannot_be_had_is_said_with_the_way_out() {
    let rig = Rig::with_tiny(1_000, Behaviour::default());
    let (code, sentence) = refusal(2, &mut rig.asking(&["models", "pull", "hf:lab/none"]));
    assert_eq!(code, "not_found");
    assert_says(&sentence, &["check the name"]);
    let (code, sentence) = refusal(1, &mut rig.asking(&["models", "pull", TINY, "--offline"]));
    assert_eq!(code, "offline");
    assert_says(&sentence, &["leave --offline"]);
    assert_eq!(rig.hub.counters().api, 1, "offline nobody is asked");
    let (code, sentence) = rig.refusal(2, &["models", "pull", "mosh"]);
    assert_eq!(code, "no_model");
    assert_says(&sentence, &["no model named 'mosh'", "moshiko-q4", "hf:OWNER/NAME"]);
    assert_eq!(rig.refusal(2, &["models", "pull", "hf:lab"]).0, "bad_reference");
    let (code, sentence) = rig.refusal(2, &["models", "pull", TINY, "--endpoint", "http://example.org"]);
    assert_eq!(code, "bad_endpoint");
    assert_says(&sentence, &["https"]);
}

#[test]
fn a_token_goes_to_a_mirror_only_if_the_user_says_so() {
    let rig = Rig::with_tiny(1_000, Behaviour::default());
    let pull = |more: &[&str]| {
        rig.hub.reset_counters();
        succeeded(rig.asking(&["models", "pull", TINY, "--renew"]).args(more).env("HF_TOKEN", "hf_secret"));
        let log = rig.hub.counters().log;
        assert!(!log.is_empty());
        log.iter().any(|request| request.has_authorization)
    };
    assert!(!pull(&[]));
    assert!(pull(&["--send-token"]));
}

#[test]
fn a_folder_becomes_a_model_if_it_is_one() {
    let rig = Rig::with_nano(Behaviour::default());
    let folder = rig.folder().join("from elsewhere");
    std::fs::create_dir(&folder).unwrap();
    for entry in std::fs::read_dir(nano()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::write(folder.join(path.file_name().unwrap()), std::fs::read(&path).unwrap()).unwrap();
    }
    let import = ["models", "import", folder.to_str().unwrap(), "--as", NANO];
    let codec = folder.join("mimi.safetensors");
    let right = std::fs::read(&codec).unwrap();
    let mut wrong = right.clone();
    wrong[100_000] ^= 1;
    std::fs::write(&codec, &wrong).unwrap();
    let (code, sentence) = refusal(2, &mut rig.asking(&import));
    assert_eq!(code, "imported_wrong");
    assert_says(&sentence, &["mimi.safetensors", "copy it again"]);
    assert_eq!(rig.entry(NANO), None, "a model that did not come leaves no name");

    std::fs::write(&codec, &right).unwrap();
    let output = succeeded(rig.asking(&import).arg("--json"));
    let finished = lines(&output).pop().unwrap();
    assert_eq!((&finished["event"], &finished["models"][0]["name"]), (&"finished".into(), &NANO.into()));
    assert_eq!(rig.entry(NANO).unwrap()["state"]["name"], "verified");
    assert_eq!(rig.hub.counters().cdn, 0, "only hashes come from the network");
    assert_eq!(std::fs::read(&codec).unwrap(), right, "the folder stays as it is");
}
