//! How fast bytes come and how long it still takes, in numbers that do not jump.
//!
//! Speed is the mean over the last twenty seconds of flow; the time left follows from it, and moves towards each new estimate
//! by a part of the difference. The meter is told the time, so that a test can be.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Speed is the mean over so long.
const WINDOW: Duration = Duration::from_secs(20);

/// No estimate before so much time has passed: the first seconds of a connection are slow.
const WARM_UP: Duration = Duration::from_secs(2);

/// Samples closer to each other than this are one.
const GRAIN: Duration = Duration::from_millis(200);

/// Half of the difference to a new estimate is made up in this time.
const HALF_LIFE: Duration = Duration::from_secs(5);

/// Measures a flow of bytes.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Times, and all bytes that had come by then.
    samples: VecDeque<(Instant, u64)>,
    left: Option<(Instant, f64)>,
}

/// What the meter shows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Reading {
    pub(crate) bytes_per_second: Option<f64>,
    pub(crate) time_left: Option<Duration>,
}

impl Meter {
    /// Tells that `received` bytes have come in all and `missing` are still to come, and reads the meter.
    pub(crate) fn read(&mut self, now: Instant, received: u64, missing: u64) -> Reading {
        if self.samples.back().is_none_or(|(last, _)| now.saturating_duration_since(*last) >= GRAIN) {
            self.samples.push_back((now, received));
        }
        // One sample older than the window stays, so that the window is whole.
        while self.samples.get(1).is_some_and(|(second, _)| now.saturating_duration_since(*second) >= WINDOW) {
            self.samples.pop_front();
        }
        let Some((since, before)) = self.samples.front().copied() else { return Reading::default() };
        let elapsed = now.saturating_duration_since(since);
        if elapsed < WARM_UP {
            return Reading::default();
        }
        let speed = received.saturating_sub(before) as f64 / elapsed.as_secs_f64();
        if speed < 1.0 {
            self.left = None;
            return Reading { bytes_per_second: Some(0.0), time_left: None };
        }
        let estimate = missing as f64 / speed;
        let left = match self.left {
            None => estimate,
            Some((then, left)) => {
                let passed = now.saturating_duration_since(then).as_secs_f64();
                let expected = (left - passed).max(0.0);
                let weight = 1.0 - 0.5_f64.powf(passed / HALF_LIFE.as_secs_f64());
                expected + (estimate - expected) * weight
            }
        };
        self.left = Some((now, left));
        Reading { bytes_per_second: Some(speed), time_left: Duration::try_from_secs_f64(left).ok() }
    }

    /// Forgets the flow, after a pause.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a flow, a sample every 125 ms, and returns the largest jump of the time left between two readings beyond the time
    /// that passed, as a part of the time left.
    fn largest_jump(bytes_in: impl Fn(f64) -> f64, total: f64) -> f64 {
        let start = Instant::now();
        let mut meter = Meter::default();
        let (mut received, mut last, mut largest) = (0.0, None::<f64>, 0.0_f64);
        for step in 0..20_000 {
            let seconds = f64::from(step) * 0.125;
            received += bytes_in(seconds) * 0.125;
            if received >= total * 0.98 {
                return largest;
            }
            let reading =
                meter.read(start + Duration::from_secs_f64(seconds), received as u64, (total - received) as u64);
            let left = reading.time_left.map(|left| left.as_secs_f64());
            if let (Some(before), Some(now)) = (last, left) {
                largest = largest.max((now - (before - 0.125_f64)).abs() / before.max(1.0));
            }
            last = left;
        }
        panic!("the flow never ended");
    }

    #[test]
    fn a_steady_flow_is_measured() {
        let start = Instant::now();
        let mut meter = Meter::default();
        for step in 0..=80_u64 {
            meter.read(start + Duration::from_millis(step * 125), step * 375_000, 4_805_000_000 - step * 375_000);
        }
        let reading = meter.read(start + Duration::from_secs(10), 30_000_000, 4_775_000_000);
        assert!((reading.bytes_per_second.unwrap() - 3e6).abs() < 1.0, "{reading:?}");
        assert!((reading.time_left.unwrap().as_secs_f64() - 4_775.0 / 3.0).abs() < 1.0, "{reading:?}");
    }

    #[test]
    fn the_time_left_does_not_jump_when_the_flow_does() {
        // Speed between 1 and 5 MB/s from second to second, three seconds of nothing a minute.
        let rough = |seconds: f64| {
            let second = seconds as u64;
            if second % 60 >= 57 { 0.0 } else { 1e6 + 4e6 * ((second * 7_919) % 11) as f64 / 10.0 }
        };
        let jump = largest_jump(rough, 600e6);
        assert!(jump < 0.03, "{jump}");
        // What an estimate from the last second alone would do: the bar tells them apart.
        assert!(largest_jump(|_| 3e6, 600e6) < 0.001);
    }

    #[test]
    fn nothing_is_promised_before_anything_is_known_or_when_nothing_comes() {
        let start = Instant::now();
        let mut meter = Meter::default();
        assert_eq!(meter.read(start, 0, 1_000), Reading::default());
        assert_eq!(meter.read(start + Duration::from_secs(1), 500, 500), Reading::default());
        for second in 2..60 {
            meter.read(start + Duration::from_secs(second), 500, 500);
        }
        let reading = meter.read(start + Duration::from_mins(1), 500, 500);
        assert_eq!(reading, Reading { bytes_per_second: Some(0.0), time_left: None });
    }
}
