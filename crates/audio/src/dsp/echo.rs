//! The echo canceller: WebRTC's AEC3 in sonora, fed with what was really played.
//!
//! One slice of the far end goes with each slice of the near end. It allocates (36 to 44 times per slice, measured): only the
//! DSP's thread calls it.

use sonora::config::{EchoCanceller, NoiseSuppression};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::{SLICE_SAMPLES, Slice};
use crate::frame::SAMPLE_RATE_HZ;

/// By how much speech comes out later than it went in, in seconds at 24 kHz: sonora splits into bands and works in blocks
/// (`latency_tests.rs` compares a click's place with what we say).
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
    loss: ReturnLoss,
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
        Self { cleaning, sonora, loss: ReturnLoss::default() }
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
        } else if self.cleaning.cancels_echo {
            self.loss.note(&heard, near, far);
        }
    }

    /// How late speech comes out, in seconds.
    pub(crate) fn delay_seconds(&self) -> f64 {
        if self.sonora.is_some() { DELAY_SECONDS } else { 0.0 }
    }

    /// How much quieter the echo becomes, in dB; `None` where nothing is cancelled.
    pub(crate) fn return_loss_db(&self) -> Option<f64> {
        self.cleaning.cancels_echo.then_some(self.loss.db)
    }
}

/// How long one measurement of the return loss takes: half a second.
const MEASURED_SLICES: usize = 50;

/// How long an echo may come after what was played: 300 ms.
const ECHO_SLICES: usize = 30;

/// −50 dBFS over a slice: below that Moshi does not speak.
const SPEAKING_ENERGY: f32 = 1e-5 * SLICE_SAMPLES as f32;

/// −70 dBFS over a measurement: an echo below that cannot be told from noise.
const AUDIBLE_ENERGY: f32 = 1e-7 * (SLICE_SAMPLES * MEASURED_SLICES) as f32;

/// How much quieter the microphone becomes while Moshi speaks.
///
/// A user who speaks at the same time stays as loud, and hides what happens to the echo. So the meter rises quickly and
/// falls slowly: it shows what the canceller reaches when it is left alone.
#[derive(Debug, Default)]
struct ReturnLoss {
    db: f64,
    since_far: usize,
    slices: usize,
    heard: f32,
    left: f32,
}

impl ReturnLoss {
    fn note(&mut self, heard: &Slice, left: &Slice, far: &Slice) {
        let energy = |slice: &Slice| slice.iter().map(|sample| sample * sample).sum::<f32>();
        self.since_far = if energy(far) > SPEAKING_ENERGY { 0 } else { self.since_far.saturating_add(1) };
        if self.since_far > ECHO_SLICES {
            return;
        }
        self.heard += energy(heard);
        self.left += energy(left);
        self.slices += 1;
        if self.slices < MEASURED_SLICES {
            return;
        }
        if self.heard > AUDIBLE_ENERGY {
            let db = 10.0 * f64::from(self.heard / self.left.max(f32::MIN_POSITIVE)).log10();
            let weight = if db > self.db { 0.5 } else { 0.05 };
            self.db += weight * (db.clamp(0.0, 80.0) - self.db);
        }
        (self.slices, self.heard, self.left) = (0, 0.0, 0.0);
    }
}
