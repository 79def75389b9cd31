//! The folder of one talk: its name, who may see it, and the names in it.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use jiff::ZonedDateTime;
use moshibar_audio::AudioError;

/// Talks that may begin in the same second; beyond it, something else is wrong.
const MOST_IN_ONE_SECOND: usize = 1_000;

/// What was said, piece by piece, as long as the talk lasts.
pub(super) const WORDS: &str = "words.unfinished.jsonl";
/// What the talk was.
pub(super) const TALK: &str = "talk.json";

/// The folder of one talk, which only its owner can open.
#[derive(Debug)]
pub(super) struct TalkFolder {
    pub(super) path: PathBuf,
}

impl TalkFolder {
    /// Makes `directory`, if it is not there, and in it a folder named after the local time.
    pub(super) fn create(directory: &Path, now: &ZonedDateTime) -> Result<Self, AudioError> {
        match private_folder(directory) {
            Err(reason) if reason.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
            made => made.map_err(|reason| AudioError::writing(directory, reason))?,
        }
        let name = now.strftime("%Y-%m-%d %H.%M.%S").to_string(); // no colon: the Finder shows it as a slash
        for attempt in 1..=MOST_IN_ONE_SECOND {
            let unique = if attempt == 1 { name.clone() } else { format!("{name} {attempt}") };
            let path = directory.join(unique);
            match private_folder(&path) {
                Err(reason) if reason.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self { path: path.clone() }).map_err(|r| AudioError::writing(&path, r)),
            }
        }
        Err(AudioError::writing(&directory.join(name), io::ErrorKind::AlreadyExists.into()))
    }

    /// The name of the sound's `part`, from 1.
    pub(super) fn sound_name(part: usize) -> String {
        if part == 1 { "talk.wav".to_owned() } else { format!("talk-{part}.wav") }
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Removes what an interrupted [`AtomicFile`](moshibar_audio::AtomicFile) left.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(".moshibar-") && name.ends_with(".part") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_after_local_time_and_never_shared() {
        let directory = tempfile::tempdir().unwrap();
        let above = directory.path().join("recordings");
        let now: ZonedDateTime = "2026-11-24T23:05:09[Asia/Kolkata]".parse().unwrap();
        let names: Vec<String> = (0..3)
            .map(|_| TalkFolder::create(&above, &now).unwrap().path)
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["2026-11-24 23.05.09", "2026-11-24 23.05.09 2", "2026-11-24 23.05.09 3"]);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look_inside() {
        let mode = |path: &Path| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
        let directory = tempfile::tempdir().unwrap();
        let above = directory.path().join("recordings");
        let folder = TalkFolder::create(&above, &ZonedDateTime::now()).unwrap();
        assert_eq!([mode(&above) & 0o777, mode(&folder.path) & 0o777], [0o700, 0o700]);
    }

    #[test]
    fn places_without_room_for_a_folder_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        for place in [file.clone(), file.join("below"), directory.path().join("a/b")] {
            let sentence = TalkFolder::create(&place, &ZonedDateTime::now()).unwrap_err().to_string();
            assert!(sentence.contains(place.to_str().unwrap()), "{sentence}");
        }
    }
}
