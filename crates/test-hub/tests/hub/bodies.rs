//! Faults of bodies, ranges and their pace, each on its own.

use std::time::{Duration, Instant};

use moshibar_test_hub::{Behaviour, ChunkedBody, Fault, Rule, happens};

use crate::client::{
    CONFIG, End, MODEL, MODEL_BYTES, Reply, asked, fetch, get, head, hub, model, on_the_cdn, receive_silence, unchunk,
};

fn with(fault: Fault, headers: &[(&str, &str)]) -> Reply {
    fetch(&hub(Rule::cdn(fault)), headers)
}

#[test]
fn bodies_that_break_off_do_so_where_they_are_told_to() {
    for (fault, end, count) in [
        (Fault::DropAfter { bytes: 0 }, End::Closed, 0),
        (Fault::DropAfter { bytes: 400 }, End::Closed, 400),
        (Fault::EndsEarly { bytes: 1 }, End::Closed, 999),
        #[cfg(target_os = "linux")]
        (Fault::ResetAfter { bytes: 400 }, End::Reset, 400),
    ] {
        let reply = with(fault.clone(), &[]);
        assert_eq!((reply.status, reply.length()), (200, Some(MODEL_BYTES)), "{fault:?}");
        assert_eq!((reply.end, reply.body.len()), (end, count), "{fault:?}");
        assert!(reply.body == model()[..count], "{fault:?}");
    }
}

#[test]
fn a_cut_counts_the_bytes_of_the_range() {
    let reply = with(Fault::DropAfter { bytes: 50 }, &[("Range", "bytes=100-")]);
    assert!(reply.body == model()[100..150]);
    let reply = with(Fault::DropAfter { bytes: 50 }, &[("Range", "bytes=990-")]);
    assert_eq!((reply.length(), reply.body.len()), (Some(10), 10));
}

#[test]
fn lengths_lie_as_they_are_told_to() {
    for (fault, length, count) in [
        (Fault::ShortLength { bytes: 100 }, 900, 900),
        (Fault::LongLength { bytes: 100 }, 1100, 1100),
        (Fault::TrailingBytes { bytes: 100 }, 1000, 1100),
    ] {
        let reply = with(fault.clone(), &[]);
        assert_eq!((reply.length(), reply.body.len(), reply.end), (Some(length), count, End::Closed), "{fault:?}");
        let right = count.min(MODEL_BYTES);
        assert!(reply.body[..right] == model()[..right], "{fault:?}");
    }
}

#[test]
fn chunks_are_as_bad_as_they_are_told_to_be() {
    for (chunked, count) in [
        (ChunkedBody::Honest, Some(1000)),
        (ChunkedBody::Short { bytes: 10 }, Some(990)),
        (ChunkedBody::Long { bytes: 10 }, Some(1010)),
        (ChunkedBody::Broken, None),
        (ChunkedBody::Unterminated, None),
    ] {
        let reply = with(Fault::Chunked(chunked), &[]);
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"), "{chunked:?}");
        assert_eq!((reply.length(), reply.end), (None, End::Closed), "{chunked:?}");
        let body = unchunk(&reply.body);
        assert_eq!(body.as_ref().map(Vec::len), count, "{chunked:?}");
        if let Some(body) = body {
            let right = body.len().min(MODEL_BYTES);
            assert!(body[..right] == model()[..right], "{chunked:?}");
        }
    }
}

#[test]
fn one_bit_is_wrong_in_whatever_range_holds_it() {
    let fault = Fault::FlipBit { offset: 500, bit: 3 };
    let mut wrong = model();
    wrong[500] ^= 8;
    assert!(with(fault.clone(), &[]).body == wrong);
    assert!(with(fault.clone(), &[("Range", "bytes=450-")]).body == wrong[450..]);
    assert!(with(fault, &[("Range", "bytes=501-")]).body == model()[501..]);
}

#[test]
fn ranges_are_as_wrong_as_they_are_told_to_be() {
    let whole = model();
    for (fault, status, content_range, body) in [
        (Fault::ContentRangeShifted { by: 1 }, 206, Some("bytes 101-999/1000"), &whole[100..]),
        (Fault::ContentRangeShifted { by: -1 }, 206, Some("bytes 99-999/1000"), &whole[100..]),
        (Fault::ContentRangeTotal { total: 7 }, 206, Some("bytes 100-999/7"), &whole[100..]),
        (Fault::ContentRangeMissing, 206, None, &whole[100..]),
        (Fault::RangeIgnored, 200, None, &whole[..]),
        (Fault::RangeShifted { by: -100 }, 206, Some("bytes 100-999/1000"), &whole[..900]),
        (Fault::RangeShortened { bytes: 10 }, 206, Some("bytes 100-109/1000"), &whole[100..110]),
    ] {
        let reply = with(fault.clone(), &[("Range", "bytes=100-")]);
        assert_eq!((reply.status, reply.header("content-range")), (status, content_range), "{fault:?}");
        assert_eq!(reply.length(), Some(body.len()), "{fault:?}");
        assert!(reply.body == body, "{fault:?}");
        assert!(with(fault.clone(), &[]).body == whole, "{fault:?} is about ranges only");
    }
    let reply = with(Fault::RangeShifted { by: 100 }, &[("Range", "bytes=100-")]);
    assert_eq!((reply.length(), reply.body.len()), (Some(900), 900));
    assert!(reply.body[..800] == whole[200..]);
}

#[test]
fn slow_bodies_take_their_time() {
    for (fault, least_ms) in [
        (Fault::Pace { bytes: 250, every_ms: 40 }, 120),
        // 999 bytes and the last one, in pieces of 100.
        (Fault::Throttle { bytes_per_second: 5000 }, 180),
    ] {
        let start = Instant::now();
        let reply = with(fault.clone(), &[]);
        assert!(reply.body == model(), "{fault:?}");
        assert!(start.elapsed() >= Duration::from_millis(least_ms), "{fault:?}: {:?}", start.elapsed());
    }
}

#[test]
fn silence_is_at_every_stage() {
    let hub = hub(Rule::cdn(Fault::StallBeforeHeaders));
    let reply = receive_silence(&mut asked(&hub, "GET", &on_the_cdn(&hub), &[]), 0);
    assert_eq!((reply.status, reply.end), (0, End::Silent));
    hub.set_behaviour(Rule::cdn(Fault::StallAfter { bytes: 400 }));
    let reply = receive_silence(&mut asked(&hub, "GET", &on_the_cdn(&hub), &[]), 400);
    assert_eq!((reply.status, reply.length(), reply.end), (200, Some(MODEL_BYTES), End::Silent));
    assert!(reply.body == model()[..400]);
    hub.set_behaviour(Rule::cdn(Fault::StallAtAccept).times(1));
    let reply = receive_silence(&mut asked(&hub, "GET", MODEL, &[]), 0);
    assert_eq!((reply.status, reply.end), (0, End::Silent));
    assert_eq!(fetch(&hub, &[]).body, model());
}

/// Its client stays, so a hub that waited for the client to leave would wait for ever.
#[test]
fn a_silent_hub_can_be_dropped_at_once() {
    let hub = hub(Rule::everywhere(Fault::StallBeforeHeaders));
    let _client = asked(&hub, "GET", MODEL, &[]);
    assert!(happens(|| hub.counters().requests == 1), "the hub never read the request");
    let dropped = std::thread::spawn(move || drop(hub));
    assert!(happens(|| dropped.is_finished()), "the hub waits for its client");
}

#[test]
fn a_rule_without_a_path_is_about_models_and_about_bodies() {
    let hub = hub(Rule::cdn(Fault::DropAfter { bytes: 1 }));
    assert_eq!(get(&hub, CONFIG, &[]).body.len(), 9);
    assert_eq!(head(&hub, MODEL).status, 302);
    hub.set_behaviour(Rule::cdn(Fault::DropAfter { bytes: 1 }).path_suffix(""));
    assert_eq!(get(&hub, CONFIG, &[]).body.len(), 1);
}

#[test]
fn faults_come_together_and_pass() {
    let behaviour = Behaviour::default()
        .rule(Rule::cdn(Fault::FlipBit { offset: 0, bit: 0 }))
        .rule(Rule::cdn(Fault::DropAfter { bytes: 10 }).times(1));
    let hub = hub(behaviour);
    let first = fetch(&hub, &[]);
    assert_eq!((first.body.len(), first.body[0]), (10, model()[0] ^ 1));
    let second = fetch(&hub, &[]);
    assert_eq!((second.body.len(), second.body[0]), (MODEL_BYTES, model()[0] ^ 1));
}
