//! Descriptions and trees, and what can be wrong with them.

use moshibar_test_hub::{Behaviour, Fault, Rule, hostile_names};
use serde_json::{Value, json};

use crate::client::{COMMIT, ID, get, hub};

const TREE: &str = "/api/models/kyutai/tiny/tree/main?recursive=true";

fn paths(tree: &Value) -> Vec<&str> {
    tree.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect()
}

#[test]
fn a_description_names_commit_licence_and_files() {
    let hub = hub(Behaviour::default());
    for path in ["/api/models/kyutai/tiny", &format!("/api/models/kyutai/tiny/revision/{COMMIT}")] {
        let description = get(&hub, path, &[]).json();
        assert_eq!(description["id"], ID);
        assert_eq!(description["sha"], COMMIT);
        assert_eq!(description["tags"], json!(["license:cc-by-4.0"]));
        assert_eq!(description["cardData"]["license"], "cc-by-4.0");
        assert_eq!(description["siblings"][0], json!({ "rfilename": "model.safetensors" }));
    }
    let description = get(&hub, "/api/models/kyutai/tiny?blobs=true", &[]).json();
    let sha256 = hub.sha256(ID, "model.safetensors").unwrap();
    let model = &description["siblings"][0];
    assert_eq!(model["lfs"], json!({ "sha256": sha256, "size": 1000, "pointerSize": 129 }));
    assert_eq!(model["size"], 1000);
    assert!(description["siblings"][1]["blobId"].is_string() && description["siblings"][1].get("lfs").is_none());
}

#[test]
fn a_tree_calls_the_digest_oid_as_the_real_one_does() {
    let hub = hub(Behaviour::default());
    let tree = get(&hub, TREE, &[]).json();
    assert_eq!(paths(&tree), ["voices", "voices/one", "model.safetensors", "config.json", "voices/one/a b.txt"],);
    let sha256 = hub.sha256(ID, "model.safetensors").unwrap();
    assert_eq!(tree[2]["lfs"], json!({ "oid": sha256, "size": 1000, "pointerSize": 129 }));
    assert_eq!(tree[2]["oid"].as_str().unwrap().len(), 40);
    assert!(tree[3].get("lfs").is_none());
    assert_eq!(
        paths(&get(&hub, "/api/models/kyutai/tiny/tree/main", &[]).json()),
        ["voices", "model.safetensors", "config.json"]
    );
    assert_eq!(paths(&get(&hub, "/api/models/kyutai/tiny/tree/main/voices", &[]).json()), ["voices/one"]);

    hub.set_behaviour(Behaviour { lfs_sha256_key: true, ..Behaviour::default() });
    assert_eq!(get(&hub, TREE, &[]).json()[2]["lfs"]["sha256"], sha256);
}

#[test]
fn pages_follow_each_other_to_the_end_or_for_ever() {
    let hub = hub(Behaviour { page_entries: Some(2), ..Behaviour::default() });
    let next = |url: &str| {
        let reply = get(&hub, url, &[]);
        let link = reply.header("link").map(|link| link[1..link.find('>').unwrap()].to_owned());
        (reply.json().as_array().unwrap().len(), link)
    };
    let mut url = TREE.to_owned();
    let mut counts = Vec::new();
    loop {
        let (count, link) = next(&url);
        counts.push(count);
        match link {
            Some(link) => url = link,
            None => break,
        }
    }
    assert_eq!(counts, [2, 2, 1]);

    hub.set_behaviour(Rule::api(Fault::EndlessPages));
    let mut url = TREE.to_owned();
    for _ in 0..20 {
        let (count, link) = next(&url);
        assert_eq!(count, 5);
        url = link.unwrap();
    }
}

#[test]
fn hostile_names_are_in_both_listings() {
    let hub = hub(Rule::api(Fault::HostileNames { names: Vec::new() }));
    let tree = get(&hub, TREE, &[]).json();
    let description = get(&hub, "/api/models/kyutai/tiny?blobs=true", &[]).json();
    let siblings = description["siblings"].as_array().unwrap();
    for name in hostile_names() {
        assert!(paths(&tree).contains(&name.as_str()), "{name}");
        assert!(siblings.iter().any(|sibling| sibling["rfilename"] == name.as_str()), "{name}");
    }
    hub.set_behaviour(Rule::api(Fault::HostileNames { names: vec!["../x".into()] }));
    assert_eq!(paths(&get(&hub, TREE, &[]).json()).last(), Some(&"../x"));
}

#[test]
fn listings_may_be_nonsense() {
    let hub = hub(Rule::api(Fault::MalformedJson));
    let reply = get(&hub, TREE, &[]);
    assert_eq!((reply.status, reply.length()), (200, Some(reply.body.len())));
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
    hub.set_behaviour(Rule::api(Fault::Body { text: "[3]".into(), content_type: None }).path_suffix("/tree/main"));
    assert_eq!(get(&hub, TREE, &[]).text(), "[3]");
    assert!(get(&hub, "/api/models/kyutai/tiny", &[]).json().is_object());
}
