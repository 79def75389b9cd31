//! A file that is there as a whole or not at all: WAV files, transcripts, traces, codes, settings.
//!
//! Bytes go to a hidden file in the same folder, which takes the final name in one step. Until then
//! an older file of that name stays as it is, and a failure or a drop leaves nothing behind. A
//! process that is killed leaves the hidden file. Both the bytes and the name are on the disk when
//! [`commit`](AtomicFile::commit) returns, so a power cut takes neither.
//!
//! Not written this way: what grows during a talk (`GrowingWav`, the recorder's journal), the log,
//! the archive of diagnostics, and the files of the model store. The store does not know this
//! crate; its small files are written in the same steps by `write_whole` in its `layout.rs`.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::AudioError;

/// A file being written under a temporary name; [`commit`](AtomicFile::commit) gives it its own.
///
/// Errors of its [`Write`] implementation hold the sentence of an [`AudioError`], so showing them is enough.
#[derive(Debug)]
pub struct AtomicFile {
    writer: BufWriter<NamedTempFile>,
    /// As the caller named it, for the errors.
    path: PathBuf,
    /// Where it really goes: behind a symbolic link.
    target: PathBuf,
}

impl AtomicFile {
    /// Opens a temporary file beside `path`. Where `path` is a symbolic link, the file that it points to will be replaced.
    ///
    /// # Errors
    /// [`AudioError`] if the folder is missing or read-only, if the disk is full, or if `path` is there but no ordinary file.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        Self::create_for(Readers::Umask, path.as_ref())
    }

    /// As [`create`](Self::create), for a file that only its owner may read: what was said in a talk.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_private(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        Self::create_for(Readers::OwnerOnly, path.as_ref())
    }

    fn create_for(readers: Readers, path: &Path) -> Result<Self, AudioError> {
        let path = path.to_path_buf();
        let target = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        match fs::metadata(&target) {
            Ok(there) if there.is_dir() => return Err(AudioError::IsFolder { path }),
            Ok(there) if !there.is_file() => return Err(AudioError::NotAFile { path }),
            _ => {}
        }
        let Some(folder) = folder_of(&target) else {
            return Err(AudioError::IsFolder { path });
        };
        let temporary = hidden_file_in(folder, readers).map_err(|reason| AudioError::writing(&path, reason))?;
        Ok(Self { writer: BufWriter::new(temporary), path, target })
    }

    /// The name that the file will have, as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts everything on disk and gives the file its name, in place of an older one.
    ///
    /// # Errors
    /// [`AudioError`] if the disk is full or went away. Nothing is left behind, and an older file stays as it was.
    pub fn commit(self) -> Result<(), AudioError> {
        let Self { writer, path, target } = self;
        let persist = || -> io::Result<()> {
            let temporary = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&target)?;
            Ok(())
        };
        persist().map_err(|reason| AudioError::writing(&path, reason))?;
        sync_folder_of(&target);
        Ok(())
    }

    /// A second handle on the temporary file, for a writer that wants to own its file. Shares the position with this one.
    pub(crate) fn handle(&self) -> Result<fs::File, AudioError> {
        self.writer.get_ref().as_file().try_clone().map_err(|reason| AudioError::writing(&self.path, reason))
    }

    fn sentence(&self, reason: io::Error) -> io::Error {
        io::Error::new(reason.kind(), AudioError::writing(&self.path, reason))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes).map_err(|reason| self.sentence(reason))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush().map_err(|reason| self.sentence(reason))
    }
}

/// The folder that a file lies in, or will. There is none for the root of a disk.
fn folder_of(file: &Path) -> Option<&Path> {
    let folder = file.parent()?;
    Some(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// Puts a file's new name on the disk. If the volume cannot do that, the file is there all the same
/// until a power cut.
fn sync_folder_of(file: &Path) {
    if let Some(Ok(folder)) = folder_of(file).map(fs::File::open) {
        folder.sync_all().ok();
    }
}

/// Who may read the file once it has its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    /// Those who may read any new file.
    Umask,
    OwnerOnly,
}

/// Opens a file that nobody else has. The library's default is a private one, and would stay so under its final name.
fn hidden_file_in(folder: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".moshibar-").suffix(".part");
    #[cfg(unix)]
    if readers == Readers::Umask {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    }
    #[cfg(not(unix))]
    let _ = readers; // the folder decides there
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.md");
        fs::write(&path, "yesterday's").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        write!(file, "today's").unwrap();
        file.flush().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "yesterday's");
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "today's");
        assert_eq!(names_in(folder.path()), ["talk.md"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::create(folder.path().join("talk.md")).unwrap();
        file.write_all(&vec![0; 100_000]).unwrap();
        assert_eq!(names_in(folder.path()).len(), 1);
        drop(file);
        assert!(names_in(folder.path()).is_empty());
    }

    #[test]
    fn places_that_cannot_be_written_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("nowhere/talk.md");
        assert_eq!(
            AtomicFile::create(&nowhere).unwrap_err().to_string(),
            format!(
                "cannot write {} because its folder does not exist; create the folder or choose another",
                nowhere.display()
            )
        );
        assert!(matches!(AtomicFile::create(folder.path()), Err(AudioError::IsFolder { .. })));
        assert!(matches!(AtomicFile::create("/"), Err(AudioError::IsFolder { .. })));
    }

    #[test]
    fn a_reason_becomes_a_sentence_once() {
        let path = Path::new("talk.md");
        let sentence = |kind: io::ErrorKind| AudioError::writing(path, kind.into());
        assert!(matches!(sentence(io::ErrorKind::PermissionDenied), AudioError::NotWritable { .. }));
        assert!(matches!(sentence(io::ErrorKind::ReadOnlyFilesystem), AudioError::NotWritable { .. }));
        assert!(matches!(sentence(io::ErrorKind::QuotaExceeded), AudioError::DiskFull { .. }));
        assert!(matches!(sentence(io::ErrorKind::TimedOut), AudioError::WriteFailed { .. }));
        let wrapped = io::Error::other(sentence(io::ErrorKind::StorageFull));
        assert!(
            matches!(AudioError::writing(Path::new("other.md"), wrapped), AudioError::DiskFull { path: p } if p == path)
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_at_the_write_and_at_the_commit() {
        let folder = tempfile::tempdir().unwrap();
        let full = || {
            let mut file = AtomicFile::create(folder.path().join("talk.md")).unwrap();
            let (_, hidden) = NamedTempFile::new_in(folder.path()).unwrap().into_parts();
            let device = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            file.writer = BufWriter::new(NamedTempFile::from_parts(device, hidden));
            file
        };
        let sentence = "talk.md because the disk is full; free some space or choose another disk";
        let at_write = full().write_all(&vec![0; 100_000]).unwrap_err();
        assert_eq!(at_write.kind(), io::ErrorKind::StorageFull);
        assert!(at_write.to_string().ends_with(sentence), "{at_write}");
        let mut file = full();
        file.write_all(b"fits into the buffer").unwrap();
        let at_commit = file.commit().unwrap_err();
        assert!(at_commit.to_string().ends_with(sentence), "{at_commit}");
        assert!(names_in(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file.md"), folder.path().join("link.md"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        AtomicFile::create(&link).unwrap().commit().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "");
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_never_replaced() {
        assert!(matches!(AtomicFile::create("/dev/null"), Err(AudioError::NotAFile { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, any) = (folder.path().join("ours"), folder.path().join("any"));
        AtomicFile::create(&ours).unwrap().commit().unwrap();
        fs::write(&any, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(ours.clone()), mode(any));
        AtomicFile::create_private(&ours).unwrap().commit().unwrap();
        assert_eq!(mode(ours) & 0o777, 0o600);
    }
}
