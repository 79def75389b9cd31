//! The app: one owner of everything that lives as long as it. What a window or the menu asks for is a method here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moshibar_audio::{
    Backend, Clock, DeviceChoice, DeviceError, Direction, DspOptions, DuplexOptions, SupervisorOptions,
};
use moshibar_session::live::{Command, Devices, LiveSession, TalkOptions};
use moshibar_session::recover_recordings;
use moshibar_store::{BUILT_IN, Machine, Store, StoreOptions};

use crate::devices::DeviceList;
use crate::diagnostics::Diagnostics;
use crate::engine_source::{EngineChoice, ModelSource};
use crate::error::AppError;
use crate::history::History;
use crate::models::Models;
use crate::outlets::Outlets;
use crate::settings::{self, Found, Settings};
use crate::system::{MicrophoneGate, SystemEvent};
use crate::talk::{Listener, Talk};
use crate::view::{About, Permission, Problem, ProblemAction, Snapshot, UiEvent};

/// Makes what sound devices lie behind; called for every talk, and once to list them.
pub(crate) type MakeSound = Arc<dyn Fn() -> Result<Box<dyn Backend>, DeviceError> + Send + Sync>;

/// Frames in the timeline of a talk, for diagnostics: its last ten minutes.
const TRACE_FRAMES: usize = 7_500;

/// What an app is made of.
pub(crate) struct AppParts {
    pub(crate) settings_file: PathBuf,
    /// Where talks are kept unless the settings name another folder.
    pub(crate) recordings: PathBuf,
    pub(crate) store: StoreOptions,
    pub(crate) sound: MakeSound,
    pub(crate) microphone: MicrophoneGate,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) outlets: Outlets,
}

/// Everything.
pub(crate) struct App {
    pub(crate) models: Models,
    talk: Talk,
    outlets: Outlets,
    devices: DeviceList,
    machine: Machine,
    microphone: MicrophoneGate,
    settings: Mutex<Settings>,
    settings_file: PathBuf,
    recordings: PathBuf,
    /// What the session's source builds at the next start.
    engine: Mutex<EngineChoice>,
    /// Whether the lock of the screen muted the user, and nobody else since.
    muted_by_lock: AtomicBool,
}

impl App {
    /// Reads the settings and starts the session's threads; no model is loaded and no device opened.
    ///
    /// # Errors
    /// [`AppError`] if the settings cannot be read, the library cannot be found, or the system has no threads.
    pub(crate) fn start(parts: AppParts) -> Result<Self, AppError> {
        let AppParts { settings_file, recordings, store, sound, microphone, clock, outlets } = parts;
        let (settings, found) =
            settings::read(&settings_file).map_err(|error| AppError::new("settings", error.to_string()))?;
        if let Found::SetAside(path) = found {
            tracing::warn!(path = %path.display(), "the settings could not be understood and were set aside");
        }
        let machine = Machine::this();
        let store = Store::open(store)?;
        let models = Models::new(store.clone(), machine.clone(), outlets.clone(), &settings.model);
        let backend = Arc::clone(&sound);
        let devices = Devices::new(Box::new(move || backend()), duplex_options(&settings), Arc::clone(&clock));
        let engine = EngineChoice::of(&settings, &settings.model);
        let source = ModelSource::new(store, engine.clone());
        let no_thread = |error: std::io::Error| AppError::new("no_thread", error.to_string());
        let (session, events) = LiveSession::spawn(Box::new(source), Box::new(devices), clock).map_err(no_thread)?;
        let talk = Talk::new(session, events, &settings.model, outlets.clone()).map_err(no_thread)?;
        talk.set_unload_after(unload_after(&settings));
        let list = DeviceList::default();
        list.watch(sound, outlets.clone()).map_err(no_thread)?;
        let app = Self {
            models,
            talk,
            outlets,
            devices: list,
            machine,
            microphone,
            settings: Mutex::new(settings),
            settings_file,
            recordings,
            engine: Mutex::new(engine),
            muted_by_lock: AtomicBool::new(false),
        };
        app.tidy_recordings().map_err(no_thread)?;
        Ok(app)
    }

    /// Completes recordings that a crash cut off, and deletes those that are too old. Takes as long as it takes.
    fn tidy_recordings(&self) -> std::io::Result<()> {
        let (folder, keep_days) = (self.recordings_folder(), self.settings().keep_days);
        let tidy = move || {
            for recovered in recover_recordings(&folder) {
                match recovered {
                    Ok(_) => tracing::info!("a recording that was cut off is completed"),
                    Err(error) => tracing::warn!(%error, "a recording that was cut off stays as it is"),
                }
            }
            if let Some(days) = keep_days {
                let old = Duration::from_secs(86_400 * u64::from(days));
                let gone = History::in_folder(folder).prune(old, std::time::SystemTime::now());
                tracing::info!(gone, "old recordings are deleted");
            }
        };
        std::thread::Builder::new().name("moshibar-tidy".to_owned()).spawn(tidy).map(drop)
    }

    /// Everything that a window shows.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.with_snapshot(|snapshot| snapshot)
    }

    /// The same, for one that must know of all that comes afterwards: of the talk nothing is told before `look` is done.
    pub(crate) fn with_snapshot<T>(&self, look: impl FnOnce(Snapshot) -> T) -> T {
        let (models, devices, settings) = (self.models.list(), self.devices.all(), self.settings());
        let (permission, about) = ((self.microphone.state)(), self.about());
        self.talk.with_known(|known| {
            look(Snapshot {
                talk: known.talk.clone(),
                pace: known.pace,
                captions: known.words.clone(),
                models,
                devices,
                settings,
                permission,
                about,
            })
        })
    }

    /// What is chosen now.
    pub(crate) fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins a talk with the chosen model; with nano while that is still on its way. What keeps it from beginning stands in the
    /// talk's view afterwards, whoever asked. Waits while the system asks the user about the microphone: not for the main thread.
    ///
    /// # Errors
    /// [`AppError`] if the session does not take it.
    pub(crate) fn start_talk(&self) -> Result<(), AppError> {
        if !self.may_listen() {
            return Ok(());
        }
        let settings = self.settings();
        let wanted = EngineChoice::of(&settings, &settings.model);
        let engine = match wanted.check(self.models.store()) {
            Ok(()) => wanted,
            Err(_) if self.models.is_coming(&settings.model) => EngineChoice::of(&settings, stand_in()),
            Err(error) => {
                self.talk.show(cannot_begin(error));
                return Ok(());
            }
        };
        self.use_engine(engine, false)?;
        let options = TalkOptions {
            record_into: settings.record.then(|| self.recordings_folder()),
            trace_frames: TRACE_FRAMES,
            muted: false,
            push_to_talk: settings.push_to_talk,
        };
        self.talk.start(options)?;
        if settings.skip_greeting {
            self.talk.hush_until_user_speaks()?;
        }
        Ok(())
    }

    /// Whether the microphone may be used; if not, the talk's view says so.
    fn may_listen(&self) -> bool {
        let is_news = (self.microphone.state)() == Permission::Undetermined;
        let permission = (self.microphone.ask)();
        if is_news {
            self.outlets.told(UiEvent::Permission { permission });
        }
        if permission == Permission::Denied {
            self.talk.show(Problem {
                code: "microphone_denied",
                message: "Moshibar may not use the microphone".to_owned(),
                hint: None,
                action: Some(ProblemAction::OpenMicrophoneSettings),
            });
        }
        permission != Permission::Denied
    }

    /// Ends the talk, if there is one.
    ///
    /// # Errors
    /// As [`App::start_talk`].
    pub(crate) fn end_talk(&self) -> Result<(), AppError> {
        Ok(self.talk.send(Command::Stop)?)
    }

    /// Ends everything, before the process does: a talk that is recorded is complete afterwards.
    pub(crate) fn shut_down(&self) {
        self.talk.shut_down();
    }

    /// Begins a talk, or ends it.
    ///
    /// # Errors
    /// As [`App::start_talk`].
    pub(crate) fn toggle_talk(&self) -> Result<(), AppError> {
        if self.talk.is_on() { self.end_talk() } else { self.start_talk() }
    }

    /// A talk with nano, to hear whether microphone and speaker work.
    ///
    /// # Errors
    /// As [`App::start_talk`].
    pub(crate) fn start_sound_check(&self) -> Result<(), AppError> {
        if !self.may_listen() {
            return Ok(());
        }
        let settings = self.settings();
        self.end_talk()?;
        self.use_engine(EngineChoice::of(&settings, stand_in()), true)?;
        Ok(self.talk.start(TalkOptions::default())?)
    }

    /// Whether Moshi hears silence at the moment.
    pub(crate) fn is_muted(&self) -> bool {
        self.talk.known().talk.muted
    }

    /// The talks that were recorded.
    pub(crate) fn history(&self) -> History {
        History::in_folder(self.recordings_folder())
    }

    /// Asks for the microphone, and tells windows the answer.
    pub(crate) fn ask_permission(&self) -> Permission {
        let permission = (self.microphone.ask)();
        self.outlets.told(UiEvent::Permission { permission });
        permission
    }

    /// Writes a file for a bug report.
    ///
    /// # Errors
    /// [`AppError`] `disk`.
    pub(crate) fn write_diagnostics(
        &self,
        folder: &Path,
        log: Option<&Path>,
        with_sound: bool,
    ) -> Result<PathBuf, AppError> {
        let (last, history) = (self.talk.last(), self.history());
        let newest = || history.sound(&history.list("").first()?.id).ok().filter(|sound| sound.is_file());
        let sound = with_sound.then(newest).flatten();
        let diagnostics = Diagnostics {
            about: &self.about(),
            settings: &self.settings(),
            report: last.report.as_ref(),
            trace: last.trace.as_ref(),
            log,
            sound: sound.as_deref(),
        };
        diagnostics.write(folder)
    }

    fn recordings_folder(&self) -> PathBuf {
        self.settings().recordings_folder.unwrap_or_else(|| self.recordings.clone())
    }

    /// Sends one of the switches of a talk.
    ///
    /// # Errors
    /// As [`App::start_talk`].
    pub(crate) fn switch(&self, command: Command) -> Result<(), AppError> {
        if matches!(command, Command::SetMuted(_)) {
            self.muted_by_lock.store(false, Ordering::Relaxed);
        }
        Ok(self.talk.send(command)?)
    }

    /// Does what the machine's state asks for.
    ///
    /// # Errors
    /// As [`App::start_talk`].
    pub(crate) fn take_system_event(&self, event: SystemEvent) -> Result<(), AppError> {
        let talk = self.talk.known().talk;
        match event {
            SystemEvent::Sleeps => self.switch(Command::Sleep),
            SystemEvent::Locked if self.talk.is_on() && !talk.muted => {
                self.switch(Command::SetMuted(true))?;
                self.muted_by_lock.store(true, Ordering::Relaxed);
                Ok(())
            }
            SystemEvent::Unlocked if self.muted_by_lock.load(Ordering::Relaxed) => {
                self.switch(Command::SetMuted(false))
            }
            SystemEvent::MemoryIsShort { is_crisis } => {
                tracing::info!(is_crisis, "the system is short of memory");
                self.switch(Command::SaveMemory { is_crisis })
            }
            SystemEvent::Hot if self.talk.is_on() => {
                let message = "the computer is hot, and may become too slow for a talk: give it air".to_owned();
                self.outlets.told(UiEvent::Notice { code: "hot", message });
                Ok(())
            }
            SystemEvent::MuteGesture { mutes } if self.talk.is_on() && mutes != talk.muted => {
                self.switch(Command::SetMuted(mutes))
            }
            _ => Ok(()),
        }
    }

    /// Takes another model from now on. A talk goes on with it as soon as it is loaded.
    ///
    /// # Errors
    /// [`AppError`] if there is no such model, it is not here, or the settings cannot be written.
    pub(crate) fn choose_model(&self, name: &str) -> Result<(), AppError> {
        let mut wanted = self.settings();
        EngineChoice::of(&wanted, name).check(self.models.store())?;
        name.clone_into(&mut wanted.model);
        self.save(wanted)?;
        if self.talk.is_on() { self.start_talk_again() } else { Ok(()) }
    }

    /// Writes settings and lets them take effect.
    ///
    /// # Errors
    /// [`AppError`] `bad_setting`, or `settings` if the file cannot be written.
    pub(crate) fn save(&self, wanted: Settings) -> Result<Settings, AppError> {
        let wanted = wanted.validated().map_err(|error| AppError::new("bad_setting", error.to_string()))?;
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings::write(&self.settings_file, &wanted).map_err(|error| AppError::new("settings", error.to_string()))?;
        let before = std::mem::replace(&mut *settings, wanted.clone());
        // Told while locked, so that nobody hears of two changes in the wrong order.
        self.outlets.told(UiEvent::Settings { settings: Box::new(wanted.clone()) });
        drop(settings);
        self.apply(&before, &wanted)?;
        Ok(wanted)
    }

    /// Changes one thing in the settings.
    ///
    /// # Errors
    /// As [`App::save`].
    pub(crate) fn change(&self, change: impl FnOnce(&mut Settings)) -> Result<(), AppError> {
        let mut wanted = self.settings();
        change(&mut wanted);
        self.save(wanted).map(drop)
    }

    fn apply(&self, before: &Settings, wanted: &Settings) -> Result<(), AppError> {
        if before.model != wanted.model {
            self.models.choose(&wanted.model);
        }
        if before.microphone != wanted.microphone {
            self.switch(Command::ChooseDevice(Direction::Input, wanted.microphone.clone().into()))?;
        }
        if before.speaker != wanted.speaker {
            self.switch(Command::ChooseDevice(Direction::Output, wanted.speaker.clone().into()))?;
        }
        if before.echo != wanted.echo {
            self.switch(Command::SetEcho(wanted.echo))?;
        }
        if before.noise_suppression != wanted.noise_suppression {
            self.switch(Command::SetNoiseSuppression(wanted.noise_suppression))?;
        }
        if before.push_to_talk != wanted.push_to_talk {
            self.switch(Command::SetPushToTalk(wanted.push_to_talk))?;
        }
        self.talk.set_unload_after(unload_after(wanted));
        Ok(())
    }

    fn start_talk_again(&self) -> Result<(), AppError> {
        self.end_talk()?;
        self.start_talk()
    }

    /// Sees to it that the next start builds this engine. One that is loaded already stays.
    fn use_engine(&self, engine: EngineChoice, is_sound_check: bool) -> Result<(), AppError> {
        let mut current = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if *current != engine || self.talk.known().talk.is_sound_check != is_sound_check {
            let source = ModelSource::new(self.models.store().clone(), engine.clone());
            self.talk.replace(Box::new(source), &engine.model, is_sound_check)?;
            *current = engine;
        }
        Ok(())
    }

    fn about(&self) -> About {
        About {
            version: env!("CARGO_PKG_VERSION"),
            machine: self.machine.processor.clone().unwrap_or_default(),
            memory_bytes: self.machine.memory_bytes,
            library_folder: self.models.store().folder().display().to_string(),
            free_bytes: self.models.store().free_bytes(),
            platform: if cfg!(target_os = "macos") { "macos" } else { "linux" },
        }
    }
}

/// Who talks while the chosen model is on its way.
fn stand_in() -> &'static str {
    BUILT_IN.first().map_or("", |model| model.name)
}

fn cannot_begin(error: AppError) -> Problem {
    let action = match error.code {
        "model_missing" => Some(ProblemAction::Download),
        "model_damaged" => Some(ProblemAction::Verify),
        _ => Some(ProblemAction::OpenLibrary),
    };
    let AppError { code, message, hint } = error;
    Problem { code, message, hint, action }
}

fn unload_after(settings: &Settings) -> Option<Duration> {
    settings.unload_after_minutes.map(|minutes| Duration::from_secs(60 * u64::from(minutes)))
}

fn duplex_options(settings: &Settings) -> DuplexOptions {
    let choice = |id: &Option<String>| DeviceChoice::from(id.clone());
    DuplexOptions {
        devices: SupervisorOptions { input: choice(&settings.microphone), output: choice(&settings.speaker) },
        dsp: DspOptions { echo: settings.echo, noise_suppression: settings.noise_suppression },
    }
}
