//! What windows may ask for. Thin: each command names one thing that the app can do.

#![allow(clippy::needless_pass_by_value)] // Tauri hands arguments over.

use std::path::PathBuf;

use moshibar_session::live::Command;
use moshibar_store::JobHandle;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, Runtime, State, WebviewWindow};
use tauri_plugin_dialog::DialogExt;

use crate::app::App;
use crate::arguments::Arg;
use crate::error::AppError;
use crate::history::{Format, TalkDetail, TalkEntry};
use crate::hub::Hub;
use crate::log::log_file;
use crate::settings::Settings;
use crate::system::{self, Pane};
use crate::view::{Permission, Snapshot, UiEvent};
use crate::windows::{self, Window};

type Answer<T = ()> = Result<T, AppError>;

#[tauri::command(async)]
pub(crate) fn subscribe<R: Runtime>(
    window: WebviewWindow<R>,
    app: State<'_, App>,
    hub: State<'_, Hub>,
    channel: Channel<UiEvent>,
) {
    let is_visible = window.is_visible().unwrap_or(true);
    hub.expect(window.label(), is_visible);
    app.with_snapshot(|snapshot| {
        hub.admit(window.label(), channel, UiEvent::Snapshot { snapshot: Box::new(snapshot) });
    });
}

/// Everything at once, for whoever wants no events.
#[tauri::command(async)]
pub(crate) fn snapshot(app: State<'_, App>) -> Snapshot {
    app.snapshot()
}

#[tauri::command(async)]
pub(crate) fn start_talk(app: State<'_, App>) -> Answer {
    app.start_talk()
}

#[tauri::command]
pub(crate) fn end_talk(app: State<'_, App>) -> Answer {
    app.end_talk()
}

#[tauri::command]
pub(crate) fn set_muted(app: State<'_, App>, on: Arg<bool>) -> Answer {
    app.switch(Command::SetMuted(on.0))
}

#[tauri::command]
pub(crate) fn set_hushed(app: State<'_, App>, on: Arg<bool>) -> Answer {
    app.switch(Command::SetHushed(on.0))
}

#[tauri::command]
pub(crate) fn set_paused(app: State<'_, App>, on: Arg<bool>) -> Answer {
    app.switch(Command::SetPaused(on.0))
}

#[tauri::command]
pub(crate) fn hold_talk_key(app: State<'_, App>, down: Arg<bool>) -> Answer {
    app.switch(Command::HoldTalkKey(down.0))
}

#[tauri::command(async)]
pub(crate) fn start_sound_check(app: State<'_, App>) -> Answer {
    app.start_sound_check()
}

#[tauri::command]
pub(crate) fn end_sound_check(app: State<'_, App>) -> Answer {
    app.end_talk()
}

#[tauri::command(async)]
pub(crate) fn choose_model(app: State<'_, App>, name: Arg<String>) -> Answer {
    app.choose_model(&name)
}

#[tauri::command(async)]
pub(crate) fn pull_model(app: State<'_, App>, name: Arg<String>) -> Answer {
    app.models.pull(&name)
}

#[tauri::command(async)]
pub(crate) fn verify_model(app: State<'_, App>, name: Arg<String>) -> Answer {
    app.models.verify(&name)
}

#[tauri::command(async)]
pub(crate) fn remove_model(app: State<'_, App>, name: Arg<String>) -> Answer<u64> {
    app.models.remove(&name)
}

#[tauri::command]
pub(crate) fn pause_job(app: State<'_, App>, name: Arg<String>) -> Answer {
    app.models.direct(&name, JobHandle::pause)
}

#[tauri::command]
pub(crate) fn resume_job(app: State<'_, App>, name: Arg<String>) -> Answer {
    app.models.direct(&name, JobHandle::resume)
}

#[tauri::command]
pub(crate) fn cancel_job(app: State<'_, App>, name: Arg<String>) -> Answer {
    app.models.direct(&name, JobHandle::cancel)
}

#[tauri::command]
pub(crate) fn unload_model(app: State<'_, App>) -> Answer {
    app.switch(Command::Unload)
}

#[tauri::command(async)]
pub(crate) fn save_settings(app: State<'_, App>, settings: Arg<Settings>) -> Answer<Settings> {
    app.save(settings.0)
}

/// Lets the user choose a folder; `None` if none was chosen.
#[tauri::command(async)]
pub(crate) fn choose_folder<R: Runtime>(window: WebviewWindow<R>) -> Answer<Option<PathBuf>> {
    let chosen = window.dialog().file().set_parent(&window).blocking_pick_folder();
    let no_folder = |error: tauri_plugin_dialog::Error| AppError::new("bad_argument", error.to_string());
    chosen.map(|folder| folder.into_path().map_err(|error| no_folder(error.into()))).transpose()
}

#[tauri::command(async)]
pub(crate) fn import_model(app: State<'_, App>, name: Arg<String>, folder: Arg<PathBuf>) -> Answer {
    app.models.import(&name, &folder)
}

#[tauri::command(async)]
pub(crate) fn list_talks(app: State<'_, App>, query: Arg<String>) -> Vec<TalkEntry> {
    app.history().list(&query)
}

#[tauri::command(async)]
pub(crate) fn open_talk(app: State<'_, App>, id: Arg<String>) -> Answer<TalkDetail> {
    app.history().open(&id)
}

/// Writes a talk's words into the folder for downloads. Returns the file.
#[tauri::command(async)]
pub(crate) fn export_talk<R: Runtime>(
    handle: AppHandle<R>,
    app: State<'_, App>,
    id: Arg<String>,
    format: Arg<Format>,
) -> Answer<PathBuf> {
    app.history().export(&id, format.0, &downloads(&handle)?)
}

#[tauri::command(async)]
pub(crate) fn delete_talk(app: State<'_, App>, id: Arg<String>) -> Answer {
    app.history().delete(&id)
}

#[tauri::command(async)]
pub(crate) fn ask_permission(app: State<'_, App>) -> Permission {
    app.ask_permission()
}

#[tauri::command(async)]
pub(crate) fn open_system_settings(pane: Arg<Pane>) -> Answer {
    system::open_settings(pane.0)
}

/// Writes a file for a bug report into the folder for downloads. Returns it.
#[tauri::command(async)]
pub(crate) fn write_diagnostics<R: Runtime>(
    handle: AppHandle<R>,
    app: State<'_, App>,
    with_sound: Arg<bool>,
) -> Answer<PathBuf> {
    app.write_diagnostics(&downloads(&handle)?, log_file(&handle).as_deref(), with_sound.0)
}

/// Where people look for files that a program wrote for them.
fn downloads<R: Runtime>(app: &AppHandle<R>) -> Answer<PathBuf> {
    let folders = app.path();
    let folder = folders.download_dir().ok().filter(|folder| folder.is_dir()).map_or_else(|| folders.home_dir(), Ok);
    folder.map_err(|error| AppError::new("no_folder", format!("there is no folder to write into: {error}")))
}

#[tauri::command(async)]
pub(crate) fn open_window<R: Runtime>(app: AppHandle<R>, window: Arg<Window>, tab: Arg<Option<String>>) -> Answer {
    match (window.0, tab.0) {
        (Window::Settings, Some(tab)) => windows::show_tab(&app, &tab),
        (window, _) => windows::show(&app, window),
    }
}

/// The popover is as high as what it shows.
#[tauri::command(async)]
pub(crate) fn fit_popover<R: Runtime>(app: AppHandle<R>, height: Arg<f64>) -> Answer {
    windows::fit_popover(&app, height.0)
}

#[tauri::command]
pub(crate) fn quit<R: Runtime>(app: AppHandle<R>) {
    app.exit(0);
}
