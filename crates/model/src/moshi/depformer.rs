//! The depformer: speaks one frame's codes, codebook after codebook, each slice with weights of its own.
//!
//! Its memory is the frame: slice k sees the k slices before it, so keys and values grow by one and are then dropped.
//! Source: `LMGen.depformer_step` in `moshi/models/lm.py`, moshi 0.2.13; `DepFormer.sample` in moshi_mlx 0.3.0.

use mlx_rs::error::Exception;
use mlx_rs::fast::scaled_dot_product_attention;
use mlx_rs::ops::indexing::take_axis;
use mlx_rs::ops::{concatenate, zeros};
use mlx_rs::{Array, transforms};

use super::config::ModelSizes;
use super::{LayerKit, load_layer};
use crate::error::ModelError;
use crate::ffi;
use crate::nn::attention::Attention;
use crate::nn::linear::Linear;
use crate::nn::transformer::Layer;
use crate::quality::Packing;
use crate::runtime::DeviceKind;
use crate::weights::Checkpoint;

/// All slices.
#[derive(Debug)]
pub(super) struct Depformer {
    slices: Vec<Slice>,
    width: usize,
    /// Zeros for [`attend`], one array per slice; none where MLX has a fused kernel.
    no_scores: Vec<Array>,
}

/// One codebook's speaker.
#[derive(Debug)]
struct Slice {
    /// Embedding of the token before, `[tokens, width]`, as floats: one gather on the serial path instead of four operations.
    table: Array,
    layers: Vec<Layer>,
    out: Linear,
}

impl Depformer {
    /// Loads every slice. Their input projections go to `heads`, to be computed together with the text's.
    pub(super) fn load(
        source: &mut Checkpoint<'_>,
        packing: Option<Packing>,
        sizes: &ModelSizes,
        kit: &LayerKit,
        heads: &mut Vec<Linear>,
    ) -> Result<Self, ModelError> {
        let stack = &sizes.depformer;
        let mut slices = Vec::with_capacity(sizes.moshi_codebooks);
        for slice in 0..sizes.moshi_codebooks {
            let key = |part: &str| format!("depformer.slices.{slice}.{part}");
            let tokens = if slice == 0 { sizes.text_cardinality + 1 } else { sizes.audio_cardinality + 1 };
            let table = load_table(source, packing, &key("emb"), tokens, stack.width, sizes.depformer_low_rank)?;
            heads.push(Linear::load(source, packing, &key("linear_in"), sizes.temporal.width, stack.width)?);
            let mut layers = Vec::with_capacity(stack.layers);
            for layer in 0..stack.layers {
                let prefix = key(&format!("transformer.layers.{layer}"));
                layers.push(load_layer(source, packing, &prefix, stack, slice, kit)?);
            }
            let out = Linear::load(source, packing, &key("linear_out"), stack.width, sizes.audio_cardinality)?;
            slices.push(Slice { table, layers, out });
        }
        let no_scores = match kit.device {
            DeviceKind::Gpu => Vec::new(),
            DeviceKind::Cpu => (1..=slices.len())
                .map(|length| zeros::<f32>(&[1, stack.heads as i32, 1, length as i32]))
                .collect::<Result<_, _>>()?,
        };
        transforms::eval(&no_scores)?;
        Ok(Self { slices, width: stack.width, no_scores })
    }

    /// Builds the graph that speaks one frame.
    ///
    /// **Shapes** `inputs`: `[1, slices · width]`; `text`: `[1]`, the token sampled in this step. `choose` turns a slice's
    /// logits, `[1, codes]`, into a code, `[1]`. Returns the codes.
    pub(super) fn step(
        &self,
        inputs: &Array,
        text: &Array,
        mut choose: impl FnMut(usize, &Array) -> Result<Array, Exception>,
    ) -> Result<Vec<Array>, Exception> {
        let width = self.width as i32;
        let mut memory: Vec<Option<Array>> = Vec::new();
        let mut tokens = Vec::with_capacity(self.slices.len() + 1);
        for (index, slice) in self.slices.iter().enumerate() {
            let before = tokens.last().unwrap_or(text);
            let from = index as i32 * width;
            let mut x = ffi::slice(inputs, [0, from], [1, from + width])?;
            x = ffi::add(&x, &take_axis(&slice.table, before, 0)?)?;
            memory.resize_with(slice.layers.len(), || None);
            for (layer, seen) in slice.layers.iter().zip(&mut memory) {
                let attended =
                    attend(&layer.attention, &layer.attention_norm.forward(&x)?, seen, self.no_scores.get(index))?;
                x = layer.forward(&ffi::add(&x, &attended)?)?;
            }
            tokens.push(choose(index, &slice.out.forward(&x)?)?);
        }
        Ok(tokens)
    }
}

/// Attention of one slice over those before it and itself.
///
/// **Shapes** `x`: `[1, C]`; `seen`: keys then values, `[1, 2H, slices so far, D]`, grown by one; `no_scores`: zeros,
/// `[1, H, 1, slices so far + 1]`, where there is no fused kernel.
fn attend(
    attention: &Attention,
    x: &Array,
    seen: &mut Option<Array>,
    no_scores: Option<&Array>,
) -> Result<Array, Exception> {
    let (heads, head_dim) = (attention.heads as i32, attention.head_dim as i32);
    let width = heads * head_dim;
    let projected = attention.in_proj.forward(x)?;
    let Some(before) = seen.take() else {
        // The first slice sees only itself: the softmax over one key is 1, the output its value.
        let [_, pairs] = ffi::split(&projected, width, 1)?;
        *seen = Some(ffi::reshape(&pairs, [1, 2 * heads, 1, head_dim])?);
        let [_, values] = ffi::split(&pairs, width, 1)?;
        return attention.out_proj.forward(&values);
    };
    let [queries, pairs] = ffi::split(&ffi::reshape(&projected, [1, 3 * heads, 1, head_dim])?, heads, 1)?;
    let pairs = concatenate(&[before, pairs], 2)?;
    let [keys, values] = ffi::split(&pairs, heads, 1)?;
    *seen = Some(pairs);
    let attended = match no_scores {
        None => scaled_dot_product_attention(queries, keys, values, attention.scale(), None, None)?,
        Some(no_scores) => {
            let scores = ffi::addmm(no_scores, &queries, &ffi::transposed(&keys)?, attention.scale(), 0.0)?;
            ffi::matmul(&ffi::softmax(&scores)?, &values)?
        }
    };
    attention.out_proj.forward(&ffi::reshape(&attended, [1, width])?)
}

/// A slice's embedding as floats, a low-rank one multiplied out.
fn load_table(
    source: &mut Checkpoint<'_>,
    packing: Option<Packing>,
    key: &str,
    tokens: usize,
    width: usize,
    low_rank: Option<usize>,
) -> Result<Array, ModelError> {
    let table = match low_rank {
        None => Linear::load(source, packing, key, width, tokens)?.to_dense()?.contiguous()?,
        // `nn.quantize` packs only the projection of a low-rank embedding: its table is no leaf module and stays in floats.
        Some(rank) => {
            let table = source.take(&format!("{key}.weight"), &[tokens, rank])?;
            Linear::load(source, packing, &format!("{key}.low_rank"), rank, width)?.forward(&table)?
        }
    };
    table.eval()?;
    Ok(table)
}
