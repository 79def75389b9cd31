//! Where the time of a talk went: per stage, per frame, and how often it was too much. Of the same size for any talk.

use std::collections::BTreeMap;
use std::time::Duration;

use moshibar_audio::FRAME_DURATION;
use serde::Serialize;

use crate::engine::{Stage, StageTimes};
use crate::histogram::{Histogram, Percentiles};

/// The durations of a talk, collected while it runs.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    frame: Histogram,
    stages: BTreeMap<Stage, Histogram>,
    missed_deadlines: u64,
}

/// What the metrics come to, for a table or `--json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricsReport {
    /// The time that the engine has for a frame.
    pub deadline_ms: f64,
    /// Frames that took longer.
    pub missed_deadlines: u64,
    /// The whole frame, seen from the loop.
    pub frame: Percentiles,
    /// The stages that were measured, in the order in which they run.
    pub stages: Vec<StageReport>,
}

/// The durations of one stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StageReport {
    /// [`Stage::name`].
    pub stage: &'static str,
    /// Its durations.
    #[serde(flatten)]
    pub percentiles: Percentiles,
}

impl Metrics {
    /// Counts one frame: its whole time, and that of its stages.
    pub fn record(&mut self, total: Duration, stages: &StageTimes) {
        self.frame.record(total);
        self.missed_deadlines += u64::from(total > FRAME_DURATION);
        for (stage, duration) in stages.iter() {
            self.stages.entry(stage).or_default().record(duration);
        }
    }

    /// The numbers so far.
    pub fn report(&self) -> MetricsReport {
        let stages = self.stages.iter();
        MetricsReport {
            deadline_ms: FRAME_DURATION.as_secs_f64() * 1e3,
            missed_deadlines: self.missed_deadlines,
            frame: self.frame.percentiles(),
            stages: stages
                .map(|(stage, times)| StageReport { stage: stage.name(), percentiles: times.percentiles() })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_come_in_the_order_in_which_they_run() {
        let mut metrics = Metrics::default();
        let mut waited = StageTimes::default();
        for stage in [Stage::Decode, Stage::Encode, Stage::Step] {
            waited.record(stage, Duration::from_millis(10));
        }
        metrics.record(Duration::from_millis(30), &waited);
        let report = metrics.report();
        assert_eq!(report.stages.iter().map(|stage| stage.stage).collect::<Vec<_>>(), ["encode", "step", "decode"]);
    }

    #[test]
    fn a_frame_of_exactly_80_ms_is_in_time() {
        let mut metrics = Metrics::default();
        for total in [FRAME_DURATION, FRAME_DURATION + Duration::from_nanos(1), Duration::from_secs(1)] {
            metrics.record(total, &StageTimes::default());
        }
        assert_eq!(metrics.report().missed_deadlines, 2);
    }

    #[test]
    fn json_names_every_number_and_its_unit() {
        let mut metrics = Metrics::default();
        let mut stages = StageTimes::default();
        stages.record(Stage::Evaluate, Duration::from_millis(40));
        metrics.record(Duration::from_millis(50), &stages);
        let json = serde_json::to_value(metrics.report()).unwrap();
        let numbers = |ms: f64| {
            serde_json::json!({
                "count": 1, "mean_ms": ms, "p50_ms": ms, "p95_ms": ms, "p99_ms": ms, "max_ms": ms
            })
        };
        let mut evaluate = numbers(40.0);
        evaluate["stage"] = "evaluate".into();
        let expected = serde_json::json!({
            "deadline_ms": 80.0, "missed_deadlines": 0, "frame": numbers(50.0), "stages": [evaluate]
        });
        assert_eq!(json, expected);
    }
}
