//! Keeps App Nap and idle sleep away while a talk goes on: App Nap slows timers and disk of an app without windows.

use objc2::rc::Retained;
use objc2::runtime::{NSObjectProtocol, ProtocolObject};
use objc2_foundation::{NSActivityOptions, NSProcessInfo, NSString};

/// Lasts until it is dropped.
pub(crate) struct Activity(Retained<ProtocolObject<dyn NSObjectProtocol>>);

// SAFETY: the token is opaque, and NSProcessInfo may be used from any thread; it is only kept and handed back.
unsafe impl Send for Activity {}

impl Activity {
    pub(crate) fn begin() -> Self {
        // Includes that the machine does not go to sleep while somebody listens without touching it.
        let options = NSActivityOptions::UserInitiated | NSActivityOptions::LatencyCritical;
        let reason = NSString::from_str("A talk with Moshi");
        Self(NSProcessInfo::processInfo().beginActivityWithOptions_reason(options, &reason))
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        // SAFETY: the token is one that `beginActivityWithOptions:reason:` gave, and is handed back once.
        unsafe { NSProcessInfo::processInfo().endActivity(&self.0) };
    }
}
