//! Moshi, the language model: one step hears the user's codes and samples text and Moshi's own codes.
//!
//! The temporal transformer reads one summed embedding per step; the depformer then speaks codebook after codebook. The
//! whole step is one lazily built graph: tokens flow from sampler to embedding without the host looking at them.
//! Source: `LMModel` and `LMGen` in `moshi/models/lm.py`, moshi 0.2.13; layout of `moshi_mlx/models/lm.py`, 0.3.0.

use mlx_rs::error::Exception;
use mlx_rs::ops::{concatenate, sum_axis};
use mlx_rs::{Array, transforms};

use crate::error::ModelError;
use crate::ffi;
use crate::nn::attention::Attention;
use crate::nn::embedding::EmbeddingStack;
use crate::nn::linear::Linear;
use crate::nn::norm::Norm;
use crate::nn::rope::Rope;
use crate::nn::transformer::{FeedForward, Gate, Layer, Transformer};
use crate::quality::Packing;
use crate::runtime::{DeviceKind, Runtime};
use crate::weights::Checkpoint;

pub(crate) mod config;
pub(crate) mod delays;
mod depformer;
pub(crate) mod sampler;
mod sentencepiece;
pub(crate) mod text;

use config::{ModelSizes, StackSizes};
use delays::{Delays, Source};
use depformer::Depformer;
use sampler::{Noise, Sampler};

/// The user's codes of one frame, `[user_codebooks]`.
#[derive(Debug)]
pub(crate) enum UserCodes<'a> {
    /// Read from a file.
    Known(&'a [i32]),
    /// Being encoded in the same graph; i32.
    Pending(&'a Array),
}

/// The language model with the state of one talk.
#[derive(Debug)]
pub(crate) struct Moshi {
    embeddings: EmbeddingStack,
    transformer: Transformer,
    out_norm: Norm,
    /// Text logits and the depformer's inputs in one product: `[text + slices · depformer width]` outputs.
    heads: Linear,
    depformer: Depformer,
    sampler: Sampler,
    delays: Delays,
    sizes: ModelSizes,
}

impl Moshi {
    /// Builds the model from a checkpoint in MLX's layout.
    ///
    /// # Errors
    /// Any [`ModelError`] of a checkpoint that does not fit `sizes`.
    pub(crate) fn load(
        mut checkpoint: Checkpoint<'_>,
        packing: Option<Packing>,
        sizes: &ModelSizes,
        sampler: Sampler,
        runtime: &Runtime,
    ) -> Result<Self, ModelError> {
        check_groups(sizes, packing)?;
        let source = &mut checkpoint;
        let width = sizes.temporal.width;
        let mut tables = Vec::with_capacity(1 + sizes.moshi_codebooks + sizes.user_codebooks);
        let text_tokens = sizes.text_cardinality + 1;
        tables.push((Linear::load(source, packing, "text_emb", width, text_tokens)?, text_tokens));
        for codebook in 0..sizes.moshi_codebooks + sizes.user_codebooks {
            let codes = sizes.audio_cardinality + 1;
            tables.push((Linear::load(source, packing, &format!("audio_embs.{codebook}"), width, codes)?, codes));
        }
        let embeddings = EmbeddingStack::new(&tables)?;
        drop(tables);

        let kit = LayerKit::new(sizes.norm_epsilon, runtime.device())?;
        let mut layers = Vec::with_capacity(sizes.temporal.layers);
        for index in 0..sizes.temporal.layers {
            let prefix = format!("transformer.layers.{index}");
            layers.push(load_layer(source, packing, &prefix, &sizes.temporal, 0, &kit)?);
        }
        let rope = Rope {
            heads: sizes.temporal.heads,
            head_dim: sizes.temporal.head_dim(),
            max_period: sizes.max_period,
            device: runtime.device(),
        };
        let transformer = Transformer::new(layers, rope, sizes.context, runtime.language_dtype())?;
        let out_norm = kit.norm(source, "out_norm", width)?;
        let mut heads = vec![Linear::load(source, packing, "text_linear", width, sizes.text_cardinality)?];
        let depformer = Depformer::load(source, packing, sizes, &kit, &mut heads)?;
        let heads = Linear::stack(&heads)?;
        checkpoint.finish()?;

        let delays = Delays::new(
            &sizes.delays,
            1 + sizes.moshi_codebooks,
            sizes.text_cardinality as i32,
            sizes.audio_cardinality as i32,
        );
        let moshi = Self { embeddings, transformer, out_norm, heads, depformer, sampler, delays, sizes: sizes.clone() };
        transforms::eval(moshi.transformer.ring_arrays())?;
        Ok(moshi)
    }

    /// The model's sizes.
    pub(crate) fn sizes(&self) -> &ModelSizes {
        &self.sizes
    }

    /// Which tokens are where.
    pub(crate) fn delays(&self) -> &Delays {
        &self.delays
    }

    /// Bytes of the KV rings.
    pub(crate) fn ring_bytes(&self) -> usize {
        self.transformer.ring_bytes()
    }

    /// Builds the graph of one step.
    ///
    /// **Shapes** Returns i32 `[1 + moshi_codebooks]`: the text token, then Moshi's codes, not yet evaluated.
    ///
    /// **State** advances the KV rings; end the step with [`advance`](Self::advance).
    pub(crate) fn step(&mut self, user: &UserCodes<'_>) -> Result<Array, Exception> {
        let rows = self.input_rows(user)?;
        let (text_logits, depformer_inputs) = self.forward(&rows)?;
        let noise = self.sampler.next_noise();
        let text = self.sampler.draw(Noise::TEXT, &noise, &text_logits)?;
        let Self { sampler, depformer, .. } = self;
        let mut tokens = depformer
            .step(&depformer_inputs, &text, |slice, logits| sampler.draw(Noise::audio(slice), &noise, logits))?;
        tokens.insert(0, text);
        concatenate(&tokens, 0)?.as_type::<i32>()
    }

    /// Ends a step: notes the user's codes and the sampled tokens. Returns the frame that is now complete, if any: its text
    /// token, then Moshi's codes.
    pub(crate) fn advance(&mut self, user: &[i32], sampled: &[i32]) -> Option<Vec<i32>> {
        self.delays.advance(user, sampled)
    }

    /// Forgets the talk; random draws begin anew as well.
    pub(crate) fn reset(&mut self) {
        let Self { embeddings: _, transformer, out_norm: _, heads: _, depformer: _, sampler, delays, sizes: _ } = self;
        transformer.reset();
        sampler.reset();
        delays.reset();
    }

    /// Logits with every input given, for comparison with other implementations.
    ///
    /// **Shapes** `inputs`: tokens of all streams as they are read, `[1 + n_q]`; `depformer_inputs`: what each slice reads.
    /// Returns `[text]` logits and one `[codes]` per slice.
    #[cfg(test)]
    pub(crate) fn teacher_forced(
        &mut self,
        inputs: &[i32],
        depformer_inputs: &[i32],
    ) -> Result<(Array, Vec<Array>), Exception> {
        let rows: Vec<i32> =
            inputs.iter().zip(self.embeddings.offsets()).map(|(token, offset)| token + offset).collect();
        let (text_logits, projected) = self.forward(&Array::from_slice(&rows, &[rows.len() as i32]))?;
        let mut forced = depformer_inputs.iter().map(|token| Array::from_slice(&[*token], &[1]));
        let mut next = || forced.next().unwrap_or_else(|| Array::from_slice(&[0], &[1]));
        let mut all = Vec::new();
        let first = next();
        self.depformer.step(&projected, &first, |_, logits| {
            all.push(logits.clone());
            Ok(next())
        })?;
        Ok((text_logits, all))
    }

    /// **Shapes** `rows`: `[streams]`. Returns text logits `[1, text]` and the depformer's inputs `[1, slices · width]`.
    fn forward(&mut self, rows: &Array) -> Result<(Array, Array), Exception> {
        let x = sum_axis(self.embeddings.gather(rows)?, 0, true)?;
        let x = self.out_norm.forward(&self.transformer.step(&x)?)?;
        let both = self.heads.forward(&x)?;
        let [text, inputs] = ffi::split(&both, self.sizes.text_cardinality as i32, 1)?;
        Ok((text, inputs))
    }

    /// The embedding rows of the coming step.
    fn input_rows(&self, user: &UserCodes<'_>) -> Result<Array, Exception> {
        let mut known = Vec::with_capacity(self.sizes.delays.len());
        let mut pending = Vec::new();
        for (source, offset) in self.delays.inputs().zip(self.embeddings.offsets()) {
            match (source, user) {
                (Source::Known(token), _) => known.push(offset + token),
                (Source::UserNow(codebook), UserCodes::Known(codes)) => {
                    known.push(offset + codes.get(codebook).copied().unwrap_or_default());
                }
                (Source::UserNow(codebook), UserCodes::Pending(codes)) => {
                    let code = ffi::slice(codes, [codebook as i32], [codebook as i32 + 1])?;
                    pending.push(code.add(Array::from_int(*offset))?);
                }
            }
        }
        let known = Array::from_slice(&known, &[known.len() as i32]);
        if pending.is_empty() {
            return Ok(known);
        }
        pending.push(known);
        concatenate(&pending, 0)
    }
}

/// What all layers of a model share.
#[derive(Debug)]
struct LayerKit {
    norm_epsilon: f32,
    device: DeviceKind,
    gate: Gate,
}

impl LayerKit {
    fn new(norm_epsilon: f32, device: DeviceKind) -> Result<Self, Exception> {
        Ok(Self { norm_epsilon, device, gate: Gate::new(device)? })
    }

    fn norm(&self, source: &mut Checkpoint<'_>, key: &str, channels: usize) -> Result<Norm, ModelError> {
        Norm::rms(source, key, channels, self.norm_epsilon, self.device)
    }
}

/// A layer in MLX's names: RMS norms, fused qkv, gated feed-forward.
fn load_layer(
    source: &mut Checkpoint<'_>,
    packing: Option<Packing>,
    prefix: &str,
    stack: &StackSizes,
    slice: usize,
    kit: &LayerKit,
) -> Result<Layer, ModelError> {
    let key = |part: &str| format!("{prefix}.{part}");
    let (width, hidden) = (stack.width, stack.hidden_of(slice));
    Ok(Layer {
        attention_norm: kit.norm(source, &key("norm1"), width)?,
        attention: Attention {
            heads: stack.heads,
            head_dim: stack.head_dim(),
            in_proj: Linear::load(source, packing, &key("self_attn.in_proj"), width, 3 * width)?,
            out_proj: Linear::load(source, packing, &key("self_attn.out_proj"), width, width)?,
        },
        forward_norm: kit.norm(source, &key("norm2"), width)?,
        feed_forward: FeedForward::Gated {
            expand: Linear::load(source, packing, &key("gating.linear_in"), width, 2 * hidden)?,
            contract: Linear::load(source, packing, &key("gating.linear_out"), hidden, width)?,
            hidden,
            gate: kit.gate.clone(),
        },
    })
}

/// Every matrix's inputs must fill whole groups, or the packed shapes below would be nonsense.
fn check_groups(sizes: &ModelSizes, packing: Option<Packing>) -> Result<(), ModelError> {
    let Some(packing) = packing else { return Ok(()) };
    let widths = [sizes.temporal.width, sizes.depformer.width];
    let all =
        widths.iter().chain(&sizes.temporal.hidden).chain(&sizes.depformer.hidden).chain(&sizes.depformer_low_rank);
    match all.into_iter().find(|width| *width % packing.group != 0) {
        None => Ok(()),
        Some(width) => Err(ModelError::Config {
            path: "config.json".into(),
            message: format!(
                "a width of {width} cannot be packed with {} bits in groups of {}: the config and the quality do not belong together",
                packing.bits, packing.group
            ),
        }),
    }
}
