//! Models that are part of the program: their bytes are compiled in, so that they are wherever the program is.
//!
//! The engine opens folders, so [`Store::built_in`] lays the bytes out in one, `LIBRARY/built-in/NAME-HASH`, whole or not at all. A
//! clone or a bundle has such a folder already, with more qualities (`assets`): whoever finds that needs only the sums of here.

use std::fmt;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::catalog::Voice;
use crate::digest::sha256;
use crate::error::StoreError;
use crate::layout::sync_folder;
use crate::library::Store;
use crate::lock::Lock;
use crate::quality::Quality;
use crate::verify::{FileReport, FileVerdict};

/// A model that is part of the program.
#[derive(Debug, Clone, Copy)]
pub struct BuiltInModel {
    /// What people call it.
    pub name: &'static str,
    /// Whose voice.
    pub voice: Voice,
    /// How the weights are packed that are compiled in.
    pub quality: Quality,
    /// What the user may do with it.
    pub licence: &'static str,
    /// What it is, in a few words.
    pub note: &'static str,
    /// Its files.
    files: [BuiltInFile; 5],
    /// What its files hash to, as `sha256sum` writes it; those too that are not compiled in.
    sums: &'static str,
}

/// A file that is compiled in.
#[derive(Clone, Copy)]
struct BuiltInFile {
    name: &'static str,
    bytes: &'static [u8],
}

impl fmt::Debug for BuiltInFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name) // and none of the millions of bytes
    }
}

macro_rules! nano {
    ($name:literal) => {
        BuiltInFile { name: $name, bytes: include_bytes!(concat!("../../../assets/nano/", $name)) }
    };
}

/// All of them. `make nano-sums` writes the sums, once the files have changed on purpose.
pub static BUILT_IN: [BuiltInModel; 1] = [BuiltInModel {
    name: "nano",
    voice: Voice::Nano,
    quality: Quality::Q8,
    licence: "MIT OR Apache-2.0",
    note: "q8, small demo",
    files: [
        nano!("config.json"),
        nano!("mimi_config.json"),
        nano!("tokenizer_spm_nano.model"),
        nano!("mimi.safetensors"),
        nano!("model.q8.safetensors"),
    ],
    sums: include_str!("../../../assets/nano/SHA256SUMS"),
}];

/// What a folder that is not whole yet begins with.
const ARRIVING: &str = ".arriving-";

impl BuiltInModel {
    /// The model of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BUILT_IN.iter().find(|model| model.name == name)
    }

    /// Bytes of the files that are compiled in.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes.len() as u64).sum()
    }

    /// Hashes the model's files in a folder: those that are compiled in must be there, the other qualities may.
    ///
    /// # Errors
    /// What the disk says.
    pub fn verify(&self, folder: &Path) -> Result<Vec<FileReport>, StoreError> {
        let mut reports = Vec::new();
        for (expected, name) in self.sums() {
            let path = folder.join(name);
            let (size_bytes, verdict) = match std::fs::read(&path) {
                Ok(bytes) if sha256(&bytes) == expected => (bytes.len() as u64, FileVerdict::Right),
                Ok(bytes) => (bytes.len() as u64, FileVerdict::Wrong),
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(StoreError::disk("read", &path, error));
                }
                Err(_) if self.files.iter().any(|file| file.name == name) => (0, FileVerdict::Missing),
                Err(_) => continue,
            };
            reports.push(FileReport { name: name.to_owned(), size_bytes, verdict });
        }
        Ok(reports)
    }

    /// Hash and name of each file.
    fn sums(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.sums.lines().filter_map(|line| line.split_once("  "))
    }

    /// The name of the folder for exactly these bytes: two versions of the program do not take turns in one.
    fn folder(&self) -> String {
        let hash = sha256(self.sums.as_bytes());
        format!("{}-{}", self.name, hash.get(..12).unwrap_or(&hash))
    }

    /// Whether the folder holds exactly the bytes that are compiled in. Compared, not hashed: it is done at every start.
    fn lies_in(&self, folder: &Path) -> bool {
        let is_there =
            |file: &BuiltInFile| std::fs::read(folder.join(file.name)).is_ok_and(|bytes| bytes == file.bytes);
        self.files.iter().all(is_there)
    }

    /// Writes all files.
    fn write_to(&self, folder: &Path) -> Result<(), StoreError> {
        for file in &self.files {
            let path = folder.join(file.name);
            let write = || {
                let mut writer = std::fs::File::create(&path)?;
                writer.write_all(file.bytes)?;
                writer.sync_all()
            };
            write().map_err(|source| StoreError::disk("write", &path, source))?;
        }
        sync_folder(folder);
        let wrong = self.verify(folder)?.into_iter().find(|report| report.verdict != FileVerdict::Right);
        match wrong {
            None => Ok(()),
            Some(report) => {
                let source = std::io::Error::other("what is read back is not what was written");
                Err(StoreError::disk("write", &folder.join(report.name), source))
            }
        }
    }
}

impl Store {
    /// The folder of a built-in model, for the engine. It is laid out in the library if it is not there, or not as it should be.
    ///
    /// # Errors
    /// What the disk says.
    pub fn built_in(&self, model: &BuiltInModel) -> Result<PathBuf, StoreError> {
        let folder = self.layout.built_in().join(model.folder());
        if model.lies_in(&folder) {
            return Ok(folder);
        }
        self.layout.create()?;
        let _lock = Lock::wait(&self.layout.lock("built-in"))?;
        if model.lies_in(&folder) {
            return Ok(folder); // another process was faster
        }
        self.lay_out(model, &folder)?;
        Ok(folder)
    }

    /// The folder of a built-in model, if it lies in the library already.
    pub fn find_built_in(&self, model: &BuiltInModel) -> Option<PathBuf> {
        let folder = self.layout.built_in().join(model.folder());
        model.lies_in(&folder).then_some(folder)
    }

    /// Lays a model out. Whoever calls has the lock.
    fn lay_out(&self, model: &BuiltInModel, folder: &Path) -> Result<(), StoreError> {
        let place = self.layout.built_in();
        std::fs::create_dir_all(&place).map_err(|source| StoreError::disk("create", &place, source))?;
        // Left behind by a process that was killed: whoever lives and writes here has the lock.
        for entry in std::fs::read_dir(&place).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(ARRIVING) {
                std::fs::remove_dir_all(entry.path()).ok(); // in the way of nothing but space
            }
        }
        let arriving = place.join(format!("{ARRIVING}{}", model.folder()));
        std::fs::create_dir(&arriving).map_err(|source| StoreError::disk("create", &arriving, source))?;
        model.write_to(&arriving)?;
        // A folder that was damaged. Who has its files open keeps them.
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(StoreError::disk("remove", folder, error)),
            _ => {}
        }
        std::fs::rename(&arriving, folder).map_err(|source| StoreError::disk("rename", &arriving, source))?;
        sync_folder(&place);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::StoreOptions;

    fn nano() -> &'static BuiltInModel {
        BuiltInModel::named("nano").unwrap()
    }

    fn store(folder: &Path) -> Store {
        Store::open(StoreOptions { library: Some(folder.join("library")), ..StoreOptions::default() }).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// If this fails, the files have changed: `make nano-sums` where that was meant.
    #[test]
    fn every_file_of_the_demo_model_is_as_its_sum_says() {
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/nano");
        let reports = nano().verify(&assets).unwrap();
        assert!(reports.iter().all(|report| report.verdict == FileVerdict::Right), "{reports:?}");
        let mut summed: Vec<&str> = nano().sums().map(|(_, name)| name).collect();
        summed.sort_unstable();
        let is_summed = |name: &String| ["json", "model", "safetensors"].iter().any(|end| name.ends_with(end));
        assert_eq!(summed, names(&assets).into_iter().filter(is_summed).collect::<Vec<_>>());
        for file in &nano().files {
            assert!(nano().sums().any(|sum| sum == (sha256(file.bytes).as_str(), file.name)), "{}", file.name);
        }
    }

    /// The bar of the demo model: what everybody carries.
    #[test]
    fn what_is_compiled_in_has_eight_megabytes_at_most() {
        assert!((1_000_000..=8_388_608).contains(&nano().size_bytes()), "{}", nano().size_bytes());
    }

    #[test]
    fn a_model_is_laid_out_once_and_mended_when_it_is_damaged() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        assert_eq!(store.find_built_in(nano()), None);
        assert!(!store.folder().exists(), "who only looks creates nothing");
        let folder = store.built_in(nano()).unwrap();
        assert!(nano().verify(&folder).unwrap().iter().all(|report| report.verdict == FileVerdict::Right));
        let place = folder.parent().unwrap();
        assert_eq!(names(place), [nano().folder()]);
        assert_eq!(names(&folder).len(), nano().files.len());
        let modified = || folder.join("mimi.safetensors").metadata().unwrap().modified().unwrap();
        let before = modified();
        assert_eq!(store.built_in(nano()).unwrap(), folder);
        assert_eq!(modified(), before, "what is right is not written again");

        let count = |wanted: FileVerdict| {
            let reports = nano().verify(&folder).unwrap();
            reports.iter().filter(|report| report.verdict == wanted).count()
        };
        let mimi = folder.join("mimi.safetensors");
        let mut bytes = std::fs::read(&mimi).unwrap();
        bytes[1_000_000] ^= 1;
        std::fs::write(&mimi, &bytes).unwrap();
        std::fs::create_dir_all(place.join(".arriving-of-a-killed-process/nano")).unwrap();
        assert_eq!((count(FileVerdict::Wrong), store.find_built_in(nano())), (1, None));
        assert_eq!(store.built_in(nano()).unwrap(), folder);
        assert_eq!((count(FileVerdict::Right), names(place)), (nano().files.len(), vec![nano().folder()]));

        std::fs::remove_file(folder.join("config.json")).unwrap();
        assert_eq!((count(FileVerdict::Missing), store.find_built_in(nano())), (1, None));
        assert_eq!(store.built_in(nano()).unwrap(), folder);
        assert_eq!(count(FileVerdict::Right), nano().files.len());
    }

    #[test]
    fn many_at_once_lay_out_one() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let folders: Vec<PathBuf> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| store.built_in(nano()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(folders.iter().all(|folder| folder == &folders[0] && nano().lies_in(folder)));
        assert_eq!(names(folders[0].parent().unwrap()).len(), 1);
    }

    #[test]
    fn a_library_that_cannot_be_written_says_so() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("library"), "not a folder").unwrap();
        let error = store(home.path()).built_in(nano()).unwrap_err();
        assert!(error.to_string().contains("library"), "{error}");
    }
}
