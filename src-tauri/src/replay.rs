//! The sound of recorded talks for the history's player: `talk://localhost/ID`, a part at a time, as players ask.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use percent_encoding::percent_decode_str;
use tauri::http::{Response, StatusCode, header};

use crate::history::History;

/// The scheme of the addresses.
pub(crate) const SCHEME: &str = "talk";

/// The most that one answer has of a file that is asked for in parts: a player asks again.
const PART_BYTES: u64 = 4 << 20;

/// Where a talk's sound is.
pub(crate) fn address(id: &str) -> Option<String> {
    let mut address = tauri::Url::parse(&format!("{SCHEME}://localhost/")).ok()?;
    address.path_segments_mut().ok()?.pop_if_empty().push(id);
    Some(address.into())
}

/// Answers a player. `path`: of the address; `range`: the header.
pub(crate) fn answer(history: &History, path: &str, range: Option<&str>) -> Response<Vec<u8>> {
    let id = percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy();
    let Ok(sound) = history.sound(&id) else { return nothing(StatusCode::NOT_FOUND) };
    read(&sound, range).unwrap_or_else(|error| {
        nothing(if error.kind() == io::ErrorKind::NotFound {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        })
    })
}

fn read(sound: &Path, range: Option<&str>) -> io::Result<Response<Vec<u8>>> {
    let mut file = File::open(sound)?;
    let size = file.metadata()?.len();
    let response = Response::builder()
        .header(header::CONTENT_TYPE, "audio/wav")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "tauri://localhost"); // where our pages are, on macOS and Linux
    let Some(range) = range else {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        return response.body(bytes).map_err(io::Error::other);
    };
    let Some((first, last)) = part(range, size) else {
        let header = format!("bytes */{size}");
        let refused =
            Response::builder().status(StatusCode::RANGE_NOT_SATISFIABLE).header(header::CONTENT_RANGE, header);
        return refused.body(Vec::new()).map_err(io::Error::other);
    };
    file.seek(SeekFrom::Start(first))?;
    let mut bytes = Vec::new();
    file.take(last - first + 1).read_to_end(&mut bytes)?;
    response
        .status(StatusCode::PARTIAL_CONTENT)
        .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"))
        .body(bytes)
        .map_err(io::Error::other)
}

/// First and last byte of what is asked for (RFC 9110, section 14); `None` if the file has none of it.
fn part(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split(',').next()?.trim().split_once('-')?;
    let end = size.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", length) => (size.saturating_sub(length.parse::<u64>().ok().filter(|length| *length > 0)?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<u64>().ok()?.min(end)),
    };
    (first <= last).then(|| (first, last.min(first + PART_BYTES - 1)))
}

fn nothing(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_the_standard_says() {
        for (range, wanted) in [
            ("bytes=0-", Some((0, 99))),
            ("bytes=0-1", Some((0, 1))),
            ("bytes=10-2000", Some((10, 99))),
            ("bytes=-5", Some((95, 99))),
            ("bytes=-500", Some((0, 99))),
            ("bytes=100-", None),
            ("bytes=5-4", None),
            ("bytes=-0", None),
            ("bytes=a-b", None),
            ("lines=0-1", None),
            ("", None),
        ] {
            assert_eq!(part(range, 100), wanted, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), None);
        assert_eq!(part("bytes=7-", u64::MAX), Some((7, 6 + PART_BYTES)));
    }

    #[test]
    fn an_address_leads_to_its_talk_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let talk = folder.path().join("2026-11-24 10.00.00");
        std::fs::create_dir(&talk).unwrap();
        std::fs::write(talk.join("talk.json"), "{}").unwrap();
        std::fs::write(talk.join("talk.wav"), "sound").unwrap();
        let history = History::in_folder(folder.path().to_owned());
        let address = address("2026-11-24 10.00.00").unwrap();
        assert_eq!(address, "talk://localhost/2026-11-24%2010.00.00");
        let path = address.strip_prefix("talk://localhost").unwrap();
        assert_eq!(answer(&history, path, None).body(), b"sound");
        let part = answer(&history, path, Some("bytes=1-2"));
        assert_eq!((part.status().as_u16(), part.body().as_slice()), (206, b"ou".as_slice()));
        assert_eq!(part.headers()["content-range"], "bytes 1-2/5");
        assert_eq!(answer(&history, path, Some("bytes=9-")).status(), 416);
        for path in ["/", "/no", "/..%2F..", "/%2e%2e", "/2026-11-24%2010.00.00%2Ftalk.json"] {
            assert_eq!(answer(&history, path, None).status(), 404, "{path}");
        }
    }
}
