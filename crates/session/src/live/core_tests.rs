use std::time::Duration;

use moshibar_audio::{AudioEvent, Direction, FRAME_SAMPLES};

use super::command::{Command, TalkOptions};
use super::event::{EndReason, Warning};
use super::pace::SlowCause;
use super::scripted_talk::{Rig, echo, no_microphone};
use super::state::State;
use crate::engine::{EngineError, EngineErrorKind, FrameReply};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_talk_goes_from_idle_through_loading_to_listening_and_back() {
    let mut rig = Rig::echoing();
    rig.start();
    rig.hear(0.5);
    rig.hear(0.25);
    assert_eq!(rig.played(), [0.5, 0.25]);
    rig.send(Command::Stop);
    let seen = rig.seen.borrow();
    assert_eq!(seen.states, [State::Loading, State::Listening, State::Stopping, State::Idle]);
    assert_eq!(seen.frames, [0, 1]);
    assert!(matches!(seen.ends[..], [ref end] if matches!(end.reason, EndReason::Stopped)));
    assert_eq!(seen.ends[0].report.as_ref().unwrap().frames, 2);
    assert_eq!(seen.ends[0].report.as_ref().unwrap().memory.active_bytes, 7);
}

#[test]
fn the_engine_is_loaded_once_and_reset_for_every_talk() {
    let mut rig = Rig::echoing();
    for _ in 0..3 {
        rig.start();
        rig.hear(0.5);
        rig.send(Command::Stop);
    }
    let (builds, resets) = {
        let script = rig.script.lock().unwrap();
        (script.builds, script.resets)
    };
    assert_eq!((builds, resets), (1, 3));
    rig.send(Command::Unload);
    assert_eq!(rig.script.lock().unwrap().engines_alive, 0);
    rig.start();
    assert_eq!(rig.script.lock().unwrap().builds, 2);
}

#[test]
fn every_command_in_every_state_leads_where_the_table_says() {
    let commands: [fn() -> Command; 17] = [
        || Command::Start(TalkOptions::default()),
        || Command::Stop,
        || Command::SetMuted(true),
        || Command::SetMuted(false),
        || Command::SetPushToTalk(true),
        || Command::HoldTalkKey(true),
        || Command::SetPushToTalk(false),
        || Command::SetHushed(true),
        || Command::SetHushed(false),
        || Command::SetPaused(true),
        || Command::SetPaused(false),
        || Command::Sleep,
        || Command::Unload,
        || Command::SetEcho(moshibar_audio::EchoMode::Off),
        || Command::SetNoiseSuppression(true),
        || Command::SaveMemory { is_crisis: false },
        || Command::SaveMemory { is_crisis: true },
    ];
    // Pseudo-random walks: each pair of commands comes up many times.
    let mut rig = Rig::echoing();
    let mut random = 1_u64;
    for _ in 0..20_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let command = commands[(random >> 33) as usize % commands.len()];
        rig.send(command());
        if random.is_multiple_of(7) {
            rig.script.lock().unwrap().load_error = Some("no model".to_owned());
        }
        rig.clock.advance(MS * 700);
        if rig.sounds.lock().unwrap().ends.last().is_some() {
            rig.hear(0.1);
        }
    }
    let seen = rig.seen.borrow();
    let walk: Vec<State> = [State::Idle].into_iter().chain(seen.states.iter().copied()).collect();
    for pair in walk.windows(2) {
        assert!(pair[0].can_become(pair[1]), "{pair:?}");
    }
    for state in [State::Idle, State::Loading, State::Listening, State::Muted, State::Paused, State::Failed] {
        assert!(walk.contains(&state), "{state:?} was never reached");
    }
}

#[test]
fn mute_and_push_to_talk_are_handed_to_the_dsp() {
    let mut rig = Rig::echoing();
    rig.start_with(TalkOptions { push_to_talk: true, ..TalkOptions::default() });
    let is_muted = |rig: &Rig| rig.sounds.lock().unwrap().ends[0].controls().is_muted();
    assert_eq!((rig.last_state(), is_muted(&rig)), (State::Muted, true));
    rig.send(Command::HoldTalkKey(true));
    assert_eq!((rig.last_state(), is_muted(&rig)), (State::Listening, false));
    rig.send(Command::HoldTalkKey(false));
    assert_eq!((rig.last_state(), is_muted(&rig)), (State::Muted, true));
    rig.send(Command::SetPushToTalk(false));
    assert_eq!((rig.last_state(), is_muted(&rig)), (State::Listening, false));
    rig.send(Command::SetMuted(true));
    assert_eq!((rig.last_state(), is_muted(&rig)), (State::Muted, true));
    rig.send(Command::SetHushed(true));
    assert!(rig.sounds.lock().unwrap().ends[0].controls().is_hushed());
}

#[test]
fn short_memory_costs_caches_first_and_the_talk_in_a_crisis() {
    let mut rig = Rig::echoing();
    rig.start();
    rig.hear(0.5);
    rig.send(Command::SaveMemory { is_crisis: false });
    rig.hear(0.25);
    assert_eq!((rig.script.lock().unwrap().savings, rig.last_state()), (1, State::Listening));
    assert_eq!(rig.played(), [0.5, 0.25], "the talk goes on");
    rig.send(Command::SaveMemory { is_crisis: true });
    assert_eq!((rig.script.lock().unwrap().engines_alive, rig.last_state()), (0, State::Failed));
    assert!(matches!(rig.seen.borrow().ends[0].reason, EndReason::MemoryIsShort));
    rig.send(Command::SaveMemory { is_crisis: true });
    assert_eq!(rig.seen.borrow().ends.len(), 1, "no talk, no end");
}

#[test]
fn a_pause_holds_the_dsp_and_forgets_what_was_waiting() {
    let mut rig = Rig::echoing();
    rig.start();
    rig.hear(0.5);
    rig.hear_now(0.75); // on its way when the key is pressed
    rig.send(Command::SetPaused(true));
    rig.hear(0.8);
    assert_eq!(rig.last_state(), State::Paused);
    assert!(rig.sounds.lock().unwrap().ends[0].controls().holds());
    rig.send(Command::SetPaused(false));
    rig.hear(0.25);
    assert_eq!(rig.played(), [0.5, 0.25]);
    assert!(!rig.sounds.lock().unwrap().ends[0].controls().holds());
}

#[test]
fn a_stall_is_worked_off_up_to_five_frames_and_the_rest_is_dropped_and_counted() {
    let mut rig = Rig::echoing();
    rig.start();
    for value in 1..=9 {
        rig.hear_now(value as f32 / 16.0);
    }
    rig.settle();
    assert_eq!(rig.played().len(), 5);
    rig.send(Command::Stop);
    let seen = rig.seen.borrow();
    assert_eq!(seen.frames, [4, 5, 6, 7, 8], "the numbers stay aligned with time");
    assert_eq!(seen.warnings, [Warning::Dropped { frames: 4 }]);
    let report = seen.ends[0].report.as_ref().unwrap();
    assert_eq!((report.frames, report.dropped_frames, report.longest_backlog_frames), (5, 4, 9));
}

#[test]
fn a_constant_90_ms_warns_within_12_s_and_ends_the_talk_with_a_reason() {
    let mut rig = Rig::echoing();
    rig.start();
    let began = rig.clock_now();
    let mut due = began; // when the next frame has been heard
    let mut warned = None;
    rig.script.lock().unwrap().takes.extend(std::iter::repeat_n(MS * 90, 10_000));
    while rig.seen.borrow().ends.is_empty() {
        while due <= rig.clock_now() {
            rig.hear_now(0.5);
            due += MS * 80;
        }
        rig.core.poll();
        let idle = due.saturating_sub(rig.clock_now());
        rig.settle();
        if warned.is_none() && rig.seen.borrow().warnings.iter().any(|w| matches!(w, Warning::TooSlow { .. })) {
            warned = Some(rig.clock_now().saturating_sub(began));
        }
        assert!(rig.clock_now().saturating_sub(began) < MS * 60_000, "the talk goes on for ever");
        rig.clock.advance(idle.min(MS));
    }
    let warned = warned.unwrap();
    assert!(warned <= MS * 12_000, "{warned:?}");
    let seen = rig.seen.borrow();
    assert!(matches!(seen.ends[0].reason, EndReason::TooSlow(SlowCause::ModelTooLarge)), "{}", seen.ends[0].reason);
    assert_eq!(seen.states.last(), Some(&State::Failed));
    let report = seen.ends[0].report.as_ref().unwrap();
    assert!(report.longest_backlog_frames <= 7 && report.dropped_frames > 10, "{report:?}");
}

#[test]
fn a_panic_ends_the_talk_and_the_next_one_has_a_new_engine() {
    let mut frames = 0;
    let mut rig = Rig::new(Box::new(move |user| {
        frames += 1;
        assert!(frames != 3, "planted");
        Ok(echo(user))
    }));
    rig.start();
    for _ in 0..4 {
        rig.hear(0.5);
    }
    {
        let seen = rig.seen.borrow();
        assert_eq!(seen.frames, [0, 1]);
        assert_eq!(seen.states.last(), Some(&State::Failed));
        let sentence = seen.ends[0].reason.to_string();
        assert!(sentence.contains("planted") && sentence.contains("start again"), "{sentence}");
    }
    assert_eq!(rig.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner).engines_alive, 0);
    rig.script.clear_poison();
    rig.start();
    rig.hear(0.5);
    assert_eq!(rig.last_state(), State::Listening);
    assert_eq!(rig.script.lock().unwrap().builds, 2);
}

#[test]
fn a_failing_device_ends_the_talk_and_quotes_the_time() {
    let mut left = 2;
    let mut rig = Rig::new(Box::new(move |user| {
        left -= 1;
        let message = || "the GPU ran out of memory; close other programs".to_owned();
        if left < 0 {
            Err(EngineError { kind: EngineErrorKind::DeviceFailed, message: message() })
        } else {
            Ok(echo(user))
        }
    }));
    rig.start();
    for _ in 0..3 {
        rig.hear(0.5);
    }
    let seen = rig.seen.borrow();
    let sentence = "the talk broke off at 0.16 s: the GPU ran out of memory; close other programs";
    assert_eq!(seen.ends[0].reason.to_string(), sentence);
}

/// Answers with NaN in the frames that `is_bad` names.
fn poisoned(is_bad: impl Fn(u32) -> bool + Send + 'static) -> Rig {
    let mut index = 0;
    Rig::new(Box::new(move |user| {
        index += 1;
        let mut reply: FrameReply = echo(user);
        if is_bad(index - 1)
            && let Some(speech) = &mut reply.speech
        {
            speech[FRAME_SAMPLES - 1] = f32::NAN;
        }
        Ok(reply)
    }))
}

#[test]
fn a_frame_of_nan_is_silence_and_the_talk_goes_on() {
    let mut rig = poisoned(|index| index == 1);
    rig.start();
    for _ in 0..4 {
        rig.hear(0.5);
    }
    assert_eq!(rig.played(), [0.5, 0.0, 0.5, 0.5]);
    assert_eq!(rig.seen.borrow().warnings, [Warning::InvalidSpeech]);
    assert_eq!(rig.last_state(), State::Listening);
}

#[test]
fn nan_that_stays_ends_the_talk_within_three_frames() {
    let mut rig = poisoned(|index| index >= 1);
    rig.start();
    for _ in 0..8 {
        rig.hear(0.5);
    }
    assert!(rig.played().iter().all(|sample| sample.is_finite()));
    let seen = rig.seen.borrow();
    assert!(seen.ends[0].reason.to_string().contains("is not sound"), "{}", seen.ends[0].reason);
}

#[test]
fn after_a_hang_the_engine_is_built_again_and_the_talk_goes_on() {
    let mut rig = Rig::echoing();
    rig.start();
    rig.hear(0.5);
    rig.script.lock().unwrap().takes.push_back(MS * 2_500);
    rig.hear(0.5);
    rig.hear(0.25);
    assert_eq!(rig.script.lock().unwrap().builds, 2);
    assert_eq!(rig.script.lock().unwrap().engines_alive, 1);
    assert_eq!(rig.last_state(), State::Listening);
    assert_eq!(rig.played(), [0.5, 0.25], "the answer of the hanging step is out of date");
    assert!(matches!(rig.seen.borrow().warnings[..], [Warning::EngineRebuilt { .. }]));
}

#[test]
fn an_engine_that_keeps_hanging_ends_the_talk() {
    let mut rig = Rig::echoing();
    rig.start();
    rig.script.lock().unwrap().takes.extend([MS * 2_500; 3]);
    for _ in 0..4 {
        rig.hear(0.5);
    }
    assert!(matches!(rig.seen.borrow().ends[0].reason, EndReason::Hung { times: 3 }));
}

#[test]
fn a_model_that_does_not_load_is_one_sentence_and_the_next_start_tries_again() {
    let mut rig = Rig::echoing();
    rig.script.lock().unwrap().load_error = Some("model.q4.safetensors is damaged; download it again".to_owned());
    rig.start();
    {
        let seen = rig.seen.borrow();
        assert_eq!(seen.ends[0].reason.to_string(), "model.q4.safetensors is damaged; download it again");
        assert_eq!(seen.states, [State::Loading, State::Stopping, State::Failed]);
    }
    rig.start();
    assert_eq!(rig.last_state(), State::Listening);
}

#[test]
fn without_a_microphone_nobody_waits_for_the_model() {
    let mut rig = Rig::echoing();
    rig.news.lock().unwrap().push_back(AudioEvent::Failed { direction: Direction::Input, error: no_microphone() });
    rig.start();
    assert_eq!(rig.seen.borrow().ends[0].reason.to_string(), "there is no microphone; connect one");
    assert_eq!(rig.script.lock().unwrap().builds, 0);
    rig.sounds.lock().unwrap().refuses = Some(no_microphone());
    rig.start();
    assert_eq!(rig.seen.borrow().ends.len(), 2);
    rig.start();
    assert_eq!(rig.last_state(), State::Listening, "and then there is one");
}

#[test]
fn the_model_is_loaded_once_the_devices_are_open_or_after_three_seconds() {
    let mut rig = Rig::echoing();
    rig.send(Command::Start(TalkOptions::default()));
    rig.clock.advance(MS * 2_900);
    rig.settle();
    assert_eq!(rig.script.lock().unwrap().builds, 0, "a microphone that is refused must not cost a minute of loading");
    rig.clock.advance(MS * 100);
    rig.settle();
    assert_eq!(rig.script.lock().unwrap().builds, 1);
}

#[test]
fn reports_come_once_a_second() {
    let mut rig = Rig::echoing();
    rig.start();
    for _ in 0..125 {
        rig.hear(0.1);
    }
    let reports = rig.seen.borrow().reports;
    assert!((8..=11).contains(&reports), "{reports} in 10 s");
}

#[test]
fn nobody_takes_events_and_the_talk_goes_on() {
    let mut rig = Rig::echoing();
    rig.start();
    for _ in 0..3_000 {
        rig.clock.advance(MS * 80);
        rig.hear_now(0.5);
        while rig.core.poll() == super::core::Next::Again {}
        rig.played();
    }
    rig.settle();
    rig.send(Command::Stop);
    let seen = rig.seen.borrow();
    let report = seen.ends[0].report.as_ref().unwrap();
    assert_eq!(report.frames, 3_000);
    assert!(report.missed_events > 1_000, "{}", report.missed_events);
}
