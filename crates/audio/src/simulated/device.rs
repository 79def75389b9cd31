//! One scripted device: what it claims, how it really runs and what it has been told to do wrong.

use std::time::Duration;

use crate::device::{DeviceId, DeviceInfo, DeviceKind, Direction};
use crate::device_error::{DeviceError, DeviceErrorKind};

/// Fills a block of one channel; told when its first sample is taken, in seconds, and the seconds between two samples.
pub(super) type Source = Box<dyn FnMut(&mut [f32], f64, f64) + Send>;

/// Takes the first channel of a block that was played; told when its first sample sounds, and the seconds between two samples.
pub(super) type Sink = Box<dyn FnMut(&[f32], f64, f64) + Send>;

/// A device to be plugged in with [`SimulatedHost::plug`](super::SimulatedHost::plug).
pub struct SimulatedDevice {
    pub(super) id: DeviceId,
    pub(super) name: String,
    pub(super) direction: Direction,
    pub(super) kind: DeviceKind,
    pub(super) rate_hz: u32,
    pub(super) channels: u16,
    pub(super) block_samples: u32,
    pub(super) ppm: f64,
    pub(super) jitter: Duration,
    pub(super) opening: Duration,
    pub(super) is_plugged: bool,
    pub(super) refusal: Option<Refusal>,
    pub(super) is_silent: bool,
    pub(super) is_stalled: bool,
    /// A rate that the device still claims, and until when.
    pub(super) stale: Option<(u32, Duration)>,
    pub(super) source: Option<Source>,
    pub(super) sink: Option<Sink>,
}

/// Why a device does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The system does not let us.
    Permission,
    /// Another program has it.
    Busy,
    /// It is unplugged in the middle of opening.
    Vanishes,
    /// Nothing that we understand.
    Format,
}

/// How a change of rate shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateChange {
    /// Open streams stop and say so, as with CoreAudio.
    Announced,
    /// Open streams stop at the new rate, and the device still claims the old one for so long; whoever opens it meanwhile gets
    /// samples of the new rate and is told only then.
    Stale(Duration),
    /// Open streams run on at the new rate and nobody says anything.
    Unannounced,
}

impl SimulatedDevice {
    /// A microphone of 48 kHz, one channel and blocks of 480 samples that hears a quiet tone. Its id is made from its name.
    pub fn microphone(name: &str) -> Self {
        Self::new(name, Direction::Input)
    }

    /// A loudspeaker of 48 kHz, two channels and blocks of 480 samples. Its id is made from its name.
    pub fn speaker(name: &str) -> Self {
        Self { channels: 2, ..Self::new(name, Direction::Output) }
    }

    fn new(name: &str, direction: Direction) -> Self {
        Self {
            id: DeviceId(format!("simulated:{}:{name}", direction.noun())),
            name: name.to_owned(),
            direction,
            kind: DeviceKind::Open,
            rate_hz: 48_000,
            channels: 1,
            block_samples: 480,
            ppm: 0.0,
            jitter: Duration::ZERO,
            opening: Duration::ZERO,
            is_plugged: true,
            refusal: None,
            is_silent: false,
            is_stalled: false,
            stale: None,
            source: None,
            sink: None,
        }
    }

    /// Runs at this rate.
    #[must_use]
    pub fn rate_hz(self, rate_hz: u32) -> Self {
        Self { rate_hz, ..self }
    }

    /// Has so many channels. Of a microphone's, only the first hears the signal; the others hear its negative.
    #[must_use]
    pub fn channels(self, channels: u16) -> Self {
        Self { channels, ..self }
    }

    /// Calls back with blocks of so many samples, whatever it is asked for.
    #[must_use]
    pub fn block_samples(self, block_samples: u32) -> Self {
        Self { block_samples, ..self }
    }

    /// Its crystal runs fast by so many millionths.
    #[must_use]
    pub fn ppm(self, ppm: f64) -> Self {
        Self { ppm, ..self }
    }

    /// Its callbacks come late by a random time up to this.
    #[must_use]
    pub fn jitter(self, jitter: Duration) -> Self {
        Self { jitter, ..self }
    }

    /// It takes so long to open; the virtual clock runs meanwhile.
    #[must_use]
    pub fn opening(self, opening: Duration) -> Self {
        Self { opening, ..self }
    }

    /// It sits on somebody's ears.
    #[must_use]
    pub fn headphones(self) -> Self {
        Self { kind: DeviceKind::Headphones, ..self }
    }

    /// Hears this: the sample at a time, in seconds of the virtual clock.
    #[must_use]
    pub fn hears(self, mut signal: impl FnMut(f64) -> f32 + Send + 'static) -> Self {
        self.hears_blocks(move |block, mut at, step| {
            for sample in block {
                *sample = signal(at);
                at += step;
            }
        })
    }

    /// Hears this, a block at a time: told when the first sample is taken and the time between two, in seconds.
    #[must_use]
    pub fn hears_blocks(self, source: impl FnMut(&mut [f32], f64, f64) + Send + 'static) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    /// Plays into this: told when the first sample sounds and the time between two, in seconds.
    #[must_use]
    pub fn plays_into(self, sink: impl FnMut(&[f32], f64, f64) + Send + 'static) -> Self {
        Self { sink: Some(Box::new(sink)), ..self }
    }

    /// What identifies it.
    pub fn id(&self) -> DeviceId {
        self.id.clone()
    }

    pub(super) fn info(&self, is_default: bool) -> DeviceInfo {
        DeviceInfo {
            id: self.id.clone(),
            name: self.name.clone(),
            direction: self.direction,
            is_default,
            kind: self.kind,
        }
    }

    /// The rate that it claims at a moment.
    pub(super) fn claimed_rate_hz(&self, now: Duration) -> u32 {
        match self.stale {
            Some((rate_hz, until)) if now < until => rate_hz,
            _ => self.rate_hz,
        }
    }

    /// Samples per second of the virtual clock.
    pub(super) fn true_rate(&self) -> f64 {
        f64::from(self.rate_hz) * (1.0 + self.ppm * 1e-6)
    }
}

impl Refusal {
    pub(super) fn error(self, device: &SimulatedDevice) -> DeviceError {
        let kind = match self {
            Self::Permission => DeviceErrorKind::PermissionDenied,
            Self::Busy => DeviceErrorKind::Busy,
            Self::Vanishes => DeviceErrorKind::Lost,
            Self::Format => DeviceErrorKind::UnsupportedFormat,
        };
        DeviceError::about(kind, device.direction, &device.name)
    }
}
