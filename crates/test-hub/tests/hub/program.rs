//! The program `test-hub`, and the addresses with which another process controls it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use moshibar_test_hub::{Content, Counters, Fault, Rule, Scenario};
use serde_json::{Value, json};

use crate::client::{Reply, receive, send};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

fn scenario() -> Value {
    json!({
        "repositories": [{
            "id": "kyutai/tiny",
            "licence": "",
            "files": [
                { "path": "config.json", "kind": "text", "text": "{}" },
                { "path": "model.safetensors", "kind": "random", "seed": 3, "size": 100 },
                { "path": "zeros.bin", "kind": "zeros", "size": 8, "lfs": true, "sha256": "ab" },
                { "path": "Cargo.toml", "kind": "file", "from": MANIFEST },
            ],
        }],
        "behaviour": { "redirects": "none" },
        "rules": [{ "on": "cdn", "times": 1, "fault": { "drop_after": { "bytes": 5 } } }],
    })
}

fn started(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    said["endpoint"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned()
}

fn ask(host: &str, method: &str, path: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len().to_string();
    send(&mut stream, method, host, path, &[("Connection", "close"), ("Content-Length", &length)]);
    stream.write_all(body.as_bytes()).unwrap();
    receive(&mut stream)
}

#[test]
fn the_program_serves_until_its_input_ends() {
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_test-hub")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(scenario().to_string().as_bytes()).unwrap();
    input.flush().unwrap();
    let host = started(&mut child);
    let model = Content::random(3, 100).to_vec().unwrap();
    let path = "/kyutai/tiny/resolve/main/model.safetensors";
    assert!(ask(&host, "GET", path, "").body == model[..5]);
    assert!(ask(&host, "GET", path, "").body == model);
    assert_eq!(ask(&host, "GET", "/kyutai/tiny/resolve/main/zeros.bin", "").body, [0; 8]);
    assert!(ask(&host, "GET", "/kyutai/tiny/resolve/main/Cargo.toml", "").text().contains("moshibar-test-hub"));
    assert_eq!(ask(&host, "GET", "/api/models/kyutai/tiny", "").json()["tags"], json!([]));

    let rules = serde_json::to_string(&[Rule::cdn(Fault::status(503))]).unwrap();
    assert_eq!(ask(&host, "POST", "/__rules", &rules).status, 200);
    assert_eq!(ask(&host, "GET", path, "").status, 503);
    assert_eq!(ask(&host, "POST", "/__rules", "[{\"on\": \"moon\"}]").status, 400);
    let counters: Counters = serde_json::from_value(ask(&host, "GET", "/__counters", "").json()).unwrap();
    let manifest_bytes = std::fs::metadata(MANIFEST).unwrap().len();
    assert_eq!((counters.requests, counters.resolve), (6, 5));
    assert_eq!(counters.body_bytes, 5 + 100 + 8 + manifest_bytes);
    assert_eq!(ask(&host, "POST", "/__reset", "").status, 200);
    assert_eq!(ask(&host, "GET", "/__counters", "").json()["requests"], 0);
    assert_eq!(ask(&host, "POST", "/__rules", "{\"redirects\": \"relative\"}").status, 200);
    assert_eq!(ask(&host, "GET", path, "").status, 302);

    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_scenario_with_a_mistake_is_refused() {
    let file = std::env::temp_dir().join(format!("test-hub-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"repositories": [], "rule": []}"#).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_test-hub"))
        .args(["--scenario".as_ref(), file.as_os_str()])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(!child.wait().unwrap().success());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("unknown field `rule`"), "{said}");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_scenario_survives_being_written_and_read() {
    let scenario: Scenario = serde_json::from_value(scenario()).unwrap();
    let text = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&text).unwrap(), scenario);
}
