//! The pace of a microphone: a frame every 80 ms. The one place in the program that sleeps.

use std::time::Instant;

use moshibar_session::FRAME_DURATION;

/// A grid of 80 ms. Frames that nobody takes in time wait, as in a microphone's ring.
#[derive(Debug)]
pub(super) struct Pace {
    next: Instant,
}

impl Pace {
    /// The first frame is there at once.
    pub(super) fn start() -> Self {
        Self { next: Instant::now() }
    }

    /// Waits for the next frame. Returns when it was there, which is in the past for one that had to wait.
    pub(super) fn next_frame(&mut self) -> Instant {
        let arrives = self.next;
        self.next += FRAME_DURATION;
        #[expect(clippy::disallowed_methods, reason = "a microphone makes its listener wait, and here is none")]
        std::thread::sleep(arrives.saturating_duration_since(Instant::now()));
        arrives
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn frames_come_every_80_ms_and_wait_for_the_slow() {
        let begun = Instant::now();
        let mut pace = Pace::start();
        let first = pace.next_frame();
        let second = pace.next_frame();
        assert_eq!(second - first, FRAME_DURATION);
        assert!(begun.elapsed() >= FRAME_DURATION, "the second frame came before it was there");
        while begun.elapsed() < 3 * FRAME_DURATION + Duration::from_millis(1) {
            std::hint::spin_loop();
        }
        // Two frames are due: both are there at once, with the times at which they arrived.
        let (third, fourth) = (pace.next_frame(), pace.next_frame());
        assert_eq!((third - first, fourth - first), (2 * FRAME_DURATION, 3 * FRAME_DURATION));
    }
}
