//! Turns a right answer into the wrong one that the rules ask for.
//!
//! Faults work at three moments: [`instead`] of an answer, while it is made (see `routes`), and [`spoil`] afterwards.

use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::answer::{Answer, Chunks, Cut, End, Framing, Pace};
use crate::fault::{ChunkedBody, ErrorBody, EtagFault, Fault, Portal, RetryAfter};
use crate::http::{Request, date};
use crate::listing::next_link;

/// Where the redirect of a captive portal leads.
pub(crate) const PORTAL_PATH: &str = "/portal/login";

/// How often a throttled body moves: often enough to look steady.
const THROTTLE_INTERVAL: Duration = Duration::from_millis(20);

/// What comes instead of the right answer, if one of the faults wants that. The first one wins.
pub(crate) fn instead(faults: &[Fault], request: &Request) -> Option<Answer> {
    faults.iter().find_map(|fault| match fault {
        Fault::Status { code, retry_after, body } => Some(status(*code, *retry_after, *body)),
        Fault::RedirectLoop => Some(Answer::redirect(&request.path)),
        Fault::RedirectTo { url } => Some(Answer::redirect(url)),
        Fault::RedirectChain { hops } => {
            let hop: u32 = request.query("hop").and_then(|hop| hop.parse().ok()).unwrap_or(0);
            (hop < *hops).then(|| Answer::redirect(&format!("{}?hop={}", request.path, hop + 1)))
        }
        Fault::CaptivePortal(Portal::Redirect) if request.path == PORTAL_PATH => Some(portal()),
        Fault::CaptivePortal(Portal::Redirect) => Some(Answer::redirect(PORTAL_PATH)),
        Fault::CaptivePortal(style) => {
            let mut answer = portal();
            match style {
                Portal::Chunked => answer.framing = Framing::Chunked(Chunks::Honest),
                Portal::Unsized => answer.framing = Framing::Close,
                Portal::Html | Portal::Redirect => {}
            }
            Some(answer)
        }
        Fault::Gated { even_with_token } => gate(request, *even_with_token),
        Fault::Body { text, content_type } => {
            Some(Answer::text(200, content_type.as_deref().unwrap_or("application/json"), text.clone()))
        }
        _ => None,
    })
}

fn status(code: u16, retry_after: Option<RetryAfter>, body: ErrorBody) -> Answer {
    let mut answer = match body {
        ErrorBody::Json => Answer::json(code, &json!({ "error": crate::http::reason(code) })),
        ErrorBody::Html => Answer::text(
            code,
            "text/html",
            format!("<html><head><title>{code}</title></head><body><h1>{code}</h1></body></html>"),
        ),
        ErrorBody::Empty => {
            let mut answer = Answer::text(code, "", "");
            answer.remove("Content-Type");
            answer
        }
    };
    match retry_after {
        Some(RetryAfter::Seconds(seconds)) => answer.set("Retry-After", seconds.to_string()),
        Some(RetryAfter::DateInSeconds(seconds)) => {
            answer.set("Retry-After", date(SystemTime::now() + Duration::from_secs(seconds)));
        }
        None => {}
    }
    answer
}

pub(crate) fn portal() -> Answer {
    let page = "<!DOCTYPE html><html><head><title>Welcome</title></head>\
                <body><form action=\"/portal/login\"><button>Accept and connect</button></form></body></html>\n";
    Answer::text(200, "text/html; charset=utf-8", page)
}

fn gate(request: &Request, even_with_token: bool) -> Option<Answer> {
    let has_token = request.header("authorization").is_some();
    if has_token && !even_with_token {
        return None;
    }
    let (code, message) = if has_token {
        (403, "Access to this model is restricted and you are not in the authorized list.")
    } else {
        (401, "Access to this model is restricted. You must be authenticated to access it.")
    };
    let answer = Answer::json(code, &json!({ "error": message }));
    Some(answer.with("X-Error-Code", "GatedRepo").with("X-Error-Message", message))
}

/// What an `ETag` becomes. `serial` differs from answer to answer.
pub(crate) fn etag(faults: &[Fault], right: &str, serial: u64) -> Option<String> {
    let etag_fault = faults.iter().find_map(|fault| match fault {
        Fault::Etag(fault) => Some(fault),
        _ => None,
    });
    match etag_fault {
        None => Some(right.into()),
        Some(EtagFault::Changing) => Some(format!("\"{serial}-{}\"", right.trim_matches('"'))),
        Some(EtagFault::Value(value)) => Some(format!("\"{value}\"")),
        Some(EtagFault::Weak) => Some(format!("W/{right}")),
        Some(EtagFault::Missing) => None,
    }
}

/// Spoils an answer.
pub(crate) fn spoil(answer: &mut Answer, fault: &Fault, request: &Request) {
    let size_bytes = answer.body.size_bytes;
    match fault {
        Fault::DropAfter { bytes } => answer.cut = Some(Cut { after_bytes: *bytes, end: End::Close }),
        Fault::ResetAfter { bytes } => answer.cut = Some(Cut { after_bytes: *bytes, end: End::Reset }),
        Fault::StallAfter { bytes } => answer.cut = Some(Cut { after_bytes: *bytes, end: End::Stall }),
        Fault::EndsEarly { bytes } => {
            answer.cut = Some(Cut { after_bytes: size_bytes.saturating_sub(*bytes), end: End::Close });
        }
        Fault::ShortLength { bytes } => answer.resize(size_bytes.saturating_sub(*bytes)),
        Fault::LongLength { bytes } => {
            answer.body.extra_bytes = *bytes;
            answer.framing = Framing::Length(size_bytes + bytes);
        }
        Fault::TrailingBytes { bytes } => {
            answer.body.extra_bytes = *bytes;
            answer.cut = Some(Cut { after_bytes: size_bytes + bytes, end: End::Close });
        }
        Fault::Chunked(chunked) => chunk(answer, *chunked),
        Fault::FlipBit { offset, bit } => answer.body.flips.push((*offset, bit % 8)),
        Fault::ContentRangeShifted { by } => {
            if let Some(range) = &mut answer.content_range {
                range.first = range.first.saturating_add_signed(*by);
            }
        }
        Fault::ContentRangeTotal { total } => {
            if let Some(range) = &mut answer.content_range {
                range.total = *total;
            }
        }
        Fault::ContentRangeMissing => answer.content_range = None,
        Fault::RangeShifted { by } => {
            // Where the file has not as many bytes left, others make up the length that was promised.
            let body = &mut answer.body;
            body.start = body.start.saturating_add_signed(*by).min(body.content.size_bytes());
            body.size_bytes = size_bytes.min(body.content.size_bytes() - body.start);
            body.extra_bytes = size_bytes - body.size_bytes;
        }
        Fault::RangeShortened { bytes } => {
            if let Some(range) = &mut answer.content_range {
                let shorter = size_bytes.min((*bytes).max(1));
                range.last = range.first + shorter - 1;
                answer.resize(shorter);
            }
        }
        Fault::Pace { bytes, every_ms } => {
            answer.pace = Some(Pace { piece_bytes: (*bytes).max(1), interval: Duration::from_millis(*every_ms) });
        }
        Fault::Throttle { bytes_per_second } => {
            let rate = (*bytes_per_second).max(1);
            let piece_bytes = (rate * THROTTLE_INTERVAL.as_millis() as u64 / 1000).max(1);
            answer.pace =
                Some(Pace { piece_bytes, interval: Duration::from_secs_f64(piece_bytes as f64 / rate as f64) });
        }
        Fault::StallBeforeHeaders => answer.stalls_before_headers = true,
        Fault::GzipLie => answer.set("Content-Encoding", "gzip"),
        Fault::HugeHeader { bytes } => answer.set("X-Huge", "h".repeat(*bytes)),
        Fault::Header { name, value } => header(answer, name, value.as_ref()),
        Fault::EndlessPages => {
            let cursor: usize = request.query("cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
            answer.set("Link", next_link(request, cursor + 1));
        }
        Fault::MalformedJson => answer.resize(size_bytes / 2),
        // Done elsewhere: instead of the answer, or while it was made.
        Fault::Status { .. }
        | Fault::RedirectLoop
        | Fault::RedirectTo { .. }
        | Fault::RedirectChain { .. }
        | Fault::CaptivePortal(_)
        | Fault::Gated { .. }
        | Fault::Body { .. }
        | Fault::Etag(_)
        | Fault::RangeIgnored
        | Fault::HostileNames { .. }
        | Fault::StallAtAccept => {}
    }
}

fn chunk(answer: &mut Answer, chunked: ChunkedBody) {
    let size_bytes = answer.body.size_bytes;
    let chunks = match chunked {
        ChunkedBody::Honest => Chunks::Honest,
        ChunkedBody::Short { bytes } => {
            answer.body.size_bytes = size_bytes.saturating_sub(bytes);
            Chunks::Honest
        }
        ChunkedBody::Long { bytes } => {
            answer.body.extra_bytes = bytes;
            Chunks::Honest
        }
        ChunkedBody::Broken => {
            answer.cut = Some(Cut { after_bytes: size_bytes / 2, end: End::Close });
            Chunks::Broken
        }
        ChunkedBody::Unterminated => Chunks::Unterminated,
    };
    answer.framing = Framing::Chunked(chunks);
}

fn header(answer: &mut Answer, name: &str, value: Option<&String>) {
    // These are no headers until the answer is written; one that is set here takes the place of theirs.
    match (name.to_ascii_lowercase().as_str(), value) {
        ("etag", _) => answer.etag = value.cloned(),
        ("x-linked-etag", _) => answer.linked_etag = value.cloned(),
        ("content-range", None) => answer.content_range = None,
        ("content-length", None) => answer.framing = Framing::Close,
        (_, Some(value)) => answer.set(name, value.clone()),
        (_, None) => answer.remove(name),
    }
}
