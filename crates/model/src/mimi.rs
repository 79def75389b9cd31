//! Mimi, the codec: 80 ms of speech to eight codes and back, frame by frame, without end.
//!
//! SEANet halves around two small transformers at 25 Hz, a residual quantiser at 12.5 Hz. Always in f32, as published.
//! Source: `moshi/models/compression.py`, `MimiModel`, moshi 0.2.13 (streaming). moshi_mlx 0.3.0 differs: no causal mask
//! within a frame, an approximate GELU.

use mlx_rs::error::Exception;
use mlx_rs::{Array, Dtype, transforms};
use moshibar_session::Frame;

use crate::error::ModelError;
use crate::nn::attention::Attention;
use crate::nn::conv::{ConvShape, Padding, StreamingConv, StreamingUpsample};
use crate::nn::linear::Linear;
use crate::nn::norm::Norm;
use crate::nn::rope::Rope;
use crate::nn::transformer::{FeedForward, Layer, Transformer};
use crate::runtime::DeviceKind;
use crate::weights::Checkpoint;

pub(crate) mod config;
mod names;
mod quantizer;
mod seanet;
#[cfg(test)]
mod streaming_tests;

use config::MimiConfig;
use quantizer::SplitQuantizer;
use seanet::{SeanetDecoder, SeanetEncoder};

/// The codec with the state of one talk.
#[derive(Debug)]
pub(crate) struct Mimi {
    encoder: SeanetEncoder,
    encoder_transformer: Transformer,
    downsample: StreamingConv,
    quantizer: SplitQuantizer,
    upsample: StreamingUpsample,
    decoder_transformer: Transformer,
    decoder: SeanetDecoder,
}

impl Mimi {
    /// Builds the codec from a checkpoint in PyTorch's names, using the first `num_codebooks` of its codebooks.
    ///
    /// # Errors
    /// Any [`ModelError`] of a checkpoint that does not fit `config`.
    pub(crate) fn load(
        mut checkpoint: Checkpoint<'_>,
        config: &MimiConfig,
        num_codebooks: usize,
        device: DeviceKind,
    ) -> Result<Self, ModelError> {
        let source = &mut checkpoint;
        let dimension = config.seanet.dimension;
        let stride = config.resample_stride();
        let encoder = SeanetEncoder::load(source, &config.seanet, device)?;
        let encoder_transformer = load_transformer(source, names::ENCODER_TRANSFORMER, config, device)?;
        let resample = ConvShape { inputs: dimension, outputs: dimension, kernel: 2 * stride, stride, dilation: 1 };
        let downsample = StreamingConv::load(source, names::DOWNSAMPLE, resample, Padding::First, false, device)?;
        let quantizer = SplitQuantizer::load(source, &config.quantizer, dimension, num_codebooks)?;
        let upsample = StreamingUpsample::load(source, names::UPSAMPLE, dimension, stride)?;
        let decoder_transformer = load_transformer(source, names::DECODER_TRANSFORMER, config, device)?;
        let decoder = SeanetDecoder::load(source, &config.seanet, device)?;
        checkpoint.finish()?;
        Ok(Self { encoder, encoder_transformer, downsample, quantizer, upsample, decoder_transformer, decoder })
    }

    /// Builds the graph that turns one frame of speech into its codes.
    ///
    /// **Shapes** `pcm`: `[1920]`. Returns i32 `[num_codebooks]`, codebook 0 semantic.
    ///
    /// **State** advances the encoder's half by 80 ms.
    pub(crate) fn encode(&mut self, pcm: &Frame) -> Result<Array, Exception> {
        let pcm = Array::from_slice(pcm.as_slice(), &[1, pcm.len() as i32, 1]);
        let x = self.encoder.step(&pcm)?;
        let (steps, channels) = (x.dim(1), x.dim(2));
        let x = self.encoder_transformer.step(&x.reshape(&[steps, channels])?)?;
        let x = self.downsample.step(&x.reshape(&[1, steps, channels])?)?;
        self.quantizer.encode(&x.reshape(&[1, channels])?)
    }

    /// Builds the graph that turns one frame of codes into speech.
    ///
    /// **Shapes** `codes`: i32 `[num_codebooks]`. Returns f32 `[1920]`.
    ///
    /// **State** advances the decoder's half by 80 ms.
    pub(crate) fn decode(&mut self, codes: &Array) -> Result<Array, Exception> {
        let x = self.quantizer.decode(codes)?;
        let channels = x.dim(1);
        let x = self.upsample.step(&x.reshape(&[1, 1, channels])?)?;
        let steps = x.dim(1);
        let x = self.decoder_transformer.step(&x.reshape(&[steps, channels])?)?;
        let pcm = self.decoder.step(&x.reshape(&[1, steps, channels])?)?;
        let samples = pcm.dim(1);
        pcm.reshape(&[samples])
    }

    /// Forgets what was heard.
    pub(crate) fn reset_encoder(&mut self) {
        let Self { encoder, encoder_transformer, downsample, .. } = self;
        encoder.reset();
        encoder_transformer.reset();
        downsample.reset();
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self) {
        self.reset_encoder();
        let Self {
            encoder: _,
            encoder_transformer: _,
            downsample: _,
            quantizer: _,
            upsample,
            decoder_transformer,
            decoder,
        } = self;
        upsample.reset();
        decoder_transformer.reset();
        decoder.reset();
    }

    /// Allocates the rings now rather than in the first frame.
    pub(crate) fn evaluate(&self) -> Result<(), Exception> {
        transforms::eval(self.encoder_transformer.ring_arrays().chain(self.decoder_transformer.ring_arrays()))
    }

    /// Bytes of the rings.
    pub(crate) fn ring_bytes(&self) -> usize {
        self.encoder_transformer.ring_bytes() + self.decoder_transformer.ring_bytes()
    }
}

/// One of Mimi's transformers. Layer scales are moved into the matrices before them: `s · (W x) = (s W) x`.
fn load_transformer(
    source: &mut Checkpoint<'_>,
    prefix: &str,
    config: &MimiConfig,
    device: DeviceKind,
) -> Result<Transformer, ModelError> {
    let sizes = &config.transformer;
    let (width, hidden) = (sizes.d_model, sizes.dim_feedforward);
    let head_dim = width / sizes.num_heads;
    let mut layers = Vec::with_capacity(sizes.num_layers);
    for index in 0..sizes.num_layers {
        let key = |part: &str| format!("{prefix}.transformer.layers.{index}.{part}");
        let scaled = |source: &mut Checkpoint<'_>, matrix: &str, scale: &str, inputs: usize| {
            let matrix = source.take(&key(matrix), &[width, inputs])?;
            if sizes.layer_scale.is_none() {
                return Ok(matrix);
            }
            let scale = source.take(&key(scale), &[width])?.reshape(&[width as i32, 1])?;
            Ok::<_, ModelError>(matrix.multiply(scale)?)
        };
        let out_proj = scaled(source, "self_attn.out_proj.weight", "layer_scale_1.scale", width)?;
        let contract = scaled(source, "linear2.weight", "layer_scale_2.scale", hidden)?;
        layers.push(Layer {
            attention_norm: Norm::layer(source, &key("norm1"), width)?,
            attention: Attention {
                heads: sizes.num_heads,
                head_dim,
                in_proj: Linear::dense_on(
                    device,
                    &source.take(&key("self_attn.in_proj_weight"), &[3 * width, width])?,
                )?,
                out_proj: Linear::dense_on(device, &out_proj)?,
            },
            forward_norm: Norm::layer(source, &key("norm2"), width)?,
            // GELU's factor ½ lies in the second matrix.
            feed_forward: FeedForward::gelu(
                Linear::dense_on(device, &source.take(&key("linear1.weight"), &[hidden, width])?)?,
                Linear::dense_on(device, &contract.multiply(Array::from_f32(0.5))?)?,
            ),
        });
    }
    let rope = Rope { heads: sizes.num_heads, head_dim, max_period: sizes.max_period, device };
    Ok(Transformer::new(layers, rope, sizes.context, Dtype::Float32)?)
}
