//! From the session's events to views, on a thread of its own.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moshibar_session::live::{Command, Commands, EndReason, EventReceiver, FrameInfo, LiveEvent, State, TalkEnd};
use moshibar_session::{Join, LiveCaptions, LiveWord, Speaker};

use super::problem::{self, Said};
use super::{Last, Shared};
use crate::idle::IdleWatch;
use crate::view::{LoadingView, UiEvent, WordView};

/// How long is waited for an event before the clock is looked at.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// Words that a window gets when it opens in the middle of a talk.
const WORDS_KEPT: usize = 400;

/// Moshi is heard above this level, and counts as speaking until it was quiet for half a second: pauses between words are none.
const SPEAKING_LEVEL: f32 = 0.02;
const SPEAKING_FRAMES: u32 = 6;

/// A user who is louder than this in two frames on end speaks: above the hum of rooms, and longer than a click.
const USER_LEVEL: f32 = 0.05;
const USER_FRAMES: u32 = 2;

pub(super) struct Bridge {
    shared: Arc<Shared>,
    commands: Commands,
    captions: LiveCaptions,
    idle: IdleWatch,
    quiet_frames: u32,
    loud_user_frames: u32,
    /// Whether the next loading begins another talk, and not the same one after a hang.
    is_between_talks: bool,
}

impl Bridge {
    pub(super) fn new(shared: Arc<Shared>, commands: Commands) -> Self {
        let (captions, idle) = (LiveCaptions::default(), IdleWatch::default());
        Self {
            shared,
            commands,
            captions,
            idle,
            quiet_frames: SPEAKING_FRAMES,
            loud_user_frames: 0,
            is_between_talks: true,
        }
    }

    /// Follows the session until it is over.
    pub(super) fn follow(mut self, events: &EventReceiver) {
        while let Ok(event) = events.next(LOOK_AROUND) {
            if let Some(event) = event {
                self.take(event);
            }
            self.unload_if_idle(Instant::now());
        }
    }

    fn take(&mut self, event: LiveEvent) {
        match event {
            LiveEvent::State(state) => self.enter(state),
            LiveEvent::Loading(so_far) => {
                let loading = LoadingView { done_bytes: so_far.done_bytes, total_bytes: so_far.total_bytes };
                self.shared.change(|talk| talk.loading = Some(loading));
            }
            LiveEvent::Frame(frame) => self.frame(&frame),
            LiveEvent::Report(report) => {
                let pace = problem::pace_of(&report);
                self.last().report = Some((*report).clone());
                let mut known = self.shared.lock();
                known.pace = Some(pace);
                known.talk.seconds = report.duration.as_secs_f64();
                self.shared.listener.told(UiEvent::Pace { pace });
            }
            LiveEvent::Audio(event) => self.say(problem::of_audio(&event)),
            LiveEvent::Warning(warning) => {
                if let moshibar_session::live::Warning::EngineRebuilt { .. } = warning {
                    self.shared.change(|talk| talk.loaded = false);
                }
                self.say(problem::of_warning(&warning));
            }
            LiveEvent::Ended(end) => self.ended(*end),
            _ => {}
        }
    }

    fn enter(&mut self, state: State) {
        if state == State::Loading && std::mem::take(&mut self.is_between_talks) {
            let mut known = self.shared.lock();
            known.words.clear();
            known.pace = None;
            known.talk.seconds = 0.0;
        }
        self.shared.change(|talk| {
            talk.state = state;
            match state {
                State::Loading => talk.problem = None,
                State::Listening | State::Muted | State::Paused => {
                    talk.loaded = true;
                    talk.loading = None;
                }
                _ => talk.loading = None,
            }
        });
    }

    fn frame(&mut self, frame: &FrameInfo) {
        for word in self.captions.push(Speaker::Moshi, frame.index, frame.text.as_deref()) {
            self.show(&word);
        }
        self.quiet_frames = if frame.moshi_level > SPEAKING_LEVEL { 0 } else { self.quiet_frames.saturating_add(1) };
        self.loud_user_frames = if frame.user_level > USER_LEVEL { self.loud_user_frames.saturating_add(1) } else { 0 };
        if self.loud_user_frames >= USER_FRAMES {
            self.end_of_greeting();
        }
        let mut known = self.shared.lock();
        known.moshi_speaks = self.quiet_frames < SPEAKING_FRAMES;
        self.shared.listener.told(UiEvent::Frame {
            index: frame.index,
            took_ms: frame.took.as_secs_f64() * 1e3,
            backlog_frames: frame.backlog_frames,
            user_level: frame.user_level,
            moshi_level: frame.moshi_level,
            moshi_speaks: known.moshi_speaks,
        });
    }

    /// The user speaks: what Moshi says from now on is an answer.
    fn end_of_greeting(&self) {
        if self.shared.skips_greeting.swap(false, Ordering::Relaxed)
            && self.commands.send(Command::SetHushed(false)).is_ok()
        {
            self.shared.change(|talk| talk.hushed = false);
        }
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.shared.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&mut self, end: TalkEnd) {
        *self.last() = Last { report: end.report, trace: end.trace };
        for word in self.captions.finish() {
            self.show(&word);
        }
        self.captions = LiveCaptions::default();
        self.quiet_frames = SPEAKING_FRAMES;
        self.is_between_talks = true;
        self.shared.lock().moshi_speaks = false;
        self.shared.change(|talk| {
            talk.problem = problem::of_end(&end.reason);
            talk.loaded &= !matches!(end.reason, EndReason::LoadFailed(_) | EndReason::Panicked { .. });
        });
        if end.recording.is_some() {
            self.shared.listener.told(UiEvent::History);
        }
    }

    fn say(&self, said: Said) {
        match said {
            Said::Nothing => {}
            Said::Lasts(problem) => self.shared.change(|talk| talk.problem = Some(problem)),
            Said::Over(codes) => self.shared.change(|talk| {
                talk.problem.take_if(|problem| codes.contains(&problem.code));
            }),
            Said::Passing { code, message } => self.shared.listener.told(UiEvent::Notice { code, message }),
        }
    }

    fn show(&self, shown: &LiveWord) {
        let space = if shown.join == Join::Nothing { "" } else { " " };
        let text = format!("{space}{}", shown.word.text);
        let word = WordView { speaker: shown.word.speaker, text, start_seconds: shown.word.start.as_secs_f64() };
        let mut known = self.shared.lock();
        if known.words.len() == WORDS_KEPT {
            known.words.remove(0);
        }
        known.words.push(word.clone());
        self.shared.listener.told(UiEvent::Word { word });
    }

    fn unload_if_idle(&mut self, now: Instant) {
        let limit = *self.shared.unload_after.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, is_loaded) = {
            let talk = &self.shared.lock().talk;
            (talk.state, talk.loaded)
        };
        if self.idle.is_due(state, is_loaded, limit, now) && self.commands.send(Command::Unload).is_ok() {
            tracing::info!("the model was idle and leaves memory");
            self.shared.change(|talk| talk.loaded = false);
        }
    }
}
