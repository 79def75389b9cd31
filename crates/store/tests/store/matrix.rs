//! Every way in which a server can lie, break off or be silent: the right file comes, or an error that says what is wrong. Never
//! a wrong byte under the name of a right one, and never a file outside of the library.

use std::time::{Duration, Instant};

use moshibar_store::Limits;
use moshibar_test_hub::{Behaviour, ChunkedBody, ErrorBody, EtagFault, Fault, Portal, Redirects, RetryAfter, Rule};
use moshibar_test_support::by_depth;

use crate::rig::{MIB, Rig, WEIGHTS, WEIGHTS_BYTES, hasty, limits, pull};

/// What must come of a case.
enum Must {
    /// The right file, and at most so many bytes more than the model has.
    Arrive { spare_bytes: u64 },
    /// An error with one of these codes.
    Fail(&'static [&'static str]),
}

const fn arrive() -> Must {
    Must::Arrive { spare_bytes: MIB }
}

/// Always, for the weights.
fn always(fault: Fault) -> Behaviour {
    rule(Rule::cdn(fault))
}

/// For the first request of the weights.
fn once(fault: Fault) -> Behaviour {
    rule(Rule::cdn(fault).times(1))
}

fn rule(rule: Rule) -> Behaviour {
    Behaviour::default().rule(rule.path_suffix(WEIGHTS))
}

/// Whether a fault of this behaviour is noticed only because nothing comes.
fn is_silent(behaviour: &Behaviour) -> bool {
    behaviour.rules.iter().any(|rule| {
        matches!(
            rule.fault,
            Fault::StallAfter { .. } | Fault::StallBeforeHeaders | Fault::StallAtAccept | Fault::Pace { .. }
        )
    })
}

/// The limits with which a case is tried, one after the other until it is as it must be. Most cases
/// are tried once, with limits that no slow machine can break. Where silence must be survived there
/// are two: on a slow machine something may be taken for silence that is none, and be fetched
/// again, but not with the second limits.
fn limits_of(behaviour: &Behaviour, must: &Must) -> Vec<Limits> {
    let is_in_vain = matches!(must, Must::Fail(codes)
        if codes.iter().any(|code| ["unreachable", "stalled", "busy"].contains(code)));
    let base = if is_in_vain { hasty() } else { limits() };
    let stalls_after = |time| Limits { stall_timeout: time, ..base };
    match (is_silent(behaviour), must) {
        (false, _) => vec![base],
        (true, Must::Fail(_)) => vec![stalls_after(Duration::from_millis(300))],
        (true, Must::Arrive { .. }) => {
            vec![stalls_after(Duration::from_millis(400)), stalls_after(Duration::from_secs(10))]
        }
    }
}

/// Tries a case, and says what was wrong with it.
fn try_case(name: &str, behaviour: Behaviour, must: &Must, limits: Limits) -> Result<(), String> {
    let rig = Rig::new(behaviour);
    let begun = Instant::now();
    let pulled = pull(&rig.store_with(limits));
    let took = begun.elapsed();
    let spent = rig.sent_twice();
    let verdict = match (&pulled, must) {
        (Ok(installed), Must::Arrive { spare_bytes }) => {
            rig.assert_right(installed);
            if spent > *spare_bytes { Err(format!("{name}: {spent} bytes too many")) } else { Ok(()) }
        }
        (Err(error), Must::Fail(codes)) if codes.contains(&error.code()) => Ok(()),
        (Ok(_), Must::Fail(codes)) => Err(format!("{name}: arrived, instead of {codes:?}")),
        (Err(error), _) => Err(format!("{name}: {} ({error})", error.code())),
    };
    rig.assert_nothing_wrong();
    let result = pulled.as_ref().map_or_else(moshibar_store::StoreError::code, |_| "arrived");
    println!(
        "{name:44} {result:18} {spent:>9} bytes more, {:>3} requests, {:.2} s",
        rig.hub.counters().requests,
        took.as_secs_f64()
    );
    // On a good day the next try succeeds, whatever was left behind; nothing that was kept is
    // wrong.
    rig.hub.set_behaviour(Behaviour::default());
    rig.assert_right(&rig.pull().unwrap());
    verdict
}

type Case = (&'static str, Behaviour, Must);

/// Tries a case until it is as it must be, with one limits after the other. Else says what was
/// wrong with the last try.
fn check((name, behaviour, must): &Case) -> Result<(), String> {
    let mut verdict = Ok(());
    for limits in limits_of(behaviour, must) {
        verdict = try_case(name, behaviour.clone(), must, limits);
        if verdict.is_ok() {
            break;
        }
    }
    verdict
}

/// Tries all cases. Those that are about silence wait beside the others.
fn run(cases: Vec<Case>) {
    let (silent, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(|(_, behaviour, _)| is_silent(behaviour));
    let failures: Vec<String> = std::thread::scope(|scope| {
        let silent: Vec<_> = silent.iter().map(|case| scope.spawn(move || check(case))).collect();
        let verdicts: Vec<_> = others.iter().map(check).collect();
        let silent = silent.into_iter().map(|case| case.join().unwrap());
        verdicts.into_iter().chain(silent).filter_map(Result::err).collect()
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn connections_that_break_off() {
    run(vec![
        ("closed after 1 MiB, always", always(Fault::DropAfter { bytes: MIB }), arrive()),
        ("closed after 64 KiB, always", always(Fault::DropAfter { bytes: 65_536 }), arrive()),
        ("reset after 1 MiB, always", always(Fault::ResetAfter { bytes: MIB }), Must::Arrive { spare_bytes: 5 * MIB }),
        ("closed before the first byte, always", always(Fault::DropAfter { bytes: 0 }), Must::Fail(&["unreachable"])),
        ("closed before the first byte, once", once(Fault::DropAfter { bytes: 0 }), arrive()),
        ("1,000 bytes before the end, always", always(Fault::EndsEarly { bytes: 1_000 }), Must::Fail(&["unreachable"])),
        ("1,000 bytes before the end, once", once(Fault::EndsEarly { bytes: 1_000 }), arrive()),
        ("silent after 2 MiB, always", always(Fault::StallAfter { bytes: 2 * MIB }), arrive()),
        ("silent after the headers", always(Fault::StallAfter { bytes: 0 }), Must::Fail(&["stalled"])),
        ("silent before the headers", always(Fault::StallBeforeHeaders), Must::Fail(&["stalled"])),
        ("silent before the headers, once", once(Fault::StallBeforeHeaders), arrive()),
        ("silent from the start", rule(Rule::everywhere(Fault::StallAtAccept)), Must::Fail(&["stalled"])),
        ("a byte ten times a second", always(Fault::Pace { bytes: 1, every_ms: 100 }), Must::Fail(&["stalled"])),
        ("a byte a second", always(Fault::Pace { bytes: 1, every_ms: 1_000 }), Must::Fail(&["stalled"])),
    ]);
}

#[test]
fn lengths_that_lie() {
    let chunked = |body| always(Fault::Chunked(body));
    run(vec![
        ("short, and declares it", always(Fault::ShortLength { bytes: 1_000 }), Must::Fail(&["unreachable"])),
        ("short once, and declares it", once(Fault::ShortLength { bytes: 1_000 }), arrive()),
        ("long, and declares it", always(Fault::LongLength { bytes: 5 }), arrive()),
        ("long, and does not declare it", always(Fault::TrailingBytes { bytes: 5 }), arrive()),
        ("in chunks, honestly", chunked(ChunkedBody::Honest), arrive()),
        ("in chunks, short", chunked(ChunkedBody::Short { bytes: 1_000 }), Must::Fail(&["unreachable"])),
        ("in chunks, short once", once(Fault::Chunked(ChunkedBody::Short { bytes: 1_000 })), arrive()),
        ("in chunks, long", chunked(ChunkedBody::Long { bytes: 5 }), arrive()),
        ("in chunks, without an end", chunked(ChunkedBody::Unterminated), arrive()),
        ("in broken chunks, once", once(Fault::Chunked(ChunkedBody::Broken)), Must::Arrive { spare_bytes: 5 * MIB }),
        ("said to be packed", always(Fault::GzipLie), Must::Fail(&["unexpected_answer"])),
    ]);
}

#[test]
fn wrong_bytes() {
    let all_again = WEIGHTS_BYTES + MIB;
    run(vec![
        ("one bit, once", once(Fault::FlipBit { offset: 1_234_567, bit: 3 }), Must::Arrive { spare_bytes: all_again }),
        (
            "one bit of the last byte",
            once(Fault::FlipBit { offset: WEIGHTS_BYTES - 1, bit: 0 }),
            Must::Arrive { spare_bytes: all_again },
        ),
        ("one bit, always", always(Fault::FlipBit { offset: 0, bit: 7 }), Must::Fail(&["wrong_bytes"])),
        ("bytes of another place, once", once(Fault::RangeShifted { by: 1 }), Must::Arrive { spare_bytes: all_again }),
        ("bytes of another place, always", always(Fault::RangeShifted { by: 1 }), Must::Fail(&["wrong_bytes"])),
    ]);
}

#[test]
fn ranges_that_are_not_as_asked_for() {
    run(vec![
        ("another start", always(Fault::ContentRangeShifted { by: 1 }), Must::Fail(&["unexpected_answer"])),
        ("another start, once", once(Fault::ContentRangeShifted { by: -1 }), arrive()),
        ("another size", always(Fault::ContentRangeTotal { total: 99 }), Must::Fail(&["unexpected_answer"])),
        ("no range", always(Fault::ContentRangeMissing), Must::Fail(&["unexpected_answer"])),
        ("ranges are not known", always(Fault::RangeIgnored), arrive()),
        (
            "ranges are not known, and it breaks off once",
            always(Fault::RangeIgnored)
                .rule(Rule::cdn(Fault::DropAfter { bytes: 2 * MIB }).times(1).path_suffix(WEIGHTS)),
            Must::Arrive { spare_bytes: 3 * MIB },
        ),
        (
            "not known, in chunks, short once",
            always(Fault::RangeIgnored)
                .rule(Rule::cdn(Fault::Chunked(ChunkedBody::Short { bytes: 1_000 })).times(1).path_suffix(WEIGHTS)),
            Must::Arrive { spare_bytes: all_of_it() },
        ),
        ("less than asked for", always(Fault::RangeShortened { bytes: 300_000 }), arrive()),
    ]);
}

const fn all_of_it() -> u64 {
    WEIGHTS_BYTES + MIB
}

#[test]
fn statuses() {
    let everywhere = |code| rule(Rule::resolve(Fault::status(code)));
    let busy = |code, retry_after| Fault::Status { code, retry_after, body: ErrorBody::Html };
    run(vec![
        ("401 by the hub", everywhere(401), Must::Fail(&["refused"])),
        ("403 by the hub", everywhere(403), Must::Fail(&["refused"])),
        ("404 by the hub", everywhere(404), Must::Fail(&["not_found"])),
        ("403 by the storage", always(Fault::status(403)), Must::Fail(&["refused"])),
        ("403 by the storage, once", once(Fault::status(403)), arrive()),
        ("404 by the storage", always(Fault::status(404)), Must::Fail(&["refused"])),
        ("416", always(Fault::status(416)), Must::Fail(&["unexpected_answer"])),
        ("416, once", once(Fault::status(416)), arrive()),
        ("429", always(Fault::status(429)), Must::Fail(&["busy"])),
        ("429 with a date, once", once(busy(429, Some(RetryAfter::DateInSeconds(1)))), arrive()),
        ("500", always(busy(500, None)), Must::Fail(&["busy"])),
        ("500, once", once(busy(500, None)), arrive()),
        ("502, once", once(busy(502, None)), arrive()),
        ("503", always(busy(503, None)), Must::Fail(&["busy"])),
        ("503, once", once(busy(503, None)), arrive()),
        ("gated", rule(Rule::resolve(Fault::Gated { even_with_token: false })), Must::Fail(&["refused"])),
        ("404 for the listing", Behaviour::default().rule(Rule::api(Fault::status(404))), Must::Fail(&["not_found"])),
        ("503 for the listing, once", Behaviour::default().rule(Rule::api(Fault::status(503)).times(1)), arrive()),
    ]);
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    asks_for_a_pause(RetryAfter::Seconds(1));
}

#[test]
fn a_server_that_asks_for_a_pause_until_a_date_gets_it() {
    // A date has whole seconds: it is one or two seconds away.
    asks_for_a_pause(RetryAfter::DateInSeconds(2));
}

/// The pause must be a second at least.
fn asks_for_a_pause(retry_after: RetryAfter) {
    let rig = Rig::new(once(Fault::Status { code: 429, retry_after: Some(retry_after), body: ErrorBody::Json }));
    // Whoever waits as long as we would without being asked, or as long as may be asked at most,
    // waits for minutes.
    let minutes = Duration::from_mins(3);
    let pauses = Limits { first_pause: minutes, longest_pause: minutes, longest_retry_after: minutes, ..limits() };
    let store = rig.store_with(pauses);
    let begun = Instant::now();
    rig.assert_right(&pull(&store).unwrap());
    let took = begun.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_mins(1)).contains(&took), "{retry_after:?}: {took:?}");
    let log = rig.hub.counters().log;
    let asked = log.iter().filter(|request| request.file.as_deref() == Some(WEIGHTS));
    let answers: Vec<u16> = asked.map(|request| request.status).filter(|status| *status != 302).collect();
    assert_eq!(answers, [429, 206], "asked once more, after the pause");
}

#[test]
fn redirects_and_portals() {
    let portal = |portal| always(Fault::CaptivePortal(portal));
    let for_all = |fault| Behaviour::default().rule(Rule::everywhere(fault));
    run(vec![
        ("in a circle", rule(Rule::resolve(Fault::RedirectLoop)), Must::Fail(&["unexpected_answer"])),
        ("too many", rule(Rule::resolve(Fault::RedirectChain { hops: 30 })), Must::Fail(&["unexpected_answer"])),
        ("three", rule(Rule::resolve(Fault::RedirectChain { hops: 3 })), arrive()),
        (
            "to nowhere",
            rule(Rule::resolve(Fault::RedirectTo { url: "http://127.0.0.1:9/".into() })),
            Must::Fail(&["unreachable"]),
        ),
        (
            "to a file",
            rule(Rule::resolve(Fault::RedirectTo { url: "file:///etc/passwd".into() })),
            Must::Fail(&["unexpected_answer"]),
        ),
        ("a portal's page", portal(Portal::Html), Must::Fail(&["unexpected_answer"])),
        ("a portal's page in chunks", portal(Portal::Chunked), Must::Fail(&["unexpected_answer"])),
        ("a portal's page of any length", portal(Portal::Unsized), Must::Fail(&["unexpected_answer"])),
        ("to a portal", portal(Portal::Redirect), Must::Fail(&["unexpected_answer"])),
        ("a portal for a moment", once(Fault::CaptivePortal(Portal::Html)), arrive()),
        ("a portal for everything", for_all(Fault::CaptivePortal(Portal::Html)), Must::Fail(&["unexpected_answer"])),
        (
            "a portal's page that says it is a file",
            for_all(Fault::Body { text: "<html>".into(), content_type: Some("application/octet-stream".into()) }),
            Must::Fail(&["unexpected_answer"]),
        ),
        (
            "a broken listing",
            Behaviour::default().rule(Rule::api(Fault::MalformedJson)),
            Must::Fail(&["unexpected_answer"]),
        ),
        ("relative", Behaviour { redirects: Redirects::Relative, ..Behaviour::default() }, arrive()),
        ("to another host", Behaviour { redirects: Redirects::OtherHost, ..Behaviour::default() }, arrive()),
        ("none", Behaviour { redirects: Redirects::None, ..Behaviour::default() }, arrive()),
        ("links for one request", Behaviour { link_requests: Some(1), ..Behaviour::default() }, arrive()),
        ("links for 1 MiB", Behaviour { link_bytes: Some(MIB), ..Behaviour::default() }, arrive()),
    ]);
}

#[test]
fn hostile_names_and_headers() {
    let tag = |fault| always(Fault::Etag(fault)).rule(Rule::cdn(Fault::DropAfter { bytes: MIB }).path_suffix(WEIGHTS));
    run(vec![
        ("a tag that is a path", tag(EtagFault::hostile()), arrive()),
        ("a quoted tag that is a path", tag(EtagFault::Value("\"../../../../pwned\"".into())), arrive()),
        // A tag that is not ours any more may be answered with the whole file, which is not read: what is in the buffers counts.
        ("a tag that changes", tag(EtagFault::Changing), Must::Arrive { spare_bytes: 5 * MIB }),
        ("a weak tag", tag(EtagFault::Weak), arrive()),
        ("no tag", tag(EtagFault::Missing), arrive()),
        (
            "hostile names in the listing",
            Behaviour::default().rule(Rule::api(Fault::HostileNames { names: Vec::new() })),
            arrive(),
        ),
        (
            "a header of 1 MiB",
            always(Fault::HugeHeader { bytes: 1 << 20 }),
            Must::Fail(&["unreachable", "unexpected_answer"]),
        ),
        // Nothing of this answer is read, but what the server had sent by then counts.
        ("a header of 1 MiB, once", once(Fault::HugeHeader { bytes: 1 << 20 }), Must::Arrive { spare_bytes: 5 * MIB }),
    ]);
}

#[test]
fn a_break_at_every_64_kib_costs_nothing_twice() {
    // At the least depth at every ninth of these places: each is at another place of its block than
    // the one before.
    let step = by_depth(9, 1, 1) * 65_536;
    let places: Vec<u64> = (0..WEIGHTS_BYTES).step_by(step).collect();
    let mut spent = 0;
    for bytes in places.iter().copied() {
        let rig = Rig::new(once(Fault::DropAfter { bytes }));
        rig.assert_right(&rig.pull().unwrap());
        let more = rig.sent_twice();
        assert!(more <= MIB, "a break after {bytes}: {more} bytes more");
        spent += more;
    }
    println!("{} breaks: {spent} bytes fetched twice", places.len());
    assert_eq!(places.len(), by_depth(8, 65, 65));
}
