//! Durations counted in buckets that grow by 2 %, so that percentiles of a talk of any length fit in 8 KiB.

use std::time::Duration;

use serde::Serialize;

/// Growth from one bucket to the next. A bucket answers with its geometric middle, at most √1.02 − 1 < 1 % off.
const GROWTH: f64 = 1.02;

/// The upper end of the first bucket; durations below it are not told apart.
const FINEST: Duration = Duration::from_micros(1);

/// Buckets from 1 µs up to 1.02^1100 µs, about 48 minutes; the last one takes what is longer.
const BUCKETS: usize = 1_100;

/// How often which duration occurred. Count, mean, shortest and longest are exact, percentiles within 1 %.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    count: u64,
    sum: Duration,
    shortest: Duration,
    longest: Duration,
}

/// A histogram in a few numbers.
///
/// **Units** milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many durations were recorded.
    pub count: u64,
    /// Their mean.
    pub mean_ms: f64,
    /// Half of them were not longer.
    pub p50_ms: f64,
    /// 95 % of them were not longer.
    pub p95_ms: f64,
    /// 99 % of them were not longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            count: 0,
            sum: Duration::ZERO,
            shortest: Duration::MAX,
            longest: Duration::ZERO,
        }
    }
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn record(&mut self, duration: Duration) {
        if let Some(bucket) = self.counts.get_mut(bucket_of(duration)) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(duration);
        self.shortest = self.shortest.min(duration);
        self.longest = self.longest.max(duration);
    }

    /// The duration that a part `share` (0..1) of all durations did not exceed; zero if there are none.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return middle_of(bucket).clamp(self.shortest, self.longest);
            }
        }
        Duration::ZERO
    }

    /// The numbers for a table or JSON.
    pub(crate) fn percentiles(&self) -> Percentiles {
        if self.count == 0 {
            return Percentiles::default();
        }
        Percentiles {
            count: self.count,
            mean_ms: milliseconds(self.sum) / self.count as f64,
            p50_ms: milliseconds(self.percentile(0.50)),
            p95_ms: milliseconds(self.percentile(0.95)),
            p99_ms: milliseconds(self.percentile(0.99)),
            max_ms: milliseconds(self.longest),
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Bucket 0 is everything below [`FINEST`]; bucket `i` is from `GROWTH^(i-1)` to `GROWTH^i` of it.
fn bucket_of(duration: Duration) -> usize {
    let ratio = duration.as_secs_f64() / FINEST.as_secs_f64();
    if ratio < 1.0 { 0 } else { (1 + (ratio.ln() / GROWTH.ln()) as usize).min(BUCKETS - 1) }
}

fn middle_of(bucket: usize) -> Duration {
    FINEST.mul_f64(GROWTH.powf(bucket as f64 - 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram_of(durations: impl IntoIterator<Item = Duration>) -> Histogram {
        let mut histogram = Histogram::default();
        durations.into_iter().for_each(|duration| histogram.record(duration));
        histogram
    }

    #[test]
    fn percentiles_are_within_one_percent_of_the_sorted_list() {
        // Five powers of ten, as unevenly as real talks: most frames fast, a few very slow.
        let durations: Vec<Duration> = (1..=20_000_u32)
            .map(|i| Duration::from_secs_f64(20e-6 * (f64::from(i * 7_919 % 20_000) / 20_000.0 * 11.5).exp()))
            .collect();
        let histogram = histogram_of(durations.iter().copied());
        let mut sorted = durations;
        sorted.sort();
        for share in [0.0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
            let rank = ((share * sorted.len() as f64).ceil() as usize).max(1);
            let exact = sorted[rank - 1].as_secs_f64();
            let error = histogram.percentile(share).as_secs_f64() / exact - 1.0;
            assert!(error.abs() <= 0.01, "p{share}: {error}");
        }
    }

    #[test]
    fn mean_and_longest_are_exact() {
        let histogram = histogram_of([1, 2, 3, 74].map(Duration::from_millis));
        let Percentiles { count, mean_ms, max_ms, .. } = histogram.percentiles();
        assert_eq!((count, mean_ms, max_ms), (4, 20.0, 74.0));
    }

    #[test]
    fn one_duration_is_every_percentile_exactly() {
        for duration in [Duration::ZERO, Duration::from_nanos(37), Duration::from_millis(81), Duration::from_hours(9)] {
            let histogram = histogram_of([duration]);
            assert_eq!([0.5, 0.95, 0.99].map(|share| histogram.percentile(share)), [duration; 3]);
        }
    }

    #[test]
    fn nothing_recorded_is_all_zero() {
        assert_eq!(Histogram::default().percentiles(), Percentiles::default());
        assert_eq!(Histogram::default().percentile(0.5), Duration::ZERO);
    }

    #[test]
    fn the_middle_of_a_bucket_lies_in_it() {
        assert!((0..BUCKETS - 1).all(|bucket| bucket_of(middle_of(bucket)) == bucket));
        assert_eq!(bucket_of(Duration::MAX), BUCKETS - 1);
    }
}
