//! The ways in which the hub can misbehave.
//!
//! A [`Fault`] says what goes wrong with one answer; a [`Rule`](crate::Rule) says with which. As JSON: `"range_ignored"`,
//! `{"drop_after": {"bytes": 100}}`, `{"etag": {"value": "../pwned"}}`. Sizes and offsets are in bytes.

use serde::{Deserialize, Serialize};

/// What goes wrong with an answer. Several may befall the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The connection is closed after so many bytes of the body.
    DropAfter {
        /// Bytes of the body that still come.
        bytes: u64,
    },
    /// The connection is reset (RST) after so many bytes of the body. On Linux; elsewhere it may be closed instead.
    ResetAfter {
        /// Bytes of the body that still come.
        bytes: u64,
    },
    /// After so many bytes of the body nothing more comes, and the connection stays open.
    StallAfter {
        /// Bytes of the body that still come.
        bytes: u64,
    },
    /// The body is so many bytes too short, and `Content-Length` agrees with it.
    ShortLength {
        /// Bytes that are missing.
        bytes: u64,
    },
    /// `Content-Length` is right, but the connection is closed so many bytes before the end.
    EndsEarly {
        /// Bytes that are missing.
        bytes: u64,
    },
    /// The body is so many bytes too long, and `Content-Length` agrees with it.
    LongLength {
        /// Bytes that are too many.
        bytes: u64,
    },
    /// `Content-Length` is right, but so many more bytes follow the body before the connection is closed.
    TrailingBytes {
        /// Bytes that are too many.
        bytes: u64,
    },
    /// The body comes in chunks, without `Content-Length`.
    Chunked(ChunkedBody),
    /// One bit of the file is wrong.
    FlipBit {
        /// Which byte of the file, whatever range is sent.
        offset: u64,
        /// Which bit of it, 0–7.
        #[serde(default)]
        bit: u8,
    },
    /// The start that `Content-Range` names is not that of the bytes.
    ContentRangeShifted {
        /// How much is added to it.
        by: i64,
    },
    /// `Content-Range` names another size of the file.
    ContentRangeTotal {
        /// That size.
        total: u64,
    },
    /// A 206 has no `Content-Range`.
    ContentRangeMissing,
    /// A request for a range is answered with the whole file, and status 200.
    RangeIgnored,
    /// `Content-Range` is as asked for, but the bytes are from another place.
    RangeShifted {
        /// How much farther on they start.
        by: i64,
    },
    /// Fewer bytes come than were asked for, and `Content-Range` says so. A server may do that.
    RangeShortened {
        /// How many come at most.
        bytes: u64,
    },
    /// The body comes in drops.
    Pace {
        /// How many bytes at once.
        bytes: u64,
        /// Milliseconds from one to the next.
        every_ms: u64,
    },
    /// The body comes steadily, but no faster than this on each connection.
    Throttle {
        /// Its rate.
        bytes_per_second: u64,
    },
    /// The request is read, and no answer comes. The connection stays open.
    StallBeforeHeaders,
    /// The connection is accepted and nothing more is done with it. `on` and `path_suffix` of the rule mean nothing.
    StallAtAccept,
    /// Another status, with a body of its own.
    Status {
        /// The code, such as 503.
        code: u16,
        /// The header `Retry-After`.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
        /// What the body is.
        #[serde(default)]
        body: ErrorBody,
    },
    /// A redirect to the same address.
    RedirectLoop,
    /// A redirect to an address of any kind.
    RedirectTo {
        /// The value of `Location`.
        url: String,
    },
    /// So many redirects before the right answer. Each of them counts as an affected request.
    RedirectChain {
        /// How many.
        hops: u32,
    },
    /// A network that wants a login first.
    CaptivePortal(Portal),
    /// Who has no token may not have this: 401, and `X-Error-Code: GatedRepo`.
    Gated {
        /// If who has one may not have it either: 403.
        #[serde(default)]
        even_with_token: bool,
    },
    /// Status 200 with this body.
    Body {
        /// The body.
        text: String,
        /// Its type, if it is not JSON.
        #[serde(default)]
        content_type: Option<String>,
    },
    /// Something is wrong with `ETag` and `X-Linked-Etag`.
    Etag(EtagFault),
    /// `Content-Encoding: gzip`, which the body is not.
    GzipLie,
    /// One more header, of this length.
    HugeHeader {
        /// How long its value is.
        bytes: usize,
    },
    /// A header is set, or removed.
    Header {
        /// Its name.
        name: String,
        /// Its value; without one, it is removed.
        #[serde(default)]
        value: Option<String>,
    },
    /// Listings hold more files, with names that nobody should write to.
    HostileNames {
        /// The names; without any, those of [`hostile_names`].
        #[serde(default)]
        names: Vec<String>,
    },
    /// Each page of a tree says that there is a next one.
    EndlessPages,
    /// The second half of the body is missing, so that it is no JSON; `Content-Length` agrees with it.
    MalformedJson,
}

/// How a body in chunks comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChunkedBody {
    /// All of it, and rightly ended.
    Honest,
    /// Rightly ended, but too short.
    Short {
        /// Bytes that are missing.
        bytes: u64,
    },
    /// Rightly ended, but too long.
    Long {
        /// Bytes that are too many.
        bytes: u64,
    },
    /// Half of it, then a chunk whose size is no number.
    Broken,
    /// All of it, but closed without the chunk that ends it.
    Unterminated,
}

/// When to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RetryAfter {
    /// In so many seconds, as a number.
    Seconds(u64),
    /// In so many seconds, as a date.
    DateInSeconds(u64),
}

/// What an error has for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// JSON, as the hub has it.
    #[default]
    Json,
    /// A page, as a proxy has it.
    Html,
    /// None.
    Empty,
}

/// How a captive portal shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Portal {
    /// Its page instead of every answer, with status 200.
    Html,
    /// The same in chunks, without a length.
    Chunked,
    /// The same without a length, ended by closing.
    Unsized,
    /// A redirect to its page.
    Redirect,
}

/// What is wrong with an `ETag`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EtagFault {
    /// Another one in each answer.
    Changing,
    /// This one, in quotes.
    Value(String),
    /// Marked as weak.
    Weak,
    /// None.
    Missing,
}

impl EtagFault {
    /// One that leads out of a folder when it is taken for a file's name.
    pub fn hostile() -> Self {
        Self::Value("../../../../pwned".into())
    }
}

/// Where in the course of an answer a fault does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concern {
    /// Before any request.
    Connection,
    /// The whole answer, also to HEAD.
    Answer,
    /// The body, so not HEAD.
    Body,
    /// The bytes of a file in answer to a request for a range.
    Range,
}

impl Fault {
    /// A status with the hub's own kind of body.
    pub fn status(code: u16) -> Self {
        Self::Status { code, retry_after: None, body: ErrorBody::Json }
    }

    pub(crate) fn concern(&self) -> Concern {
        match self {
            Self::StallAtAccept => Concern::Connection,
            Self::ContentRangeShifted { .. }
            | Self::ContentRangeTotal { .. }
            | Self::ContentRangeMissing
            | Self::RangeIgnored
            | Self::RangeShifted { .. }
            | Self::RangeShortened { .. } => Concern::Range,
            Self::DropAfter { .. }
            | Self::ResetAfter { .. }
            | Self::StallAfter { .. }
            | Self::ShortLength { .. }
            | Self::EndsEarly { .. }
            | Self::LongLength { .. }
            | Self::TrailingBytes { .. }
            | Self::Chunked(_)
            | Self::FlipBit { .. }
            | Self::Pace { .. }
            | Self::Throttle { .. }
            | Self::MalformedJson => Concern::Body,
            Self::StallBeforeHeaders
            | Self::Status { .. }
            | Self::RedirectLoop
            | Self::RedirectTo { .. }
            | Self::RedirectChain { .. }
            | Self::CaptivePortal(_)
            | Self::Gated { .. }
            | Self::Body { .. }
            | Self::Etag(_)
            | Self::GzipLie
            | Self::HugeHeader { .. }
            | Self::Header { .. }
            | Self::HostileNames { .. }
            | Self::EndlessPages => Concern::Answer,
        }
    }
}

/// Names that a listing may hold and nobody should write to.
pub fn hostile_names() -> Vec<String> {
    let names = [
        "../../pwned",
        "/etc/pwned",
        "dir/../../pwned",
        "a\\b",
        "..\\..\\pwned",
        "C:\\pwned",
        "con",
        "nul\0byte",
        "new\nline",
        "",
        ".",
        "..",
        "a//b",
        "\u{202e}txt.exe",
    ];
    names.into_iter().map(Into::into).chain([format!("{}.safetensors", "long".repeat(2500))]).collect()
}
