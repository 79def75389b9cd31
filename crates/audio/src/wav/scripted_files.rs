//! WAV files for the tests, byte by byte, so that the reader is not tested against its own writer.

use crate::wav::header::Encoding;

pub(super) const ALL_ENCODINGS: [Encoding; 6] = [
    Encoding::Unsigned8,
    Encoding::Signed16,
    Encoding::Signed24,
    Encoding::Signed32,
    Encoding::Float32,
    Encoding::Float64,
];

/// How the format chunk is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum WavKind {
    /// 16 bytes.
    Plain,
    /// 18 bytes: an extension of no bytes.
    LongFormat,
    /// 40 bytes: WAVE_FORMAT_EXTENSIBLE.
    Extensible,
}

/// A WAV file to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe<'a> {
    pub(super) encoding: Encoding,
    pub(super) kind: WavKind,
    pub(super) rate_hz: u32,
    pub(super) before: &'a [([u8; 4], &'a [u8])],
    pub(super) after: &'a [([u8; 4], &'a [u8])],
    /// The length in the header, where it is not the true one. Then the RIFF's length is a placeholder too.
    pub(super) data_bytes: Option<u32>,
}

impl Default for Recipe<'_> {
    fn default() -> Self {
        Self {
            encoding: Encoding::Signed16,
            kind: WavKind::Plain,
            rate_hz: 24_000,
            before: &[],
            after: &[],
            data_bytes: None,
        }
    }
}

impl Recipe<'_> {
    /// The file with these channels, all of the same length.
    pub(super) fn bytes(&self, channels: &[&[f32]]) -> Vec<u8> {
        let mut sound = Vec::new();
        for moment in 0..channels[0].len() {
            for channel in channels {
                self.write_value(&mut sound, channel[moment]);
            }
        }
        let mut body = b"WAVE".to_vec();
        write_chunk(&mut body, *b"fmt ", &self.format(channels.len() as u16), None);
        for (name, content) in self.before {
            write_chunk(&mut body, *name, content, None);
        }
        write_chunk(&mut body, *b"data", &sound, self.data_bytes);
        for (name, content) in self.after {
            write_chunk(&mut body, *name, content, None);
        }
        let riff_bytes = self.data_bytes.unwrap_or(body.len() as u32);
        [b"RIFF".as_slice(), &riff_bytes.to_le_bytes(), &body].concat()
    }

    fn format(&self, channels: u16) -> Vec<u8> {
        let size_bytes = self.encoding.size_bytes() as u16;
        let tag: u16 = if matches!(self.encoding, Encoding::Float32 | Encoding::Float64) { 3 } else { 1 };
        let written_tag = if matches!(self.kind, WavKind::Extensible) { 0xFFFE } else { tag };
        let mut format = Vec::new();
        format.extend(written_tag.to_le_bytes());
        format.extend(channels.to_le_bytes());
        format.extend(self.rate_hz.to_le_bytes());
        format.extend(self.rate_hz.wrapping_mul(u32::from(channels * size_bytes)).to_le_bytes());
        format.extend((channels * size_bytes).to_le_bytes());
        format.extend((size_bytes * 8).to_le_bytes());
        match self.kind {
            WavKind::Plain => {}
            WavKind::LongFormat => format.extend([0, 0]),
            WavKind::Extensible => {
                format.extend(22_u16.to_le_bytes());
                format.extend((size_bytes * 8).to_le_bytes());
                format.extend([0; 4]);
                format.extend(tag.to_le_bytes());
                format.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
            }
        }
        format
    }

    fn write_value(&self, sound: &mut Vec<u8>, sample: f32) {
        let sample = f64::from(sample);
        match self.encoding {
            Encoding::Unsigned8 => sound.push((sample * 128.0 + 128.0).round() as u8),
            Encoding::Signed16 => sound.extend(((sample * 32_768.0).round() as i16).to_le_bytes()),
            Encoding::Signed24 => sound.extend(&((sample * 8_388_608.0).round() as i32).to_le_bytes()[..3]),
            Encoding::Signed32 => sound.extend(((sample * 2_147_483_648.0).round() as i32).to_le_bytes()),
            Encoding::Float32 => sound.extend((sample as f32).to_le_bytes()),
            Encoding::Float64 => sound.extend(sample.to_le_bytes()),
        }
    }
}

fn write_chunk(body: &mut Vec<u8>, name: [u8; 4], content: &[u8], size: Option<u32>) {
    body.extend(name);
    body.extend(size.unwrap_or(content.len() as u32).to_le_bytes());
    body.extend(content);
    if content.len() % 2 == 1 {
        body.push(0);
    }
}

/// A tone of half full scale.
pub(super) fn sine(len: usize) -> Vec<f32> {
    (0..len).map(|i| 0.5 * (i as f32 * 0.1).sin()).collect()
}
