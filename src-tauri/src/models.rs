//! The models as windows see them, and the work on them: one job for a model at most.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moshibar_store::{
    BUILT_IN, Basis, Fit, Installed, Job, JobEvent, JobHandle, Machine, ModelState, Phase, Progress, PullOptions,
    Quality, Reference, Store, StoreError, Verdict, Voice, recommended,
};
use serde::Serialize;
use ts_rs::TS;

use crate::error::AppError;
use crate::outlets::Outlets;
use crate::talk::Listener;
use crate::view::{Problem, UiEvent};

/// What is done with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "bindings.ts")]
pub(crate) enum JobKind {
    /// Fetches it.
    Pull,
    /// Hashes it again.
    Verify,
    /// Takes it from a folder.
    Import,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct JobView {
    /// What is done.
    pub(crate) kind: JobKind,
    /// What it does now.
    #[ts(
        type = r#"{ name: "starting" | "asking" | "following" | "checking" | "downloading" | "paused" | "finishing" } | { name: "waiting"; reason: string }"#
    )]
    pub(crate) phase: Phase,
    /// Bytes done.
    #[ts(type = "number")]
    pub(crate) done_bytes: u64,
    /// Bytes of all files.
    #[ts(type = "number")]
    pub(crate) total_bytes: u64,
    /// Of the last twenty seconds.
    pub(crate) bytes_per_second: Option<f64>,
    /// At that speed.
    pub(crate) seconds_left: Option<f64>,
    /// Requests that broke off and went on.
    #[ts(type = "number")]
    pub(crate) interruptions: u64,
    /// Why it stopped, where it did.
    pub(crate) problem: Option<Problem>,
}

/// How a model suits this machine.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
pub(crate) struct FitView {
    /// The answer.
    #[ts(type = r#""comfortable" | "tight" | "unknown" | "will_not_keep_up" | "will_not_fit""#)]
    pub(crate) verdict: Verdict,
    /// Whether it was measured.
    #[ts(type = r#""estimated" | "measured""#)]
    pub(crate) basis: Basis,
    /// Bytes that a talk takes at full context.
    #[ts(type = "number")]
    pub(crate) memory_needed_bytes: u64,
    /// Bytes that the machine has for it.
    #[ts(type = "number | null")]
    pub(crate) memory_budget_bytes: Option<u64>,
    /// **Units** ms, at the start of a talk.
    pub(crate) frame_empty_ms: Option<f64>,
    /// **Units** ms, at full context.
    pub(crate) frame_full_ms: Option<f64>,
    /// Why, in lines for people.
    pub(crate) reasons: Vec<String>,
}

impl From<Fit> for FitView {
    fn from(fit: Fit) -> Self {
        Self {
            verdict: fit.verdict,
            basis: fit.basis,
            memory_needed_bytes: fit.memory_needed_bytes,
            memory_budget_bytes: fit.memory_budget_bytes,
            frame_empty_ms: fit.frame_empty_ms,
            frame_full_ms: fit.frame_full_ms,
            reasons: fit.reasons,
        }
    }
}

/// A model, with everything that a card shows.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[ts(export_to = "bindings.ts")]
#[allow(clippy::struct_excessive_bools)] // Each is a badge of its own.
pub(crate) struct ModelView {
    /// What people call it.
    pub(crate) name: String,
    /// Whose voice.
    #[ts(type = "\"moshiko\" | \"moshika\" | \"nano\" | null")]
    pub(crate) voice: Option<Voice>,
    /// How its weights are packed.
    #[ts(type = "\"q4\" | \"q8\" | \"bf16\"")]
    pub(crate) quality: Quality,
    /// What the user may do with it.
    pub(crate) licence: Option<String>,
    /// Whether people who do not choose get it.
    pub(crate) is_default: bool,
    /// Whether it suits this machine best.
    pub(crate) is_recommended: bool,
    /// Whether the next talk is with it.
    pub(crate) is_chosen: bool,
    /// Whether it is part of the program.
    pub(crate) is_built_in: bool,
    /// All its bytes.
    #[ts(type = "number")]
    pub(crate) size_bytes: u64,
    /// Those that are here.
    #[ts(type = "number")]
    pub(crate) present_bytes: u64,
    /// In which state it is.
    #[ts(type = r#"{ name: "absent" | "partial" | "verified" | "unchecked" } | { name: "damaged"; what: string }"#)]
    pub(crate) state: ModelState,
    /// How it suits this machine.
    pub(crate) fit: Option<FitView>,
    /// What is done with it now, or what stopped.
    pub(crate) job: Option<JobView>,
}

struct Work {
    view: JobView,
    /// `None` once it is over.
    handle: Option<JobHandle>,
}

/// The library and what is done in it. Cloned freely.
#[derive(Clone)]
pub(crate) struct Models {
    store: Store,
    machine: Machine,
    works: Arc<Mutex<HashMap<String, Work>>>,
    chosen: Arc<Mutex<String>>,
    outlets: Outlets,
}

impl Models {
    /// The models of a library; `chosen` is the settings' model.
    pub(crate) fn new(store: Store, machine: Machine, outlets: Outlets, chosen: &str) -> Self {
        Self { store, machine, works: Arc::default(), chosen: Arc::new(Mutex::new(chosen.to_owned())), outlets }
    }

    /// Notes that the settings have another model now.
    pub(crate) fn choose(&self, name: &str) {
        name.clone_into(&mut self.chosen.lock().unwrap_or_else(PoisonError::into_inner));
        self.tell();
    }

    /// Whether a model is being fetched.
    pub(crate) fn is_coming(&self, name: &str) -> bool {
        self.works().get(name).is_some_and(|work| work.handle.is_some() && work.view.kind != JobKind::Verify)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// All of them. A library that cannot be read has those of the program alone.
    pub(crate) fn list(&self) -> Vec<ModelView> {
        let chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let entries = self.store.list().unwrap_or_else(|error| {
            tracing::warn!(%error, "the library cannot be read");
            Vec::new()
        });
        let best = recommended(&self.machine);
        let works = self.works();
        let built_in = BUILT_IN.iter().map(|model| ModelView {
            name: model.name.to_owned(),
            voice: Some(Voice::Nano),
            quality: Quality::Q8,
            licence: None,
            is_default: false,
            is_recommended: false,
            is_chosen: model.name == chosen,
            is_built_in: true,
            size_bytes: model.size_bytes(),
            present_bytes: model.size_bytes(),
            state: ModelState::Verified,
            fit: None,
            job: None,
        });
        let stored =
            entries.into_iter().filter(|entry| !BUILT_IN.iter().any(|model| model.name == entry.name)).map(|entry| {
                let fit = entry
                    .name
                    .parse::<Reference>()
                    .ok()
                    .map(|reference| self.store.fit(&reference, entry.quality, &self.machine).into());
                ModelView {
                    is_recommended: Some(entry.quality) == best,
                    is_chosen: entry.name == chosen,
                    is_built_in: false,
                    job: works.get(&entry.name).map(|work| work.view.clone()),
                    fit,
                    name: entry.name,
                    voice: entry.voice,
                    quality: entry.quality,
                    licence: entry.licence,
                    is_default: entry.is_default,
                    size_bytes: entry.size_bytes,
                    present_bytes: entry.present_bytes,
                    state: entry.state,
                }
            });
        built_in.chain(stored).collect()
    }

    /// Fetches a model, or goes on with it.
    ///
    /// # Errors
    /// [`AppError`] `job_running` if something is done with it already, `no_such_model` for a name that means none.
    pub(crate) fn pull(&self, name: &str) -> Result<(), AppError> {
        let reference = reference(name)?;
        self.begin(name, JobKind::Pull, |store| store.pull(&reference, PullOptions::default()))
    }

    /// Hashes a model's files again.
    ///
    /// # Errors
    /// As [`Models::pull`].
    pub(crate) fn verify(&self, name: &str) -> Result<(), AppError> {
        let reference = reference(name)?;
        self.begin(name, JobKind::Verify, |store| store.verify(&reference))
    }

    /// Takes a model from a folder.
    ///
    /// # Errors
    /// As [`Models::pull`].
    pub(crate) fn import(&self, name: &str, folder: &Path) -> Result<(), AppError> {
        let reference = reference(name)?;
        self.begin(name, JobKind::Import, |store| -> Job<Vec<Installed>> { store.import(folder, Some(&reference)) })
    }

    /// Lets a job rest, or go on, or end.
    ///
    /// # Errors
    /// [`AppError`] `no_job`.
    pub(crate) fn direct(&self, name: &str, how: impl FnOnce(&JobHandle)) -> Result<(), AppError> {
        match self.works().get(name).and_then(|work| work.handle.as_ref()) {
            Some(handle) => {
                how(handle);
                Ok(())
            }
            None => Err(AppError::new("no_job", format!("nothing is done with {name} at the moment"))),
        }
    }

    /// Deletes a model from disk. Returns the bytes that are free again.
    ///
    /// # Errors
    /// [`AppError`] `job_running`, or what the store says.
    pub(crate) fn remove(&self, name: &str) -> Result<u64, AppError> {
        if self.works().get(name).is_some_and(|work| work.handle.is_some()) {
            return Err(running(name));
        }
        let freed = self.store.remove(&reference(name)?)?;
        self.works().remove(name);
        self.tell();
        Ok(freed)
    }

    fn begin<T: Send + 'static>(
        &self,
        name: &str,
        kind: JobKind,
        work: impl FnOnce(&Store) -> Job<T>,
    ) -> Result<(), AppError> {
        let mut works = self.works();
        if works.get(name).is_some_and(|work| work.handle.is_some()) {
            return Err(running(name));
        }
        let runtime = tauri::async_runtime::handle();
        let _inside = runtime.inner().enter();
        let mut job = work(&self.store);
        works.insert(name.to_owned(), Work { view: beginning(kind), handle: Some(job.handle()) });
        drop(works);
        self.tell();
        let (models, name) = (self.clone(), name.to_owned());
        tauri::async_runtime::spawn(async move {
            while let Some(event) = job.next().await {
                if let JobEvent::Progress(progress) = event {
                    models.note(&name, |view| update(view, progress));
                }
            }
            models.end(&name, job.finish().await.err());
        });
        Ok(())
    }

    fn note(&self, name: &str, change: impl FnOnce(&mut JobView)) {
        if let Some(work) = self.works().get_mut(name) {
            change(&mut work.view);
        }
        self.tell();
    }

    fn end(&self, name: &str, failure: Option<StoreError>) {
        let mut works = self.works();
        match failure {
            None => {
                let kind = works.remove(name).map(|work| work.view.kind);
                if kind.is_some_and(|kind| kind != JobKind::Verify) {
                    let message = format!("{name} is here: the next talk can be with it");
                    self.outlets.told(UiEvent::Notice { code: "model_ready", message });
                }
            }
            Some(StoreError::Cancelled) => {
                works.remove(name);
            }
            Some(error) => {
                if let Some(work) = works.get_mut(name) {
                    let refusal = AppError::from(error);
                    work.view.problem = Some(Problem {
                        code: refusal.code,
                        message: refusal.message,
                        hint: refusal.hint,
                        action: None,
                    });
                    work.handle = None;
                }
            }
        }
        drop(works);
        self.tell();
    }

    fn tell(&self) {
        self.outlets.told(UiEvent::Models { models: self.list() });
    }

    fn works(&self) -> MutexGuard<'_, HashMap<String, Work>> {
        self.works.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reference(name: &str) -> Result<Reference, AppError> {
    name.parse().map_err(|error: StoreError| AppError::new("no_such_model", error.to_string()))
}

fn running(name: &str) -> AppError {
    AppError::new("job_running", format!("something is being done with {name} already: wait, or cancel it"))
}

fn beginning(kind: JobKind) -> JobView {
    JobView {
        kind,
        phase: Phase::Starting,
        done_bytes: 0,
        total_bytes: 0,
        bytes_per_second: None,
        seconds_left: None,
        interruptions: 0,
        problem: None,
    }
}

fn update(view: &mut JobView, progress: Progress) {
    view.phase = progress.phase;
    view.done_bytes = progress.done_bytes;
    view.total_bytes = progress.total_bytes;
    view.bytes_per_second = progress.bytes_per_second;
    view.seconds_left = progress.seconds_left;
    view.interruptions = progress.interruptions;
}
