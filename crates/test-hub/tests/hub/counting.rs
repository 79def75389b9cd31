//! What the hub says it was asked.

use std::thread;

use moshibar_test_hub::{Behaviour, Fault, Redirects, Rule};

use crate::client::{CONFIG, MODEL, fetch, get, head, hub};

#[test]
fn requests_are_counted_by_kind_and_logged_in_order() {
    let hub = hub(Behaviour { redirects: Redirects::OtherHost, ..Behaviour::default() });
    get(&hub, "/api/models/kyutai/tiny", &[]);
    head(&hub, MODEL);
    fetch(&hub, &[("Range", "bytes=100-"), ("If-Range", "\"x\""), ("Authorization", "Bearer hf_x")]);
    get(&hub, CONFIG, &[]);
    get(&hub, "/nowhere", &[]);
    let counters = hub.counters();
    assert_eq!(
        (counters.requests, counters.api, counters.head, counters.resolve, counters.cdn, counters.other),
        (6, 1, 1, 2, 1, 1),
    );
    assert_eq!(counters.body_bytes, 1000 + 9, "a model from the CDN, and a file from the hub");
    let cdn = &counters.log[3];
    assert_eq!((cdn.method.as_str(), cdn.status), ("GET", 200));
    assert_eq!((cdn.range.as_deref(), cdn.if_range.as_deref()), (Some("bytes=100-"), Some("\"x\"")));
    assert!(cdn.has_authorization && cdn.path.starts_with("/cdn/"));
    assert_eq!(cdn.file.as_deref(), Some("model.safetensors"));
    assert_eq!(format!("http://{}", cdn.host), hub.other_endpoint());
    assert_eq!(counters.log.iter().map(|record| record.status).collect::<Vec<_>>(), [200, 302, 302, 200, 200, 404]);
    hub.reset_counters();
    assert_eq!(hub.counters(), moshibar_test_hub::Counters::default());
}

#[test]
fn bodies_count_as_concurrent_only_if_they_are() {
    let hub = hub(Behaviour::default());
    for _ in 0..200 {
        fetch(&hub, &[]);
    }
    assert_eq!(hub.counters().max_concurrent_bodies, 1);
    hub.set_behaviour(Rule::cdn(Fault::Pace { bytes: 500, every_ms: 100 }));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| fetch(&hub, &[]));
        }
    });
    assert_eq!(hub.counters().max_concurrent_bodies, 3);
}

#[test]
fn a_body_that_breaks_off_counts_what_was_sent() {
    let hub = hub(Rule::cdn(Fault::DropAfter { bytes: 123 }));
    fetch(&hub, &[]);
    assert_eq!(hub.counters().body_bytes, 123);
}
