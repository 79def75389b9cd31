//! Long talks (by depth 3,000 frames, which are four minutes, 20,000 or 60,000) against references
//! that have no rings: what lies outside the window is forgotten, what lies inside is not, and
//! positions do not wear out.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // The reference may fail as loudly as a test.

mod reference;

use std::collections::VecDeque;
use std::path::PathBuf;

use moshibar_model::{Codec, DeviceChoice, Generator, LoadOptions, ModelFiles, Quality, Sampling};
use moshibar_session::{FRAME_SAMPLES, Frame};
use moshibar_test_support::by_depth;

use reference::Reference;

fn frames() -> usize {
    by_depth(3_000, 20_000, 60_000)
}

/// Frames that the codec can see: two layers of a context of 7 steps in either half, two steps a frame, and convolutions
/// over less than a frame. 16 frames would be more than enough.
const SEEN: usize = 32;

/// Logits are of the order of 10; f32 and f64 differ by some 1e-5 of that here. A key that is one step too old or too new
/// moves them by 0.1 and more.
const TOLERANCE: f64 = 1e-3;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/lm-base")
}

fn options() -> LoadOptions {
    LoadOptions {
        quality: Some(Quality::Bf16),
        device: DeviceChoice::Cpu,
        sampling: Some(Sampling::greedy()),
        ..LoadOptions::default()
    }
}

/// Numerical Recipes' linear congruential generator.
fn random(seed: &mut u32) -> u32 {
    *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *seed >> 8
}

#[test]
fn every_token_of_a_long_talk_is_the_references_choice() {
    let mut generator = Generator::load(&ModelFiles::open(&folder()).unwrap(), &options(), &mut |_| ()).unwrap();
    let mut reference = Reference::load(&folder());
    let (slices, cardinality) = (reference.number("dep_q"), reference.number("card"));
    let longest = reference.delays().iter().copied().max().unwrap();
    let frames = frames();
    let mut seed = 5;
    let mut user: Vec<Vec<usize>> = Vec::with_capacity(frames);
    let mut sampled = vec![vec![0; 1 + slices]; frames];
    for step in 0..frames {
        let codes: Vec<u32> = (0..generator.user_codebooks()).map(|_| random(&mut seed) % cardinality as u32).collect();
        user.push(codes.iter().map(|code| *code as usize).collect());
        let Some(frame) = generator.step(&codes).unwrap().0 else { continue };
        // A frame is returned once its last code is sampled: back to the steps in which its tokens were.
        for (stream, token) in std::iter::once(&frame.text).chain(&frame.audio).enumerate() {
            let delay = reference.delays()[stream];
            sampled[step - longest + delay][stream] = *token as usize;
        }
    }
    // The last steps' undelayed tokens have not been returned, and the first steps' delayed ones never are.
    let (mut worst, mut exact, mut all) = (0.0f64, 0, 0);
    for step in 0..frames - longest {
        let logits = reference.logits(step, &sampled, &user);
        for (row, token) in logits.iter().zip(&sampled[step]).filter(|_| step >= longest) {
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let short = most - row[*token];
            assert!(short <= TOLERANCE, "step {step}: token {token} is {short} below the reference's choice");
            worst = worst.max(short);
            exact += usize::from(short <= 0.0);
            all += 1;
        }
    }
    println!("{exact} of {all} tokens are the reference's first choice, the others within {worst:.1e} of it");
    assert!(exact * 10_000 >= all * 9_999, "{exact} of {all}");
}

/// What a codec hears that heard only the last frames.
fn heard_lately(codec: &mut Codec, frames: &VecDeque<Frame>) -> (Vec<u32>, Box<Frame>) {
    codec.reset();
    let mut last = None;
    for frame in frames {
        let codes = codec.encode(frame).unwrap();
        let speech = codec.decode(&codes, 0).unwrap();
        last = Some((codes, speech));
    }
    last.unwrap()
}

#[test]
fn codec_after_a_long_talk_equals_one_that_heard_only_its_end() {
    let files = ModelFiles::open(&folder()).unwrap();
    let mut long = Codec::load(&files, &options(), &mut |_| ()).unwrap();
    let mut short = Codec::load(&files, &options(), &mut |_| ()).unwrap();
    let mut recent = VecDeque::new();
    let frames = frames();
    // A prime number of frames apart, so that no rhythm of the rings is met twice alike; some
    // twenty comparisons.
    let apart = by_depth(149, 997, 2_999);
    let mut seed = 9;
    let (mut compared, mut worst) = (0, 0.0f32);
    for frame in 0..frames {
        let pcm: Frame = std::array::from_fn(|_| random(&mut seed) as f32 / (1 << 24) as f32 - 0.5);
        recent.push_back(pcm);
        if recent.len() > SEEN {
            recent.pop_front();
        }
        let codes = long.encode(&pcm).unwrap();
        let speech = long.decode(&codes, frame).unwrap();
        if frame > SEEN && (frame % apart == 0 || frame + 1 == frames) {
            let (codes_lately, speech_lately) = heard_lately(&mut short, &recent);
            assert_eq!(codes, codes_lately, "frame {frame}");
            let loudest = speech.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
            for (a, b) in speech.iter().zip(speech_lately.iter()) {
                worst = worst.max((a - b).abs());
                // Turning both by thousands of steps more costs f32 some rounding; a lost step costs a tenth.
                assert!((a - b).abs() <= 1e-4 * loudest.max(1.0), "frame {frame}: {a} and {b}");
            }
            compared += 1;
        }
    }
    println!("{compared} frames of {FRAME_SAMPLES} samples, all within {worst:.1e}");
    assert!(compared > 15);
}
