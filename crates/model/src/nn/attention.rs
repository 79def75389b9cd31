//! Self-attention over a [`KvRing`], a few steps at a time.

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_rs::fast::{ScaledDotProductAttentionMask, scaled_dot_product_attention};
use mlx_rs::ops::select;

use super::kv_ring::{KvRing, RingCursor, Rows};
use super::linear::Linear;
use super::rope::Turn;
use crate::ffi;
use crate::runtime::DeviceKind;

/// Query, key and value in one product; heads; the way out.
#[derive(Debug)]
pub(crate) struct Attention {
    pub(crate) heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) in_proj: Linear,
    pub(crate) out_proj: Linear,
}

/// What the layers of one transformer share in one frame.
#[derive(Debug)]
pub(crate) struct Moment {
    /// Number of steps.
    pub(crate) steps: usize,
    /// Where the steps lie in the rings.
    pub(crate) cursor: RingCursor,
    /// The turn of queries and keys.
    pub(crate) turn: Turn,
    /// Which slots each step may see; `None`: all.
    pub(crate) mask: Option<Array>,
    /// Where it is computed.
    pub(crate) device: DeviceKind,
}

impl Attention {
    /// **Shapes** `x`: `[T, C]`. Returns `[T, C]`.
    ///
    /// **State** `ring` holds T steps more; its cursor is the caller's to move.
    pub(crate) fn step(&self, x: &Array, ring: &mut KvRing, moment: &Moment) -> Result<Array, Exception> {
        let (heads, head_dim, steps) = (self.heads as i32, self.head_dim as i32, moment.steps as i32);
        let projected = self.in_proj.forward(x)?;
        // Queries, then keys, then values, each of H heads: one axis of 3H heads.
        let all = if steps == 1 {
            ffi::reshape(&projected, [1, 3 * heads, 1, head_dim])?
        } else {
            ffi::reshape(&projected, [1, steps, 3 * heads, head_dim])?.transpose_axes(&[0, 2, 1, 3])?
        };
        let attended = match &moment.turn {
            Turn::Fused(turn) => {
                let [pairs, values] = ffi::split(&all, 2 * heads, 1)?;
                let [queries, keys] = ffi::split(&turn.apply(&pairs)?, heads, 1)?;
                ring.write(moment.cursor, Rows::Keys, &keys)?;
                ring.write(moment.cursor, Rows::Values, &values)?;
                let [keys, values] = ring.read(moment.cursor, moment.steps)?;
                fused(&queries, &keys, &values, self.scale(), moment)?
            }
            Turn::Complex(turn) => {
                let [queries, pairs] = ffi::split(&turn.apply(&all)?, heads, 1)?;
                ring.write(moment.cursor, Rows::Both, &pairs)?;
                let [keys, values] = ring.read(moment.cursor, moment.steps)?;
                match moment.device {
                    DeviceKind::Gpu => fused(&queries, &keys, &values, 1.0, moment)?,
                    DeviceKind::Cpu => composed(&queries, &keys, &values, moment)?,
                }
            }
        };
        let rows = if steps == 1 { attended } else { attended.transpose_axes(&[0, 2, 1, 3])? };
        self.out_proj.forward(&ffi::reshape(&rows, [steps, heads * head_dim])?)
    }

    /// `1 / √D`.
    pub(crate) fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }
}

/// By MLX's kernel.
fn fused(queries: &Array, keys: &Array, values: &Array, scale: f32, moment: &Moment) -> Result<Array, Exception> {
    let mask = moment.mask.as_ref().map(ScaledDotProductAttentionMask::Array);
    scaled_dot_product_attention(queries, keys, values, scale, mask, None)
}

/// For the CPU, where MLX's kernel falls back to more operations than these. Queries are scaled already.
fn composed(queries: &Array, keys: &Array, values: &Array, moment: &Moment) -> Result<Array, Exception> {
    let scores = ffi::matmul(queries, &ffi::transposed(keys)?)?;
    let scores = match &moment.mask {
        None => scores,
        Some(mask) => select(mask, scores, Array::from_f32(f32::NEG_INFINITY))?,
    };
    ffi::matmul(&ffi::softmax(&scores)?, values)
}
