//! What the hub says it was asked.

use moshibar_test_hub::{Behaviour, Fault, Redirects, Rule, happens};

use crate::client::{CONFIG, MODEL, asked, fetch, get, head, hub, on_the_cdn};

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
    // Bodies that fall silent are on their way until their clients leave: three together, however
    // long each client took to ask.
    hub.set_behaviour(Rule::cdn(Fault::StallAfter { bytes: 500 }));
    let clients: Vec<_> = (0..3).map(|_| asked(&hub, "GET", &on_the_cdn(&hub), &[])).collect();
    assert!(happens(|| hub.counters().max_concurrent_bodies == 3), "{:?}", hub.counters());
    drop(clients);
}

#[test]
fn who_is_still_there_is_known() {
    let hub = hub(Rule::cdn(Fault::StallAfter { bytes: 500 }));
    let idle = std::net::TcpStream::connect(hub.endpoint().replace("http://", "")).unwrap();
    let client = asked(&hub, "GET", &on_the_cdn(&hub), &[]);
    assert!(happens(|| (hub.files_being_sent(), hub.open_connections()) == (1, 2)), "{hub:?}");
    drop(client);
    assert!(happens(|| (hub.files_being_sent(), hub.open_connections()) == (0, 1)), "{hub:?}");
    drop(idle);
    assert!(happens(|| hub.open_connections() == 0), "{hub:?}");
    assert_eq!(hub.counters().body_bytes, 500);
}

#[test]
fn a_body_that_breaks_off_counts_what_was_sent() {
    let hub = hub(Rule::cdn(Fault::DropAfter { bytes: 123 }));
    fetch(&hub, &[]);
    assert_eq!(hub.counters().body_bytes, 123);
}
