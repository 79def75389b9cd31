//! Faults of statuses, redirects and headers.

use moshibar_test_hub::{Behaviour, ErrorBody, EtagFault, Fault, Method, Portal, RetryAfter, Rule};

use crate::client::{End, MODEL, fetch, get, head, hub, model, unchunk};

#[test]
fn statuses_come_with_the_body_they_are_told_to_have() {
    for code in [401, 403, 404, 416, 429, 500, 502, 503] {
        let fault = Fault::Status { code, retry_after: Some(RetryAfter::Seconds(7)), body: ErrorBody::Html };
        let reply = fetch(&hub(Rule::cdn(fault)), &[]);
        assert_eq!((reply.status, reply.header("retry-after")), (code, Some("7")));
        assert!(reply.text().starts_with("<html>"));
    }
    let hub = hub(Rule::resolve(Fault::status(503)));
    assert_eq!(get(&hub, MODEL, &[]).json()["error"], "Service Unavailable");
    assert_eq!((head(&hub, MODEL).status, head(&hub, MODEL).body.len()), (503, 0));
    let retry_after = Some(RetryAfter::DateInSeconds(60));
    hub.set_behaviour(Rule::resolve(Fault::Status { code: 429, retry_after, body: ErrorBody::Empty }));
    let reply = get(&hub, MODEL, &[]);
    assert!(reply.header("retry-after").unwrap().ends_with(" GMT"));
    assert_eq!(reply.length(), Some(0));
}

#[test]
fn a_rule_may_be_about_one_method_only() {
    let hub = hub(Rule::resolve(Fault::status(500)).method(Method::Get));
    assert_eq!((head(&hub, MODEL).status, get(&hub, MODEL, &[]).status), (302, 500));
}

#[test]
fn redirects_go_round_or_on_or_away() {
    let hub = hub(Rule::resolve(Fault::RedirectLoop));
    assert_eq!(get(&hub, MODEL, &[]).header("location"), Some(MODEL));
    hub.set_behaviour(Rule::resolve(Fault::RedirectTo { url: "https://elsewhere.example/x".into() }));
    assert_eq!(get(&hub, MODEL, &[]).header("location"), Some("https://elsewhere.example/x"));

    hub.set_behaviour(Rule::resolve(Fault::RedirectChain { hops: 3 }));
    let mut url = MODEL.to_owned();
    for _ in 0..3 {
        url = get(&hub, &url, &[]).header("location").unwrap().to_owned();
        assert!(url.starts_with(MODEL), "{url}");
    }
    assert!(get(&hub, &url, &[]).header("location").unwrap().contains("/cdn/"));
}

#[test]
fn a_portal_is_everywhere() {
    for (portal, length) in [(Portal::Html, true), (Portal::Chunked, false), (Portal::Unsized, false)] {
        let hub = hub(Rule::everywhere(Fault::CaptivePortal(portal)));
        for path in [MODEL, "/api/models/kyutai/tiny", "/nowhere"] {
            let reply = get(&hub, path, &[]);
            assert_eq!((reply.status, reply.length().is_some()), (200, length), "{portal:?}");
            assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
            let body = if portal == Portal::Chunked { unchunk(&reply.body).unwrap() } else { reply.body };
            assert!(body.ends_with(b"</html>\n"), "{portal:?}");
            assert_eq!(reply.end, End::Closed);
        }
    }
    let hub = hub(Rule::everywhere(Fault::CaptivePortal(Portal::Redirect)));
    let location = get(&hub, MODEL, &[]).header("location").unwrap().to_owned();
    assert_eq!(get(&hub, &location, &[]).status, 200);
}

#[test]
fn etags_are_as_wrong_as_they_are_told_to_be() {
    let hub = hub(Behaviour::default());
    let etags = |fault: EtagFault| {
        hub.set_behaviour(
            Behaviour::default().rule(Rule::cdn(Fault::Etag(fault.clone()))).rule(Rule::resolve(Fault::Etag(fault))),
        );
        [head(&hub, MODEL), fetch(&hub, &[]), fetch(&hub, &[])].map(|reply| reply.header("etag").map(ToOwned::to_owned))
    };
    let [first, second, third] = etags(EtagFault::Changing);
    assert!(first.is_some() && second.is_some() && second != third);
    assert_eq!(etags(EtagFault::hostile())[0].as_deref(), Some("\"../../../../pwned\""));
    assert!(etags(EtagFault::Weak).into_iter().all(|etag| etag.unwrap().starts_with("W/\"")));
    assert_eq!(etags(EtagFault::Missing), [None, None, None]);
    assert_eq!(head(&hub, MODEL).header("x-linked-etag"), None);
}

#[test]
fn a_range_of_what_has_a_weak_or_changing_etag_is_the_whole() {
    for fault in [EtagFault::Changing, EtagFault::Weak, EtagFault::Missing] {
        let hub = hub(Rule::cdn(Fault::Etag(fault)));
        let etag = fetch(&hub, &[]).header("etag").unwrap_or("\"none\"").to_owned();
        let reply = fetch(&hub, &[("Range", "bytes=10-"), ("If-Range", &etag)]);
        assert_eq!((reply.status, reply.body == model()), (200, true));
    }
}

#[test]
fn headers_lie_as_they_are_told_to() {
    let hub = hub(Rule::cdn(Fault::GzipLie));
    let reply = fetch(&hub, &[]);
    assert_eq!((reply.header("content-encoding"), reply.body == model()), (Some("gzip"), true));
    hub.set_behaviour(Rule::cdn(Fault::HugeHeader { bytes: 1 << 20 }));
    assert_eq!(fetch(&hub, &[]).header("x-huge").unwrap().len(), 1 << 20);
    let set = |name: &str, value: Option<&str>| {
        hub.set_behaviour(Rule::resolve(Fault::Header { name: name.into(), value: value.map(Into::into) }));
        head(&hub, MODEL)
    };
    assert_eq!(set("X-Repo-Commit", None).header("x-repo-commit"), None);
    assert_eq!(set("x-linked-etag", Some("\"x\"")).header("x-linked-etag"), Some("\"x\""));
    let reply = set("Content-Length", Some("12"));
    assert_eq!(reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).count(), 1);
    assert_eq!(reply.length(), Some(12));
}

#[test]
fn a_gate_asks_for_a_token() {
    let token = [("Authorization", "Bearer hf_x")];
    let hub = hub(Behaviour::default()
        .rule(Rule::resolve(Fault::Gated { even_with_token: false }))
        .rule(Rule::api(Fault::Gated { even_with_token: true })));
    let reply = get(&hub, MODEL, &[]);
    assert_eq!((reply.status, reply.header("x-error-code")), (401, Some("GatedRepo")));
    assert_eq!(get(&hub, MODEL, &token).status, 302);
    assert_eq!(get(&hub, "/api/models/kyutai/tiny", &token).status, 403);
}

#[test]
fn addresses_on_the_cdn_expire_and_new_ones_are_given_out() {
    for (behaviour, good) in [
        (Behaviour { link_requests: Some(2), ..Behaviour::default() }, 2),
        (Behaviour { link_bytes: Some(2500), ..Behaviour::default() }, 3),
    ] {
        let hub = hub(behaviour);
        for _ in 0..2 {
            let location = get(&hub, MODEL, &[]).header("location").unwrap().to_owned();
            for _ in 0..good {
                assert_eq!(get(&hub, &location, &[]).status, 200);
            }
            assert_eq!(get(&hub, &location, &[]).status, 403);
        }
    }
}
