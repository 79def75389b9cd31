//! Piece by piece equals all at once, for every part of Mimi that keeps something between two calls.

use std::path::PathBuf;

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_rs::ops::concatenate;

use super::Mimi;
use super::config::MimiConfig;
use super::seanet::{SeanetDecoder, SeanetEncoder};
use crate::ffi;
use crate::files::ModelFiles;
use crate::loading::{LoadOptions, Loader};
use crate::nn::conv::StreamingConv;
use crate::nn::transformer::Transformer;
use crate::runtime::{DeviceChoice, Runtime};

/// Sums in another order differ by some 1e-6 of numbers of the order of 1.
const TOLERANCE: f32 = 2e-5;

fn with_mimi(test: impl FnOnce(&mut Mimi, &MimiConfig)) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/lm-base");
    let files = ModelFiles::open(&folder).unwrap();
    let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    let runtime = Runtime::open(options.device).unwrap();
    let mut mimi = Loader::new(&files, &options, &mut |_| ()).mimi(&runtime).unwrap();
    let config = files.mimi_config().unwrap();
    runtime.run(|| test(&mut mimi, &config));
}

fn signal(shape: [i32; 3]) -> Array {
    Array::from_iter(
        (0..shape.iter().product::<i32>()).map(|i| (i as f32 * 0.37).sin() + (i as f32 * 0.011).cos()),
        &shape,
    )
}

/// Runs `step` over `x`, `[1, T, C]`, whole and in pieces of these lengths, and compares.
fn assert_streams<P>(
    part: &mut P,
    reset: impl Fn(&mut P),
    step: impl Fn(&mut P, &Array) -> Result<Array, Exception>,
    x: &Array,
    pieces: &[i32],
) {
    reset(part);
    let whole = step(part, x).unwrap();
    reset(part);
    let (mut parts, mut from) = (Vec::new(), 0);
    for piece in pieces.iter().cycle() {
        let to = (from + piece).min(x.dim(1));
        parts.push(step(part, &ffi::slice(x, [0, from, 0], [1, to, x.dim(2)]).unwrap()).unwrap());
        from = to;
        if from == x.dim(1) {
            break;
        }
    }
    let streamed = concatenate(&parts, 1).unwrap();
    assert_eq!(streamed.shape(), whole.shape());
    let largest = |x: &Array| x.abs().unwrap().max(None).unwrap().item_exact::<f32>();
    let (difference, loudest) = (largest(&streamed.subtract(&whole).unwrap()), largest(&whole));
    assert!(loudest > 1e-3, "nothing to compare");
    assert!(difference <= TOLERANCE * loudest.max(1.0), "{difference}");
}

#[test]
fn encoder_convolutions_do_not_see_where_a_frame_ends() {
    with_mimi(|mimi, _| {
        let hop = 960;
        let x = signal([1, 12 * hop, 1]);
        assert_streams(&mut mimi.encoder, SeanetEncoder::reset, SeanetEncoder::step, &x, &[2 * hop, hop, 3 * hop]);
    });
}

#[test]
fn decoder_convolutions_do_not_see_where_a_frame_ends() {
    with_mimi(|mimi, config| {
        let x = signal([1, 12, config.seanet.dimension as i32]);
        assert_streams(&mut mimi.decoder, SeanetDecoder::reset, SeanetDecoder::step, &x, &[2, 1, 3]);
    });
}

#[test]
fn downsampling_does_not_see_where_a_frame_ends() {
    with_mimi(|mimi, config| {
        let x = signal([1, 12, config.seanet.dimension as i32]);
        assert_streams(&mut mimi.downsample, StreamingConv::reset, StreamingConv::step, &x, &[2, 4]);
    });
}

#[test]
fn transformer_does_not_see_where_a_frame_ends() {
    with_mimi(|mimi, config| {
        let channels = config.seanet.dimension as i32;
        let step = |transformer: &mut Transformer, x: &Array| {
            let steps = x.dim(1);
            transformer.step(&x.reshape(&[steps, channels])?)?.reshape(&[1, steps, channels])
        };
        // As long as the context: beyond it, a ring that takes several steps at once forgets earlier, as PyTorch's does.
        let x = signal([1, config.transformer.context as i32, channels]);
        assert_streams(&mut mimi.decoder_transformer, Transformer::reset, step, &x, &[2, 1, 3]);
    });
}
