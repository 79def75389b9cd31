//! Rotary positions, the interleaved ("traditional") kind of Kyutai's models: channels 2i and 2i+1 turn together.
//!
//! Positions are absolute and never wrap, so that a talk has no end. On the GPU MLX's fused kernel turns the vectors of a
//! single step. Several steps (Mimi's two) are turned by one complex product, its angles computed once per frame on the host,
//! in f64: the CUDA kernel of MLX 0.32.2 writes past the end of several steps that do not lie in order (compute-sanitizer
//! says so), and the product writes keys and values into the ring at once. On the CPU it is the product for all, since the
//! fused kernel falls back to some fifteen operations there.
//! Source: `moshi/modules/rope.py`, `apply_rope`, moshi 0.2.13.

use mlx_rs::error::Exception;
use mlx_rs::{Array, Dtype, complex64, fast};

use crate::ffi;
use crate::runtime::DeviceKind;

/// How one transformer turns its queries and keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rope {
    pub(crate) heads: usize,
    /// Channels per head.
    pub(crate) head_dim: usize,
    /// The slowest turn's period, over 2π.
    pub(crate) max_period: f32,
    /// Which of the two forms to use.
    pub(crate) device: DeviceKind,
}

/// The turn of one frame, shared by all layers.
#[derive(Debug)]
pub(crate) enum Turn {
    /// For the fused kernel, queries and keys at once.
    Fused(FusedTurn),
    /// A product of queries, keys and values at once, in f32.
    Complex(ComplexTurn),
}

/// The position of the first step.
#[derive(Debug)]
pub(crate) struct FusedTurn {
    rope: Rope,
    position: i32,
}

/// **Shapes** `[1, 3H, T, D / 2]`: for queries unit complex numbers times 1/√D, attention's scale; for keys unit complex
/// numbers; for values ones. Multiplying values too costs less than parting them from the rest.
#[derive(Debug)]
pub(crate) struct ComplexTurn(Array);

impl Rope {
    /// The turn of `steps` steps from `position` on.
    pub(crate) fn at(self, position: u64, steps: usize) -> Turn {
        if self.device == DeviceKind::Gpu && steps == 1 {
            Turn::Fused(self.fused(position))
        } else {
            Turn::Complex(self.complex(position, steps))
        }
    }

    fn fused(self, position: u64) -> FusedTurn {
        // The kernel takes 32 bits: 2³¹ steps of 80 ms are five years of talk.
        FusedTurn { rope: self, position: position as i32 }
    }

    fn complex(self, position: u64, steps: usize) -> ComplexTurn {
        let half = self.head_dim / 2;
        let mut head = Vec::with_capacity(steps * half);
        for step in 0..steps as u64 {
            for pair in 0..half {
                let rate = f64::from(self.max_period).powf(-(pair as f64) / half as f64);
                let (sine, cosine) = ((position + step) as f64 * rate).sin_cos();
                head.push((cosine, sine));
            }
        }
        let scale = 1.0 / (self.head_dim as f64).sqrt();
        let mut turns = Vec::with_capacity(3 * self.heads * head.len());
        for length in [scale, 1.0] {
            for _ in 0..self.heads {
                turns.extend(head.iter().map(|(x, y)| complex64::new((x * length) as f32, (y * length) as f32)));
            }
        }
        turns.resize(3 * self.heads * head.len(), complex64::new(1.0, 0.0));
        let shape = [1, 3 * self.heads as i32, steps as i32, half as i32];
        ComplexTurn(Array::from_slice(&turns, &shape))
    }
}

impl FusedTurn {
    /// **Shapes** `x`: `[1, 2H, T, D]`, queries and keys; returned turned.
    pub(crate) fn apply(&self, x: &Array) -> Result<Array, Exception> {
        let Rope { head_dim, max_period, .. } = self.rope;
        fast::rope(x, head_dim as i32, true, max_period, 1.0, self.position, None)
    }
}

impl ComplexTurn {
    /// **Shapes** `x`: `[1, 3H, T, D]`, queries, keys and values; returned turned, and the queries scaled.
    pub(crate) fn apply(&self, x: &Array) -> Result<Array, Exception> {
        ffi::view(&ffi::multiply(&ffi::view(x, Dtype::Complex64)?, &self.0)?, Dtype::Float32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complex_turn_equals_the_fused_one() {
        let x = Array::from_iter((0..6 * 3 * 16).map(|i| (i as f32 * 0.71).sin()), &[1, 6, 3, 16]);
        let rope = Rope { heads: 2, head_dim: 16, max_period: 500.0, device: DeviceKind::Gpu };
        for position in [0, 1, 63, 999] {
            let [pairs, values] = ffi::split(&x, 4, 1).unwrap();
            let [queries, keys] = ffi::split(&rope.fused(position).apply(&pairs).unwrap(), 2, 1).unwrap();
            let queries = queries.multiply(Array::from_f32(0.25)).unwrap();
            let fused = mlx_rs::ops::concatenate(&[queries, keys, values], 1).unwrap();
            let difference = rope.complex(position, 3).apply(&x).unwrap().subtract(fused).unwrap();
            // The fused kernel's angles are f32: at position 1000 they are off by 1e-4.
            assert!(difference.abs().unwrap().max(None).unwrap().item_exact::<f32>() < 3e-4, "at {position}");
        }
    }
}
