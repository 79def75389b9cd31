//! Any bytes as `config.json` and as Mimi's config: refused in words, or of sizes whose products MLX can count.
//!
//! MLX counts the sizes of a dimension in 32 bits, signed, and bytes in 64. The products are those that loading computes.

#![no_main]
#![allow(dead_code)] // The product's files are larger than what is called here.

#[path = "../../crates/model/src/error.rs"]
mod error;
#[path = "../../crates/model/src/mimi/config.rs"]
mod mimi;
#[path = "../../crates/model/src/moshi/config.rs"]
mod moshi;
mod tokens;

use std::path::Path;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use moshibar_session::FRAME_SAMPLES;

use error::ModelError;
use mimi::MimiConfig;
use moshi::{ModelSizes, MoshiConfig, StackSizes};

fn product(sizes: &[usize]) -> usize {
    sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)).expect("a product of sizes overflows")
}

/// Bytes of an f32 array of this shape, each of whose sizes fits and is not zero.
fn bytes_of(shape: &[usize]) -> usize {
    for size in shape {
        assert!(*size > 0 && i32::try_from(*size).is_ok(), "a size of {size}");
    }
    product(shape).checked_mul(size_of::<f32>()).expect("an array's bytes overflow")
}

/// A stack's largest layer, times the number of layers.
fn stack_bytes(stack: &StackSizes, slice: usize) -> usize {
    let StackSizes { width, heads, layers, .. } = stack;
    let hidden = stack.hidden_of(slice);
    assert_eq!(stack.head_dim() * heads, *width, "heads do not share the width evenly");
    let layer =
        [[3 * width, *width], [*width, *width], [2 * hidden, *width], [*width, hidden]].map(|shape| bytes_of(&shape));
    product(&[layer.iter().sum(), *layers])
}

fn check_moshi(config: &MoshiConfig) {
    let MoshiConfig { model, moshi_name, mimi_name, mimi_config_name, tokenizer_name, generation } = config;
    let ModelSizes { temporal, depformer, delays, .. } = model;
    let streams = 1 + model.moshi_codebooks + model.user_codebooks;
    assert!(model.moshi_codebooks > 0 && model.user_codebooks > 0 && delays.len() == streams);
    assert!(delays.iter().all(|delay| *delay <= 256), "history of {delays:?}");
    assert_eq!(model.mimi_codebooks(), model.moshi_codebooks.max(model.user_codebooks));
    assert!(
        [model.text_padding, model.text_end_padding].iter().all(|token| (*token as usize) < model.text_cardinality)
    );

    let (text, codes) = (model.text_cardinality + 1, model.audio_cardinality + 1);
    bytes_of(&[text + (streams - 1) * codes, temporal.width]); // all embeddings in one table
    bytes_of(&[model.text_cardinality + model.moshi_codebooks * depformer.width, temporal.width]); // all heads in one matrix
    bytes_of(&[text.max(codes), model.depformer_low_rank.unwrap_or(depformer.width)]);
    bytes_of(&[model.text_cardinality + model.moshi_codebooks * model.audio_cardinality]); // noise of a frame
    assert!(model.depformer_low_rank.is_none_or(|rank| rank <= depformer.width));
    assert!(temporal.head_dim().is_multiple_of(2), "rotary turns need pairs");
    product(&[bytes_of(&[2 * temporal.heads, model.context, temporal.head_dim()]), temporal.layers]); // KV rings
    stack_bytes(temporal, 0);
    assert!([1, model.moshi_codebooks].contains(&depformer.hidden.len()));
    let slices = (0..model.moshi_codebooks).map(|slice| stack_bytes(depformer, slice));
    slices.reduce(|all, slice| all.checked_add(slice).expect("the depformer's bytes overflow"));

    assert!(model.max_period > 0.0 && model.max_period.is_finite() && model.norm_epsilon > 0.0);
    assert!([generation.temp, generation.temp_text].into_iter().flatten().all(f32::is_finite));
    for name in [moshi_name, mimi_config_name].into_iter().flatten().chain([mimi_name, tokenizer_name]) {
        // Exactly one component, which is a name: neither a folder above nor one below.
        let mut parts = Path::new(name).components();
        assert!(matches!(parts.next(), Some(std::path::Component::Normal(part)) if part == name.as_str()), "{name:?}");
        assert_eq!(parts.next(), None, "{name:?}");
    }
}

fn check_mimi(config: &MimiConfig) {
    let MimiConfig { seanet, quantizer, transformer, .. } = config;
    let hop = product(&seanet.ratios);
    let stride = config.resample_stride();
    assert!(stride > 1 && product(&[hop, stride]) == FRAME_SAMPLES, "a frame is {hop} times {stride} samples");
    // The dilation of every residual layer, as SEANet computes it.
    for depth in 0..seanet.n_residual_layers {
        let dilation = seanet.dilation_base.pow(depth as u32);
        bytes_of(&[product(&[dilation, seanet.residual_kernel_size]), seanet.n_filters << seanet.ratios.len()]);
    }
    let mut channels = seanet.n_filters;
    bytes_of(&[channels, seanet.kernel_size, 1]);
    for ratio in seanet.ratios.iter().rev() {
        assert!(channels >= seanet.compress, "{channels} channels by {}", seanet.compress);
        bytes_of(&[channels / seanet.compress, seanet.residual_kernel_size, channels]);
        bytes_of(&[2 * channels, 2 * ratio, channels]);
        channels *= 2;
    }
    bytes_of(&[seanet.dimension, seanet.last_kernel_size, channels]);
    bytes_of(&[seanet.dimension, 2 * stride, seanet.dimension]);
    bytes_of(&[product(&[quantizer.n_q, quantizer.bins]), quantizer.dimension]);
    bytes_of(&[quantizer.n_q - 1]);

    assert_eq!([transformer.d_model, transformer.input_dimension], [seanet.dimension; 2]);
    let head_dim = transformer.d_model / transformer.num_heads;
    assert!(head_dim > 0 && head_dim.is_multiple_of(2) && head_dim * transformer.num_heads == transformer.d_model);
    assert!(transformer.context >= stride, "a frame does not fit into the context");
    let ring = bytes_of(&[2 * transformer.num_heads, transformer.context, head_dim]);
    let layer = bytes_of(&[3 * transformer.d_model, transformer.d_model])
        + 2 * bytes_of(&[transformer.dim_feedforward, transformer.d_model]);
    product(&[ring + layer, transformer.num_layers]);
    assert!(transformer.max_period > 0.0 && transformer.max_period.is_finite());
}

/// A refusal is of the right kind, and names its file.
fn check_refusal(refusal: &ModelError, file: &str) {
    assert!(matches!(refusal, ModelError::Config { .. }), "{refusal:?}");
    assert!(refusal.to_string().starts_with(file), "{refusal}");
}

fuzz_target!(|bytes: &[u8]| {
    let moshi = MoshiConfig::parse(bytes, Path::new("config.json"));
    match &moshi {
        Ok(config) => check_moshi(config),
        Err(refusal) => check_refusal(refusal, "config.json"),
    }
    match MimiConfig::parse(bytes, Path::new("mimi.json")) {
        Ok(config) => {
            check_mimi(&config);
            let model = moshi.unwrap_or_else(|_| MoshiConfig::released()).model;
            if config.contradiction(model.mimi_codebooks(), model.audio_cardinality).is_none() {
                assert!(model.mimi_codebooks() <= config.quantizer.n_q);
                assert_eq!(model.audio_cardinality, config.quantizer.bins);
            }
        }
        Err(refusal) => check_refusal(&refusal, "mimi.json"),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tokens::mutate(data, size, max_size, seed)
});
