//! The head of a WAV file: walks its chunks up to the sound and says how to decode it.
//!
//! Reads forward only, so a pipe will do. Chunks other than `fmt ` and `data` are skipped.
//! Source: Microsoft, "Multiple Channel Audio Data and WAVE Files" (WAVEFORMATEX, WAVEFORMATEXTENSIBLE).

use std::io::{self, Read};
use std::path::Path;

use crate::RATES_HZ;
use crate::error::AudioError;

/// What must be known to decode the sound that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) encoding: Encoding,
    pub(super) channels: u16,
    pub(super) rate_hz: u32,
    pub(super) length: Length,
}

/// How one sample of one channel is stored; little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Unsigned8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Float64,
}

/// How much sound the header promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Bytes(u32),
    /// Written by a program that could not know: everything up to the end of the file.
    UntilEnd,
}

impl Encoding {
    pub(super) fn size_bytes(self) -> usize {
        match self {
            Self::Unsigned8 => 1,
            Self::Signed16 => 2,
            Self::Signed24 => 3,
            Self::Signed32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }
}

impl Header {
    /// Bytes of one sample of every channel.
    pub(super) fn block_bytes(&self) -> usize {
        usize::from(self.channels) * self.encoding.size_bytes()
    }

    /// Reads up to the first byte of sound. `path` is for the errors only.
    pub(super) fn read(reader: &mut impl Read, path: &Path) -> Result<Self, AudioError> {
        let damaged = |what| AudioError::Damaged { path: path.to_path_buf(), what };
        let Some([riff, riff_length, wave]) = read_words(reader, path)? else {
            return Err(AudioError::NotWav { path: path.to_path_buf() });
        };
        match (&riff, &wave) {
            (b"RIFF", b"WAVE") => {}
            (b"RF64" | b"BW64" | b"RIFX", b"WAVE") => {
                return Err(unsupported(path, format!("the {} kind of WAV", String::from_utf8_lossy(&riff))));
            }
            _ => return Err(AudioError::NotWav { path: path.to_path_buf() }),
        }
        let riff_end = 8 + u64::from(u32::from_le_bytes(riff_length));
        let mut position = 12;
        let mut format = None;
        loop {
            let Some([name, size]) = read_words(reader, path)? else {
                return Err(damaged("it ends before any sound"));
            };
            let size = u32::from_le_bytes(size);
            position += 8;
            if &name == b"data" {
                let (encoding, channels, rate_hz) =
                    format.ok_or_else(|| damaged("it has no format before the sound"))?;
                return Ok(Self { encoding, channels, rate_hz, length: length(size, position, riff_end) });
            }
            if &name == b"fmt " {
                // Only 40 bytes are ever used; what follows them belongs to encodings that we do not decode.
                let used = u64::from(size.min(40));
                let mut chunk = Vec::new();
                reader.take(used).read_to_end(&mut chunk).map_err(|reason| AudioError::reading(path, reason))?;
                format = Some(parse_format(&chunk, path)?);
                skip(reader, padded(size) - used, path)?;
            } else {
                skip(reader, padded(size), path)?;
            }
            position += padded(size);
        }
    }
}

/// Chunks start at even places: one of odd size is followed by a byte that nobody counts.
fn padded(size: u32) -> u64 {
    u64::from(size).next_multiple_of(2)
}

/// Programs that write to a pipe cannot go back to fill in the length, and leave a placeholder: ffmpeg 0xFFFF_FFFF,
/// espeak-ng 0x7FFF_F000, sox 0x7FFF_FFFF less its header, many recorders 0. Every one is within 64 KiB below 2 or 4 GiB.
fn length(size: u32, position: u64, riff_end: u64) -> Length {
    match size {
        0x7FFF_0000..=0x7FFF_FFFF | 0xFFFF_0000..=u32::MAX => Length::UntilEnd,
        // More chunks follow in the RIFF's own count, so it was filled in, and there really is no sound.
        0 if riff_end > position && riff_end < 0x7FFF_0000 => Length::Bytes(0),
        0 => Length::UntilEnd,
        _ => Length::Bytes(size),
    }
}

fn parse_format(chunk: &[u8], path: &Path) -> Result<(Encoding, u16, u32), AudioError> {
    let damaged = |what| AudioError::Damaged { path: path.to_path_buf(), what };
    let word = |at: usize| Some(u16::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
    let field = |at: usize| word(at).ok_or_else(|| damaged("its format is cut off"));
    let mut tag = field(0)?;
    let channels = field(2)?;
    let rate_hz = u32::from(field(4)?) | u32::from(field(6)?) << 16;
    let block_bytes = field(12)?;
    let bits = field(14)?;
    if tag == 0xFFFE {
        // WAVE_FORMAT_EXTENSIBLE: the true tag opens a GUID, whose other bytes are the same for all of Microsoft's tags.
        tag = field(24)?;
        if chunk.get(26..40) != Some(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71") {
            return Err(unsupported(path, "an unknown extensible encoding".to_owned()));
        }
    }
    let encoding = match (tag, bits) {
        (1, 1..=8) => Encoding::Unsigned8,
        (1, 9..=16) => Encoding::Signed16,
        (1, 17..=24) => Encoding::Signed24,
        (1, 25..=32) => Encoding::Signed32,
        (3, 32) => Encoding::Float32,
        (3, 64) => Encoding::Float64,
        _ => return Err(unsupported(path, describe(tag, bits))),
    };
    if channels == 0 {
        return Err(damaged("it has no channels"));
    }
    if usize::from(block_bytes) != usize::from(channels) * encoding.size_bytes() {
        return Err(damaged("its sizes contradict each other"));
    }
    if !RATES_HZ.contains(&rate_hz) {
        return Err(AudioError::RateOutOfRange { path: path.to_path_buf(), rate_hz });
    }
    Ok((encoding, channels, rate_hz))
}

/// Names an encoding that we do not decode. Tags as in Microsoft's `mmreg.h`.
fn describe(tag: u16, bits: u16) -> String {
    match tag {
        1 => format!("{bits}-bit integers"),
        2 | 0x11 => "ADPCM".to_owned(),
        3 => format!("{bits}-bit floating point"),
        6 => "A-law".to_owned(),
        7 => "µ-law".to_owned(),
        0x50 | 0x55 => "MPEG audio".to_owned(),
        _ => format!("encoding 0x{tag:04x}"),
    }
}

fn unsupported(path: &Path, encoding: String) -> AudioError {
    AudioError::Unsupported { path: path.to_path_buf(), encoding }
}

/// The next `N` words of four bytes; `None` where the file ends before them.
fn read_words<const N: usize>(reader: &mut impl Read, path: &Path) -> Result<Option<[[u8; 4]; N]>, AudioError> {
    let mut words = [[0; 4]; N];
    match reader.read_exact(words.as_flattened_mut()) {
        Ok(()) => Ok(Some(words)),
        Err(reason) if reason.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(reason) => Err(AudioError::reading(path, reason)),
    }
}

fn skip(reader: &mut impl Read, size_bytes: u64, path: &Path) -> Result<(), AudioError> {
    io::copy(&mut reader.take(size_bytes), &mut io::sink()).map_err(|reason| AudioError::reading(path, reason))?;
    Ok(())
}
