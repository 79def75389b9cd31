//! One file for a bug report: settings, counters, log, timeline, machine. Speech only where the user ticked it, words never.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use moshibar_session::Trace;
use moshibar_session::live::LiveReport;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::error::AppError;
use crate::settings::Settings;
use crate::view::About;

/// The end of the log that goes along, at most.
const LOG_BYTES: usize = 1 << 20;

/// What goes in.
pub(crate) struct Diagnostics<'a> {
    pub(crate) about: &'a About,
    pub(crate) settings: &'a Settings,
    /// Of the last talk.
    pub(crate) report: Option<&'a LiveReport>,
    /// Of the last talk.
    pub(crate) trace: Option<&'a Trace>,
    pub(crate) log: Option<&'a Path>,
    /// The sound of the last recorded talk, if it is wanted.
    pub(crate) sound: Option<&'a Path>,
}

impl Diagnostics<'_> {
    /// Writes the file into `folder`, under a name that is not taken.
    ///
    /// # Errors
    /// [`AppError`] `disk`.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf, AppError> {
        let path = free_name(folder);
        let failed = |error: io::Error| {
            AppError::new("disk", format!("cannot write {} ({error}): check the disk", path.display()))
        };
        let mut zip = ZipWriter::new(File::create_new(&path).map_err(failed)?);
        self.fill(&mut zip).and_then(|()| zip.finish().map_err(io::Error::from)).map_err(|error| {
            std::fs::remove_file(&path).ok(); // half a file helps nobody
            failed(error)
        })?;
        Ok(path)
    }

    fn fill(&self, zip: &mut ZipWriter<File>) -> io::Result<()> {
        put(zip, "machine.json", &json!(self.about))?;
        put(zip, "settings.json", &self.settings_without_places())?;
        if let Some(report) = self.report {
            put(zip, "counters.json", &json!(report))?;
        }
        if let Some(trace) = self.trace {
            zip.start_file("trace.json", SimpleFileOptions::default())?;
            trace.write_json(&mut *zip)?;
        }
        if let Some(log) = self.log.and_then(|log| std::fs::read(log).ok()) {
            zip.start_file("moshibar.log", SimpleFileOptions::default())?;
            zip.write_all(log.get(log.len().saturating_sub(LOG_BYTES)..).unwrap_or_default())?;
        }
        if let Some(sound) = self.sound {
            zip.start_file("talk.wav", SimpleFileOptions::default().large_file(true))?;
            io::copy(&mut File::open(sound)?, zip)?;
        }
        Ok(())
    }

    /// Folders have people's names in them, and help nobody.
    fn settings_without_places(&self) -> Value {
        let mut settings = json!(self.settings);
        if let Some(folder) = settings.get_mut("recordings_folder").filter(|folder| !folder.is_null()) {
            *folder = json!("(one of the user's own)");
        }
        settings
    }
}

fn put(zip: &mut ZipWriter<File>, name: &str, content: &Value) -> io::Result<()> {
    zip.start_file(name, SimpleFileOptions::default())?;
    serde_json::to_writer_pretty(zip, content).map_err(io::Error::from)
}

fn free_name(folder: &Path) -> PathBuf {
    let name = |number: u32| {
        folder.join(if number == 1 {
            "moshibar-diagnostics.zip".to_owned()
        } else {
            format!("moshibar-diagnostics-{number}.zip")
        })
    };
    (1..10_000).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(1))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn about() -> About {
        About {
            version: "0.0.0",
            machine: "Test".to_owned(),
            memory_bytes: None,
            library_folder: "/library".to_owned(),
            free_bytes: None,
            platform: "linux",
        }
    }

    fn entries(path: &Path) -> Vec<(String, String)> {
        let mut zip = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
        (0..zip.len())
            .map(|index| {
                let mut entry = zip.by_index(index).unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                (entry.name().unwrap().into_owned(), text)
            })
            .collect()
    }

    #[test]
    fn it_has_what_helps_and_sound_only_if_it_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let (log, sound) = (folder.path().join("log"), folder.path().join("talk.wav"));
        std::fs::write(&log, format!("{}the end", "x".repeat(2 * LOG_BYTES))).unwrap();
        std::fs::write(&sound, "the sound").unwrap();
        let settings = Settings { recordings_folder: Some("/home/somebody/talks".into()), ..Settings::default() };
        let about = about();
        let mut all =
            Diagnostics { about: &about, settings: &settings, report: None, trace: None, log: Some(&log), sound: None };
        let first = entries(&all.write(folder.path()).unwrap());
        let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["machine.json", "settings.json", "moshibar.log"]);
        assert!(!first[1].1.contains("somebody"), "{}", first[1].1);
        assert!(first[2].1.ends_with("the end") && first[2].1.len() == LOG_BYTES);
        all.sound = Some(&sound);
        let second = all.write(folder.path()).unwrap();
        assert_eq!(second, folder.path().join("moshibar-diagnostics-2.zip"));
        assert_eq!(entries(&second).last().unwrap().1, "the sound");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let (about, settings) = (about(), Settings::default());
        let all = Diagnostics { about: &about, settings: &settings, report: None, trace: None, log: None, sound: None };
        let error = all.write(Path::new("/no/such/folder")).unwrap_err();
        assert!(error.message.contains("/no/such/folder"), "{error}");
    }
}
