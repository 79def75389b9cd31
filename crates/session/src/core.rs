//! The loop: one frame of the user in, one frame of Moshi out, until the speech ends or somebody stops it.
//!
//! It owns nothing but the metrics. What a frame is good for besides (a file, a transcript, a trace) is the observer's
//! business. It does not pace: speech from a file runs as fast as the engine can.

use std::ops::ControlFlow;

use moshibar_audio::{Clock, Frame, SILENCE, SystemClock};

use crate::engine::Engine;
use crate::error::SessionError;
use crate::event::{Event, FrameDone};
use crate::metrics::Metrics;

/// What a talk came to.
#[derive(Debug, Clone)]
pub struct Talk {
    /// Frames that were answered and shown to the observer.
    pub frames: u64,
    /// Where their time went.
    pub metrics: Metrics,
    /// Why the talk is over.
    pub ending: Ending,
}

/// Why a talk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The user's frames came to an end.
    EndOfSpeech,
    /// The observer broke off.
    Stopped,
}

/// Talks: gives the engine one frame after the other and shows every answer to `observe`.
///
/// Answer `i` belongs to frame `i`: while Moshi has no speech yet, its answer is a frame of silence. The observer runs
/// between two frames, so its time is not the engine's, and ends the talk with [`ControlFlow::Break`].
///
/// **State** resets the engine first: every talk starts clean.
///
/// # Errors
/// [`SessionError`] if the engine fails or answers with samples that are not numbers. That answer is never shown.
pub fn talk(
    engine: &mut dyn Engine,
    frames: impl IntoIterator<Item = Frame>,
    observe: impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Talk, SessionError> {
    talk_by(&SystemClock::default(), engine, frames, observe)
}

/// [`talk`] by a clock that tests move.
fn talk_by(
    clock: &dyn Clock,
    engine: &mut dyn Engine,
    frames: impl IntoIterator<Item = Frame>,
    mut observe: impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Talk, SessionError> {
    engine.reset().map_err(|reason| SessionError::Engine { frame: 0, reason })?;
    let mut talk = Talk { frames: 0, metrics: Metrics::default(), ending: Ending::EndOfSpeech };
    let beginning = clock.now();
    for user in frames {
        let started = clock.now().saturating_sub(beginning);
        let reply = engine.step(&user).map_err(|reason| SessionError::Engine { frame: talk.frames, reason })?;
        let total = clock.now().saturating_sub(beginning).saturating_sub(started);

        let moshi = reply.speech.as_deref().unwrap_or(&SILENCE);
        if !moshi.iter().all(|sample| sample.is_finite()) {
            return Err(SessionError::InvalidSpeech { frame: talk.frames });
        }
        talk.metrics.record(total, &reply.stages);
        let text = reply.text.as_deref();
        let done = FrameDone { index: talk.frames, user: &user, moshi, text, started, total, stages: reply.stages };
        talk.frames += 1;
        if observe(Event::FrameDone(done)).is_break() {
            talk.ending = Ending::Stopped;
            break;
        }
    }
    tracing::debug!(frames = talk.frames, ending = ?talk.ending, "the talk is over");
    Ok(talk)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use moshibar_audio::FRAME_SAMPLES;

    use super::*;
    use crate::engine::{EngineError, EngineErrorKind, FrameReply, Stage};
    use crate::scripted_engine::{ScriptedEngine, frame_of, says, silent};

    fn users(values: impl IntoIterator<Item = u8>) -> Vec<Frame> {
        values.into_iter().map(|value| frame_of(f32::from(value) / 256.0)).collect()
    }

    fn go_on(_: Event<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// What the observer saw, a line per frame: index, user, Moshi, text.
    fn lines(engine: &mut ScriptedEngine, users: Vec<Frame>) -> Vec<(u64, f32, f32, Option<String>)> {
        let mut lines = Vec::new();
        let observe = |Event::FrameDone(done): Event<'_>| {
            lines.push((done.index, done.user[0], done.moshi[FRAME_SAMPLES - 1], done.text.map(str::to_owned)));
            ControlFlow::Continue(())
        };
        talk(engine, users, observe).unwrap();
        lines
    }

    #[test]
    fn every_answer_belongs_to_its_frame() {
        let mut engine = ScriptedEngine::new([silent(), silent(), says(0.5, Some(" Hi")), says(0.25, None)]);
        let lines = lines(&mut engine, users([1, 2, 3, 4]));
        let hi = Some(" Hi".to_owned());
        assert_eq!(
            lines,
            [
                (0, 1.0 / 256.0, 0.0, None),
                (1, 2.0 / 256.0, 0.0, None),
                (2, 3.0 / 256.0, 0.5, hi),
                (3, 4.0 / 256.0, 0.25, None)
            ]
        );
        assert_eq!(engine.heard, users([1, 2, 3, 4]));
    }

    #[test]
    fn the_talk_ends_with_the_speech() {
        let mut engine = ScriptedEngine::new([silent(), silent()]);
        let done = talk(&mut engine, users([1, 2]), go_on).unwrap();
        assert_eq!((done.frames, done.ending), (2, Ending::EndOfSpeech));
        assert_eq!(done.metrics.report().frame.count, 2);
    }

    #[test]
    fn no_speech_is_a_talk_of_no_frames() {
        let done = talk(&mut ScriptedEngine::new([]), [], go_on).unwrap();
        assert_eq!((done.frames, done.ending), (0, Ending::EndOfSpeech));
    }

    #[test]
    fn the_observer_can_stop_a_talk_that_has_no_end() {
        let mut engine = ScriptedEngine::new((0..100).map(|_| silent()));
        let endless = std::iter::repeat(frame_of(0.0));
        let observe = |Event::FrameDone(done): Event<'_>| {
            if done.index == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let done = talk(&mut engine, endless, observe).unwrap();
        assert_eq!((done.frames, done.ending, engine.heard.len()), (3, Ending::Stopped, 3));
    }

    #[test]
    fn second_talk_starts_clean() {
        let mut engine = ScriptedEngine::new([silent(), silent()]);
        talk(&mut engine, users([1]), go_on).unwrap();
        assert_eq!(lines(&mut engine, users([2]))[0].0, 0);
        assert_eq!(engine.resets_before_frame, [0, 1]);
    }

    #[test]
    fn speech_that_is_no_number_is_never_shown() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut poisoned = frame_of(0.5);
            poisoned[FRAME_SAMPLES - 1] = bad;
            let reply = FrameReply { speech: Some(Box::new(poisoned)), ..silent() };
            let mut shown = 0;
            let observe = |_: Event<'_>| {
                shown += 1;
                ControlFlow::Continue(())
            };
            let error = talk(&mut ScriptedEngine::new([silent(), reply]), users([1, 2]), observe).unwrap_err();
            assert_eq!((shown, error.kind()), (1, EngineErrorKind::InvalidOutput));
            assert!(error.to_string().starts_with("Moshi's speech at 0.08 s is not sound"), "{error}");
        }
    }

    #[test]
    fn a_failing_engine_is_quoted_with_the_time() {
        let mut engine = ScriptedEngine::new([silent(), silent()]);
        engine.failure = Some(EngineError {
            kind: EngineErrorKind::DeviceFailed,
            message: "the GPU ran out of memory; close other programs".to_owned(),
        });
        let error = talk(&mut engine, users([1, 2, 3]), go_on).unwrap_err();
        assert_eq!(error.kind(), EngineErrorKind::DeviceFailed);
        let sentence = "the talk broke off at 0.16 s: the GPU ran out of memory; close other programs";
        assert_eq!(error.to_string(), sentence);
    }

    #[test]
    fn a_slow_step_is_late_and_counted() {
        let mut slow = silent();
        slow.stages.record(Stage::Step, Duration::from_millis(82));
        let mut engine = ScriptedEngine::new([silent(), slow, silent()]);
        let clock = Arc::clone(&engine.clock);
        let mut late = Vec::new();
        let mut started = Vec::new();
        let observe = |Event::FrameDone(done): Event<'_>| {
            late.push(done.is_late());
            started.push(done.started);
            ControlFlow::Continue(())
        };
        let done = talk_by(clock.as_ref(), &mut engine, users([1, 2, 3]), observe).unwrap();
        let report = done.metrics.report();
        assert_eq!(late, [false, true, false]);
        assert_eq!(report.missed_deadlines, 1);
        assert!(report.frame.max_ms >= 82.0);
        assert_eq!(started, [0, 0, 82].map(Duration::from_millis));
    }
}
