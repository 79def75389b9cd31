//! Writes an answer to its connection, in whatever bad way it asks for.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::answer::{Answer, Body, Chunks, End, Framing};
use crate::content::PIECE_BYTES;
use crate::counters::Ledger;
use crate::http::reason;
use crate::stop::Stop;

/// How long a connection that will be reset stays open, so that the client has read what came before.
const RESET_DELAY: Duration = Duration::from_millis(30);

/// How often a silent connection looks whether its client is still there.
const STALL_INTERVAL: Duration = Duration::from_millis(20);

/// What follows bodies that are too long.
static EXTRA: [u8; 4096] = [b'!'; 4096];

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Keep,
    Close,
}

/// Writes one answer.
pub(crate) fn deliver(
    stream: &mut TcpStream,
    answer: &Answer,
    is_head: bool,
    ledger: &Ledger,
    stop: &Stop,
) -> io::Result<Next> {
    if answer.stalls_before_headers {
        return stall(stream, stop);
    }
    let _sent = (answer.body.is_file && !is_head).then(|| ledger.send_file());
    // Counted before the client can know of it.
    let mut open_body = (answer.body.is_file && !is_head).then(|| ledger.open_body());
    stream.write_all(head(answer).as_bytes())?;
    if is_head {
        return Ok(Next::Keep);
    }
    let total_bytes = answer.body.size_bytes + answer.body.extra_bytes;
    let cut = answer.cut.filter(|cut| cut.after_bytes <= total_bytes);
    let end = cut.map_or(total_bytes, |cut| cut.after_bytes);
    let is_stalling = cut.is_some_and(|cut| cut.end == End::Stall);
    let start = Instant::now();
    let mut buffer = Vec::new();
    let mut position = 0;
    let mut pieces = 0;
    while position < end {
        let mut limit_bytes = (end - position).min(PIECE_BYTES as u64);
        if let Some(pace) = answer.pace {
            limit_bytes = limit_bytes.min(pace.piece_bytes);
        }
        // The last byte goes alone, and the body no longer counts as open then: when the client has it all and asks for
        // another, the two were never on their way together.
        if open_body.is_some() && !is_stalling && position + limit_bytes == end {
            if limit_bytes > 1 {
                limit_bytes -= 1;
            } else {
                open_body = None;
            }
        }
        let piece = answer.body.piece(position, limit_bytes as usize, &mut buffer)?;
        if answer.body.is_file {
            ledger.body_bytes(piece.len() as u64);
        }
        if let Some(link) = &answer.body.link {
            link.add_bytes(piece.len() as u64);
        }
        write_piece(stream, piece, answer.framing)?;
        position += piece.len() as u64;
        pieces += 1;
        if let Some(pace) = answer.pace
            && position < end
            && stop.wait_until(start + pace.interval * pieces)
        {
            return Ok(Next::Close);
        }
    }
    match answer.framing {
        Framing::Chunked(Chunks::Honest) if cut.is_none() => stream.write_all(b"0\r\n\r\n")?,
        Framing::Chunked(Chunks::Broken) => stream.write_all(b"zz\r\nno size\r\n")?,
        Framing::Chunked(Chunks::Unterminated) | Framing::Close => return Ok(Next::Close),
        Framing::Chunked(Chunks::Honest) | Framing::Length(_) => {}
    }
    match cut.map(|cut| cut.end) {
        None => Ok(Next::Keep),
        Some(End::Close) => Ok(Next::Close),
        Some(End::Reset) => {
            stop.wait(RESET_DELAY);
            Ok(Next::Close)
        }
        Some(End::Stall) => stall(stream, stop),
    }
}

/// Keeps the connection open and silent until the client closes it, or the hub ends.
pub(crate) fn stall(stream: &TcpStream, stop: &Stop) -> io::Result<Next> {
    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    while !stop.wait(STALL_INTERVAL) {
        match stream.peek(&mut [0]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Next::Close)
}

fn head(answer: &Answer) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    let mut line = |name: &str, value: &str| {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    };
    for (name, value) in &answer.headers {
        line(name, value);
    }
    let is_free = |name: &str| !answer.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    if let Some(etag) = &answer.etag {
        line("ETag", etag);
    }
    if let Some(etag) = &answer.linked_etag {
        line("X-Linked-Etag", etag);
    }
    if let Some(range) = answer.content_range
        && is_free("content-range")
    {
        line("Content-Range", &range.to_string());
    }
    match answer.framing {
        Framing::Length(size_bytes) if is_free("content-length") => line("Content-Length", &size_bytes.to_string()),
        Framing::Length(_) => {}
        Framing::Chunked(_) => line("Transfer-Encoding", "chunked"),
        Framing::Close => line("Connection", "close"),
    }
    head.push_str("\r\n");
    head
}

fn write_piece(stream: &mut TcpStream, piece: &[u8], framing: Framing) -> io::Result<()> {
    if let Framing::Chunked(_) = framing {
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        stream.write_all(piece)?;
        return stream.write_all(b"\r\n");
    }
    stream.write_all(piece)
}

impl Body {
    /// At most `limit_bytes` of the body at `position`: never none before its end.
    fn piece<'a>(&'a self, position: u64, limit_bytes: usize, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        if position >= self.size_bytes {
            return Ok(EXTRA.get(..limit_bytes).unwrap_or(&EXTRA));
        }
        let offset = self.start + position;
        let limit_bytes = limit_bytes.min((self.size_bytes - position) as usize);
        let spoilt: Vec<_> =
            self.flips.iter().filter(|(at, _)| (offset..offset + limit_bytes as u64).contains(at)).collect();
        if spoilt.is_empty() {
            return match self.content.piece(offset, limit_bytes, buffer)? {
                [] => Err(io::ErrorKind::UnexpectedEof.into()),
                piece => Ok(piece),
            };
        }
        let mut right = Vec::new();
        *buffer = self.content.piece(offset, limit_bytes, &mut right)?.to_vec();
        for (at, bit) in spoilt {
            if let Some(byte) = buffer.get_mut((at - offset) as usize) {
                *byte ^= 1 << bit;
            }
        }
        Ok(buffer)
    }
}
