//! Notices a step that does not come back. MLX waits for the GPU without a limit, so somebody else must look at the clock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A step that takes this long hangs.
pub(crate) const HANGS_AFTER: Duration = Duration::from_secs(2);

/// Shared between the core, which steps, and the thread that watches it.
#[derive(Debug, Default)]
pub(crate) struct StepWatch {
    /// When the step began, in nanoseconds of the clock plus one; 0 between steps.
    began: AtomicU64,
    is_reported: AtomicBool,
}

impl StepWatch {
    /// A step begins.
    pub(crate) fn begin(&self, now: Duration) {
        self.is_reported.store(false, Ordering::Relaxed);
        self.began.store(now.as_nanos() as u64 + 1, Ordering::Release);
    }

    /// The step came back.
    pub(crate) fn end(&self) {
        self.began.store(0, Ordering::Release);
    }

    /// How long the step has been running, if that is too long; each step is reported once.
    pub(crate) fn hangs(&self, now: Duration) -> Option<Duration> {
        let began = self.began.load(Ordering::Acquire).checked_sub(1)?;
        let lasts = now.saturating_sub(Duration::from_nanos(began));
        (lasts >= HANGS_AFTER && !self.is_reported.swap(true, Ordering::Relaxed)).then_some(lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_step_of_two_seconds_hangs_and_only_once() {
        let watch = StepWatch::default();
        let at = Duration::from_millis;
        assert_eq!(watch.hangs(at(10_000)), None, "no step, no hang");
        watch.begin(at(0));
        assert_eq!(watch.hangs(at(1_999)), None);
        assert_eq!(watch.hangs(at(2_100)), Some(at(2_100)));
        assert_eq!(watch.hangs(at(9_000)), None, "reported once");
        watch.end();
        watch.begin(at(20_000));
        assert_eq!(watch.hangs(at(22_000)), Some(at(2_000)), "the next one is reported again");
    }
}
