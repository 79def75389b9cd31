//! Who listens: the windows that subscribed. One way only, from the app's threads to the windows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tauri::ipc::Channel;

use crate::view::UiEvent;

/// Sends events to every window. Cloned freely; a window that is gone is forgotten.
///
/// Whoever tells of the talk does so while it is locked: nothing here may ask for the talk, or they wait for each other for ever.
#[derive(Clone, Default)]
pub(crate) struct Hub {
    windows: Arc<Mutex<Vec<Listener>>>,
    waiting: Arc<Mutex<Vec<(String, UiEvent)>>>,
}

struct Listener {
    label: String,
    /// `None` until it was told everything; what happens meanwhile is kept.
    channel: Option<Channel<UiEvent>>,
    kept: Vec<UiEvent>,
    /// A hidden window gets all but frames: nobody sees them, and it costs.
    is_visible: bool,
}

impl Listener {
    /// Whether it is still there.
    fn tell(&mut self, event: &UiEvent) -> bool {
        if matches!(event, UiEvent::Frame { .. }) && !self.is_visible {
            return true;
        }
        if let Some(channel) = &self.channel {
            return channel.send(event.clone()).is_ok();
        }
        // The talk is locked from before everything is told until after: what it told before is part of that.
        let is_of_talk =
            matches!(event, UiEvent::Talk { .. } | UiEvent::Frame { .. } | UiEvent::Word { .. } | UiEvent::Pace { .. });
        if !is_of_talk {
            self.kept.push(event.clone());
        }
        true
    }
}

impl Hub {
    /// Keeps what happens from now on for a window that will be [admitted](Hub::admit). One that subscribes again, after a reload,
    /// replaces itself.
    pub(crate) fn expect(&self, label: &str, is_visible: bool) {
        let mut windows = self.windows();
        windows.retain(|known| known.label != label);
        windows.push(Listener { label: label.to_owned(), channel: None, kept: Vec::new(), is_visible });
    }

    /// Tells a window `first`, then what happened since it was expected, and from now on everything. To be called with the talk
    /// locked.
    pub(crate) fn admit(&self, label: &str, channel: Channel<UiEvent>, first: UiEvent) {
        let mut windows = self.windows();
        let Some(known) = windows.iter_mut().find(|known| known.label == label) else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = waiting.extract_if(.., |(waits, _)| waits == label).map(|(_, event)| event);
        for event in std::iter::once(first).chain(known.kept.drain(..)).chain(waited) {
            channel.send(event).ok(); // a window that is gone is forgotten with the next event for all
        }
        known.channel = Some(channel);
    }

    /// Notes that a window was shown or hidden.
    pub(crate) fn set_visible(&self, label: &str, is_visible: bool) {
        for known in self.windows().iter_mut().filter(|known| known.label == label) {
            known.is_visible = is_visible;
        }
    }

    /// Whether somebody looks.
    pub(crate) fn is_watched(&self) -> bool {
        self.windows().iter().any(|known| known.is_visible)
    }

    /// Forgets a window that was closed.
    pub(crate) fn forget(&self, label: &str) {
        self.windows().retain(|known| known.label != label);
    }

    /// Sends to all.
    pub(crate) fn send(&self, event: &UiEvent) {
        self.windows().retain_mut(|known| known.tell(event));
    }

    /// Tells one window something, now or as soon as it subscribes.
    pub(crate) fn tell_when_there(&self, label: &str, event: UiEvent) {
        let mut windows = self.windows();
        if let Some(known) = windows.iter_mut().find(|known| known.label == label) {
            known.tell(&event);
        } else {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((label.to_owned(), event));
        }
    }

    fn windows(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use tauri::ipc::InvokeResponseBody;

    use super::*;

    fn window() -> (Channel<UiEvent>, Receiver<String>) {
        let (sender, receiver) = channel();
        let take = move |body| {
            if let InvokeResponseBody::Json(json) = body {
                sender.send(json).map_err(std::io::Error::other)?;
            }
            Ok(())
        };
        (Channel::new(take), receiver)
    }

    fn notice(code: &'static str) -> UiEvent {
        UiEvent::Notice { code, message: String::new() }
    }

    fn frame() -> UiEvent {
        UiEvent::Frame {
            index: 0,
            took_ms: 1.0,
            backlog_frames: 0,
            user_level: 0.0,
            moshi_level: 0.0,
            moshi_speaks: false,
        }
    }

    impl Hub {
        fn subscribe(&self, label: &str, channel: Channel<UiEvent>, is_visible: bool, first: UiEvent) {
            self.expect(label, is_visible);
            self.admit(label, channel, first);
        }
    }

    #[test]
    fn what_happens_before_everything_is_told_comes_after_it_but_for_the_talk() {
        let hub = Hub::default();
        let (channel, told) = window();
        hub.tell_when_there("popover", notice("wanted"));
        hub.expect("popover", true);
        hub.send(&notice("meanwhile"));
        hub.send(&frame());
        hub.admit("popover", channel, notice("everything"));
        let codes: Vec<String> = told.try_iter().collect();
        assert_eq!(codes.len(), 3, "{codes:?}");
        for (text, code) in codes.iter().zip(["everything", "meanwhile", "wanted"]) {
            assert!(text.contains(code), "{codes:?}");
        }
    }

    #[test]
    fn a_window_that_was_loaded_again_is_told_once() {
        let hub = Hub::default();
        let (first, before) = window();
        let (second, after) = window();
        hub.subscribe("popover", first, true, notice("a"));
        hub.subscribe("popover", second, true, notice("b"));
        hub.send(&notice("c"));
        assert_eq!([before.try_iter().count(), after.try_iter().count()], [1, 2]);
    }

    #[test]
    fn a_hidden_window_gets_no_frames_but_all_else() {
        let hub = Hub::default();
        let (channel, told) = window();
        hub.subscribe("popover", channel, false, notice("a"));
        hub.send(&frame());
        hub.send(&notice("b"));
        assert_eq!(told.try_iter().count(), 2);
        hub.set_visible("popover", true);
        hub.send(&frame());
        assert_eq!(told.try_iter().count(), 1);
        assert!(hub.is_watched());
    }

    #[test]
    fn a_window_that_is_gone_is_forgotten() {
        let hub = Hub::default();
        let (channel, told) = window();
        hub.subscribe("popover", channel, true, notice("a"));
        drop(told);
        hub.send(&notice("b"));
        assert!(!hub.is_watched());
    }
}
