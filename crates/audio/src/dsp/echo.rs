//! The echo canceller: WebRTC's AEC3 in sonora, fed with what was really played.
//!
//! One slice of the far end goes with each slice of the near end. It allocates (36 to 44 times per slice, measured): only the
//! DSP's thread calls it.

use sonora::config::{EchoCanceller, NoiseSuppression};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::{SLICE_SAMPLES, Slice};
use crate::frame::SAMPLE_RATE_HZ;

/// By how much speech comes out later than it went in, in seconds at 24 kHz: sonora splits into bands and works in blocks
/// (`a_click_comes_out_as_late_as_we_say`).
pub(crate) const DELAY_SECONDS: f64 = 0.010;

/// What to do with the near end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cleaning {
    pub(crate) cancels_echo: bool,
    pub(crate) suppresses_noise: bool,
}

/// Removes Moshi's voice, and if wanted noise, from the microphone.
pub(crate) struct Cleaner {
    cleaning: Cleaning,
    sonora: Option<Box<AudioProcessing>>,
}

impl Cleaner {
    /// A cleaner that has heard nothing yet.
    pub(crate) fn new(cleaning: Cleaning) -> Self {
        let stream = StreamConfig::new(SAMPLE_RATE_HZ, 1);
        let sonora = (cleaning.cancels_echo || cleaning.suppresses_noise).then(|| {
            let config = Config {
                echo_canceller: cleaning.cancels_echo.then(EchoCanceller::default),
                noise_suppression: cleaning.suppresses_noise.then(NoiseSuppression::default),
                ..Config::default()
            };
            Box::new(AudioProcessing::builder().config(config).capture_config(stream).render_config(stream).build())
        });
        Self { cleaning, sonora }
    }

    pub(crate) fn cleaning(&self) -> Cleaning {
        self.cleaning
    }

    /// Cleans one slice of the near end in place; `far` was played as long before as ever.
    ///
    /// Whatever comes in is made finite, and what comes out is: a canceller that fails begins anew.
    pub(crate) fn clean(&mut self, near: &mut Slice, far: &Slice) {
        let Some(sonora) = &mut self.sonora else { return };
        let heard = *near;
        let mut rendered = [0.0; SLICE_SAMPLES];
        let is_done = sonora.process_render_f32(&[far], &mut [&mut rendered]).is_ok()
            && sonora.process_capture_f32(&[&heard], &mut [near]).is_ok()
            && near.iter().all(|sample| sample.is_finite());
        if !is_done {
            near.fill(0.0);
            *self = Self::new(self.cleaning);
        }
    }

    /// How late speech comes out, in seconds.
    pub(crate) fn delay_seconds(&self) -> f64 {
        if self.sonora.is_some() { DELAY_SECONDS } else { 0.0 }
    }

    /// How much quieter the echo becomes, in dB; `None` where nothing is cancelled.
    pub(crate) fn return_loss_db(&self) -> Option<f64> {
        let sonora = self.sonora.as_ref().filter(|_| self.cleaning.cancels_echo)?;
        sonora.statistics().echo_return_loss_enhancement.filter(|db| db.is_finite())
    }
}
