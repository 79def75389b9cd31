//! The shell of Moshibar: tray, windows, settings, wiring. No sound and no model is computed here.
//!
//! ```text
//! windows ──commands──▶ App ──▶ Talk (session), Models (store), settings
//! tray    ──menu──────▶  │
//! windows ◀──UiEvent── Hub ◀── Outlets ◀── bridge, jobs, devices
//! tray    ◀──────────────────────┘
//! ```

mod app;
mod arguments;
#[cfg(test)]
mod command_names;
mod commands;
mod devices;
mod diagnostics;
mod engine_source;
mod error;
mod history;
mod hub;
mod idle;
mod log;
mod login_item;
mod models;
mod outlets;
mod replay;
mod settings;
mod shortcuts;
mod strings;
mod system;
mod talk;
mod tray;
mod view;
mod windows;

#[cfg(test)]
mod bindings_tests;
#[cfg(test)]
mod command_tests;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, ValueEnum};
use moshibar_audio::{CpalBackend, SystemClock};
use moshibar_store::StoreOptions;
use tauri::{Builder, Manager, RunEvent, Runtime};
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};
use tauri_plugin_global_shortcut::{Shortcut, ShortcutEvent};

use self::app::{App, AppParts};
use self::error::AppError;
use self::hub::Hub;
use self::login_item::LoginItem;
use self::outlets::Outlets;
use self::shortcuts::Shortcuts;
use self::system::TalkNews;
use self::view::UiEvent;
use self::windows::{TrayPlace, Window};

/// Talk with Moshi from the menu bar.
#[derive(Debug, Parser)]
#[command(name = "moshibar-app", version)]
struct Arguments {
    /// Show a window at once, also in an app that runs already
    #[arg(long, value_name = "WINDOW")]
    show: Option<Shown>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shown {
    Popover,
    Settings,
    History,
    Welcome,
}

impl From<Shown> for Window {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Popover => Self::Popover,
            Shown::Settings => Self::Settings,
            Shown::History => Self::History,
            Shown::Welcome => Self::Welcome,
        }
    }
}

/// Everything that a window may call, and nothing else.
fn with_commands<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.invoke_handler(tauri::generate_handler![
        commands::subscribe,
        commands::snapshot,
        commands::start_talk,
        commands::end_talk,
        commands::set_muted,
        commands::set_hushed,
        commands::set_paused,
        commands::hold_talk_key,
        commands::start_sound_check,
        commands::end_sound_check,
        commands::choose_model,
        commands::pull_model,
        commands::verify_model,
        commands::remove_model,
        commands::pause_job,
        commands::resume_job,
        commands::cancel_job,
        commands::unload_model,
        commands::save_settings,
        commands::choose_folder,
        commands::import_model,
        commands::list_talks,
        commands::open_talk,
        commands::export_talk,
        commands::delete_talk,
        commands::ask_permission,
        commands::open_system_settings,
        commands::write_diagnostics,
        commands::open_window,
        commands::fit_popover,
        commands::quit,
    ])
}

/// Runs the app until it is quit.
pub fn run() -> ExitCode {
    system::choose_painter();
    let arguments = Arguments::parse();
    let built = with_commands(Builder::default())
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _folder| {
            // Somebody who starts it again does not see it: it shows itself.
            let wanted = Arguments::try_parse_from(arguments).ok().and_then(|arguments| arguments.show);
            if let Err(error) = windows::show(app, wanted.map_or(Window::Popover, Window::from)) {
                tracing::warn!(%error, "a second start showed nothing");
            }
        }))
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_autostart::Builder::new().app_name("Moshibar").build())
        .plugin(tauri_plugin_global_shortcut::Builder::new().with_handler(on_shortcut).build())
        .register_asynchronous_uri_scheme_protocol(replay::SCHEME, |context, request, responder| {
            let app = context.app_handle().clone();
            tauri::async_runtime::spawn_blocking(move || {
                let range = request.headers().get("range").and_then(|range| range.to_str().ok());
                responder.respond(replay::answer(&app.state::<App>().history(), request.uri().path(), range));
            });
        })
        .setup(move |app| {
            if let Err(error) = set_up(app, arguments.show.map(Window::from)) {
                cannot_start(app.handle(), &error);
            }
            Ok(())
        })
        .build(context());
    match built {
        Ok(app) => ExitCode::from(u8::try_from(app.run_return(on_run_event)).unwrap_or(1)),
        Err(error) => {
            tracing::error!(%error, "Moshibar cannot start");
            ExitCode::FAILURE
        }
    }
}

/// What `tauri.conf.json` says, and the pages.
#[allow(clippy::exit)] // in code that Tauri generates, for a system that is none of ours
fn context() -> tauri::Context {
    tauri::generate_context!()
}

fn set_up(app: &mut tauri::App, shown: Option<Window>) -> Result<(), AppError> {
    #[cfg(target_os = "macos")]
    app.set_activation_policy(tauri::ActivationPolicy::Accessory);
    let handle = app.handle();
    log::begin(log::log_file(handle).as_deref());
    let no_folder =
        |error: tauri::Error| AppError::new("no_folder", format!("there is no folder for settings: {error}"));
    let settings_file = handle.path().app_config_dir().map_err(no_folder)?.join("settings.json");
    let recordings = handle.path().app_data_dir().map_err(no_folder)?.join("recordings");
    let (inlet, tray) = tray::inlet(handle);
    let hub = Hub::default();
    handle.manage(hub.clone());
    handle.manage(TrayPlace::default());
    handle.manage(Shortcuts::default());
    let core = App::start(AppParts {
        settings_file,
        recordings,
        store: StoreOptions::default(),
        sound: Arc::new(|| Ok(Box::new(CpalBackend::new()))),
        microphone: system::MICROPHONE,
        clock: Arc::new(SystemClock::default()),
        outlets: Outlets { hub, others: Arc::new([tray, follow_settings(handle.clone()), follow_talk()]) },
    })?;
    let snapshot = core.snapshot();
    handle.state::<Shortcuts>().follow(handle, &snapshot.settings);
    handle.manage(LoginItem::new(&snapshot.settings));
    let is_first_run = !snapshot.settings.first_run_done;
    handle.manage(core);
    let told = handle.clone();
    system::watch(move |event| {
        if let Err(error) = told.state::<App>().take_system_event(event) {
            tracing::warn!(%error, ?event, "the machine's news came to nothing");
        }
    })
    .map_err(|error| AppError::new("no_thread", error.to_string()))?;
    tray::build(&inlet, snapshot)?;
    match shown.or(is_first_run.then_some(Window::Welcome)) {
        Some(window) => windows::show(handle, window),
        // So that it is there at once when it is wanted.
        None => windows::made(handle, Window::Popover).map(drop),
    }
}

/// Says why, and ends: who clicked an icon reads no terminal.
fn cannot_start(app: &tauri::AppHandle, error: &AppError) {
    tracing::error!(%error, "Moshibar cannot start");
    let ended = app.clone();
    app.dialog()
        .message(error.to_string())
        .title("Moshibar")
        .kind(MessageDialogKind::Error)
        .show(move |_| ended.exit(1));
}

/// Lets shortcuts and login items follow the settings.
fn follow_settings(app: tauri::AppHandle) -> outlets::TakeEvent {
    Arc::new(move |event| {
        if let UiEvent::Settings { settings } = event {
            app.state::<Shortcuts>().follow(&app, settings);
            app.state::<LoginItem>().take(&app, event);
        }
    })
}

/// Lets the system know of a talk.
fn follow_talk() -> outlets::TakeEvent {
    let news = TalkNews::default();
    Arc::new(move |event| news.take(event))
}

fn on_shortcut(app: &tauri::AppHandle, shortcut: &Shortcut, event: ShortcutEvent) {
    let (app, shortcut) = (app.clone(), *shortcut);
    // A talk that begins may have to wait for the user's answer; this thread may not.
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = app.state::<Shortcuts>().pressed(&app.state::<App>(), &shortcut, event.state()) {
            tracing::warn!(%error, "a shortcut did nothing");
        }
    });
}

fn on_run_event<R: Runtime>(app: &tauri::AppHandle<R>, event: RunEvent) {
    match event {
        // The last window that closes does not end an app that lives in the menu bar; `quit` has a code.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        RunEvent::Exit => {
            if let Some(core) = app.try_state::<App>() {
                core.shut_down();
            }
        }
        _ => {}
    }
}
