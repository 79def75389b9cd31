//! Clicks that a latency can be read from: where they are in time, and in a signal.

use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A click is a cosine under a Gaussian of 0.3 ms: 2 kHz, so every device carries it, and sharp enough for 0.1 ms.
const TONE_HZ: f64 = 2_000.0;
const WIDTH: f64 = 0.000_3;

/// The value of a click at `offset` seconds from its middle.
pub(crate) fn click(offset: f64) -> f32 {
    ((-(offset / WIDTH).powi(2) / 2.0).exp() * (std::f64::consts::TAU * TONE_HZ * offset).cos()) as f32
}

/// Clicks at irregular times: about `every` apart, never in step with frames or blocks.
pub(crate) fn times(first: f64, every: f64, count: usize) -> Vec<f64> {
    let mut random = 7_u64;
    (0..count)
        .map(|index| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            first + index as f64 * every + (random >> 40) as f64 / f64::from(1 << 24) * every / 3.0
        })
        .collect()
}

/// A signal of clicks over a steady hum of `hum`, for a microphone.
pub(crate) fn signal(times: Vec<f64>, hum: f32) -> impl FnMut(f64) -> f32 + Send + 'static {
    let mut next = 0;
    move |at| {
        while times.get(next + 1).is_some_and(|following| *following < at + 0.005) {
            next += 1;
        }
        let loud = times.get(next).map_or(0.0, |time| click(at - time));
        loud * 0.9 + hum * (std::f64::consts::TAU * 217.0 * at).sin() as f32
    }
}

/// Finds clicks in a stream of samples with times: the moments of their peaks.
#[derive(Clone, Default)]
pub(crate) struct Ear {
    heard: Arc<Mutex<Found>>,
}

#[derive(Default)]
struct Found {
    peaks: Vec<f64>,
    best: Option<(f64, f32)>,
}

/// Louder than any hum in these tests.
const LOUD: f32 = 0.5;

impl Ear {
    /// Takes samples that follow each other, the first at `at`, `step` apart. All times in seconds.
    pub(crate) fn hear(&self, samples: &[f32], mut at: f64, step: f64) {
        let mut found = self.heard.lock().unwrap();
        for sample in samples {
            let is_better = sample.abs() > LOUD && found.best.is_none_or(|(_, peak)| sample.abs() > peak);
            if is_better {
                found.best = Some((at, sample.abs()));
            } else if let Some((time, _)) = found.best
                && at - time > 0.003
            {
                found.peaks.push(time);
                found.best = None;
            }
            at += step;
        }
    }

    /// The clicks so far.
    pub(crate) fn peaks(&self) -> Vec<f64> {
        self.heard.lock().unwrap().peaks.clone()
    }
}

/// How long each click took from one place to the other, in the order of the clicks; a click that never arrived is left out.
pub(crate) fn latencies(left: &[f64], arrived: &[f64], longest: Duration) -> Vec<(f64, f64)> {
    left.iter()
        .filter_map(|from| {
            let to = arrived.iter().find(|to| **to >= *from && **to - from <= longest.as_secs_f64())?;
            Some((*from, to - from))
        })
        .collect()
}

/// The share of `values` that is not above the result.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).ceil() as usize]
}
