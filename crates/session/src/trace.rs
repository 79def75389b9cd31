//! The last frames of a talk as a timeline for <https://ui.perfetto.dev> or `chrome://tracing`.
//!
//! A span per frame, and inside it one per stage. Holds times only, no speech and no text.
//! Source: Google, "Trace Event Format", complete events (`ph: "X"`), times in microseconds.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::engine::StageTimes;
use crate::event::FrameDone;

/// Remembers where the time of the last frames went.
#[derive(Debug, Clone)]
pub struct Trace {
    frames: VecDeque<TracedFrame>,
    capacity_frames: usize,
}

#[derive(Debug, Clone, Copy)]
struct TracedFrame {
    index: u64,
    started: Duration,
    total: Duration,
    stages: StageTimes,
}

impl Trace {
    /// A trace of at most the last `capacity_frames` frames.
    pub fn new(capacity_frames: usize) -> Self {
        Self { frames: VecDeque::new(), capacity_frames }
    }

    /// Adds a frame, and forgets the oldest one if there are too many.
    pub fn push(&mut self, done: &FrameDone<'_>) {
        let FrameDone { index, started, total, stages, .. } = *done;
        self.frames.push_back(TracedFrame { index, started, total, stages });
        if self.frames.len() > self.capacity_frames {
            self.frames.pop_front();
        }
    }

    /// Writes the trace as one JSON object.
    ///
    /// # Errors
    /// That of `writer`.
    pub fn write_json(&self, writer: impl Write) -> io::Result<()> {
        let trace_events = self.frames.iter().flat_map(TracedFrame::spans).collect();
        Ok(serde_json::to_writer(writer, &TraceFile { trace_events })?)
    }
}

#[derive(Serialize)]
struct TraceFile {
    #[serde(rename = "traceEvents")]
    trace_events: Vec<Span>,
}

/// One complete event. Whole microseconds, both ends rounded down: rounding a length could let a stage outlive its frame.
#[derive(Serialize)]
struct Span {
    name: &'static str,
    ph: &'static str,
    ts: u64,
    dur: u64,
    pid: u32,
    tid: u32,
    args: SpanArguments,
}

#[derive(Serialize)]
struct SpanArguments {
    frame: u64,
}

impl TracedFrame {
    fn spans(&self) -> Vec<Span> {
        let end = self.started + self.total;
        let mut spans = vec![self.span("frame", self.started, end)];
        let mut stage_start = self.started;
        for (stage, duration) in self.stages.iter() {
            let stage_end = (stage_start + duration).min(end);
            spans.push(self.span(stage.name(), stage_start, stage_end));
            stage_start = stage_end;
        }
        spans
    }

    fn span(&self, name: &'static str, start: Duration, end: Duration) -> Span {
        let ts = start.as_micros() as u64;
        let dur = (end.as_micros() as u64).saturating_sub(ts);
        Span { name, ph: "X", ts, dur, pid: 1, tid: 1, args: SpanArguments { frame: self.index } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::engine::Stage;
    use moshibar_audio::SILENCE;

    fn push(trace: &mut Trace, index: u64, started: Duration, total: Duration, stages: StageTimes) {
        trace.push(&FrameDone {
            index,
            user: &SILENCE,
            moshi: &SILENCE,
            text: Some(" secret"),
            started,
            total,
            stages,
        });
    }

    fn written(trace: &Trace) -> (String, Vec<Value>) {
        let mut bytes = Vec::new();
        trace.write_json(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        (text, json["traceEvents"].as_array().unwrap().clone())
    }

    #[test]
    fn stages_follow_each_other_within_their_frame() {
        let mut trace = Trace::new(100);
        for index in 0..100 {
            let mut stages = StageTimes::default();
            let nanos = |n: u64| Duration::from_nanos(n * 1_111 + index * 333);
            stages.record(Stage::Encode, nanos(5));
            stages.record(Stage::Step, nanos(31));
            stages.record(Stage::Decode, nanos(7));
            // Every other engine claims a little more time than there was.
            let short = Duration::from_nanos(index % 2 * 1_700);
            let total = stages.total().saturating_sub(short);
            push(&mut trace, index, Duration::from_nanos(80_000_777 * index), total, stages);
        }
        let (_, spans) = written(&trace);
        assert_eq!(spans.len(), 400);
        let ends =
            |span: &Value| (span["ts"].as_u64().unwrap(), span["ts"].as_u64().unwrap() + span["dur"].as_u64().unwrap());
        for (index, family) in spans.chunks(4).enumerate() {
            let names: Vec<&str> = family.iter().map(|span| span["name"].as_str().unwrap()).collect();
            assert_eq!(names, ["frame", "encode", "step", "decode"]);
            assert!(family.iter().all(|span| span["ph"] == "X" && span["args"]["frame"] == index));
            let (frame_start, frame_end) = ends(&family[0]);
            assert_eq!(frame_start, 80_000_777 * index as u64 / 1_000, "microseconds since the beginning of the talk");
            let mut previous_end = frame_start;
            for (start, end) in family[1..].iter().map(ends) {
                assert!(start == previous_end && start <= end && end <= frame_end, "frame {index}");
                previous_end = end;
            }
        }
    }

    #[test]
    fn only_the_last_frames_are_kept() {
        for (capacity, expected) in [(0, vec![]), (1, vec![9]), (3, vec![7, 8, 9]), (50, (0..10).collect())] {
            let mut trace = Trace::new(capacity);
            for index in 0..10 {
                push(&mut trace, index, Duration::from_millis(80 * index), Duration::ZERO, StageTimes::default());
            }
            let kept: Vec<u64> = written(&trace).1.iter().map(|span| span["args"]["frame"].as_u64().unwrap()).collect();
            assert_eq!(kept, expected);
        }
    }

    #[test]
    fn a_trace_holds_no_words() {
        let mut trace = Trace::new(1);
        push(&mut trace, 0, Duration::ZERO, Duration::ZERO, StageTimes::default());
        assert!(!written(&trace).0.contains("secret"));
    }
}
