//! A client that takes what comes, byte for byte, and says how it ended.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use moshibar_test_hub::{Behaviour, Content, Hub, Repository};
use serde_json::Value;

pub(crate) const ID: &str = "kyutai/tiny";
pub(crate) const MODEL: &str = "/kyutai/tiny/resolve/main/model.safetensors";
pub(crate) const CONFIG: &str = "/kyutai/tiny/resolve/main/config.json";
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const MODEL_BYTES: usize = 1000;

/// Longer than anything that comes at all takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_mins(1);

/// Nothing in so long is silence, where nothing more is expected: a slow machine cannot break that.
const SILENCE: Duration = Duration::from_millis(250);

pub(crate) fn hub(behaviour: impl Into<Behaviour>) -> Hub {
    let repository = Repository::new(ID)
        .commit(COMMIT)
        .lfs_file("model.safetensors", Content::random(1, MODEL_BYTES as u64))
        .file("config.json", "{\"a\": 1}\n")
        .file("voices/one/a b.txt", "voice");
    Hub::builder().repository(repository).behaviour(behaviour).start().unwrap()
}

pub(crate) fn model() -> Vec<u8> {
    Content::random(1, MODEL_BYTES as u64).to_vec().unwrap()
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
    Silent,
}

/// All that came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// What followed the headers, as it was.
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn length(&self) -> Option<usize> {
        self.header("content-length").map(|value| value.parse().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Asks once, on a connection of its own. `url` may be a path, which is then one of the hub.
pub(crate) fn ask(hub: &Hub, method: &str, url: &str, headers: &[(&str, &str)]) -> Reply {
    receive(&mut asked(hub, method, url, &[headers, &[("Connection", "close")]].concat()))
}

/// A connection of its own, on which something was asked.
pub(crate) fn asked(hub: &Hub, method: &str, url: &str, headers: &[(&str, &str)]) -> TcpStream {
    let url = if url.starts_with('/') { format!("{}{url}", hub.endpoint()) } else { url.into() };
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    send(&mut stream, method, host, &format!("/{path}"), headers);
    stream
}

/// What comes on a connection that is expected to fall silent after so many bytes of the body: they
/// are waited for, then nothing.
pub(crate) fn receive_silence(stream: &mut TcpStream, after_bytes: usize) -> Reply {
    receive_until(stream, |come| body_bytes(come).unwrap_or(0) >= after_bytes)
}

pub(crate) fn get(hub: &Hub, url: &str, headers: &[(&str, &str)]) -> Reply {
    ask(hub, "GET", url, headers)
}

pub(crate) fn head(hub: &Hub, url: &str) -> Reply {
    ask(hub, "HEAD", url, &[])
}

/// Gets the model from the CDN, or whatever comes instead.
pub(crate) fn fetch(hub: &Hub, headers: &[(&str, &str)]) -> Reply {
    let reply = get(hub, MODEL, headers);
    match reply.header("location") {
        Some(location) => get(hub, location, headers),
        None => reply,
    }
}

/// Where the CDN has the model.
pub(crate) fn on_the_cdn(hub: &Hub) -> String {
    get(hub, MODEL, &[]).header("location").unwrap().to_owned()
}

pub(crate) fn send(stream: &mut TcpStream, method: &str, host: &str, path: &str, headers: &[(&str, &str)]) {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
}

/// Reads until the connection ends.
pub(crate) fn receive(stream: &mut TcpStream) -> Reply {
    receive_until(stream, |_| false)
}

/// The bytes after the head, once that has come.
fn body_bytes(come: &[u8]) -> Option<usize> {
    come.windows(4).position(|window| window == b"\r\n\r\n").map(|at| come.len() - at - 4)
}

/// Reads until the connection ends or, when all has come that is expected, until nothing more comes
/// for a while.
fn receive_until(stream: &mut TcpStream, is_all: impl Fn(&[u8]) -> bool) -> Reply {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 65536];
    let end = loop {
        stream.set_read_timeout(Some(if is_all(&bytes) { SILENCE } else { PATIENCE })).unwrap();
        match stream.read(&mut piece) {
            Ok(0) => break End::Closed,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break End::Silent,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
            Err(error) => panic!("{error}"),
        }
    };
    let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        assert!(bytes.is_empty(), "half a head");
        return Reply { status: 0, headers: Vec::new(), body: Vec::new(), end };
    };
    let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(n, v)| (n.into(), v.into())).collect();
    Reply { status, headers, body: bytes.split_off(at + 4), end }
}

/// The body of chunks, if they are rightly made and ended.
pub(crate) fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let at = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..at]).ok()?, 16).ok()?;
        bytes = &bytes[at + 2..];
        if size == 0 {
            return (bytes == b"\r\n").then_some(body);
        }
        body.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size + 2..)?;
    }
}
