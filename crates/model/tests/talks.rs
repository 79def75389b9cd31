//! A whole talk on the tiny checkpoint: what must hold from frame to frame and from talk to talk.

#![allow(clippy::unwrap_used)] // Helpers of tests may fail as loudly as tests.

use std::path::PathBuf;

use moshibar_model::{DeviceChoice, LoadOptions, ModelFiles, MoshiEngine, Sampling, Strategy, Synchronisation};
use moshibar_session::{Engine, FRAME_SAMPLES, Frame, FrameReply};

fn load(options: LoadOptions, synchronisation: Synchronisation) -> MoshiEngine {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/lm-base");
    let options = LoadOptions { device: DeviceChoice::Cpu, ..options };
    MoshiEngine::load(&ModelFiles::open(&folder).unwrap(), &options, synchronisation, &mut |_| ()).unwrap()
}

/// Something that sounds different in every frame.
fn speech(frame: usize) -> Frame {
    std::array::from_fn(|index| {
        let time = (frame * FRAME_SAMPLES + index) as f32 / 24_000.0;
        (time * (300.0 + 40.0 * (frame % 37) as f32)).sin() * 0.3 + (time * 7_001.0).cos() * 0.05
    })
}

fn talk(engine: &mut MoshiEngine, frames: usize) -> Vec<FrameReply> {
    (0..frames).map(|frame| engine.step(&speech(frame)).unwrap()).collect()
}

fn assert_same(ours: &[FrameReply], theirs: &[FrameReply]) {
    for (frame, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(a.text, b.text, "text of frame {frame}");
        let bits = |reply: &FrameReply| reply.speech.as_ref().map(|pcm| pcm.map(f32::to_bits));
        assert_eq!(bits(a), bits(b), "speech of frame {frame}");
    }
}

#[test]
fn second_talk_equals_the_first() {
    let mut engine = load(LoadOptions { seed: 7, ..LoadOptions::default() }, Synchronisation::PerFrame);
    let first = talk(&mut engine, 90);
    engine.reset().unwrap();
    assert_same(&first, &talk(&mut engine, 90));
    assert!(first.iter().any(|reply| reply.text.is_some()), "the talk had no text, so the comparison proves little");
}

#[test]
fn seed_repeats_a_talk_to_the_bit_and_another_does_not() {
    let run = |seed| talk(&mut load(LoadOptions { seed, ..LoadOptions::default() }, Synchronisation::PerFrame), 40);
    let (first, again, other) = (run(1), run(1), run(2));
    assert_same(&first, &again);
    let differs =
        |a: &FrameReply, b: &FrameReply| a.speech.as_ref().map(|pcm| **pcm) != b.speech.as_ref().map(|pcm| **pcm);
    assert!(first.iter().zip(&other).any(|(a, b)| differs(a, b)), "two seeds gave the same talk");
}

#[test]
fn waiting_after_each_stage_changes_nothing_but_time() {
    let run = |synchronisation| talk(&mut load(LoadOptions { seed: 3, ..LoadOptions::default() }, synchronisation), 30);
    assert_same(&run(Synchronisation::PerFrame), &run(Synchronisation::PerStage));
}

#[test]
fn one_synchronisation_per_frame() {
    let mut engine = load(LoadOptions::default(), Synchronisation::PerFrame);
    talk(&mut engine, 25);
    assert_eq!(engine.synchronisations(), 25);
}

#[test]
fn first_frame_is_silent_and_the_second_speaks() {
    let mut engine = load(LoadOptions::default(), Synchronisation::PerFrame);
    let replies = talk(&mut engine, 3);
    let speaks: Vec<_> = replies.iter().map(|reply| reply.speech.is_some()).collect();
    assert_eq!(speaks, [false, true, true]);
}

#[test]
fn first_frame_of_the_user_is_never_heard() {
    let run = |first: Frame| {
        let mut engine = load(LoadOptions::default(), Synchronisation::PerFrame);
        let mut replies = vec![engine.step(&first).unwrap()];
        replies.extend((1..20).map(|frame| engine.step(&speech(frame)).unwrap()));
        replies
    };
    assert_same(&run([0.0; FRAME_SAMPLES]), &run(speech(11)));
}

#[test]
fn user_is_heard_in_the_frame_that_is_spoken() {
    // Two talks that differ from frame 12 on must already differ in what is sampled in frame 12: with moshi_mlx's alignment
    // they would differ one frame later. Text lags the sampling by the acoustic delay of one frame, so it may differ from
    // frame 13 on, and the acoustic codes of frame 12 make its speech differ at once.
    let run = |change: bool| {
        let sampling = Sampling { audio: Strategy::TopP { temperature: 1.0, p: 0.99 }, ..Sampling::greedy() };
        let mut engine =
            load(LoadOptions { sampling: Some(sampling), ..LoadOptions::default() }, Synchronisation::PerFrame);
        (0..16)
            .map(|frame| {
                let pcm = if change && frame >= 12 { speech(frame + 500).map(|x| x * 2.5) } else { speech(frame) };
                engine.step(&pcm).unwrap()
            })
            .collect::<Vec<_>>()
    };
    let (plain, changed) = (run(false), run(true));
    assert_same(&plain[..12], &changed[..12]);
    assert_ne!(plain[12].speech, changed[12].speech);
}
