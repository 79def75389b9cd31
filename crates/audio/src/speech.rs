//! What a recording is once it has been read: mono samples and the rate at which they were taken.

use std::time::Duration;

use crate::error::AudioError;
use crate::frame::SAMPLE_RATE_HZ;
use crate::resample;

/// A recording, mixed down to mono at its own rate.
///
/// **Units** linear PCM; full scale is −1..1, and a floating-point file may be louder.
#[derive(Debug, Clone, PartialEq)]
pub struct Speech {
    /// The samples, one per moment in time.
    pub samples: Vec<f32>,
    /// Samples per second.
    pub rate_hz: u32,
    /// How many channels the file had before they were mixed.
    pub channels: u16,
}

impl Speech {
    /// How long the recording lasts.
    pub fn duration(&self) -> Duration {
        if self.rate_hz == 0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate_hz))
    }

    /// The same speech at 24 kHz, the rate of a [`Frame`](crate::Frame).
    ///
    /// # Errors
    /// [`AudioError::CannotResample`] if `rate_hz` is outside [`RATES_HZ`](crate::RATES_HZ); never for a file that
    /// [`read_wav`](crate::read_wav) accepted.
    pub fn at_engine_rate(&self) -> Result<Vec<f32>, AudioError> {
        Ok(resample(&self.samples, self.rate_hz, SAMPLE_RATE_HZ)?)
    }
}
