//! Reads a whole WAV file into mono speech at its own rate. Called by the cli for every file that it hears.
//!
//! The file is decoded as it is read, so memory holds the mono samples and one buffer. Lengths in the header are never
//! trusted with an allocation.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use crate::error::AudioError;
use crate::speech::Speech;
use crate::wav::header::{Encoding, Header, Length};

/// Bytes decoded at a time.
const BUFFER_BYTES: usize = 1 << 16;

/// The loudest sample that can still be sound: 120 dB above full scale. Beyond it a damaged exponent is the likelier
/// explanation, and the resampler would spread it over everything near.
const LOUDEST: f32 = 1e6;

/// Reads a WAV file of any common kind and mixes it down to mono.
///
/// Understood are 8, 16, 24 and 32-bit integers, 32 and 64-bit floating point, and rates from 8 to 192 kHz. Two channels
/// are averaged. Of three and more only the first is taken: they are microphone arrays (a MacBook has three), and the
/// mean of an array cancels part of the voice. A header whose length is a placeholder, as streaming programs write it,
/// means "up to the end".
///
/// **Units** floating-point samples keep their level, even beyond full scale.
///
/// # Errors
/// [`AudioError`] if the file is not there, is not such a WAV file, is empty, ends early, or has samples that are not
/// numbers.
pub fn read_wav(path: impl AsRef<Path>) -> Result<Speech, AudioError> {
    let path = path.as_ref();
    let reading = |reason| AudioError::reading(path, reason);
    let about = fs::metadata(path).map_err(reading)?;
    if about.is_dir() {
        return Err(AudioError::IsFolder { path: path.to_path_buf() });
    }
    if about.is_file() && about.len() == 0 {
        return Err(AudioError::Empty { path: path.to_path_buf() });
    }
    read_from(BufReader::new(File::open(path).map_err(reading)?), path)
}

/// As [`read_wav`], from any bytes; `path` is for the errors.
pub(super) fn read_from(mut reader: impl Read, path: &Path) -> Result<Speech, AudioError> {
    let header = Header::read(&mut reader, path)?;
    let block_bytes = header.block_bytes();
    let promised_bytes = match header.length {
        Length::Bytes(bytes) => u64::from(bytes) / block_bytes as u64 * block_bytes as u64,
        Length::UntilEnd => u64::MAX,
    };
    let mut sound = reader.take(promised_bytes);
    let mut samples: Vec<f32> = Vec::new();
    let mut buffer = Vec::new();
    let chunk_bytes = BUFFER_BYTES.next_multiple_of(block_bytes);
    loop {
        buffer.clear();
        let read = sound.by_ref().take(chunk_bytes as u64).read_to_end(&mut buffer);
        read.map_err(|reason| AudioError::reading(path, reason))?;
        samples.extend(buffer.chunks_exact(block_bytes).map(|block| mix(block, &header)));
        if buffer.len() < chunk_bytes {
            break;
        }
    }
    let seconds = |count: f64| count / f64::from(header.rate_hz);
    if let Length::Bytes(bytes) = header.length {
        let promised = bytes as usize / block_bytes;
        if samples.len() < promised {
            return Err(AudioError::Truncated {
                path: path.to_path_buf(),
                found_seconds: seconds(samples.len() as f64),
                declared_seconds: seconds(promised as f64),
            });
        }
    }
    if samples.is_empty() {
        return Err(AudioError::Empty { path: path.to_path_buf() });
    }
    if let Some(first) = samples.iter().position(|sample| sample.is_nan() || sample.abs() > LOUDEST) {
        return Err(AudioError::InvalidSample { path: path.to_path_buf(), at_seconds: seconds(first as f64) });
    }
    Ok(Speech { samples, rate_hz: header.rate_hz, channels: header.channels })
}

/// One moment in time, all channels, to one sample.
fn mix(block: &[u8], header: &Header) -> f32 {
    let (first, rest) = block.split_at(header.encoding.size_bytes().min(block.len()));
    let first = decode(first, header.encoding);
    if header.channels == 2 { 0.5 * first + 0.5 * decode(rest, header.encoding) } else { first }
}

/// One sample. Integers are scaled so that their most negative value is −1.
fn decode(bytes: &[u8], encoding: Encoding) -> f32 {
    match (encoding, bytes) {
        (Encoding::Unsigned8, &[a]) => (f32::from(a) - 128.0) / 128.0,
        (Encoding::Signed16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
        // In the upper three bytes of an i32, which brings the sign along.
        (Encoding::Signed24, &[a, b, c]) => i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0,
        (Encoding::Signed32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
        (Encoding::Float32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        (Encoding::Float64, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::error::AudioErrorKind;
    use crate::wav::scripted_files::{ALL_ENCODINGS, Recipe, WavKind, sine};

    fn read(bytes: &[u8]) -> Result<Speech, AudioError> {
        read_from(bytes, Path::new("speech.wav"))
    }

    fn message(bytes: &[u8]) -> String {
        read(bytes).expect_err("should not be readable").to_string()
    }

    /// Hands out one byte at a time, as a slow pipe may.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = buffer.len().min(1);
            self.0.read(&mut buffer[..len])
        }
    }

    #[test]
    fn every_encoding_holds_the_same_speech() {
        let speech = sine(1_000);
        for encoding in ALL_ENCODINGS {
            for kind in [WavKind::Plain, WavKind::LongFormat, WavKind::Extensible] {
                let file = Recipe { encoding, kind, ..Recipe::default() }.bytes(&[&speech]);
                let heard = read(&file).unwrap();
                assert_eq!((heard.rate_hz, heard.channels, heard.samples.len()), (24_000, 1, 1_000));
                let step = match encoding {
                    Encoding::Unsigned8 => 1.0 / 128.0,
                    Encoding::Signed16 => 1.0 / 32_768.0,
                    _ => 1e-6,
                };
                for (heard, said) in heard.samples.iter().zip(&speech) {
                    assert!((heard - said).abs() <= 0.51 * step, "{encoding:?} {kind:?}: {heard} for {said}");
                }
            }
        }
    }

    #[test]
    fn full_scale_is_minus_one_in_every_integer_encoding() {
        for encoding in [Encoding::Unsigned8, Encoding::Signed16, Encoding::Signed24, Encoding::Signed32] {
            let file = Recipe { encoding, ..Recipe::default() }.bytes(&[&[-1.0, 0.0, 0.5]]);
            assert_eq!(read(&file).unwrap().samples, [-1.0, 0.0, 0.5], "{encoding:?}");
        }
    }

    #[test]
    fn what_hound_writes_is_read() {
        use hound::SampleFormat::{Float, Int};
        for (bits_per_sample, sample_format) in [(8, Int), (16, Int), (24, Int), (32, Int), (32, Float)] {
            for channels in [1, 2, 3] {
                let spec = hound::WavSpec { channels, sample_rate: 44_100, bits_per_sample, sample_format };
                let mut file = io::Cursor::new(Vec::new());
                let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
                for value in (-128..128).flat_map(|value| vec![value; usize::from(channels)]) {
                    let written = match sample_format {
                        Int => writer.write_sample(value << (bits_per_sample - 8)),
                        Float => writer.write_sample(value as f32 / 128.0),
                    };
                    written.unwrap();
                }
                writer.finalize().unwrap();
                let heard = read(file.get_ref()).unwrap();
                assert_eq!((heard.rate_hz, heard.channels), (44_100, channels));
                let said: Vec<f32> = (-128_i16..128).map(|value| f32::from(value) / 128.0).collect();
                assert_eq!(heard.samples, said, "{bits_per_sample} bits, {channels} channels");
            }
        }
    }

    #[test]
    fn two_channels_are_averaged() {
        let file = Recipe::default().bytes(&[&[0.5, -0.75], &[0.25, 0.75]]);
        assert_eq!(read(&file).unwrap().samples, [0.375, 0.0]);
    }

    #[test]
    fn of_a_microphone_array_the_first_channel_is_taken() {
        for channels in 3..=8 {
            let mut array: Vec<&[f32]> = vec![&[0.5, -0.25]];
            array.resize(channels, &[-0.5, 0.25]);
            let heard = read(&Recipe::default().bytes(&array)).unwrap();
            assert_eq!((heard.samples.as_slice(), usize::from(heard.channels)), (&[0.5, -0.25][..], channels));
        }
    }

    #[test]
    fn a_made_up_length_means_up_to_the_end() {
        let speech = sine(30_000);
        for data_bytes in [0, u32::MAX, u32::MAX - 36, 0x7FFF_F000, 0x7FFF_FFFF - 36] {
            let recipe = Recipe { data_bytes: Some(data_bytes), ..Recipe::default() };
            let whole = recipe.bytes(&[&speech]);
            assert_eq!(read(&whole).unwrap().samples.len(), 30_000, "{data_bytes:#x}");
            let cut_within_a_sample = &whole[..whole.len() - 1];
            assert_eq!(read(cut_within_a_sample).unwrap().samples.len(), 29_999, "{data_bytes:#x}");
        }
    }

    #[test]
    fn chunks_around_the_sound_are_not_sound() {
        let speech = sine(100);
        let before = [(*b"LIST", &b"odd"[..]), (*b"fact", &b"1234"[..]), (*b"bext", &[0; 602][..])];
        let after = [(*b"LIST", &[0x55; 26][..])];
        let file = Recipe { before: &before, after: &after, ..Recipe::default() }.bytes(&[&speech]);
        assert_eq!(read(&file).unwrap().samples.len(), 100);
    }

    #[test]
    fn a_slow_pipe_gives_the_same_speech() {
        let file = Recipe { before: &[(*b"LIST", b"odd")], ..Recipe::default() }.bytes(&[&sine(40_000)]);
        let dripped = read_from(Drip(&file), Path::new("speech.wav")).unwrap();
        assert_eq!(dripped, read(&file).unwrap());
    }

    #[test]
    fn no_samples_is_an_error_and_not_silence() {
        let list = [(*b"LIST", &[0; 26][..])];
        for file in [Recipe::default().bytes(&[&[]]), Recipe { after: &list, ..Recipe::default() }.bytes(&[&[]])] {
            assert!(matches!(read(&file), Err(AudioError::Empty { .. })));
        }
        assert_eq!(
            message(&Recipe::default().bytes(&[&[]])),
            "speech.wav holds no sound; choose a recording that has at least one sample"
        );
    }

    #[test]
    fn an_early_end_is_an_error_that_says_how_early() {
        let file = Recipe::default().bytes(&[&sine(48_000)]);
        assert_eq!(
            message(&file[..file.len() / 4]),
            "speech.wav ends after 0.50 s, but its header promises 2.00 s; copy or export it again"
        );
        assert!(matches!(read(&file[..file.len() - 1]), Err(AudioError::Truncated { .. })), "one byte is missing");
        for len in 12..44 {
            assert!(matches!(read(&file[..len]), Err(AudioError::Damaged { .. })), "{len} bytes");
        }
    }

    #[test]
    fn the_first_sample_that_is_no_number_is_named() {
        for encoding in [Encoding::Float32, Encoding::Float64] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30] {
                let mut speech = sine(48_000);
                speech[36_000] = bad;
                speech[47_000] = bad;
                let file = Recipe { encoding, ..Recipe::default() }.bytes(&[&speech]);
                assert!(message(&file).starts_with("speech.wav has an impossible sample at 1.500 s ("), "{bad}");
            }
        }
    }

    #[test]
    fn loud_floating_point_speech_keeps_its_level() {
        let file = Recipe { encoding: Encoding::Float32, ..Recipe::default() }.bytes(&[&[3.5, -40_000.0]]);
        assert_eq!(read(&file).unwrap().samples, [3.5, -40_000.0]);
    }

    #[test]
    fn rates_from_telephone_to_studio_are_accepted() {
        for rate_hz in [8_000, 11_025, 44_100, 192_000] {
            assert_eq!(read(&Recipe { rate_hz, ..Recipe::default() }.bytes(&[&sine(10)])).unwrap().rate_hz, rate_hz);
        }
        for rate_hz in [0, 7_999, 192_001, u32::MAX] {
            let error = read(&Recipe { rate_hz, ..Recipe::default() }.bytes(&[&sine(10)])).unwrap_err();
            assert_eq!(error.kind(), AudioErrorKind::RateUnsupported);
            assert!(error.to_string().starts_with(&format!("speech.wav has a sample rate of {rate_hz} Hz; ")));
        }
    }

    #[test]
    fn a_header_that_contradicts_itself_is_damaged() {
        let file = Recipe::default().bytes(&[&sine(10)]);
        for (at, bytes, what) in [
            (22, &[0, 0][..], "it has no channels"),
            (32, &[0, 0], "its sizes contradict each other"),
            (32, &[3, 0], "its sizes contradict each other"),
            (16, &[8, 0], "its format is cut off"),
            (12, b"junk", "it has no format before the sound"),
        ] {
            let mut damaged = file.clone();
            damaged[at..at + bytes.len()].copy_from_slice(bytes);
            assert_eq!(
                message(&damaged),
                format!("speech.wav has a damaged WAV header ({what}); export the recording again")
            );
        }
        let mut no_channels = Recipe::default().bytes(&[&sine(10)]);
        no_channels[22] = 0;
        no_channels[32] = 0;
        assert!(matches!(read(&no_channels), Err(AudioError::Damaged { .. })), "no channels of no bytes");
    }

    #[test]
    fn other_encodings_are_named() {
        for (tag, bits, name) in [(2, 4, "ADPCM"), (6, 8, "A-law"), (7, 8, "µ-law"), (0x55, 0, "MPEG audio")] {
            let mut file = Recipe::default().bytes(&[&sine(10)]);
            file[20] = tag;
            file[34] = bits;
            assert_eq!(
                message(&file),
                format!("speech.wav holds {name}, which is not supported; convert it to 16-bit PCM")
            );
        }
    }

    #[test]
    fn what_is_no_wav_file_is_said_to_be_none() {
        for bytes in [&b"ID3\x04 this could be an MP3 file"[..], b"RIFF", b"RIFF\0\0\0\0AVI LIST"] {
            assert_eq!(
                message(bytes),
                "speech.wav is not a WAV file; convert it to WAV first, for example with ffmpeg"
            );
        }
    }

    #[test]
    fn places_without_a_wav_file_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.wav");
        assert!(matches!(read_wav(&missing), Err(AudioError::NotFound { path }) if path == missing));
        assert!(matches!(read_wav(folder.path()), Err(AudioError::IsFolder { path }) if path == folder.path()));
        let empty = folder.path().join("empty.wav");
        File::create(&empty).unwrap();
        assert!(matches!(read_wav(&empty), Err(AudioError::Empty { path }) if path == empty));
        let below_a_file = empty.join("below.wav");
        assert!(matches!(read_wav(&below_a_file), Err(AudioError::NotFound { .. })));
    }
}
