//! How fast the speaker's clock runs against the microphone's, and how far to bend the resamplers for it.
//!
//! A phase-locked loop of second order. Its error is how far the far end has wandered from its place beside the near end:
//! (captured seconds) − (played seconds) − (seconds left out or put in on purpose, as the resamplers did). The loop bends the
//! speaker's resampler, and inversely the far end's, until that stands still.
//!
//! Design: with gains Kp = 2ζω and Ki = ω² the closed loop is s² + 2ζω s + ω² and settles as (1 + ωt)·e^(−ωt) for ζ = 1.
//! Source: F. M. Gardner, "Phaselock Techniques", 3rd ed., ch. 2; F. Adriaensen, "Using a DLL to filter time", LAC 2005.

/// The natural frequency in the beginning, in rad/s: 300 ppm wander 0.28 ms at most (d / (e·ω)) before they are caught.
const FAST: f64 = 0.4;

/// The natural frequency once settled, in rad/s: 0.1 ms of jitter then moves the pitch by 10 ppm, and the estimate by 1 ppm.
const SLOW: f64 = 0.05;

/// ω falls as this over the time since the reset: as a memory that grows with the age of the loop.
const GEAR: f64 = 5.0;

/// The farthest that a ratio is bent: crystals are within 100 ppm, bad sound cards within 300 ppm.
pub(crate) const MOST_DRIFT: f64 = 500e-6;

/// A far end that is farther from its place than this was moved by a lost block, not by drift, and is put back at once.
const JUMP_SECONDS: f64 = 0.003;

/// How many updates a jump must last: a callback that was late for a moment is none.
const JUMP_UPDATES: u32 = 2;

/// Before that many seconds the estimate says nothing.
const KNOWN_AFTER_SECONDS: f64 = 5.0;

/// The drift loop.
#[derive(Debug, Default)]
pub(crate) struct DriftLoop {
    /// The estimate: the integral part.
    drift: f64,
    stretch: f64,
    age_seconds: f64,
    jumped: u32,
}

impl DriftLoop {
    /// Takes the far end's distance from its place, in seconds: positive if too little of it was used, for the speaker
    /// plays faster than was thought. Returns whether it must be put back instead of waiting for the loop.
    pub(crate) fn update(&mut self, error_seconds: f64, elapsed_seconds: f64) -> bool {
        self.age_seconds += elapsed_seconds;
        if error_seconds.abs() > JUMP_SECONDS {
            self.jumped += 1;
            self.stretch = self.drift;
            return self.jumped >= JUMP_UPDATES;
        }
        self.jumped = 0;
        let omega = (GEAR / self.age_seconds).clamp(SLOW, FAST);
        let integrated = self.drift + omega * omega * error_seconds * elapsed_seconds;
        self.drift = integrated.clamp(-MOST_DRIFT, MOST_DRIFT);
        self.stretch = (self.drift + 2.0 * omega * error_seconds).clamp(-MOST_DRIFT, MOST_DRIFT);
        false
    }

    /// The far end was put back to its place.
    pub(crate) fn was_put_back(&mut self) {
        self.jumped = 0;
    }

    /// How many more samples the speaker needs, as a part: what the loop asks of the resamplers.
    pub(crate) fn stretch(&self) -> f64 {
        self.stretch
    }

    /// How much faster the speaker's clock runs than the microphone's, in millionths; 0 until it is known.
    pub(crate) fn drift_ppm(&self) -> f64 {
        if self.age_seconds < KNOWN_AFTER_SECONDS { 0.0 } else { self.drift * 1e6 }
    }
}
