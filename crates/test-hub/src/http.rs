//! As much HTTP/1.1 as a hub needs: requests are read here; `delivery` writes the answers.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use crate::stop::Stop;

/// No client of a hub sends more than this before the body.
const HEAD_LIMIT_BYTES: usize = 64 * 1024;
const BODY_LIMIT_BYTES: usize = 16 << 20;

/// One request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path as it came, without the query.
    pub(crate) path: String,
    /// The path between its slashes, decoded.
    pub(crate) segments: Vec<String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    is_http_1_0: bool,
    unread_bytes: usize,
}

impl Request {
    /// Reads the next request of a connection; `None` when the client has closed it.
    ///
    /// The last byte of a request without a body stays unread until [`finish`](Self::finish). A socket that is closed with
    /// unread bytes is reset (Linux), and that is how the hub resets one without unsafe code.
    pub(crate) fn read(stream: &mut TcpStream, stop: &Stop) -> io::Result<Option<Self>> {
        let mut buffer = vec![0; HEAD_LIMIT_BYTES];
        let mut known_bytes = 0;
        let head_bytes = loop {
            let seen_bytes = stream.peek(&mut buffer)?;
            let seen = buffer.get(..seen_bytes).unwrap_or_default();
            if let Some(at) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if seen_bytes == 0 {
                return Ok(None);
            }
            // Peeking does not wait for more than is there.
            if seen_bytes == HEAD_LIMIT_BYTES || (seen_bytes == known_bytes && stop.wait(Duration::from_millis(1))) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            known_bytes = seen_bytes;
        };
        let mut head = vec![0; head_bytes - 1];
        stream.read_exact(&mut head)?;
        let mut request = Self::parse(&String::from_utf8_lossy(&head)).ok_or(io::ErrorKind::InvalidData)?;
        request.unread_bytes = 1;
        let body_bytes: usize = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if body_bytes > BODY_LIMIT_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if body_bytes > 0 {
            request.finish(stream)?;
            request.body = vec![0; body_bytes];
            stream.read_exact(&mut request.body)?;
        }
        Ok(Some(request))
    }

    /// Reads what is left of the request.
    pub(crate) fn finish(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let mut rest = vec![0; std::mem::take(&mut self.unread_bytes)];
        stream.read_exact(&mut rest)
    }

    fn parse(head: &str) -> Option<Self> {
        let mut lines = head.lines();
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines.filter_map(|line| line.split_once(':'));
        Some(Self {
            method: method.into(),
            path: path.into(),
            segments: path.split('/').skip(1).map(decode).collect(),
            query: query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(key, value)| (decode(key), decode(value)))
                .collect(),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().into())).collect(),
            body: Vec::new(),
            is_http_1_0: version == "HTTP/1.0",
            unread_bytes: 0,
        })
    }

    /// A header; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A value of the query.
    pub(crate) fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// True if the client wants no further answer on this connection.
    pub(crate) fn is_last(&self) -> bool {
        self.is_http_1_0 || self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = match (byte, after) {
            (b'%', [high, low, tail @ ..]) => hex_digit(*high).zip(hex_digit(*low)).map(|(h, l)| (h * 16 + l, tail)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((byte, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// Encodes a path for a `Location`: everything but what may stand in one unescaped.
pub(crate) fn encode(path: &str) -> String {
    use std::fmt::Write as _;
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// The words after a status code.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// A time as HTTP writes it, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn date(time: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let days = seconds / 86_400;
    // Days into a date of the Gregorian calendar, with years that begin in March (H. Hinnant, `civil_from_days`).
    let shifted = days + 719_468;
    let era_day = shifted % 146_097;
    let era_year = (era_day - era_day / 1460 + era_day / 36_524 - era_day / 146_096) / 365;
    let year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    let march_month = (5 * year_day + 2) / 153;
    let day = year_day - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = era_year + shifted / 146_097 * 400 + u64::from(month < 2);
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        DAYS.get((days % 7) as usize).unwrap_or(&""),
        MONTHS.get(month as usize).unwrap_or(&""),
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_taken_apart() {
        let head = "GET /a/b%2Fc/d%20e?recursive=true&x=%3D HTTP/1.1\r\nHost: h:1\r\nRange: bytes=1-\r\n\r";
        let request = Request::parse(head).unwrap();
        assert_eq!(request.method, "GET");
        assert_eq!(request.path, "/a/b%2Fc/d%20e");
        assert_eq!(request.segments, ["a", "b/c", "d e"]);
        assert_eq!(request.query("recursive"), Some("true"));
        assert_eq!(request.query("x"), Some("="));
        assert_eq!(request.header("range"), Some("bytes=1-"));
        assert!(!request.is_last());
    }

    #[test]
    fn paths_are_encoded_and_decoded() {
        let path = "dir/a b#?ü%.txt";
        assert_eq!(encode(path), "dir/a%20b%23%3F%C3%BC%25.txt");
        assert_eq!(decode(&encode(path)), path);
        assert_eq!(decode("100%"), "100%");
    }

    #[test]
    fn dates_are_those_of_the_standard() {
        // The example of RFC 9110, 5.6.7; and a leap day.
        for (seconds, text) in
            [(784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT")]
        {
            assert_eq!(date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
