//! Whether an answer is what was asked for. Only then are its bytes looked at.

use reqwest::header::{CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap};
use reqwest::{Response, StatusCode, Url};

use crate::hub::is_web_page;
use crate::patience::Trouble;
use crate::request::status;

/// What a good answer holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// The range, up to its end or short of it.
    Range {
        /// Where its bytes end, exclusive.
        end: u64,
    },
    /// The whole file, from its first byte: the server does not know ranges, or its file has changed.
    Whole {
        /// Whether the length was declared, and right.
        is_measured: bool,
    },
}

/// Checks status, range and size.
///
/// **Units** `start..end`: bytes asked for, of a file of `size` bytes.
pub(super) fn check(answer: &Response, asked: &Url, start: u64, end: u64, size: u64) -> Result<Holds, Trouble> {
    if !answer.status().is_success() {
        return Err(Trouble::Status(status(answer, asked)));
    }
    // The header, not what is left of the body: a proxy may have changed one of them.
    holds(answer.status(), answer.headers(), answer.content_length(), start, end, size).map_err(Trouble::Nonsense)
}

fn holds(
    status: StatusCode,
    headers: &HeaderMap,
    length: Option<u64>,
    start: u64,
    end: u64,
    size: u64,
) -> Result<Holds, String> {
    if is_web_page(headers) {
        return Err("it sends a web page instead of the file".to_owned());
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err("it sends the file in a packed form that was not asked for".to_owned());
    }
    match status {
        StatusCode::PARTIAL_CONTENT => {
            let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (first, last, total) = content_range(range).ok_or_else(|| format!("its range is '{range}'"))?;
            if first != start || last < first || last >= end || total != size {
                return Err(format!("it sends bytes {range} where {start}-{}/{size} were asked for", end - 1));
            }
            // A length that contradicts the range is not believed: what comes is counted, and what is missing asked for again.
            Ok(Holds::Range { end: last + 1 })
        }
        StatusCode::OK => match length {
            Some(length) if length == size => Ok(Holds::Whole { is_measured: true }),
            Some(length) => Err(format!("its file has {length} bytes instead of {size}")),
            None => Ok(Holds::Whole { is_measured: false }),
        },
        other => Err(format!("it answers HTTP {}", other.as_u16())),
    }
}

/// Reads `bytes FIRST-LAST/TOTAL`.
fn content_range(value: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    Some((number(first)?, number(last)?, number(total)?))
}

/// The file's tag, if it may stand in `If-Range`: a strong one. It is only ever sent back, never used for anything else.
pub(super) fn strong_etag(headers: &HeaderMap) -> Option<reqwest::header::HeaderValue> {
    let etag = headers.get(ETAG)?;
    let text = etag.to_str().ok()?;
    (text.len() <= 256 && text.starts_with('"') && text.ends_with('"')).then(|| etag.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], length: Option<u64>) -> Result<Holds, String> {
        let headers = headers
            .iter()
            .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().unwrap()));
        holds(StatusCode::from_u16(status).unwrap(), &headers.collect(), length, 100, 200, 1_000)
    }

    #[test]
    fn the_range_that_was_asked_for_is_taken_and_no_other() {
        let range = |value: &str, length| answer(206, &[("content-range", value)], length);
        assert_eq!(range("bytes 100-199/1000", Some(100)), Ok(Holds::Range { end: 200 }));
        assert_eq!(range("bytes 100-149/1000", None), Ok(Holds::Range { end: 150 }), "less is allowed");
        for wrong in [
            "bytes 101-199/1000",
            "bytes 0-199/1000",
            "bytes 100-200/1000",
            "bytes 100-199/1001",
            "bytes 100-199/*",
            "bytes 100-99/1000",
            "items 100-199/1000",
            "bytes +100-199/1000",
            "bytes 100-199",
            "bytes */1000",
            "",
        ] {
            assert!(range(wrong, None).is_err(), "{wrong}");
        }
        assert_eq!(
            range("bytes 100-199/1000", Some(99)),
            Ok(Holds::Range { end: 200 }),
            "lengths are counted, not believed"
        );
        assert!(answer(206, &[], Some(100)).is_err());
    }

    #[test]
    fn a_whole_file_has_the_files_size() {
        assert_eq!(answer(200, &[], Some(1_000)), Ok(Holds::Whole { is_measured: true }));
        assert_eq!(answer(200, &[], None), Ok(Holds::Whole { is_measured: false }));
        assert!(answer(200, &[], Some(999)).is_err());
        assert!(answer(204, &[], Some(0)).is_err());
    }

    #[test]
    fn portals_and_packed_files_are_refused() {
        for kind in ["text/html", "Text/HTML; charset=utf-8"] {
            assert!(answer(200, &[("content-type", kind)], Some(1_000)).is_err());
        }
        assert!(answer(200, &[("content-encoding", "gzip")], Some(1_000)).is_err());
        assert!(answer(200, &[("content-encoding", "identity")], Some(1_000)).is_ok());
    }

    #[test]
    fn only_strong_tags_are_sent_back() {
        let etag = |value: &str| {
            let headers = [(ETAG, value.parse().unwrap())].into_iter().collect();
            strong_etag(&headers).is_some()
        };
        assert!(etag("\"abc\"") && etag("\"../../../../pwned\""));
        assert!(!etag("W/\"abc\"") && !etag("abc") && !etag(&format!("\"{}\"", "a".repeat(300))));
    }
}
