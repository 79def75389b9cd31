//! What the user has chosen, on disk: one JSON file, versioned, validated, written whole.
//!
//! A file that cannot be read is set aside and named in the notice, never overwritten: somebody may want it back. Unknown
//! fields are dropped, missing ones are what a new user gets.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use moshibar_audio::{AtomicFile, AudioError, EchoMode};
use serde::{Deserialize, Serialize};
use tauri_plugin_global_shortcut::Shortcut;
use ts_rs::TS;

/// The version that this program writes.
const VERSION: u32 = 1;

/// The language of windows and menus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export_to = "bindings.ts")]
pub(crate) enum Language {
    /// The system's, English where it is none of ours.
    #[default]
    System,
    /// English.
    En,
    /// French.
    Fr,
    /// Japanese.
    Ja,
}

/// All settings. `None` means: as the model or the system has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "bindings.ts")]
#[allow(clippy::struct_excessive_bools)] // Switches are what they are.
pub(crate) struct Settings {
    /// The version of this form.
    pub(crate) version: u32,
    /// The model that talks: a name of the catalog, or `nano`.
    pub(crate) model: String,
    /// The microphone's id; `None` follows the system.
    pub(crate) microphone: Option<String>,
    /// The speaker's id; `None` follows the system.
    pub(crate) speaker: Option<String>,
    /// When the echo is cancelled.
    #[ts(type = "\"auto\" | \"on\" | \"off\"")]
    pub(crate) echo: EchoMode,
    /// Whether steady noise is taken out of what Moshi hears.
    pub(crate) noise_suppression: bool,
    /// How freely Moshi's voice is drawn, 0 to 2.
    pub(crate) temperature: Option<f32>,
    /// How freely its words are drawn, 0 to 2.
    pub(crate) text_temperature: Option<f32>,
    /// Among how many of the likeliest tokens is drawn, 1 to 2048.
    pub(crate) top_k: Option<u32>,
    /// The seed of every talk; `None` takes a new one each time.
    #[ts(type = "number | null")]
    pub(crate) seed: Option<u64>,
    /// Steps that Moshi remembers.
    pub(crate) context: Option<u32>,
    /// Whether a key must be held to be heard.
    pub(crate) push_to_talk: bool,
    /// Whether the greeting that a model begins with is hushed.
    pub(crate) skip_greeting: bool,
    /// Whether talks are recorded.
    pub(crate) record: bool,
    /// Where to; `None`: the app's own folder.
    pub(crate) recordings_folder: Option<PathBuf>,
    /// After how many days recordings go; `None` keeps them.
    pub(crate) keep_days: Option<u32>,
    /// Whether the app starts with the computer.
    pub(crate) launch_at_login: bool,
    /// Whether the menu bar shows milliseconds per frame during a talk.
    pub(crate) show_pace_in_menu_bar: bool,
    /// Whether words are shown.
    pub(crate) show_captions: bool,
    /// After how many minutes without a talk the model leaves memory; `None` never.
    pub(crate) unload_after_minutes: Option<u32>,
    /// Global shortcut that starts and ends a talk.
    pub(crate) shortcut_talk: Option<String>,
    /// Global shortcut that mutes.
    pub(crate) shortcut_mute: Option<String>,
    /// Global shortcut that is held to be heard.
    pub(crate) shortcut_push_to_talk: Option<String>,
    /// The language of windows and menus.
    pub(crate) language: Language,
    /// Whether the first steps were taken.
    pub(crate) first_run_done: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: VERSION,
            model: "nano".to_owned(),
            microphone: None,
            speaker: None,
            echo: EchoMode::default(),
            noise_suppression: false,
            temperature: None,
            text_temperature: None,
            top_k: None,
            seed: None,
            context: None,
            push_to_talk: false,
            skip_greeting: false,
            record: false,
            recordings_folder: None,
            keep_days: None,
            launch_at_login: false,
            show_pace_in_menu_bar: true,
            show_captions: true,
            unload_after_minutes: Some(10),
            shortcut_talk: None,
            shortcut_mute: None,
            shortcut_push_to_talk: None,
            language: Language::default(),
            first_run_done: false,
        }
    }
}

/// A value that no setting may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} cannot be {value}: {bounds}")]
pub(crate) struct BadSetting {
    /// Which.
    pub(crate) field: &'static str,
    /// What was asked for.
    pub(crate) value: String,
    /// What it may be.
    pub(crate) bounds: &'static str,
}

impl Settings {
    /// Checks every value.
    ///
    /// # Errors
    /// [`BadSetting`], the first that is out of bounds.
    pub(crate) fn validated(self) -> Result<Self, BadSetting> {
        let within = |field, value: Option<f32>| match value {
            Some(value) if !(0.0..=2.0).contains(&value) => {
                Err(BadSetting { field, value: value.to_string(), bounds: "it goes from 0 to 2" })
            }
            _ => Ok(()),
        };
        within("temperature", self.temperature)?;
        within("text_temperature", self.text_temperature)?;
        let counted = |field, value: Option<u32>, most, bounds| match value {
            Some(value) if value == 0 || value > most => Err(BadSetting { field, value: value.to_string(), bounds }),
            _ => Ok(()),
        };
        counted("top_k", self.top_k, 2048, "it goes from 1 to 2048")?;
        counted("context", self.context, 3_000, "it goes from 1 to 3000 steps")?;
        counted("keep_days", self.keep_days, 36_500, "it goes from 1 to 36500 days")?;
        counted("unload_after_minutes", self.unload_after_minutes, 1_440, "it goes from 1 to 1440 minutes")?;
        for (field, shortcut) in [
            ("shortcut_talk", &self.shortcut_talk),
            ("shortcut_mute", &self.shortcut_mute),
            ("shortcut_push_to_talk", &self.shortcut_push_to_talk),
        ] {
            if let Some(text) = shortcut.as_ref().filter(|text| text.parse::<Shortcut>().is_err()) {
                let value = text.chars().take(100).collect();
                return Err(BadSetting { field, value, bounds: "it is keys, such as Control+Alt+KeyM" });
            }
        }
        if let Some(folder) = self.recordings_folder.as_ref().filter(|folder| !Path::new(folder).is_absolute()) {
            let value = folder.display().to_string();
            return Err(BadSetting { field: "recordings_folder", value, bounds: "it is the whole path of a folder" });
        }
        if self.model.trim().is_empty() {
            return Err(BadSetting { field: "model", value: "empty".to_owned(), bounds: "it is a model's name" });
        }
        Ok(Self { version: VERSION, ..self })
    }
}

/// What reading found beside the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// The file, or none yet.
    AsWritten,
    /// A file that nobody understands; it lies there now.
    SetAside(PathBuf),
}

/// Reads the settings of a file.
///
/// # Errors
/// [`io::Error`] if the file is there and cannot be read or set aside: nothing is overwritten then.
pub(crate) fn read(path: &Path) -> io::Result<(Settings, Found)> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Settings::default(), Found::AsWritten)),
        Err(error) => return Err(error),
    };
    let understood = serde_json::from_slice::<Settings>(&text).ok().filter(|settings| settings.version <= VERSION);
    if let Some(settings) = understood.and_then(|settings| settings.validated().ok()) {
        return Ok((settings, Found::AsWritten));
    }
    let aside = free_name(path);
    std::fs::rename(path, &aside)?;
    Ok((Settings::default(), Found::SetAside(aside)))
}

/// Writes them, whole or not at all.
///
/// # Errors
/// [`AudioError`] if the file cannot be written.
pub(crate) fn write(path: &Path, settings: &Settings) -> Result<(), AudioError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|reason| AudioError::writing(path, reason))?;
    }
    let mut file = AtomicFile::create(path)?;
    let text = serde_json::to_vec_pretty(settings).map_err(|reason| AudioError::writing(path, reason.into()))?;
    file.write_all(&text).map_err(|reason| AudioError::writing(path, reason))?;
    file.commit()
}

fn free_name(path: &Path) -> PathBuf {
    (1..10_000)
        .map(|number| path.with_extension(format!("set-aside-{number}.json")))
        .find(|name| !name.exists())
        .unwrap_or_else(|| path.with_extension("set-aside.json"))
}
