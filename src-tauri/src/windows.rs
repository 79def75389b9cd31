//! The windows: made when they are first wanted. The popover is hidden when it is closed, so that it is there at once the next
//! time; the others go, with their memory.

use std::sync::{Mutex, PoisonError};

use tauri::{
    AppHandle, LogicalSize, Manager, PhysicalPosition, Rect, Runtime, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    WindowEvent,
};

use crate::error::AppError;
use crate::hub::Hub;
use crate::view::UiEvent;

/// How wide the popover is, and between which bounds its height follows what it shows. **Units** logical pixels.
const POPOVER_WIDTH: f64 = 360.0;
const POPOVER_HEIGHT: f64 = 520.0;
const POPOVER_BOUNDS: (f64, f64) = (200.0, 900.0);

/// A window by its label, which is also its page's name and its capability's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Window {
    /// The talk.
    Popover,
    /// Everything that can be chosen.
    Settings,
    /// Talks that were recorded.
    History,
    /// The first steps.
    Welcome,
}

/// Where the icon is in the menu bar, once the system said so.
#[derive(Default)]
pub(crate) struct TrayPlace(Mutex<Option<Rect>>);

impl Window {
    pub(crate) const ALL: [Self; 4] = [Self::Popover, Self::Settings, Self::History, Self::Welcome];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Popover => "popover",
            Self::Settings => "settings",
            Self::History => "history",
            Self::Welcome => "welcome",
        }
    }

    fn of(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.label() == label)
    }

    fn size(self) -> (f64, f64) {
        match self {
            Self::Popover => (POPOVER_WIDTH, POPOVER_HEIGHT),
            Self::Settings => (760.0, 640.0),
            Self::History => (860.0, 620.0),
            Self::Welcome => (640.0, 560.0),
        }
    }
}

/// Shows a window and gives it the keyboard.
///
/// # Errors
/// [`AppError`] `window` if the system makes none.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>, which: Window) -> Result<(), AppError> {
    let window = made(app, which)?;
    if which == Window::Popover {
        place_below_tray(app, &window)?;
    }
    app.state::<Hub>().set_visible(which.label(), true);
    window.show().and_then(|()| window.set_focus()).map_err(refused)
}

/// Shows one part of the settings.
///
/// # Errors
/// As [`show`].
pub(crate) fn show_tab<R: Runtime>(app: &AppHandle<R>, tab: &str) -> Result<(), AppError> {
    show(app, Window::Settings)?;
    app.state::<Hub>().tell_when_there(Window::Settings.label(), UiEvent::ShowTab { tab: tab.to_owned() });
    Ok(())
}

/// A window, hidden if it was not there yet.
///
/// # Errors
/// As [`show`].
pub(crate) fn made<R: Runtime>(app: &AppHandle<R>, which: Window) -> Result<WebviewWindow<R>, AppError> {
    if let Some(window) = app.get_webview_window(which.label()) {
        return Ok(window);
    }
    let (width, height) = which.size();
    let is_popover = which == Window::Popover;
    let page = WebviewUrl::App(format!("{}.html", which.label()).into());
    let window = WebviewWindowBuilder::new(app, which.label(), page)
        .title("Moshibar")
        .inner_size(width, height)
        .resizable(!is_popover)
        .decorations(!is_popover || cfg!(not(target_os = "macos")))
        .skip_taskbar(is_popover)
        .always_on_top(is_popover)
        .visible(false)
        .build()
        .map_err(refused)?;
    let (watched, app) = (window.clone(), app.clone());
    window.on_window_event(move |event| on_event(&app, &watched, event));
    Ok(window)
}

/// Makes the popover as high as what it shows.
///
/// # Errors
/// As [`show`].
pub(crate) fn fit_popover<R: Runtime>(app: &AppHandle<R>, height: f64) -> Result<(), AppError> {
    let Some(window) = app.get_webview_window(Window::Popover.label()) else { return Ok(()) };
    let (lowest, highest) = POPOVER_BOUNDS;
    if !height.is_finite() {
        return Err(AppError::new("bad_argument", "a window's height is a number"));
    }
    window.set_size(LogicalSize::new(POPOVER_WIDTH, height.clamp(lowest, highest))).map_err(refused)
}

/// Notes where the icon is.
pub(crate) fn remember_tray<R: Runtime>(app: &AppHandle<R>, place: Rect) {
    *app.state::<TrayPlace>().0.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
}

fn place_below_tray<R: Runtime>(app: &AppHandle<R>, window: &WebviewWindow<R>) -> Result<(), AppError> {
    let place = *app.state::<TrayPlace>().0.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(icon) = place else { return Ok(()) }; // Linux does not say where it is
    let scale = window.scale_factor().map_err(refused)?;
    let (corner, size) = (icon.position.to_physical::<f64>(scale), icon.size.to_physical::<f64>(scale));
    let left = corner.x + (size.width - POPOVER_WIDTH * scale) / 2.0;
    window.set_position(PhysicalPosition::new(left, corner.y + size.height)).map_err(refused)
}

fn on_event<R: Runtime>(app: &AppHandle<R>, window: &WebviewWindow<R>, event: &WindowEvent) {
    let is_popover = Window::of(window.label()) == Some(Window::Popover);
    match event {
        WindowEvent::CloseRequested { api, .. } if is_popover => {
            api.prevent_close();
            hide(app, window);
        }
        // A popover goes when something else is clicked, as all of them do on macOS.
        WindowEvent::Focused(false) if is_popover && cfg!(target_os = "macos") => hide(app, window),
        WindowEvent::Destroyed => app.state::<Hub>().forget(window.label()),
        _ => {}
    }
}

fn hide<R: Runtime>(app: &AppHandle<R>, window: &WebviewWindow<R>) {
    app.state::<Hub>().set_visible(window.label(), false);
    if let Err(error) = window.hide() {
        tracing::warn!(%error, "the popover cannot be hidden");
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn refused(error: tauri::Error) -> AppError {
    AppError::new("window", format!("the window cannot be shown: {error}"))
}
