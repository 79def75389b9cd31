//! Writes a talk, or any speech at 24 kHz, to a WAV file that appears as a whole when it is finished.
//!
//! **Units** 16-bit files clip at full scale and count what they clipped; floating-point files hold every level.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::Duration;

use crate::atomic_file::AtomicFile;
use crate::error::AudioError;
use crate::frame::{Frame, SAMPLE_RATE_HZ};

/// The most bytes of sound in one file: the header counts them, and itself, in 32 bits.
const MOST_BYTES: u64 = u32::MAX as u64 - 1_024;

/// How samples are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SampleFormat {
    /// 16-bit integers, which every player opens.
    #[default]
    Int16,
    /// 32-bit floating point: nothing is rounded or clipped.
    Float32,
}

/// Who is to be heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Channels {
    /// Moshi alone, mono.
    #[default]
    Moshi,
    /// Both: the user on the left, Moshi on the right.
    UserAndMoshi,
}

/// What a finished file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct FinishedWav {
    /// How long it plays.
    pub duration: Duration,
    /// Samples beyond full scale, or not numbers, that a 16-bit file had to change.
    pub clipped_samples: u64,
}

/// Writes a talk frame by frame. Dropped before [`finish`](WavWriter::finish), it leaves no file.
pub struct WavWriter {
    encoder: hound::WavWriter<BufWriter<File>>,
    file: AtomicFile,
    channels: Channels,
    format: SampleFormat,
    values_written: u64,
    clipped_samples: u64,
}

impl WavWriter {
    /// Starts a file of 24 kHz at `path`.
    ///
    /// # Errors
    /// As [`AtomicFile::create`].
    pub fn create(path: impl AsRef<Path>, channels: Channels, format: SampleFormat) -> Result<Self, AudioError> {
        let file = AtomicFile::create(path)?;
        let handle = file.handle()?;
        Self::over(file, handle, channels, format)
    }

    /// `handle` is where the bytes go; tests give one that is always full.
    fn over(file: AtomicFile, handle: File, channels: Channels, format: SampleFormat) -> Result<Self, AudioError> {
        let (bits_per_sample, sample_format) = match format {
            SampleFormat::Int16 => (16, hound::SampleFormat::Int),
            SampleFormat::Float32 => (32, hound::SampleFormat::Float),
        };
        let channel_count = match channels {
            Channels::Moshi => 1,
            Channels::UserAndMoshi => 2,
        };
        let spec =
            hound::WavSpec { channels: channel_count, sample_rate: SAMPLE_RATE_HZ, bits_per_sample, sample_format };
        let encoder = hound::WavWriter::new(BufWriter::new(handle), spec).map_err(|reason| sentence(&file, reason))?;
        Ok(Self { encoder, file, channels, format, values_written: 0, clipped_samples: 0 })
    }

    /// Appends one frame of the talk. The user's is left out where the file holds Moshi alone.
    ///
    /// # Errors
    /// [`AudioError`] if the disk is full or went away, or if the file would outgrow 4 GiB.
    pub fn write(&mut self, user: &Frame, moshi: &Frame) -> Result<(), AudioError> {
        match self.channels {
            Channels::Moshi => moshi.iter().try_for_each(|sample| self.write_value(*sample)),
            Channels::UserAndMoshi => user.iter().zip(moshi).try_for_each(|(left, right)| {
                self.write_value(*left)?;
                self.write_value(*right)
            }),
        }
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// [`AudioError`] if the disk is full or went away; there is no file then.
    pub fn finish(self) -> Result<FinishedWav, AudioError> {
        let moments = self.values_written / u64::from(self.encoder.spec().channels);
        let duration = Duration::from_secs_f64(moments as f64 / f64::from(SAMPLE_RATE_HZ));
        self.encoder.finalize().map_err(|reason| sentence(&self.file, reason))?;
        self.file.commit()?;
        Ok(FinishedWav { duration, clipped_samples: self.clipped_samples })
    }

    fn write_value(&mut self, sample: f32) -> Result<(), AudioError> {
        let value_bytes = match self.format {
            SampleFormat::Int16 => 2,
            SampleFormat::Float32 => 4,
        };
        if (self.values_written + 1) * value_bytes > MOST_BYTES {
            return Err(AudioError::TooLong { path: self.file.path().to_path_buf() });
        }
        let written = match self.format {
            SampleFormat::Float32 => self.encoder.write_sample(sample),
            SampleFormat::Int16 => {
                self.clipped_samples += u64::from(!(-1.0..=1.0).contains(&sample));
                // 32,768 as in the reader, so that a 16-bit file survives reading and writing bit by bit. The cast
                // saturates, and makes NaN 0.
                self.encoder.write_sample((sample * 32_768.0).round() as i16)
            }
        };
        written.map_err(|reason| sentence(&self.file, reason))?;
        self.values_written += 1;
        Ok(())
    }
}

/// Writes mono speech at 24 kHz to a file.
///
/// # Errors
/// As [`WavWriter::create`] and [`WavWriter::write`].
pub fn write_wav(path: impl AsRef<Path>, samples: &[f32], format: SampleFormat) -> Result<FinishedWav, AudioError> {
    let mut writer = WavWriter::create(path, Channels::Moshi, format)?;
    samples.iter().try_for_each(|sample| writer.write_value(*sample))?;
    writer.finish()
}

fn sentence(file: &AtomicFile, reason: hound::Error) -> AudioError {
    let reason = match reason {
        hound::Error::IoError(reason) => reason,
        other => std::io::Error::other(other),
    };
    AudioError::writing(file.path(), reason)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::frame::{FRAME_SAMPLES, SILENCE};
    use crate::wav::reader::read_wav;
    use crate::wav::scripted_files::sine;

    fn frame_of(value: f32) -> Frame {
        [value; FRAME_SAMPLES]
    }

    #[test]
    fn a_16_bit_file_survives_reading_and_writing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("every.wav");
        let every: Vec<f32> = (i16::MIN..=i16::MAX).map(|value| f32::from(value) / 32_768.0).collect();
        let finished = write_wav(&path, &every, SampleFormat::Int16).unwrap();
        assert_eq!(finished.clipped_samples, 0);
        assert_eq!(read_wav(&path).unwrap().samples, every);
    }

    #[test]
    fn the_user_is_left_and_moshi_right() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        let mut writer = WavWriter::create(&path, Channels::UserAndMoshi, SampleFormat::Int16).unwrap();
        writer.write(&frame_of(0.25), &frame_of(-0.5)).unwrap();
        writer.write(&SILENCE, &frame_of(-0.5)).unwrap();
        assert_eq!(writer.finish().unwrap().duration, Duration::from_millis(160));
        let mut reader = hound::WavReader::open(&path).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate, reader.duration()), (2, 24_000, 3_840));
        let values: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(values[..2], [8_192, -16_384]);
        assert_eq!(values[2 * FRAME_SAMPLES..][..2], [0, -16_384]);
    }

    #[test]
    fn moshi_alone_is_mono() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        let mut writer = WavWriter::create(&path, Channels::Moshi, SampleFormat::Int16).unwrap();
        writer.write(&frame_of(0.25), &frame_of(-0.5)).unwrap();
        assert_eq!(writer.finish().unwrap().duration, Duration::from_millis(80));
        let heard = read_wav(&path).unwrap();
        assert_eq!((heard.channels, heard.samples), (1, vec![-0.5; FRAME_SAMPLES]));
    }

    #[test]
    fn floating_point_files_hold_every_level() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loud.wav");
        let mut loud = sine(5_000);
        loud[7] = 3.75;
        let finished = write_wav(&path, &loud, SampleFormat::Float32).unwrap();
        assert_eq!(finished.clipped_samples, 0);
        assert_eq!(read_wav(&path).unwrap().samples, loud);
        let by_hound: Vec<f32> = hound::WavReader::open(&path).unwrap().samples().map(Result::unwrap).collect();
        assert_eq!(by_hound, loud);
    }

    #[test]
    fn clipped_samples_are_counted_and_stay_at_full_scale() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loud.wav");
        let finished =
            write_wav(&path, &[1.0, -1.0, 1.01, -7.0, f32::NAN, f32::INFINITY], SampleFormat::Int16).unwrap();
        assert_eq!(finished.clipped_samples, 4);
        let values: Vec<i16> = hound::WavReader::open(&path).unwrap().samples().map(Result::unwrap).collect();
        assert_eq!(values, [32_767, -32_768, 32_767, -32_768, 0, 32_767]);
    }

    #[test]
    fn an_unfinished_talk_leaves_the_older_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        fs::write(&path, "older").unwrap();
        let mut writer = WavWriter::create(&path, Channels::Moshi, SampleFormat::Int16).unwrap();
        for _ in 0..100 {
            writer.write(&SILENCE, &SILENCE).unwrap();
        }
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), b"older");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_talk_longer_than_the_format_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        let mut writer = WavWriter::create(&path, Channels::Moshi, SampleFormat::Int16).unwrap();
        writer.values_written = MOST_BYTES / 2;
        assert!(matches!(writer.write(&SILENCE, &SILENCE), Err(AudioError::TooLong { path: p }) if p == path));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_one_sentence_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        let start = || {
            let device = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            WavWriter::over(AtomicFile::create(&path).unwrap(), device, Channels::Moshi, SampleFormat::Int16).unwrap()
        };
        let mut long = start();
        let at_write = (0..100).try_for_each(|_| long.write(&SILENCE, &SILENCE)).unwrap_err();
        let at_finish = start().finish().unwrap_err();
        for error in [at_write, at_finish] {
            assert_eq!(error.kind(), crate::AudioErrorKind::DiskFull);
            assert_eq!(
                error.to_string(),
                format!(
                    "cannot write {} because the disk is full; free some space or choose another disk",
                    path.display()
                )
            );
        }
        drop(long);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
