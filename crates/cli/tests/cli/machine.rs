//! `bench`, `devices` and `doctor`: that their figures are there, add up, and that bad news is an exit code.

use serde_json::Value;

use crate::program::{command, copy_of, json, nano, run};

#[test]
fn bench_counts_what_a_frame_costs() {
    let bench = json(["bench", "--frames", "12", "--warmup", "2", "--greedy", "--device", "cpu", "--quality", "q4"]);
    let report = &bench["qualities"].as_array().map_or(&bench, |all| &all[0]);
    assert_eq!(report["metrics"]["frame"]["count"], 12);
    assert_eq!(report["synchronisations_per_frame"], 1.0);
    assert_eq!(report["quantisation_ms"], 0);
    let file = std::fs::metadata(nano().join("model.q4.safetensors")).unwrap().len();
    assert_eq!(report["weights_file_bytes"], file);
    let number = |name: &str| report[name].as_f64().unwrap();
    assert!(number("weight_bytes_per_frame") > 0.0 && number("gigabytes_per_second") > 0.0);
    let frame = &report["metrics"]["frame"];
    let [p50, p95, p99, max] = ["p50_ms", "p95_ms", "p99_ms", "max_ms"].map(|name| frame[name].as_f64().unwrap());
    assert!(0.0 < p50 && p50 <= p95 && p95 <= p99 && p99 <= max, "{frame}");
    let operations = &report["operations_per_frame"];
    assert!(operations["computing"].as_u64() <= operations["primitives"].as_u64(), "{operations}");
    assert!(operations["computing"].as_u64().unwrap() > 100, "{operations}");
}

#[test]
fn bench_compares_all_qualities_that_are_on_disk() {
    let bench = json(["bench", "--all", "--frames", "4", "--warmup", "1", "--device", "cpu"]);
    let text = bench.to_string();
    for quality in ["q4", "q8", "bf16"] {
        assert!(text.contains(&format!("\"{quality}\"")), "{quality}: {text}");
    }
    let table = run(["bench", "--all", "--frames", "4", "--warmup", "1", "--device", "cpu"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("q4") && table.contains("q8") && table.contains("bf16"), "{table}");
}

#[test]
fn paced_bench_takes_as_long_as_the_speech() {
    let begin = std::time::Instant::now();
    let bench = json(["bench", "--paced", "--frames", "25", "--warmup", "0", "--device", "cpu", "--quality", "q4"]);
    assert!(begin.elapsed().as_secs_f64() >= 24.0 * 0.08);
    assert!(bench["answers"]["after_arrival"]["p50_ms"].as_f64().unwrap() > 0.0, "{bench}");
}

#[test]
fn doctor_finds_nothing_wrong_here_and_says_what_is_wrong_elsewhere() {
    let doctor = json(["doctor", "--device", "cpu"]);
    assert_eq!(doctor["ok"], true, "{doctor}");
    let model = copy_of(&nano());
    std::fs::remove_file(model.path().join("mimi.safetensors")).unwrap();
    let output = command().args(["doctor", "--device", "cpu", "--json", "--model"]).arg(model.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let doctor: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(doctor["ok"], false);
    let bad: Vec<&Value> =
        doctor["findings"].as_array().unwrap().iter().filter(|finding| finding["state"] == "bad").collect();
    assert!(bad.iter().any(|finding| finding["message"].as_str().unwrap().contains("mimi.safetensors")), "{bad:?}");
    assert!(bad.iter().all(|finding| finding["hint"].is_string()), "{bad:?}");
}

#[test]
fn devices_are_an_answer_even_where_there_is_none() {
    // No sound service is reachable from here: what is left is what ALSA finds, often nothing.
    let output = command().args(["devices", "--json"]).env("XDG_RUNTIME_DIR", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(value["backend"].is_string() && value["devices"].is_array(), "{value}");
    let output = command().arg("devices").env("XDG_RUNTIME_DIR", "/nowhere").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\nMicrophones\n") && text.contains("\nSpeakers\n"), "{text}");
}
