//! One live talk: its sound, its switches, its counters. Begins with the devices, runs once an engine is there.

use std::time::Duration;

use moshibar_audio::{AudioEvent, DeviceError, DeviceErrorKind, MicFrame, SILENCE};
use serde_json::{Value, json};

use crate::engine::{Engine, FrameReply, MemoryUse};
use crate::error::SessionError;
use crate::event::FrameDone;
use crate::histogram::Histogram;
use crate::live::backlog::{Backlog, Taken};
use crate::live::command::TalkOptions;
use crate::live::event::{EndReason, EventSender, FrameInfo, Warning};
use crate::live::pace::{Pace, Verdict};
use crate::live::report::LiveReport;
use crate::live::sound::Sound;
use crate::live::state::State;
use crate::metrics::Metrics;
use crate::recording::{Recorder, RecordingSummary, recover_recordings};
use crate::trace::Trace;

/// How often all counters are sent.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Answers in a row that may be no sound: more, and the engine's memory is poisoned.
const MOST_INVALID_FRAMES: u32 = 3;

/// A talk that was begun.
pub(crate) struct LiveTalk {
    pub(crate) sound: Box<dyn Sound>,
    pub(crate) began: Duration,
    pub(crate) switches: Switches,
    /// The microphone and the speaker that were opened last, by name.
    devices: [Option<String>; 2],
    /// Whether an engine is ready.
    is_running: bool,
    /// When it was ready for the first time.
    running_since: Option<Duration>,
    backlog: Backlog,
    /// Frames of the talk so far, dropped ones included.
    position: u64,
    counters: Counters,
    pace: Pace,
    metrics: Metrics,
    heard_to_engine: Histogram,
    invalid_in_a_row: u32,
    last_report: Duration,
    trace: Option<Trace>,
    recorder: Option<Recorder>,
}

/// What the user has switched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Switches are what they are.
pub(crate) struct Switches {
    pub(crate) muted: bool,
    pub(crate) push_to_talk: bool,
    pub(crate) talk_key_held: bool,
    pub(crate) hushed: bool,
    pub(crate) paused: bool,
}

impl Switches {
    fn silence_the_user(self) -> bool {
        self.muted || (self.push_to_talk && !self.talk_key_held)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    frames: u64,
    dropped_frames: u64,
    invalid_frames: u64,
    unplayed_frames: u64,
    longest_backlog_frames: usize,
    engine_rebuilds: u64,
}

/// What became of an answer.
pub(crate) struct Answered {
    pub(crate) frame: FrameInfo,
    pub(crate) warning: Option<Warning>,
    /// Why the talk cannot go on.
    pub(crate) failure: Option<EndReason>,
}

/// What is left of a talk.
pub(crate) struct Remains {
    pub(crate) trace: Option<Trace>,
    pub(crate) recording: Option<RecordingSummary>,
    pub(crate) warnings: Vec<Warning>,
}

impl LiveTalk {
    /// Begins with the devices; the recording's folder is made now, so that nobody talks for nothing.
    ///
    /// # Errors
    /// A sentence, if the recording cannot begin.
    pub(crate) fn begin(
        sound: Box<dyn Sound>,
        options: TalkOptions,
        settings: Value,
        now: Duration,
    ) -> Result<Self, String> {
        let TalkOptions { record_into, trace_frames, muted, push_to_talk } = options;
        let recorder = match record_into {
            Some(folder) => {
                // Talks whose process died are completed first; what is wrong with an old one does not stop a new one.
                for failure in recover_recordings(&folder).into_iter().filter_map(Result::err) {
                    tracing::warn!(%failure, "an older recording stays incomplete");
                }
                Some(Recorder::start(&folder, settings).map_err(|error| error.to_string())?)
            }
            None => None,
        };
        let mut talk = Self {
            sound,
            began: now,
            switches: Switches { muted, push_to_talk, ..Switches::default() },
            devices: [None, None],
            is_running: false,
            running_since: None,
            backlog: Backlog::default(),
            position: 0,
            counters: Counters::default(),
            pace: Pace::default(),
            metrics: Metrics::default(),
            heard_to_engine: Histogram::default(),
            invalid_in_a_row: 0,
            last_report: now,
            trace: (trace_frames > 0).then(|| Trace::new(trace_frames)),
            recorder,
        };
        talk.apply_switches();
        Ok(talk)
    }

    /// What a window would show.
    pub(crate) fn state(&self) -> State {
        match self.is_running {
            false => State::Loading,
            true if self.switches.paused => State::Paused,
            true if self.switches.silence_the_user() => State::Muted,
            true => State::Listening,
        }
    }

    /// Whether frames flow, or would if it were not paused.
    pub(crate) fn runs(&self) -> bool {
        self.is_running
    }

    /// Whether both devices were opened.
    pub(crate) fn has_devices(&self) -> bool {
        self.devices.iter().all(Option::is_some)
    }

    /// Takes note of the devices' news; the error if it ends the talk: any before the first frame, and later what waiting does
    /// not mend. A device that is merely away may come back.
    pub(crate) fn note(&mut self, event: &AudioEvent) -> Option<DeviceError> {
        match event {
            AudioEvent::Opened { direction, device, .. } => {
                if let Some(opened) = self.devices.get_mut(*direction as usize) {
                    *opened = Some(device.name.clone());
                }
                None
            }
            AudioEvent::Failed { error, .. } => {
                let is_final = matches!(error.kind, DeviceErrorKind::PermissionDenied | DeviceErrorKind::Unstable);
                (is_final || self.running_since.is_none()).then(|| error.clone())
            }
            _ => None,
        }
    }

    /// Hands the switches to the DSP, which needs no frame to obey them.
    pub(crate) fn apply_switches(&mut self) {
        let holds = !self.runs() || self.switches.paused;
        let Switches { hushed, .. } = self.switches;
        let muted = self.switches.silence_the_user();
        let controls = &self.sound.port().controls;
        controls.set_muted(muted);
        controls.set_hushed(hushed);
        controls.set_holds(holds);
    }

    /// The engine is ready: frames flow from now on.
    pub(crate) fn run(&mut self, now: Duration) {
        self.forget_waiting();
        self.is_running = true;
        self.running_since.get_or_insert(now);
        self.apply_switches();
    }

    /// The engine came back from a step that hung, and is gone. Returns how often that happened.
    pub(crate) fn hung(&mut self) -> u64 {
        self.is_running = false;
        self.counters.engine_rebuilds += 1;
        self.pace = Pace::default();
        self.apply_switches();
        self.counters.engine_rebuilds
    }

    /// The number of the next frame.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Takes what the microphone brought; the next frame for the engine, if there is one.
    pub(crate) fn next_frame(&mut self) -> Option<Taken> {
        while let Some(frame) = self.sound.port().mic.read() {
            self.backlog.push(frame);
        }
        if self.switches.paused {
            self.backlog.clear();
        }
        self.counters.longest_backlog_frames = self.counters.longest_backlog_frames.max(self.backlog.len());
        self.backlog.next()
    }

    /// Frames were dropped before the next one.
    pub(crate) fn dropped(&mut self, frames: u32) {
        self.position += u64::from(frames);
        self.counters.dropped_frames += u64::from(frames);
        if let Some(recorder) = &mut self.recorder {
            recorder.gap(u64::from(frames));
        }
    }

    /// Counts an answer and plays it.
    pub(crate) fn answered(
        &mut self,
        user: &MicFrame,
        reply: FrameReply,
        began: Duration,
        finished: Duration,
    ) -> Answered {
        let took = finished.saturating_sub(began);
        let mut warning = None;
        let mut failure = None;
        let is_sound = reply.speech.iter().flat_map(|speech| speech.iter()).all(|sample| sample.is_finite());
        let moshi = if is_sound { reply.speech.as_deref().unwrap_or(&SILENCE) } else { &SILENCE };
        if is_sound {
            self.invalid_in_a_row = 0;
        } else {
            self.counters.invalid_frames += 1;
            self.invalid_in_a_row += 1;
            warning = Some(Warning::InvalidSpeech);
            if self.invalid_in_a_row >= MOST_INVALID_FRAMES {
                failure = Some(EndReason::Engine(SessionError::InvalidSpeech { frame: self.position }));
            }
        }
        // Paused meanwhile: the answer is out of date.
        if !self.switches.paused && !self.sound.port().speaker.write(moshi) {
            self.counters.unplayed_frames += 1;
        }
        self.metrics.record(took, &reply.stages);
        self.heard_to_engine.record(began.saturating_sub(user.heard_at));
        let text = reply.text.as_deref();
        let started = began.saturating_sub(self.began);
        let index = self.position;
        let done = FrameDone { index, user: &user.samples, moshi, text, started, total: took, stages: reply.stages };
        if let Some(trace) = &mut self.trace {
            trace.push(&done);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.frame(done.user, done.moshi, text);
        }
        match self.pace.record(finished, took) {
            Verdict::Unchanged => {}
            Verdict::TooSlow(cause) => {
                warning = Some(Warning::TooSlow { cause, p95_ms: self.metrics.report().frame.p95_ms });
            }
            Verdict::InTime => warning = Some(Warning::InTime),
            Verdict::Hopeless(cause) => failure = Some(EndReason::TooSlow(cause)),
        }
        self.position += 1;
        self.counters.frames += 1;
        let audio = self.sound.port().meters.report();
        let frame = FrameInfo {
            index,
            text: reply.text,
            took,
            backlog_frames: self.backlog.len(),
            user_level: audio.user_level,
            moshi_level: audio.moshi_level,
        };
        Answered { frame, warning, failure }
    }

    /// Tells once that the recording has stopped.
    pub(crate) fn recorder_failure(&mut self) -> Option<Warning> {
        let reason = self.recorder.as_mut()?.failure()?.to_string();
        Some(Warning::RecordingStopped { reason })
    }

    /// The counters, once a second.
    pub(crate) fn report_if_due(
        &mut self,
        now: Duration,
        engine: Option<&dyn Engine>,
        events: &EventSender,
    ) -> Option<LiveReport> {
        if now.saturating_sub(self.last_report) < REPORT_EVERY {
            return None;
        }
        self.last_report = now;
        Some(self.report(now, engine, events))
    }

    /// The counters.
    pub(crate) fn report(&mut self, now: Duration, engine: Option<&dyn Engine>, events: &EventSender) -> LiveReport {
        let Counters {
            frames,
            dropped_frames,
            invalid_frames,
            unplayed_frames,
            longest_backlog_frames,
            engine_rebuilds,
        } = self.counters;
        LiveReport {
            duration: now.saturating_sub(self.running_since.unwrap_or(now)),
            frames,
            dropped_frames,
            invalid_frames,
            unplayed_frames,
            backlog_frames: self.backlog.len(),
            longest_backlog_frames,
            rebuilds: self.sound.rebuilds(),
            engine_rebuilds,
            missed_events: events.missed(),
            heard_to_engine: self.heard_to_engine.percentiles(),
            metrics: self.metrics.report(),
            audio: self.sound.port().meters.report(),
            memory: engine.map_or_else(MemoryUse::default, Engine::memory),
        }
    }

    /// Closes the devices and completes the recording.
    pub(crate) fn finish(mut self, reason: &EndReason, report: Option<&LiveReport>) -> Remains {
        let [microphone, speaker] = &self.devices;
        let outcome =
            json!({ "ended": reason.to_string(), "microphone": microphone, "speaker": speaker, "report": report });
        self.sound.port().controls.set_holds(true);
        drop(self.sound);
        let mut warnings = Vec::new();
        let recording = self.recorder.and_then(|recorder| match recorder.finish(outcome) {
            Ok(summary) => Some(summary),
            Err(error) => {
                warnings.push(Warning::RecordingStopped { reason: error.to_string() });
                None
            }
        });
        Remains { trace: self.trace, recording, warnings }
    }

    fn forget_waiting(&mut self) {
        while self.sound.port().mic.read().is_some() {}
        self.backlog.clear();
    }
}
