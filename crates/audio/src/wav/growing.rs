//! A WAV file that is whole at every moment while it grows, so that a talk survives the death of its process.
//!
//! The bytes of the sound come first, then the two lengths in the header: whenever the process dies, the header promises
//! no more than is there, and readers ignore what follows. Called by the recorder's thread only.
//!
//! **Units** 16-bit stereo at 24 kHz, the user left, Moshi right.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::AudioError;
use crate::frame::SAMPLE_RATE_HZ;

const CHANNELS: u16 = 2;
/// Bytes of one moment: two channels of 16 bits.
const MOMENT_BYTES: u32 = 4;
/// Where the sound begins: the RIFF head (12), the format (24) and the head of the sound (8).
const HEADER_BYTES: u32 = 44;
/// The most sound in one file, as much as the header's 32 bits can count along with the header itself, in whole seconds.
const MOST_BYTES: u32 = (u32::MAX - HEADER_BYTES) / (SAMPLE_RATE_HZ * MOMENT_BYTES) * (SAMPLE_RATE_HZ * MOMENT_BYTES);

/// A WAV file that any reader opens while it is being written.
#[derive(Debug)]
pub struct GrowingWav {
    file: File,
    path: PathBuf,
    /// Sound that is on its way to the disk, in whole moments.
    sound_bytes: u32,
    /// What the header says.
    published_bytes: u32,
    scratch: Vec<u8>,
}

impl GrowingWav {
    /// The most moments of sound in one file: 12.4 hours.
    pub const MOST_MOMENTS: u64 = (MOST_BYTES / MOMENT_BYTES) as u64;

    /// Starts a file, readable by its owner only. There must be none of that name.
    ///
    /// # Errors
    /// [`AudioError`] if the folder is missing or read-only, or if the disk is full.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        let path = path.as_ref().to_path_buf();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|reason| AudioError::writing(&path, reason))?;
        let mut wav = Self { file, path, sound_bytes: 0, published_bytes: 0, scratch: Vec::new() };
        wav.write_at(0, &header(0)).map_err(|reason| AudioError::writing(&wav.path, reason))?;
        Ok(wav)
    }

    /// Opens a file whose writer died, with all the sound that reached it, which may be more than its header says.
    ///
    /// # Errors
    /// [`AudioError`] if it is not there, or is none of ours.
    pub fn reopen(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        let path = path.as_ref().to_path_buf();
        let open = || -> io::Result<_> {
            let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
            let mut head = [0; HEADER_BYTES as usize];
            io::Read::read_exact(&mut file, &mut head)?;
            Ok((file.metadata()?.len(), file, head))
        };
        let (length, file, head) = open().map_err(|reason| AudioError::reading(&path, reason))?;
        if is_ours(&head) {
            let sound = length.saturating_sub(u64::from(HEADER_BYTES)).min(u64::from(MOST_BYTES)) as u32;
            let sound_bytes = sound / MOMENT_BYTES * MOMENT_BYTES;
            Ok(Self { file, path, sound_bytes, published_bytes: 0, scratch: Vec::new() })
        } else {
            Err(AudioError::Damaged { path, what: "it is not a recording of this program" })
        }
    }

    /// Appends moments, `[user, Moshi]` each. They count once they are [published](Self::publish).
    ///
    /// # Errors
    /// [`AudioError`] if the disk is full or went away, or [`AudioError::TooLong`]. Nothing is appended then.
    pub fn append(&mut self, moments: &[[i16; 2]]) -> Result<(), AudioError> {
        let added_bytes = moments.len() as u64 * u64::from(MOMENT_BYTES);
        if u64::from(self.sound_bytes) + added_bytes > u64::from(MOST_BYTES) {
            return Err(AudioError::TooLong { path: self.path.clone() });
        }
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        bytes.extend(moments.as_flattened().iter().flat_map(|value| value.to_le_bytes()));
        let written = self.write_at(u64::from(HEADER_BYTES + self.sound_bytes), &bytes);
        self.scratch = bytes;
        written.map_err(|reason| AudioError::writing(&self.path, reason))?;
        self.sound_bytes += added_bytes as u32;
        Ok(())
    }

    /// Lets the header count everything that was appended. Readers see it from now on, even if this process dies.
    ///
    /// # Errors
    /// [`AudioError`] if the disk went away. The header still counts what it did.
    pub fn publish(&mut self) -> Result<(), AudioError> {
        if self.published_bytes != self.sound_bytes {
            let head = header(self.sound_bytes);
            self.write_at(0, &head).map_err(|reason| AudioError::writing(&self.path, reason))?;
            self.published_bytes = self.sound_bytes;
        }
        Ok(())
    }

    /// Publishes, cuts off what a failed write may have left, and waits until the disk has it all.
    ///
    /// # Errors
    /// [`AudioError`] if the disk is full or went away.
    pub fn finish(mut self) -> Result<Duration, AudioError> {
        self.publish()?;
        let settle = || {
            self.file.set_len(u64::from(HEADER_BYTES + self.sound_bytes))?;
            self.file.sync_all()
        };
        settle().map_err(|reason| AudioError::writing(&self.path, reason))?;
        Ok(self.duration())
    }

    /// How much sound was appended.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.sound_bytes / MOMENT_BYTES) / f64::from(SAMPLE_RATE_HZ))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(position))?;
        self.file.write_all(bytes)
    }
}

/// The 44 bytes before the sound.
fn header(sound_bytes: u32) -> [u8; HEADER_BYTES as usize] {
    let mut header = [0; HEADER_BYTES as usize];
    let bytes_per_second = SAMPLE_RATE_HZ * MOMENT_BYTES;
    let fields: [&[u8]; 12] = [
        b"RIFF",
        &(HEADER_BYTES - 8 + sound_bytes).to_le_bytes(),
        b"WAVEfmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(), // WAVE_FORMAT_PCM
        &CHANNELS.to_le_bytes(),
        &SAMPLE_RATE_HZ.to_le_bytes(),
        &bytes_per_second.to_le_bytes(),
        &(MOMENT_BYTES as u16).to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &sound_bytes.to_le_bytes(),
    ];
    for (to, from) in header.iter_mut().zip(fields.into_iter().flatten()) {
        *to = *from;
    }
    header
}

/// Whether a header is one of ours, whatever its lengths.
fn is_ours(head: &[u8; HEADER_BYTES as usize]) -> bool {
    let without_lengths = |bytes: &[u8; HEADER_BYTES as usize]| {
        let mut rest = *bytes;
        for length in [4..8, 40..44] {
            rest.get_mut(length).into_iter().for_each(|length| length.fill(0));
        }
        rest
    };
    without_lengths(head) == without_lengths(&header(0))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::wav::reader::read_wav;

    /// What hound, another implementation, reads: `[user, Moshi]`.
    fn heard_by_hound(path: &Path) -> Vec<[i16; 2]> {
        let mut reader = hound::WavReader::open(path).unwrap();
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 24_000, 16));
        let values: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        values.as_chunks::<2>().0.to_vec()
    }

    fn moments(from: i16, count: i16) -> Vec<[i16; 2]> {
        (from..from + count).map(|value| [value, -value]).collect()
    }

    #[test]
    fn every_published_state_is_a_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        let mut wav = GrowingWav::create(&path).unwrap();
        assert!(heard_by_hound(&path).is_empty());
        for round in 0..5 {
            wav.append(&moments(round * 100, 100)).unwrap();
            assert_eq!(heard_by_hound(&path), moments(0, round * 100), "not published yet");
            wav.publish().unwrap();
            assert_eq!(heard_by_hound(&path), moments(0, round * 100 + 100));
            assert_eq!(read_wav(&path).unwrap().samples.len(), (round as usize + 1) * 100);
        }
        assert_eq!(wav.finish().unwrap(), Duration::from_secs_f64(500.0 / 24_000.0));
        assert_eq!(fs::metadata(&path).unwrap().len(), 44 + 2_000);
    }

    #[test]
    fn a_dead_writers_file_has_all_that_reached_it_but_half_a_moment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        let mut wav = GrowingWav::create(&path).unwrap();
        wav.append(&moments(0, 100)).unwrap();
        wav.publish().unwrap();
        wav.append(&moments(100, 100)).unwrap();
        drop(wav);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&[7; 3]).unwrap();
        assert_eq!(heard_by_hound(&path).len(), 100);
        GrowingWav::reopen(&path).unwrap().finish().unwrap();
        assert_eq!(heard_by_hound(&path), moments(0, 200));
        assert_eq!(fs::metadata(&path).unwrap().len(), 44 + 800);
    }

    #[test]
    fn other_files_are_never_taken_for_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mono.wav");
        let _finished = crate::write_wav(&path, &[0.5; 100], crate::SampleFormat::Int16).unwrap();
        let before = fs::read(&path).unwrap();
        assert!(matches!(GrowingWav::reopen(&path), Err(AudioError::Damaged { .. })));
        assert!(matches!(GrowingWav::reopen(folder.path().join("none.wav")), Err(AudioError::NotFound { .. })));
        assert!(GrowingWav::create(&path).is_err(), "a file that is there is not begun anew");
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn four_gibibytes_are_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.wav");
        let mut wav = GrowingWav::create(&path).unwrap();
        wav.sound_bytes = MOST_BYTES - MOMENT_BYTES;
        wav.append(&[[1, 2]]).unwrap(); // a sparse file
        wav.publish().unwrap();
        assert!(matches!(wav.append(&[[1, 2]]), Err(AudioError::TooLong { .. })));
        let reader = hound::WavReader::open(&path).unwrap();
        assert_eq!(u64::from(reader.duration()), GrowingWav::MOST_MOMENTS);
        assert_eq!(GrowingWav::MOST_MOMENTS / 24_000 / 60, 745, "12 hours and 25 minutes");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_and_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut wav = GrowingWav::create(folder.path().join("talk.wav")).unwrap();
        wav.append(&moments(0, 10)).unwrap();
        wav.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        for error in [wav.append(&moments(10, 10)).unwrap_err(), wav.publish().unwrap_err()] {
            assert_eq!(error.kind(), crate::AudioErrorKind::DiskFull);
        }
        assert_eq!((wav.sound_bytes, wav.published_bytes), (40, 0));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        GrowingWav::create(&path).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
