//! The counters of a talk, always on: times and numbers, nothing that was said.

use std::time::Duration;

use moshibar_audio::AudioReport;
use serde::Serialize;

use crate::engine::MemoryUse;
use crate::histogram::Percentiles;
use crate::metrics::MetricsReport;

/// Where a talk stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiveReport {
    /// How long the talk lasts, pauses included, the loading of the model not.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub duration: Duration,
    /// Frames that the engine answered.
    pub frames: u64,
    /// Frames that were dropped, with their steps, because the engine was late.
    pub dropped_frames: u64,
    /// Answers that were not sound and became silence.
    pub invalid_frames: u64,
    /// Answers that the speaker's queue could not take.
    pub unplayed_frames: u64,
    /// Frames that wait for the engine at this moment.
    pub backlog_frames: usize,
    /// The most that ever waited.
    pub longest_backlog_frames: usize,
    /// How often a device's stream was opened again.
    pub rebuilds: u64,
    /// How often the engine was built again after a hang.
    pub engine_rebuilds: u64,
    /// Events that nobody took in time.
    pub missed_events: u64,
    /// From the moment when a frame's last sample was heard until the engine began with it.
    pub heard_to_engine: Percentiles,
    /// Times per frame and stage.
    pub metrics: MetricsReport,
    /// What the devices and the echo canceller say.
    pub audio: AudioReport,
    /// Memory of the model's runtime.
    pub memory: MemoryUse,
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
