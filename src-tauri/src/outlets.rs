//! Where events go: to every window, and to whatever else follows them.

use std::sync::Arc;

use crate::hub::Hub;
use crate::talk::Listener;
use crate::view::UiEvent;

/// Takes what a window would take.
pub(crate) type TakeEvent = Arc<dyn Fn(&UiEvent) + Send + Sync>;

/// All that show something, or follow the settings. Cloned freely.
#[derive(Clone)]
pub(crate) struct Outlets {
    pub(crate) hub: Hub,
    /// The tray, shortcuts, login items: before the windows.
    pub(crate) others: Arc<[TakeEvent]>,
}

impl Listener for Outlets {
    fn told(&self, event: UiEvent) {
        for take in &*self.others {
            take(&event);
        }
        self.hub.send(&event);
    }
}
