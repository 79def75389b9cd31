//! Which microphones and speakers there are: looked at now and then, because systems do not tell reliably.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moshibar_audio::{Backend, DeviceError};

use crate::app::MakeSound;
use crate::outlets::Outlets;
use crate::talk::Listener;
use crate::view::{DeviceView, UiEvent};

/// How often they are looked at while a window is open.
const WATCHED: Duration = Duration::from_secs(2);
/// And otherwise: for the menu.
const UNWATCHED: Duration = Duration::from_secs(15);
/// How often it is seen whether a window is open.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// What there was when they were looked at last. Cloned freely.
#[derive(Clone, Default)]
pub(crate) struct DeviceList {
    known: Arc<Mutex<Vec<DeviceView>>>,
}

impl DeviceList {
    /// All that are known.
    pub(crate) fn all(&self) -> Vec<DeviceView> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks for as long as the app lives, and tells what changed.
    ///
    /// # Errors
    /// [`std::io::Error`] if the system has no thread left.
    pub(crate) fn watch(&self, sound: MakeSound, outlets: Outlets) -> std::io::Result<()> {
        let list = self.clone();
        let look = move || {
            let mut backend = None;
            let mut waited = UNWATCHED;
            loop {
                if waited >= if outlets.hub.is_watched() { WATCHED } else { UNWATCHED } {
                    waited = Duration::ZERO;
                    let devices = listed(&sound, &mut backend).unwrap_or_else(|error| {
                        tracing::debug!(%error, "devices cannot be listed");
                        Vec::new()
                    });
                    if list.replace(&devices) {
                        outlets.told(UiEvent::Devices { devices });
                    }
                }
                std::thread::park_timeout(LOOK_AROUND);
                waited += LOOK_AROUND;
            }
        };
        std::thread::Builder::new().name("moshibar-list".to_owned()).spawn(look)?;
        Ok(())
    }

    /// Whether that is news.
    fn replace(&self, devices: &[DeviceView]) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *known != devices;
        if is_news {
            *known = devices.to_vec();
        }
        is_news
    }
}

/// All devices. A backend that fails is made anew the next time: the sound service may have been started again.
fn listed(sound: &MakeSound, backend: &mut Option<Box<dyn Backend>>) -> Result<Vec<DeviceView>, DeviceError> {
    let mut open = match backend.take() {
        Some(open) => open,
        None => sound()?,
    };
    let devices = open.devices()?;
    *backend = Some(open);
    Ok(devices.into_iter().map(DeviceView::from).collect())
}
