//! Self-attention over a [`KvRing`], a few steps at a time.

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_rs::fast::{ScaledDotProductAttentionMask, scaled_dot_product_attention};

use super::kv_ring::KvRing;
use super::linear::Linear;
use super::rope::Turn;
use crate::ffi;

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
    /// The turn of queries and keys, if positions matter.
    pub(crate) turn: Option<Turn>,
    /// Which slots each step may see; `None`: all.
    pub(crate) mask: Option<Array>,
}

impl Attention {
    /// **Shapes** `x`: `[T, C]`. Returns `[T, C]`.
    ///
    /// **State** `ring` moves on by T steps.
    pub(crate) fn step(&self, x: &Array, ring: &mut KvRing, moment: &Moment) -> Result<Array, Exception> {
        let (heads, head_dim, steps) = (self.heads as i32, self.head_dim as i32, moment.steps as i32);
        let projected = self.in_proj.forward(x)?;
        // Queries, then keys, then values, each of H heads: one axis of 3H heads.
        let all = if steps == 1 {
            projected.reshape(&[1, 3 * heads, 1, head_dim])?
        } else {
            projected.reshape(&[1, steps, 3 * heads, head_dim])?.transpose_axes(&[0, 2, 1, 3])?
        };
        let part =
            |of: &Array, from: i32, to: i32| ffi::slice(of, [0, from * heads, 0, 0], [1, to * heads, steps, head_dim]);
        let values = part(&all, 2, 3)?;
        let (queries, keys) = match &moment.turn {
            Some(turn) => {
                let turned = turn.apply(&part(&all, 0, 2)?)?;
                (part(&turned, 0, 1)?, part(&turned, 1, 2)?)
            }
            None => (part(&all, 0, 1)?, part(&all, 1, 2)?),
        };
        let (keys, values) = ring.push(&keys, &values, moment.steps)?;
        let mask = moment.mask.as_ref().map(ScaledDotProductAttentionMask::Array);
        let attended = scaled_dot_product_attention(queries, keys, values, self.scale(), mask, None)?;
        let rows = if steps == 1 { attended } else { attended.transpose_axes(&[0, 2, 1, 3])? };
        self.out_proj.forward(&rows.reshape(&[steps, heads * head_dim])?)
    }

    /// `1 / √D`.
    pub(crate) fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }
}
