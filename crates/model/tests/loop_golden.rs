//! A whole talk against PyTorch: what its server would have sent, in words and in sound, for the same speech.
//!
//! `testdata/lm-base/loop.*` hold the truth, made with PyTorch alone (`scripts/golden/loop.py`, after `moshi/server.py`). The
//! server encodes the first frame and gives it to the model, for which it lies in the past; then it starts Mimi anew, so that
//! the second frame carries the padding of a first one. Choices are greedy, the weights q8.
//!
//! How the words follow: every step yields a text token. The server shows nothing of 0 (end of padding) and 3 (padding); of
//! any other token it shows the SentencePiece piece, its "▁" a space. `loop.json` holds that text per frame, null for none.
//! The first frame has neither text nor speech: its acoustic codes come one step later than its semantic one.

#![allow(missing_docs)]
// Helpers of tests may fail, and speak, as loudly as tests.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

use std::path::PathBuf;

use moshibar_model::{DeviceChoice, LoadOptions, ModelFiles, MoshiEngine, Quality, Sampling, Synchronisation};
use moshibar_session::{Engine, FRAME_SAMPLES, Frame, FrameReply};
use safetensors::SafeTensors;

/// Of speech with an RMS of 0.16; PyTorch and MLX differ by some 1e-6 here.
const PCM_TOLERANCE: f32 = 1e-4;
/// Every so manyth sample of decoded speech is in the file.
const KEPT: usize = 16;

fn testdata(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(file)
}

/// The bytes of a tensor, by its numbers.
fn tensor<const WIDTH: usize>(file: &str, name: &str) -> Vec<[u8; WIDTH]> {
    let bytes = std::fs::read(testdata(file)).unwrap();
    let view = SafeTensors::deserialize(&bytes).unwrap();
    view.tensor(name).unwrap().data().chunks_exact(WIDTH).map(|bytes| bytes.try_into().unwrap()).collect()
}

fn user_speech() -> Vec<Frame> {
    let samples: Vec<f32> = tensor("mimi-tiny/golden.safetensors", "pcm")
        .into_iter()
        .map(|bytes| f32::from(i16::from_le_bytes(bytes)) / 32_768.0)
        .collect();
    samples.chunks_exact(FRAME_SAMPLES).map(|frame| frame.try_into().unwrap()).collect()
}

fn load(synchronisation: Synchronisation) -> MoshiEngine {
    let options = LoadOptions {
        quality: Some(Quality::Q8),
        device: DeviceChoice::Cpu,
        sampling: Some(Sampling::greedy()),
        ..LoadOptions::default()
    };
    let files = ModelFiles::open(&testdata("lm-base")).unwrap();
    MoshiEngine::load(&files, &options, synchronisation, &mut |_| ()).unwrap()
}

fn assert_equals_pytorch(replies: &[FrameReply]) {
    let text: Vec<Option<String>> =
        serde_json::from_slice(&std::fs::read(testdata("lm-base/loop.json")).unwrap()).unwrap();
    let tokens: Vec<_> = tensor("lm-base/loop.safetensors", "text").into_iter().map(i32::from_le_bytes).collect();
    assert_eq!([replies.len(), replies.len()], [text.len(), tokens.len()]);
    for (frame, ((reply, text), token)) in replies.iter().zip(&text).zip(&tokens).enumerate() {
        assert_eq!(&reply.text, text, "text of frame {frame}");
        assert_eq!(reply.speech.is_some(), *token >= 0, "speech of frame {frame}");
    }
    let expected: Vec<_> =
        tensor("lm-base/loop.safetensors", "decoded_every_16").into_iter().map(f32::from_le_bytes).collect();
    let spoken: Vec<f32> = replies.iter().filter_map(|reply| reply.speech.as_deref()).flatten().copied().collect();
    assert_eq!(spoken.len(), KEPT * expected.len());
    let difference = |at: usize| (spoken[KEPT * at] - expected[at]).abs();
    let worst = (0..expected.len()).map(difference).fold(0.0, f32::max);
    println!("largest difference of speech {worst:e}");
    if let Some(at) = (0..expected.len()).find(|at| difference(*at) > PCM_TOLERANCE) {
        let frame = replies.len() - spoken.len() / FRAME_SAMPLES + KEPT * at / FRAME_SAMPLES;
        panic!("speech differs by up to {worst}, first in frame {frame}");
    }
}

#[test]
fn talk_equals_pytorchs_server_in_words_and_sound() {
    let speech = user_speech();
    assert!(speech.len() >= 40, "Mimi's rings must wrap: they hold the positions of less than four frames");
    let mut engine = load(Synchronisation::PerFrame);
    let replies: Vec<_> = speech.iter().map(|frame| engine.step(frame).unwrap()).collect();
    assert_equals_pytorch(&replies);
}

#[test]
fn so_does_a_second_talk_and_one_that_waits_after_each_stage() {
    let speech = user_speech();
    let mut engine = load(Synchronisation::PerStage);
    for _ in 0..2 {
        let replies: Vec<_> = speech.iter().map(|frame| engine.step(frame).unwrap()).collect();
        assert_equals_pytorch(&replies);
        engine.reset().unwrap();
    }
}
