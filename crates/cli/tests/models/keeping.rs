//! What is in the library: shown, verified, moved, removed.

use moshibar_test_hub::Behaviour;

use crate::rig::{NANO, Rig, TINY, assert_says, lines, nano, succeeded};

#[test]
fn the_list_has_the_catalog_the_demo_model_and_this_machine() {
    let rig = Rig::with_tiny(1_000, Behaviour::default());
    let list = rig.json(&["models", "list"]);
    let names: Vec<&str> =
        list["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    let catalog = ["moshiko-q4", "moshiko-q8", "moshiko-bf16", "moshika-q4", "moshika-q8", "moshika-bf16"];
    assert_eq!(names[..6], catalog);
    assert!(names[6..].contains(&"nano"), "{names:?}");
    let first = &list["models"][0];
    assert_eq!((&first["state"]["name"], &first["is_default"]), (&"absent".into(), &true.into()));
    assert!(first["fit"]["reasons"].as_array().unwrap().len() >= 2, "the arithmetic is there: {first}");
    let nano = rig.entry("nano").unwrap();
    assert_eq!((&nano["state"]["name"], &nano["built_in"]), (&"built_in".into(), &true.into()));
    assert_eq!(
        (&nano["voice"], &nano["quality"], &nano["licence"]),
        (&"nano".into(), &"q8".into(), &"MIT OR Apache-2.0".into())
    );
    assert!((1_000_000..=8_388_608).contains(&nano["size_bytes"].as_u64().unwrap()), "{nano}");
    assert!(list["library"]["free_bytes"].as_u64().unwrap() > 0);
    assert_eq!(rig.hub.counters().requests, 0);
    assert!(!rig.library().exists(), "who only looks creates nothing");

    let text = rig.text(&["models", "list"]);
    let line =
        |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
    assert_says(line("moshiko-q4"), &["5.20 GB", "absent", "Moshiko", "cc-by-4.0", "q4, the default"]);
    assert_says(line("moshika-bf16"), &["15.79 GB", "research, not for real time"]);
    assert_says(line("nano"), &[" MB ", "built in", "Nano", "MIT OR Apache-2.0", "q8, small demo"]);
    assert_says(&text, &[rig.library().to_str().unwrap(), "free", "moshibar models check NAME"]);
}

#[test]
fn a_removed_model_is_gone_and_says_what_it_freed() {
    let rig = Rig::with_tiny(1_000_000, Behaviour::default());
    assert_eq!(rig.refusal(2, &["models", "remove", TINY]).0, "not_installed");
    rig.pull(&[TINY]);
    assert_eq!(rig.entry(TINY).unwrap()["state"]["name"], "verified");
    assert_says(&rig.text(&["models", "list"]), &["hf:lab/tiny", "verified"]);
    let folder = rig.text(&["models", "path", TINY]);
    assert!(std::path::Path::new(folder.trim_end()).join("model.q4.safetensors").is_file());
    assert_says(&rig.text(&["models", "remove", TINY]), &["is removed: 1.3 MB are free again"]);
    assert_eq!(rig.entry(TINY), None);
    assert_eq!(rig.blobs().len(), 0);
    let (code, sentence) = rig.refusal(2, &["models", "path", TINY]);
    assert_eq!(code, "not_installed");
    assert_says(&sentence, &["moshibar models pull hf:lab/tiny"]);
    assert_eq!(rig.text(&["models", "path"]).trim_end(), rig.library().to_str().unwrap());
}

#[test]
fn a_file_that_changed_is_found_and_mended() {
    let rig = Rig::with_nano(Behaviour::default());
    assert_says(&rig.text(&["models", "verify"]), &["no model is in", "moshibar models pull"]);
    rig.pull(&[NANO]);
    let text = rig.text(&["models", "verify"]);
    assert_says(&text, &[NANO, "mimi.safetensors", "right", "All of it is as published."]);
    assert_eq!(text.matches("right").count(), 5, "{text}");

    let mimi = rig.library().join("models/lab--nano/mimi.safetensors");
    let mut bytes = std::fs::read(&mimi).unwrap();
    bytes[1_234_567] ^= 0x10;
    std::fs::write(&mimi, bytes).unwrap();
    let output = rig.command(&["models", "verify", NANO]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), text.matches("WRONG").count(), text.matches("right").count()), (Some(1), 1, 4));
    assert_says(&text, &["moshibar models pull hf:lab/nano"]);
    assert_says(&rig.text(&["models", "list"]), &["damaged: mimi.safetensors is missing or wrong"]);
    let output = rig.command(&["models", "verify", "--json"]).output().unwrap();
    let finished = lines(&output).pop().unwrap();
    assert_eq!((output.status.code(), &finished["ok"]), (Some(1), &false.into()));

    rig.hub.reset_counters();
    rig.pull(&[NANO]);
    let fetched = rig.hub.counters().body_bytes;
    let whole = nano().join("mimi.safetensors").metadata().unwrap().len();
    assert!((1..=whole).contains(&fetched), "{fetched}");
    assert_eq!(rig.entry(NANO).unwrap()["state"]["name"], "verified");
}

#[test]
fn a_library_that_a_variable_names_moves_and_says_so() {
    let rig = Rig::with_tiny(100_000, Behaviour::default());
    rig.pull(&[TINY]);
    let place = rig.folder().join("volume/models");
    let output = succeeded(&mut rig.command(&["models", "move", place.to_str().unwrap()]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_says(&text, &[place.to_str().unwrap(), "MOSHIBAR_LIBRARY still names the old folder"]);
    assert!(!rig.library().exists());
    let mut list = rig.command(&["models", "path", TINY]);
    let folder = succeeded(list.env("MOSHIBAR_LIBRARY", &place)).stdout;
    assert_says(&String::from_utf8(folder).unwrap(), &[place.to_str().unwrap()]);
}

#[test]
fn a_library_is_found_where_it_was_moved_even_before_it_holds_anything() {
    let rig = Rig::with_tiny(100_000, Behaviour::default());
    let run = |arguments: &[&str]| {
        let output = succeeded(rig.command(arguments).env_remove("MOSHIBAR_LIBRARY"));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    let before = run(&["models", "path"]);
    assert!(before.starts_with(rig.folder().to_str().unwrap()), "{before}");
    let place = rig.folder().join("volume");
    let said = run(&["models", "move", place.to_str().unwrap()]);
    assert!(!said.contains("Beware"), "{said}");
    assert_eq!(run(&["models", "path"]), place.to_str().unwrap());
    run(&["models", "pull", TINY, "--endpoint", &rig.hub.endpoint()]);
    assert!(place.join("models/lab--tiny/model.q4.safetensors").is_file());
}

#[test]
fn what_is_not_the_librarys_stays_when_it_moves() {
    let rig = Rig::with_tiny(100_000, Behaviour::default());
    rig.pull(&[TINY]);
    let letter = rig.library().join("letter.txt");
    std::fs::write(&letter, "Dear Moshi").unwrap();
    succeeded(&mut rig.command(&["models", "move", rig.folder().join("new").to_str().unwrap()]));
    assert_eq!(std::fs::read_to_string(&letter).unwrap(), "Dear Moshi");
    assert!(!rig.library().join("blobs").exists() && !rig.library().join("models").exists());
}
