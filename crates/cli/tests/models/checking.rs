//! Whether a model suits this machine: by arithmetic, and by a run.

use moshibar_test_hub::Behaviour;

use crate::rig::{NANO, Rig, assert_says, nano};

#[test]
fn every_quality_is_judged_with_its_arithmetic() {
    let rig = Rig::with_tiny(1_000, Behaviour::default());
    let check = rig.json(&["models", "check"]);
    let fits = check["fits"].as_array().unwrap();
    let qualities: Vec<&str> = fits.iter().map(|fit| fit["quality"].as_str().unwrap()).collect();
    assert_eq!(qualities, ["q4", "q8", "bf16"]);
    assert!(fits.iter().all(|fit| fit["basis"] == "estimated" && fit["reasons"].as_array().unwrap().len() >= 2));
    assert_says(&rig.text(&["models", "check"]), &["q4: ", "Memory: 4.81 GB of weights", "Time: ", "This machine: "]);
}

#[test]
fn a_model_that_is_here_is_measured() {
    let rig = Rig::with_nano(Behaviour::default());
    assert_eq!(rig.refusal(2, &["models", "check", NANO]).0, "not_installed");
    rig.pull(&[NANO]);
    let folder = nano();
    for name in ["nano", folder.to_str().unwrap(), NANO] {
        let check = rig.json(&["models", "check", name, "--seconds", "0.5", "--device", "cpu"]);
        let frame = &check["frame"];
        // As many frames as half a second holds, however few those are here: together they took
        // most of it.
        let together_ms = check["frames"].as_f64().unwrap() * frame["max_ms"].as_f64().unwrap();
        assert!(together_ms >= 250.0, "{check}");
        assert!(frame["p95_ms"].as_f64().unwrap() >= frame["p50_ms"].as_f64().unwrap(), "{check}");
        assert!(check["peak_memory_bytes"].as_u64().unwrap() > 1_000_000, "{check}");
        assert_eq!(check["fit"], serde_json::Value::Null, "the arithmetic of a 7B says nothing about this one");
        let warnings = check["warnings"].to_string();
        assert_says(&warnings, &["on the CPU"]);
        assert_eq!(warnings.contains("without optimisation"), cfg!(debug_assertions), "{warnings}");
    }
    let text = rig.text(&["models", "check", NANO, "--seconds", "0.5", "--device", "cpu"]);
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
    let context = format!("of its {} frames of context filled", config["context"]);
    assert_says(&text, &["hf:lab/nano q8: 95 % of", "of 80 ms", "keep", &context, "Beware:"]);
    assert_eq!(rig.refusal(2, &["models", "check", "--seconds", "5"]).0, "usage");
}
