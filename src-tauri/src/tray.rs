//! The icon in the menu bar: what it shows follows from the same events that windows get, and what it does are the app's commands.

mod face;
mod menu;

use std::sync::{Arc, Mutex, PoisonError};

use moshibar_session::live::{Command, State};
use tauri::menu::{CheckMenuItem, IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Runtime};

use self::face::Face;
use self::menu::{Does, Line};
use crate::app::App;
use crate::error::AppError;
use crate::outlets::TakeEvent;
use crate::settings::Settings;
use crate::strings::Strings;
use crate::view::{Snapshot, UiEvent};
use crate::windows::{self, Window};

const ID: &str = "moshibar";

/// What is known, and what is shown of it.
struct Tray<R: Runtime> {
    app: AppHandle<R>,
    stage: Mutex<Stage>,
}

/// What happened before the icon is there is taken when it is.
enum Stage {
    Waits(Vec<UiEvent>),
    Shows(Box<Known>),
}

struct Known {
    snapshot: Snapshot,
    moshi_speaks: bool,
    shown: Shown,
}

/// Everything that the tray shows.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    face: Face,
    words: String,
    title: Option<String>,
    lines: Vec<Line>,
}

impl Shown {
    fn of(snapshot: &Snapshot, moshi_speaks: bool) -> Self {
        let Snapshot { talk, devices, models, settings, pace, .. } = snapshot;
        let strings = Strings::of(settings.language);
        let face = Face::of(talk, moshi_speaks);
        let is_talking = matches!(face, Face::Listening | Face::Speaking | Face::Muted | Face::Warning);
        let ms =
            pace.filter(|_| is_talking && settings.show_pace_in_menu_bar).map(|pace| format!("{:.0}", pace.p50_ms));
        Self {
            face,
            words: strings.get(face.words()),
            title: ms.map(|ms| strings.fill("menu.pace", &[("ms", &ms)])),
            lines: menu::lines(&strings, talk, devices, models, settings),
        }
    }
}

/// What a tray takes before it is there.
pub(crate) struct Inlet<R: Runtime>(Arc<Tray<R>>);

/// Where the tray's events go in.
pub(crate) fn inlet<R: Runtime>(app: &AppHandle<R>) -> (Inlet<R>, TakeEvent) {
    let tray = Arc::new(Tray { app: app.clone(), stage: Mutex::new(Stage::Waits(Vec::new())) });
    let taker = Arc::clone(&tray);
    (Inlet(tray), Arc::new(move |event| taker.take(event)))
}

/// Puts the icon there. To be called on the main thread.
///
/// # Errors
/// [`AppError`] `tray` if the system has no room for it.
pub(crate) fn build<R: Runtime>(inlet: &Inlet<R>, snapshot: Snapshot) -> Result<(), AppError> {
    let tray = &inlet.0;
    let shown = Shown::of(&snapshot, false);
    let refused = |error: tauri::Error| AppError::new("tray", format!("the icon cannot be shown: {error}"));
    TrayIconBuilder::with_id(ID)
        .icon(shown.face.picture())
        .icon_as_template(true)
        .tooltip(&shown.words)
        .menu(&draw(&tray.app, &shown.lines).map_err(refused)?)
        .show_menu_on_left_click(false)
        .on_menu_event(|app, event| does(app, event.id().as_ref()))
        .on_tray_icon_event(|icon, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left, button_state: MouseButtonState::Up, rect, ..
            } = event
            {
                let app = icon.app_handle();
                windows::remember_tray(app, rect);
                talk_aside(app, App::toggle_talk);
                report(windows::show(app, Window::Popover));
            }
        })
        .build(&tray.app)
        .map_err(refused)?;
    let mut known = Known { snapshot, moshi_speaks: false, shown };
    let mut stage = tray.stage.lock().unwrap_or_else(PoisonError::into_inner);
    if let Stage::Waits(events) = &*stage {
        events.iter().filter_map(|event| known.take(event)).for_each(|change| tray.draw(change));
    }
    *stage = Stage::Shows(Box::new(known));
    Ok(())
}

/// What was shown, and what is to be shown instead.
struct Change {
    before: Shown,
    wanted: Shown,
}

impl Known {
    /// Takes what happened; `None` if it looks the same.
    fn take(&mut self, event: &UiEvent) -> Option<Change> {
        let Self { snapshot, moshi_speaks, shown } = self;
        match event {
            UiEvent::Frame { moshi_speaks: speaks, .. } if *speaks != *moshi_speaks => *moshi_speaks = *speaks,
            UiEvent::Talk { talk } => snapshot.talk = talk.clone(),
            UiEvent::Pace { pace } => snapshot.pace = Some(*pace),
            UiEvent::Models { models } => snapshot.models.clone_from(models),
            UiEvent::Devices { devices } => snapshot.devices.clone_from(devices),
            UiEvent::Settings { settings } => snapshot.settings = Settings::clone(settings),
            _ => return None,
        }
        if !matches!(snapshot.talk.state, State::Listening) {
            *moshi_speaks = false;
        }
        let wanted = Shown::of(snapshot, *moshi_speaks);
        if wanted == *shown {
            return None;
        }
        let before = std::mem::replace(shown, wanted.clone());
        Some(Change { before, wanted })
    }
}

impl<R: Runtime> Tray<R> {
    fn take(&self, event: &UiEvent) {
        match &mut *self.stage.lock().unwrap_or_else(PoisonError::into_inner) {
            Stage::Waits(events) => events.push(event.clone()),
            Stage::Shows(known) => {
                if let Some(change) = known.take(event) {
                    self.draw(change);
                }
            }
        }
    }

    /// Menus and icons belong to the main thread; in the order in which they were asked for.
    fn draw(&self, Change { before, wanted }: Change) {
        let app = self.app.clone();
        self.app.run_on_main_thread(move || apply(&app, &before, &wanted)).ok();
    }
}

fn apply<R: Runtime>(app: &AppHandle<R>, before: &Shown, wanted: &Shown) {
    let Some(icon) = app.tray_by_id(ID) else { return };
    let drawn = || -> tauri::Result<()> {
        if before.face != wanted.face {
            icon.set_icon_with_as_template(Some(wanted.face.picture()), true)?;
        }
        if before.words != wanted.words {
            icon.set_tooltip(Some(&wanted.words))?;
        }
        if before.title != wanted.title {
            icon.set_title(wanted.title.as_deref())?;
        }
        if before.lines != wanted.lines {
            icon.set_menu(Some(draw(app, &wanted.lines)?))?;
        }
        Ok(())
    };
    if let Err(error) = drawn() {
        tracing::warn!(%error, "the tray cannot be drawn");
    }
}

/// A menu of the system. What a line does is its id, so that the menu needs no memory.
fn draw<R: Runtime>(app: &AppHandle<R>, lines: &[Line]) -> tauri::Result<Menu<R>> {
    let menu = Menu::new(app)?;
    for line in lines {
        menu.append(draw_line(app, line)?.as_ref())?;
    }
    Ok(menu)
}

fn draw_line<R: Runtime>(app: &AppHandle<R>, line: &Line) -> tauri::Result<Box<dyn IsMenuItem<R>>> {
    Ok(match line {
        Line::Item { does, text, is_enabled } => {
            Box::new(MenuItem::with_id(app, id_of(does), escaped(text), *is_enabled, None::<&str>)?)
        }
        Line::Check { does, text, is_on, is_enabled } => {
            Box::new(CheckMenuItem::with_id(app, id_of(does), escaped(text), *is_enabled, *is_on, None::<&str>)?)
        }
        Line::More { text, lines } => {
            let more = Submenu::new(app, escaped(text), !lines.is_empty())?;
            for line in lines {
                more.append(draw_line(app, line)?.as_ref())?;
            }
            Box::new(more)
        }
        Line::Rule => Box::new(PredefinedMenuItem::separator(app)?),
    })
}

/// An ampersand would underline the next letter.
fn escaped(text: &str) -> String {
    text.replace('&', "&&")
}

fn id_of(does: &Does) -> String {
    serde_json::to_string(does).unwrap_or_default()
}

fn does<R: Runtime>(app: &AppHandle<R>, id: &str) {
    let Ok(does) = serde_json::from_str::<Does>(id) else { return };
    let state = app.state::<App>();
    report(match does {
        Does::StartTalk => {
            talk_aside(app, App::start_talk);
            Ok(())
        }
        Does::EndTalk => state.end_talk(),
        Does::Mute(on) => state.switch(Command::SetMuted(on)),
        Does::Hush(on) => state.switch(Command::SetHushed(on)),
        Does::ChooseMicrophone(id) => state.change(|settings| settings.microphone = id),
        Does::ChooseSpeaker(id) => state.change(|settings| settings.speaker = id),
        Does::ChooseModel(name) => {
            talk_aside(app, move |state| state.choose_model(&name));
            Ok(())
        }
        Does::ShowModels => windows::show_tab(app, "quality"),
        Does::ShowCaptions(on) => state.change(|settings| settings.show_captions = on),
        Does::Open => windows::show(app, Window::Popover),
        Does::History => windows::show(app, Window::History),
        Does::Settings => windows::show(app, Window::Settings),
        Does::Unload => state.switch(Command::Unload),
        Does::Quit => {
            app.exit(0);
            Ok(())
        }
    });
}

/// What may wait, for the user's answer or the disk, waits on another thread: this one draws.
fn talk_aside<R: Runtime>(app: &AppHandle<R>, work: impl FnOnce(&App) -> Result<(), AppError> + Send + 'static) {
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || report(work(&app.state::<App>())));
}

fn report(done: Result<(), AppError>) {
    if let Err(error) = done {
        tracing::warn!(%error, "a menu's command was not done");
    }
}
