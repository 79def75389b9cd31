//! An answer before it is written: what it says, and how it will be sent.
//!
//! What it says of the body and what the body is are kept apart, so that a fault can change one without the other.

use std::sync::Arc;
use std::time::Duration;

use crate::content::Content;
use crate::links::Link;
use crate::range::ContentRange;

/// Everything that `delivery` needs.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) etag: Option<String>,
    pub(crate) linked_etag: Option<String>,
    pub(crate) content_range: Option<ContentRange>,
    pub(crate) framing: Framing,
    pub(crate) body: Body,
    pub(crate) cut: Option<Cut>,
    pub(crate) pace: Option<Pace>,
    pub(crate) stalls_before_headers: bool,
}

/// How the end of the body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By `Content-Length`.
    Length(u64),
    /// By chunks.
    Chunked(Chunks),
    /// By closing the connection.
    Close,
}

/// How well the chunks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunks {
    Honest,
    Broken,
    Unterminated,
}

/// The bytes of a body.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) content: Content,
    pub(crate) start: u64,
    pub(crate) size_bytes: u64,
    /// Bytes of no meaning behind it.
    pub(crate) extra_bytes: u64,
    /// Which bits are wrong: byte of the content, and bit of that.
    pub(crate) flips: Vec<(u64, u8)>,
    pub(crate) is_file: bool,
    /// The address on the CDN that it came from.
    pub(crate) link: Option<Arc<Link>>,
}

/// Where a body breaks off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) after_bytes: u64,
    pub(crate) end: End,
}

/// How a body breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Close,
    Reset,
    Stall,
}

/// A body that is held back: one piece per interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) piece_bytes: u64,
    pub(crate) interval: Duration,
}

impl Answer {
    /// An answer with a body of its own.
    pub(crate) fn text(status: u16, content_type: &str, text: impl Into<String>) -> Self {
        let content = Content::from(text.into());
        let size_bytes = content.size_bytes();
        let mut answer = Self {
            status,
            headers: Vec::new(),
            etag: None,
            linked_etag: None,
            content_range: None,
            framing: Framing::Length(size_bytes),
            body: Body { content, start: 0, size_bytes, extra_bytes: 0, flips: Vec::new(), is_file: false, link: None },
            cut: None,
            pace: None,
            stalls_before_headers: false,
        };
        answer.set("Content-Type", content_type);
        answer
    }

    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::text(status, "application/json; charset=utf-8", value.to_string())
    }

    pub(crate) fn redirect(location: &str) -> Self {
        let mut answer = Self::text(302, "text/plain; charset=utf-8", format!("Found. Redirecting to {location}"));
        answer.set("Location", location);
        answer
    }

    /// A part of a file, or all of it.
    pub(crate) fn file(content: Content, start: u64, size_bytes: u64) -> Self {
        let mut answer = Self::text(200, "application/octet-stream", "");
        answer.body.content = content;
        answer.body.start = start;
        answer.body.is_file = true;
        answer.resize(size_bytes);
        answer.set("Accept-Ranges", "bytes");
        answer
    }

    /// Changes the size of the body, and what is said of it.
    pub(crate) fn resize(&mut self, size_bytes: u64) {
        self.body.size_bytes = size_bytes;
        self.framing = Framing::Length(size_bytes);
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.headers.push((name.into(), value.into()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn is_reset(&self) -> bool {
        self.cut.is_some_and(|cut| cut.end == End::Reset)
    }
}
