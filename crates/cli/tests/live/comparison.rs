//! Whether sound came through whole: every 200 ms of it must be found again, at the same distance, and each 10 ms in it.
//!
//! The measure is normalised cross-correlation, which neither loudness nor a filter's delay changes.
//!
//! **Units** samples at 48 kHz unless a name says otherwise.

use std::fmt;

use crate::signal::RATE_HZ;

const WINDOW: usize = RATE_HZ as usize / 5;
/// What is searched is first looked for at 8 kHz.
const COARSE: usize = 6;
/// A hole is shorter than a window: every piece of it must be there, at the window's lag.
const PIECE: usize = RATE_HZ as usize / 100;
/// How alike a window must be, and a piece, which half a sample of a resampler's delay costs 1 %.
const INTACT: f32 = 0.95;
const PIECE_INTACT: f32 = 0.8;
/// A step of the lag that is a loss and not a clock that is slightly off: a quarter of a millisecond.
const JUMP: isize = RATE_HZ as isize / 4_000;
/// The longest way through a program that is looked for, two seconds; and how far a window is looked for from the last.
const LONGEST_LAG: usize = 2 * RATE_HZ as usize;
const REACH: usize = RATE_HZ as usize / 4;
/// Windows with less than −50 dBFS of sound say nothing.
const QUIET: f32 = 0.003;

/// What came through.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) windows: usize,
    /// Where a window is not as it was sent.
    pub(crate) damaged_at_seconds: Vec<f32>,
    /// Where the distance changes, and by how many samples.
    pub(crate) jumps: Vec<(f32, isize)>,
    /// Of the first window.
    pub(crate) lag: usize,
    /// How alike the worst window is.
    pub(crate) worst: f32,
}

impl Comparison {
    pub(crate) fn is_intact(&self) -> bool {
        self.windows > 0 && self.damaged_at_seconds.is_empty() && self.jumps.is_empty()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { windows, damaged_at_seconds, jumps, lag, worst } = self;
        let lag_ms = *lag as f32 * 1e3 / RATE_HZ as f32;
        write!(
            formatter,
            "{} of {windows} windows intact (worst {worst:.4}), {} lag jumps, lag {lag_ms:.2} ms",
            windows - damaged_at_seconds.len(),
            jumps.len()
        )?;
        if self.is_intact() {
            Ok(())
        } else {
            write!(formatter, "; damaged at {damaged_at_seconds:?} s, jumps {jumps:?}")
        }
    }
}

/// Looks for every window of `sent` in `received`, where nothing is earlier than it was sent.
pub(crate) fn compare(sent: &[f32], received: &[f32]) -> Comparison {
    let (coarse_sent, coarse_received) = (coarse(sent), coarse(received));
    let mut result =
        Comparison { windows: 0, damaged_at_seconds: Vec::new(), jumps: Vec::new(), lag: 0, worst: f32::INFINITY };
    let mut last_lag: Option<usize> = None;
    for start in (0..sent.len().saturating_sub(WINDOW)).step_by(WINDOW) {
        let window = &sent[start..start + WINDOW];
        if energy(window) < QUIET * QUIET * WINDOW as f32 {
            continue;
        }
        result.windows += 1;
        let at_seconds = start as f32 / RATE_HZ as f32;
        let lags = last_lag.map_or(0..=LONGEST_LAG, |lag| lag.saturating_sub(REACH)..=lag + REACH);
        let coarse_window = &coarse_sent[start / COARSE..(start + WINDOW) / COARSE];
        let (near, _) = best(
            coarse_window,
            &coarse_received,
            start / COARSE + lags.start() / COARSE..=start / COARSE + lags.end() / COARSE,
        );
        let middle = near * COARSE;
        let (place, likeness) = best(window, received, middle.saturating_sub(COARSE).max(start)..=middle + COARSE);
        result.worst = result.worst.min(likeness);
        if likeness < INTACT || !has_all_pieces(window, &received[place..]) {
            result.damaged_at_seconds.push(at_seconds);
            continue;
        }
        let lag = place - start;
        match last_lag {
            None => result.lag = lag,
            Some(last) if last.abs_diff(lag) as isize > JUMP => {
                result.jumps.push((at_seconds, lag as isize - last as isize));
            }
            Some(_) => {}
        }
        last_lag = Some(lag);
    }
    result
}

fn has_all_pieces(window: &[f32], there: &[f32]) -> bool {
    let pieces = window.chunks_exact(PIECE).zip(there.chunks_exact(PIECE));
    pieces
        .filter(|(sent, _)| energy(sent) >= QUIET * QUIET * PIECE as f32)
        .all(|(sent, there)| best(sent, there, 0..=0).1 >= PIECE_INTACT)
}

/// Where in `places` a window is found best, and how alike it is there: 1 is the same but for loudness.
pub(crate) fn best(window: &[f32], sound: &[f32], places: std::ops::RangeInclusive<usize>) -> (usize, f32) {
    let window_energy = energy(window);
    let mut best = (*places.start(), 0.0);
    for place in places {
        let Some(there) = sound.get(place..place + window.len()) else { break };
        let product: f32 = window.iter().zip(there).map(|(a, b)| a * b).sum();
        let likeness = product / (window_energy * energy(there)).sqrt().max(f32::MIN_POSITIVE);
        if likeness > best.1 {
            best = (place, likeness);
        }
    }
    best
}

/// Every sixth sample, of the mean around it: enough to find a place.
fn coarse(sound: &[f32]) -> Vec<f32> {
    sound.chunks(COARSE).map(|chunk| chunk.iter().sum::<f32>() / chunk.len() as f32).collect()
}

fn energy(sound: &[f32]) -> f32 {
    sound.iter().map(|sample| sample * sample).sum()
}
