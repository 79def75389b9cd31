//! Which bytes of a file a request wants: `Range` and `If-Range` as RFC 9110 has them, single ranges only.

use std::fmt;

/// What a request gets of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it, with status 200.
    All,
    /// From `first` to `last`, both included, with status 206.
    Part { first: u64, last: u64 },
    /// Nothing, with status 416: it wants what lies beyond the end.
    Beyond,
}

impl Wanted {
    /// Reads the two headers. `etag` is what this answer will carry: a weak one never fits `If-Range`.
    pub(crate) fn of(range: Option<&str>, if_range: Option<&str>, etag: Option<&str>, size_bytes: u64) -> Self {
        let is_same_version = match if_range {
            None => true,
            Some(condition) => etag == Some(condition) && !condition.starts_with("W/"),
        };
        match range {
            Some(range) if is_same_version => parse(range, size_bytes).unwrap_or(Self::All),
            _ => Self::All,
        }
    }
}

/// `None` if it is none that this hub understands; the header then counts for nothing.
fn parse(range: &str, size_bytes: u64) -> Option<Wanted> {
    let (first, last) = range.strip_prefix("bytes=")?.trim().split_once('-')?;
    if first.is_empty() {
        let suffix_bytes: u64 = last.parse().ok()?;
        if suffix_bytes == 0 || size_bytes == 0 {
            return Some(Wanted::Beyond);
        }
        return Some(Wanted::Part { first: size_bytes.saturating_sub(suffix_bytes), last: size_bytes - 1 });
    }
    let first: u64 = first.parse().ok()?;
    let last: u64 = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    if last < first {
        return None;
    }
    if first >= size_bytes {
        return Some(Wanted::Beyond);
    }
    Some(Wanted::Part { first, last: last.min(size_bytes - 1) })
}

/// The header of a part: what it says, not what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) total: u64,
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes {}-{}/{}", self.first, self.last, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        let part = |first, last| Wanted::Part { first, last };
        for (range, wanted) in [
            ("bytes=0-", part(0, 9)),
            ("bytes=3-", part(3, 9)),
            ("bytes=3-5", part(3, 5)),
            ("bytes=9-9", part(9, 9)),
            ("bytes=3-500", part(3, 9)),
            ("bytes=-4", part(6, 9)),
            ("bytes=-40", part(0, 9)),
            ("bytes=10-", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=5-3", Wanted::All),
            ("bytes=1-2,4-5", Wanted::All),
            ("lines=1-2", Wanted::All),
            ("bytes=x-", Wanted::All),
        ] {
            assert_eq!(Wanted::of(Some(range), None, None, 10), wanted, "{range}");
        }
        assert_eq!(Wanted::of(Some("bytes=0-"), None, None, 0), Wanted::Beyond);
    }

    #[test]
    fn a_range_of_another_version_is_the_whole_file() {
        let of = |if_range, etag| Wanted::of(Some("bytes=3-"), if_range, etag, 10);
        let part = Wanted::Part { first: 3, last: 9 };
        assert_eq!(of(Some("\"a\""), Some("\"a\"")), part);
        assert_eq!(of(Some("\"b\""), Some("\"a\"")), Wanted::All);
        assert_eq!(of(Some("W/\"a\""), Some("W/\"a\"")), Wanted::All);
        assert_eq!(of(Some("\"a\""), None), Wanted::All);
        assert_eq!(of(None, None), part);
    }
}
