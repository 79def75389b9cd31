//! Files, rightly served: redirects, the CDN, ranges, and connections that are used again.

use std::io::Read;
use std::net::TcpStream;

use moshibar_test_hub::{Behaviour, Content, Hub, Redirects, Repository, happens};

use crate::client::{COMMIT, CONFIG, ID, MODEL, MODEL_BYTES, fetch, get, head, hub, model, send};

#[test]
fn a_large_file_is_a_redirect_that_says_all_about_it() {
    let hub = hub(Behaviour::default());
    let sha256 = format!("\"{}\"", hub.sha256(ID, "model.safetensors").unwrap());
    for reply in [head(&hub, MODEL), get(&hub, MODEL, &[])] {
        assert_eq!(reply.status, 302);
        assert!(reply.header("location").unwrap().starts_with(&format!("{}/cdn/", hub.endpoint())));
        assert_eq!(reply.header("x-repo-commit"), Some(COMMIT));
        assert_eq!(reply.header("x-linked-size"), Some("1000"));
        assert_eq!(reply.header("x-linked-etag"), Some(sha256.as_str()));
        assert_eq!(reply.header("etag"), Some(sha256.as_str()));
        assert_eq!(reply.header("x-xet-hash"), None);
        assert_ne!(reply.length(), Some(MODEL_BYTES), "the length is that of the redirect");
    }
    let reply = fetch(&hub, &[]);
    assert_eq!((reply.status, reply.length(), reply.body == model()), (200, Some(MODEL_BYTES), true));
    assert_ne!(reply.header("etag"), Some(sha256.as_str()), "the CDN has names of its own");
}

#[test]
fn a_small_file_comes_from_the_hub_itself() {
    let hub = hub(Behaviour::default());
    let reply = get(&hub, CONFIG, &[]);
    assert_eq!((reply.status, reply.text().as_str()), (200, "{\"a\": 1}\n"));
    assert_eq!(reply.header("x-repo-commit"), Some(COMMIT));
    let metadata = head(&hub, CONFIG);
    assert_eq!((metadata.status, metadata.length(), metadata.body.len()), (200, Some(9), 0));
    assert_eq!(metadata.header("etag"), reply.header("etag"));
    // `printf '{"a": 1}\n' | git hash-object --stdin`
    assert_eq!(reply.header("etag"), Some("\"cb5b2f69babc53f9145b45ad20b9a075d48717ef\""));
    assert_eq!(get(&hub, "/kyutai/tiny/resolve/main/voices/one/a%20b.txt", &[]).text(), "voice");
}

#[test]
fn redirects_lead_where_they_are_told_to() {
    let hub = hub(Behaviour { redirects: Redirects::Relative, ..Behaviour::default() });
    let location = get(&hub, MODEL, &[]).header("location").unwrap().to_owned();
    assert!(location.starts_with("/cdn/"), "{location}");
    let metadata = head(&hub, &location);
    assert_eq!(metadata.header("x-repo-commit"), Some(COMMIT));
    assert!(metadata.header("x-linked-etag").unwrap().contains(&hub.sha256(ID, "model.safetensors").unwrap()));

    hub.set_behaviour(Behaviour { redirects: Redirects::OtherHost, ..Behaviour::default() });
    let location = get(&hub, MODEL, &[]).header("location").unwrap().to_owned();
    assert!(location.starts_with(&hub.other_endpoint()), "{location}");
    let reply = get(&hub, &location, &[]);
    assert!(reply.body == model());
    assert_eq!((reply.header("x-repo-commit"), reply.header("x-linked-etag")), (None, None));

    hub.set_behaviour(Behaviour { redirects: Redirects::None, ..Behaviour::default() });
    let reply = get(&hub, MODEL, &[("Range", "bytes=990-")]);
    assert_eq!((reply.status, reply.body.as_slice()), (206, &model()[990..]));
    assert!(reply.header("etag").unwrap().contains(&hub.sha256(ID, "model.safetensors").unwrap()));
}

#[test]
fn ranges_are_what_was_asked_for() {
    let hub = hub(Behaviour::default());
    let whole = fetch(&hub, &[]);
    let etag = whole.header("etag").unwrap();
    for (range, if_range, status, content_range, body) in [
        ("bytes=10-", None, 206, Some("bytes 10-999/1000"), &whole.body[10..]),
        ("bytes=10-19", None, 206, Some("bytes 10-19/1000"), &whole.body[10..20]),
        ("bytes=-5", None, 206, Some("bytes 995-999/1000"), &whole.body[995..]),
        ("bytes=1000-", None, 416, Some("bytes */1000"), &[][..]),
        ("bytes=10-", Some(etag), 206, Some("bytes 10-999/1000"), &whole.body[10..]),
        ("bytes=10-", Some("\"other\""), 200, None, &whole.body[..]),
    ] {
        let mut headers = vec![("Range", range)];
        headers.extend(if_range.map(|etag| ("If-Range", etag)));
        let reply = fetch(&hub, &headers);
        assert_eq!(reply.status, status, "{range} {if_range:?}");
        assert_eq!(reply.header("content-range"), content_range, "{range}");
        assert_eq!(reply.length(), Some(body.len()), "{range}");
        assert!(reply.body == body, "{range}");
    }
}

#[test]
fn what_is_not_there_says_what_that_is() {
    let hub = hub(Behaviour::default());
    for (path, code) in [
        ("/kyutai/other/resolve/main/config.json", "RepoNotFound"),
        ("/kyutai/tiny/resolve/other/config.json", "RevisionNotFound"),
        ("/kyutai/tiny/resolve/main/other.json", "EntryNotFound"),
        ("/api/models/kyutai/other", "RepoNotFound"),
        ("/api/models/kyutai/tiny/revision/other", "RevisionNotFound"),
    ] {
        let reply = get(&hub, path, &[]);
        assert_eq!((reply.status, reply.header("x-error-code")), (404, Some(code)), "{path}");
    }
    assert_eq!(get(&hub, &format!("/kyutai/tiny/resolve/{COMMIT}/config.json"), &[]).status, 200);
    assert_eq!(get(&hub, "/nowhere", &[]).status, 404);
}

#[test]
fn main_is_the_last_of_several_commits() {
    let older = Repository::new(ID).commit("a".repeat(40)).file("config.json", "older");
    let newer = Repository::new(ID).commit("b".repeat(40)).file("config.json", "newer");
    let hub = Hub::builder().repository(older).repository(newer).start().unwrap();
    assert_eq!(get(&hub, CONFIG, &[]).text(), "newer");
    assert_eq!(get(&hub, &CONFIG.replace("main", &"a".repeat(40)), &[]).text(), "older");
    assert_eq!(hub.commit(ID), Some("b".repeat(40)));
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let hub = hub(Behaviour::default());
    let host = hub.endpoint().replace("http://", "");
    let mut stream = TcpStream::connect(&host).unwrap();
    for _ in 0..3 {
        send(&mut stream, "GET", &host, CONFIG, &[]);
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"{\"a\": 1}\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            bytes.push(byte[0]);
        }
    }
    assert_eq!((hub.counters().connections, hub.counters().requests), (1, 3));
}

#[test]
fn gigabytes_need_no_memory_and_any_part_of_them_is_there() {
    let huge = Content::zeros(8 << 30).with_sha256("0".repeat(64));
    let hub = Hub::builder().repository(Repository::new(ID).lfs_file("model.safetensors", huge)).start().unwrap();
    let reply = fetch(&hub, &[("Range", "bytes=8589934590-")]);
    assert_eq!(reply.header("content-range"), Some("bytes 8589934590-8589934591/8589934592"));
    assert_eq!(reply.body, [0, 0]);
    assert_eq!(hub.sha256(ID, "model.safetensors"), Some("0".repeat(64)));
}

#[test]
fn a_dropped_hub_leaves_nothing_open() {
    let hub = hub(Behaviour::default());
    let host = hub.endpoint().replace("http://", "");
    let mut idle = TcpStream::connect(&host).unwrap();
    assert_eq!(get(&hub, CONFIG, &[]).status, 200);
    drop(hub);
    assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);
    // A process that is being started by another test has the listener for a moment, until its
    // program begins.
    assert!(happens(|| TcpStream::connect(&host).is_err()));
}
