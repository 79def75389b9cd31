//! Talks that were recorded, as they lie on disk: a folder each, written by the session. Read when somebody asks; nothing is kept
//! in memory, and nothing leaves the machine.

use std::path::{Component, Path, PathBuf};

use moshibar_session::Speaker;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::AppError;
use crate::replay;
use crate::view::WordView;

/// Words of a talk that are shown in the list.
const FIRST_WORDS: usize = 24;

/// A talk in the list.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct TalkEntry {
    /// Its folder's name.
    pub(crate) id: String,
    /// When it began, with the local time zone (RFC 3339).
    pub(crate) began: String,
    /// How long it lasted.
    pub(crate) seconds: f64,
    /// Who talked.
    pub(crate) model: String,
    /// How many words were said.
    pub(crate) words: usize,
    /// How it begins.
    pub(crate) first_words: String,
}

/// A talk with its words.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct TalkDetail {
    /// As in the list.
    pub(crate) entry: TalkEntry,
    /// Everything that was said.
    pub(crate) words: Vec<WordView>,
    /// Where the sound is, for a player; `None` if there is none.
    pub(crate) sound_url: Option<String>,
}

/// A form in which words leave the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Markdown,
    Srt,
    Json,
}

impl Format {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Srt => "srt",
            Self::Json => "json",
        }
    }
}

/// The folder of talks.
pub(crate) struct History {
    folder: PathBuf,
}

/// What is read of `talk.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TalkFile {
    started: String,
    seconds: f64,
    settings: SettingsOfTalk,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SettingsOfTalk {
    model: String,
}

/// What is read of `transcript.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TranscriptFile {
    words: Vec<WordOfFile>,
}

#[derive(Debug, Deserialize)]
struct WordOfFile {
    speaker: Speaker,
    text: String,
    start_seconds: f64,
}

impl History {
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The talks whose words have `query` in them, whatever its case; all for an empty one. The last first.
    pub(crate) fn list(&self, query: &str) -> Vec<TalkEntry> {
        let query = query.trim().to_lowercase();
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut found: Vec<TalkEntry> = entries
            .filter_map(|entry| self.read(entry.file_name().to_str()?).ok())
            .filter(|(_, words)| query.is_empty() || joined(words).to_lowercase().contains(&query))
            .map(|(entry, _)| entry)
            .collect();
        found.sort_by(|one, other| other.id.cmp(&one.id)); // names are times
        found
    }

    /// One talk.
    ///
    /// # Errors
    /// [`AppError`] `no_such_talk`, or `disk`.
    pub(crate) fn open(&self, id: &str) -> Result<TalkDetail, AppError> {
        let (entry, words) = self.read(id)?;
        let has_sound = self.talk(id)?.join("talk.wav").is_file();
        Ok(TalkDetail { entry, words, sound_url: has_sound.then(|| replay::address(id)).flatten() })
    }

    /// Copies a talk's words into a folder, under the talk's name or one that is not taken. Returns the file.
    ///
    /// # Errors
    /// As [`History::open`].
    pub(crate) fn export(&self, id: &str, format: Format, folder: &Path) -> Result<PathBuf, AppError> {
        let extension = format.extension();
        let from = self.talk(id)?.join(format!("transcript.{extension}"));
        let names = std::iter::once(format!("{id}.{extension}"))
            .chain((2..).map(|number| format!("{id} {number}.{extension}")));
        for to in names.map(|name| folder.join(name)) {
            let made = std::fs::File::create_new(&to);
            match made.and_then(|mut file| std::io::copy(&mut std::fs::File::open(&from)?, &mut file)) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                copied => return copied.map(|_| to.clone()).map_err(|error| disk("write", &to, &error)),
            }
        }
        Err(AppError::new("disk", "no name is left"))
    }

    /// The sound of a talk, its first file.
    ///
    /// # Errors
    /// As [`History::open`].
    pub(crate) fn sound(&self, id: &str) -> Result<PathBuf, AppError> {
        Ok(self.talk(id)?.join("talk.wav"))
    }

    /// Deletes a talk with its sound, for good.
    ///
    /// # Errors
    /// As [`History::open`].
    pub(crate) fn delete(&self, id: &str) -> Result<(), AppError> {
        let talk = self.talk(id)?;
        std::fs::remove_dir_all(&talk).map_err(|error| disk("delete", &talk, &error))
    }

    /// Deletes talks that ended longer ago. Returns how many.
    pub(crate) fn prune(&self, older_than: std::time::Duration, now: std::time::SystemTime) -> usize {
        let is_old = |id: &str| {
            let written = self.talk(id).ok()?.join("talk.json").metadata().ok()?.modified().ok()?;
            Some(now.duration_since(written).ok()? > older_than)
        };
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let old: Vec<String> = ids.filter(|id| is_old(id) == Some(true)).collect();
        old.iter().filter(|id| self.delete(id).is_ok()).count()
    }

    fn read(&self, id: &str) -> Result<(TalkEntry, Vec<WordView>), AppError> {
        let folder = self.talk(id)?;
        let path = folder.join("talk.json");
        let json = std::fs::read(&path).map_err(|error| disk("read", &path, &error))?;
        // A file of another version may lack a field: what is there is shown.
        let talk: TalkFile = serde_json::from_slice(&json).unwrap_or_default();
        let words = std::fs::read(folder.join("transcript.json")).ok();
        let words: TranscriptFile = words.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        let words: Vec<WordView> = words
            .words
            .into_iter()
            .map(|WordOfFile { speaker, text, start_seconds }| WordView {
                speaker,
                text: format!(" {text}"),
                start_seconds,
            })
            .collect();
        let first: Vec<&str> = words.iter().take(FIRST_WORDS).map(|word| word.text.trim_start()).collect();
        let entry = TalkEntry {
            id: id.to_owned(),
            began: talk.started,
            seconds: talk.seconds,
            model: talk.settings.model,
            words: words.len(),
            first_words: first.join(" "),
        };
        Ok((entry, words))
    }

    /// The folder of a talk. An id is a name and never a way out of the folder of talks.
    fn talk(&self, id: &str) -> Result<PathBuf, AppError> {
        let no_such_talk = || AppError::new("no_such_talk", format!("there is no recorded talk named {id:?}"));
        let mut parts = Path::new(id).components();
        let (Some(Component::Normal(name)), None) = (parts.next(), parts.next()) else { return Err(no_such_talk()) };
        let talk = self.folder.join(name);
        if talk.join("talk.json").is_file() { Ok(talk) } else { Err(no_such_talk()) }
    }
}

fn joined(words: &[WordView]) -> String {
    words.iter().map(|word| word.text.as_str()).collect()
}

fn disk(doing: &str, path: &Path, error: &std::io::Error) -> AppError {
    AppError::new("disk", format!("cannot {doing} {} ({error}): check the disk and its permissions", path.display()))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use serde_json::json;

    use super::*;

    fn talks(named: &[(&str, &str)]) -> (tempfile::TempDir, History) {
        let folder = tempfile::tempdir().unwrap();
        for (id, said) in named {
            let talk = folder.path().join(id);
            std::fs::create_dir(&talk).unwrap();
            let words: Vec<_> = said
                .split(' ')
                .map(|word| json!({ "speaker": "moshi", "text": word, "start_seconds": 1.04, "end_seconds": 1.12 }))
                .collect();
            let file =
                json!({ "started": "2026-11-24T23:05:09+01:00", "seconds": 12.4, "settings": { "model": "nano" } });
            std::fs::write(talk.join("talk.json"), file.to_string()).unwrap();
            std::fs::write(talk.join("transcript.json"), json!({ "words": words }).to_string()).unwrap();
            std::fs::write(talk.join("transcript.srt"), format!("1\n{said}")).unwrap();
        }
        let history = History::in_folder(folder.path().to_owned());
        (folder, history)
    }

    #[test]
    fn the_last_talk_comes_first_and_words_are_searched() {
        let (_folder, history) =
            talks(&[("2026-11-24 10.00.00", "Hello there"), ("2026-11-25 10.00.00", "Good morning, Paris")]);
        let ids = |query| history.list(query).into_iter().map(|talk| talk.id).collect::<Vec<_>>();
        assert_eq!(ids(""), ["2026-11-25 10.00.00", "2026-11-24 10.00.00"]);
        assert_eq!(ids(" paris "), ["2026-11-25 10.00.00"]);
        assert_eq!(ids("morning, p"), ["2026-11-25 10.00.00"], "across words");
        assert!(ids("berlin").is_empty());
        let first = &history.list("hello")[0];
        assert_eq!((first.words, first.model.as_str(), first.seconds), (2, "nano", 12.4));
    }

    #[test]
    fn a_talk_is_opened_exported_and_deleted() {
        let (folder, history) = talks(&[("talk", "one two")]);
        let detail = history.open("talk").unwrap();
        assert_eq!(joined(&detail.words), " one two");
        assert_eq!(detail.sound_url, None);
        std::fs::write(folder.path().join("talk/talk.wav"), "").unwrap();
        assert_eq!(history.open("talk").unwrap().sound_url.as_deref(), Some("talk://localhost/talk"));
        let out = tempfile::tempdir().unwrap();
        for name in ["talk.srt", "talk 2.srt"] {
            let written = history.export("talk", Format::Srt, out.path()).unwrap();
            assert_eq!(written, out.path().join(name));
            assert_eq!(std::fs::read_to_string(written).unwrap(), "1\none two");
        }
        assert_eq!(history.export("talk", Format::Srt, Path::new("/no/such/folder")).unwrap_err().code, "disk");
        history.delete("talk").unwrap();
        assert_eq!(history.open("talk").unwrap_err().code, "no_such_talk");
    }

    #[test]
    fn no_id_leads_out_of_the_folder_of_talks() {
        let (folder, history) = talks(&[("talk", "one")]);
        std::fs::create_dir(folder.path().join("other")).unwrap();
        let inner = History::in_folder(folder.path().join("other"));
        for id in ["../talk", "..", ".", "", "/", "talk/..", "talk\0", &folder.path().join("talk").to_string_lossy()] {
            assert_eq!(inner.delete(id).unwrap_err().code, "no_such_talk", "{id:?}");
        }
        assert_eq!(history.delete("other").unwrap_err().code, "no_such_talk", "it is a folder, but no talk");
    }

    #[test]
    fn a_damaged_talk_is_shown_as_far_as_it_goes() {
        let (folder, history) = talks(&[("talk", "one")]);
        std::fs::write(folder.path().join("talk/talk.json"), "{").unwrap();
        std::fs::write(folder.path().join("talk/transcript.json"), "[]").unwrap();
        let list = history.list("");
        assert_eq!((list.len(), list[0].words), (1, 0));
    }

    #[test]
    fn old_talks_go_and_young_ones_stay() {
        let (_folder, history) = talks(&[("a", "one"), ("b", "two")]);
        let day = Duration::from_hours(24);
        assert_eq!(history.prune(day, SystemTime::now() + Duration::from_secs(86_000)), 0);
        assert_eq!(history.prune(day, SystemTime::now() + day + day), 2);
        assert!(history.list("").is_empty());
    }
}
