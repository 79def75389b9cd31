//! How long sound takes from the microphone to the speaker: clicks, and where they come out again.
//!
//! **Units** samples at 48 kHz. Both sides are channels of one recording, so the difference is exact to the sample.

use std::time::Duration;

use crate::comparison::best;
use crate::signal::RATE_HZ;

/// A click with what is around it, 10 ms.
const WINDOW: usize = RATE_HZ as usize / 100;
/// Silence before a click: clicks are farther apart than that.
const APART: usize = RATE_HZ as usize / 4;
const LOUD: f32 = 0.1;
/// A click that a resampler has rounded off is still this much alike.
const ALIKE: f32 = 0.8;

/// The way of each click in `heard` until it is in `played`; `None` for one that is lost.
pub(crate) fn latencies(heard: &[f32], played: &[f32]) -> Vec<Option<usize>> {
    let mut latencies = Vec::new();
    let mut from = 0;
    while let Some(at) = heard.iter().skip(from).position(|sample| sample.abs() > LOUD).map(|place| from + place) {
        let start = at.saturating_sub(WINDOW / 2);
        if let Some(click) = heard.get(start..start + WINDOW) {
            let (place, likeness) = best(click, played, start..=start + 3 * RATE_HZ as usize / 2);
            latencies.push((likeness > ALIKE).then_some(place - start));
        }
        from = at + APART;
    }
    latencies
}

/// Shortest, median, longest.
pub(crate) fn summary(latencies: &[usize]) -> [Duration; 3] {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    [0, sorted.len() / 2, sorted.len() - 1]
        .map(|place| Duration::from_secs_f64(sorted[place] as f64 / f64::from(RATE_HZ)))
}
