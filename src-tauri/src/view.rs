//! What windows see: plain data, made from the talk, the models and the devices. Most types of
//! `ui/src/bindings.ts` come from here, the others from `models`, `history`, `settings` and
//! `error`.

use moshibar_audio::{DeviceInfo, DeviceKind, Direction};
use moshibar_session::Speaker;
use moshibar_session::live::State;
use serde::Serialize;
use ts_rs::TS;

use crate::models::ModelView;
use crate::settings::Settings;

/// The one button that helps with a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "bindings.ts")]
pub(crate) enum ProblemAction {
    /// Starts the talk again.
    Retry,
    /// Opens the system's settings for microphones.
    OpenMicrophoneSettings,
    /// Opens the list of microphones.
    ChooseMicrophone,
    /// Opens the list of speakers.
    ChooseSpeaker,
    /// Takes the smaller quality.
    SwitchToQ4,
    /// Fetches the model.
    Download,
    /// Hashes the model's files again.
    Verify,
    /// Shows the folder of models.
    OpenLibrary,
}

/// Something is wrong: a plain sentence, and what helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct Problem {
    /// What kind it is.
    pub(crate) code: &'static str,
    /// What happened, in English.
    pub(crate) message: String,
    /// What helps.
    pub(crate) hint: Option<String>,
    /// The button.
    pub(crate) action: Option<ProblemAction>,
}

/// How far a model is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct LoadingView {
    /// Bytes read so far.
    #[ts(type = "number")]
    pub(crate) done_bytes: u64,
    /// Bytes to be read in all.
    #[ts(type = "number")]
    pub(crate) total_bytes: u64,
}

/// Where the talk stands.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
#[allow(clippy::struct_excessive_bools)] // Switches are what they are.
pub(crate) struct TalkView {
    /// The session's word for it.
    #[ts(type = "\"idle\" | \"loading\" | \"listening\" | \"muted\" | \"paused\" | \"stopping\" | \"failed\"")]
    pub(crate) state: State,
    /// The model that talks.
    pub(crate) model: String,
    /// How long the talk lasts.
    pub(crate) seconds: f64,
    /// Whether Moshi hears silence.
    pub(crate) muted: bool,
    /// Whether Moshi is not heard.
    pub(crate) hushed: bool,
    /// Whether time stands still for Moshi.
    pub(crate) paused: bool,
    /// Whether a key must be held to be heard.
    pub(crate) push_to_talk: bool,
    /// Whether the model lies in memory, in a talk or after one.
    pub(crate) loaded: bool,
    /// Whether this is the sound check: a talk with nano that says nothing about the chosen model.
    pub(crate) is_sound_check: bool,
    /// How far the model is loaded, while it is.
    pub(crate) loading: Option<LoadingView>,
    /// What is wrong.
    pub(crate) problem: Option<Problem>,
}

/// How fast frames are answered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct Pace {
    /// **Units** ms, the median.
    pub(crate) p50_ms: f64,
    /// **Units** ms, the 95th percentile.
    pub(crate) p95_ms: f64,
    /// **Units** ms, the slowest.
    pub(crate) max_ms: f64,
    /// Frames that wait.
    pub(crate) backlog_frames: usize,
    /// Frames that were left out.
    #[ts(type = "number")]
    pub(crate) dropped_frames: u64,
    /// Memory of the model's runtime.
    #[ts(type = "number")]
    pub(crate) memory_bytes: u64,
}

/// A word that was said.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct WordView {
    /// Who said it.
    #[ts(type = "\"moshi\" | \"user\"")]
    pub(crate) speaker: Speaker,
    /// The word, with the space before it where there is one.
    pub(crate) text: String,
    /// When, in the talk.
    pub(crate) start_seconds: f64,
}

/// A microphone or a speaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct DeviceView {
    /// What the settings call it.
    pub(crate) id: String,
    /// What people call it.
    pub(crate) name: String,
    /// Whether it hears or speaks.
    #[ts(type = "\"input\" | \"output\"")]
    pub(crate) direction: Direction,
    /// Whether the system would choose it now.
    pub(crate) is_default: bool,
    /// What people listen with.
    #[ts(type = "\"open\" | \"headphones\"")]
    pub(crate) kind: DeviceKind,
}

impl From<DeviceInfo> for DeviceView {
    fn from(device: DeviceInfo) -> Self {
        let DeviceInfo { id, name, direction, is_default, kind } = device;
        Self { id: id.0, name, direction, is_default, kind }
    }
}

/// Whether the microphone may be used.
#[allow(dead_code, reason = "a system asks, or it does not")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "bindings.ts")]
pub(crate) enum Permission {
    /// The user said yes.
    Granted,
    /// The user, or who manages the machine, said no.
    Denied,
    /// Nobody was asked yet.
    Undetermined,
    /// This system does not ask.
    NotNeeded,
}

/// The program and the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct About {
    /// The program's version.
    pub(crate) version: &'static str,
    /// The processor, in words.
    pub(crate) machine: String,
    /// Memory of the machine.
    #[ts(type = "number | null")]
    pub(crate) memory_bytes: Option<u64>,
    /// Where models are kept.
    pub(crate) library_folder: String,
    /// What the library's disk could still hold.
    #[ts(type = "number | null")]
    pub(crate) free_bytes: Option<u64>,
    /// The system.
    #[ts(type = "\"macos\" | \"linux\"")]
    pub(crate) platform: &'static str,
}

/// Everything that a window shows, for one that opens or was loaded again.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct Snapshot {
    /// Where the talk stands.
    pub(crate) talk: TalkView,
    /// How fast its frames are answered.
    pub(crate) pace: Option<Pace>,
    /// The last words.
    pub(crate) captions: Vec<WordView>,
    /// All models.
    pub(crate) models: Vec<ModelView>,
    /// All microphones and speakers.
    pub(crate) devices: Vec<DeviceView>,
    /// What was chosen.
    pub(crate) settings: Settings,
    /// Whether the microphone may be used.
    pub(crate) permission: Permission,
    /// The program and the machine.
    pub(crate) about: About,
}

/// What happens, as it happens.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export_to = "bindings.ts")]
pub(crate) enum UiEvent {
    /// Everything at once: the first event of a window.
    Snapshot {
        /// All of it.
        snapshot: Box<Snapshot>,
    },
    /// The talk stands elsewhere.
    Talk {
        /// Where.
        talk: TalkView,
    },
    /// A frame was heard and answered: 12.5 times a second.
    Frame {
        /// Its number in the talk.
        #[ts(type = "number")]
        index: u64,
        /// **Units** ms.
        took_ms: f64,
        /// Frames that wait.
        backlog_frames: usize,
        /// Loudest sample of the user, 0 to 1.
        user_level: f32,
        /// Loudest sample of Moshi, 0 to 1.
        moshi_level: f32,
        /// Whether Moshi speaks, pauses between words included.
        moshi_speaks: bool,
    },
    /// A word was said.
    Word {
        /// Which.
        word: WordView,
    },
    /// The pace, once a second.
    Pace {
        /// Of the whole talk.
        pace: Pace,
    },
    /// Models, or what is done with them, changed.
    Models {
        /// All of them.
        models: Vec<ModelView>,
    },
    /// A device came or went.
    Devices {
        /// All of them.
        devices: Vec<DeviceView>,
    },
    /// A setting changed.
    Settings {
        /// All of them.
        settings: Box<Settings>,
    },
    /// The microphone was allowed or forbidden.
    Permission {
        /// Which.
        permission: Permission,
    },
    /// A part of the settings is wanted.
    ShowTab {
        /// Which.
        tab: String,
    },
    /// A talk was recorded, or is gone.
    History,
    /// News that need no button.
    Notice {
        /// What kind it is.
        code: &'static str,
        /// A sentence.
        message: String,
    },
}
