//! Rotary positions, the interleaved ("traditional") kind of Kyutai's models: channels 2i and 2i+1 turn together.
//!
//! Positions are absolute and never wrap, so that a talk has no end. On the GPU MLX's fused kernel turns the vectors; on the
//! CPU that kernel falls back to some fifteen operations per call, so the turn is one complex product there, its angles
//! computed once per frame on the host, in f64.
//! Source: `moshi/modules/rope.py`, `apply_rope`, moshi 0.2.13.

use mlx_rs::error::Exception;
use mlx_rs::{Array, Dtype, complex64, fast};

use crate::runtime::DeviceKind;

/// How one transformer turns its queries and keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rope {
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
    /// The position of the first step, for the fused kernel.
    Fused { rope: Rope, position: i32 },
    /// **Shapes** `[T, head_dim / 2]` unit complex numbers.
    Complex(Array),
}

impl Rope {
    /// The turn of `steps` steps from `position` on.
    pub(crate) fn at(self, position: u64, steps: usize) -> Turn {
        match self.device {
            // The kernel takes 32 bits: 2³¹ steps of 80 ms are five years of talk.
            DeviceKind::Gpu => Turn::Fused { rope: self, position: position as i32 },
            DeviceKind::Cpu => {
                let half = self.head_dim / 2;
                let mut turns = Vec::with_capacity(steps * half);
                for step in 0..steps as u64 {
                    for pair in 0..half {
                        let rate = f64::from(self.max_period).powf(-(pair as f64) / half as f64);
                        let (sine, cosine) = ((position + step) as f64 * rate).sin_cos();
                        turns.push(complex64::new(cosine as f32, sine as f32));
                    }
                }
                Turn::Complex(Array::from_slice(&turns, &[steps as i32, half as i32]))
            }
        }
    }
}

impl Turn {
    /// **Shapes** `x`: `[1, H, T, head_dim]`, returned turned.
    pub(crate) fn apply(&self, x: &Array) -> Result<Array, Exception> {
        match self {
            Self::Fused { rope, position } => {
                fast::rope(x, rope.head_dim as i32, true, rope.max_period, 1.0, *position, None)
            }
            Self::Complex(turns) => x.view_dtype(Dtype::Complex64)?.multiply(turns)?.view_dtype(Dtype::Float32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complex_turn_equals_the_fused_one() {
        let x = Array::from_iter((0..2 * 3 * 16).map(|i| (i as f32 * 0.71).sin()), &[1, 2, 3, 16]);
        for position in [0, 1, 63, 999] {
            let turn = |device| Rope { head_dim: 16, max_period: 500.0, device }.at(position, 3).apply(&x).unwrap();
            let difference =
                turn(DeviceKind::Gpu).subtract(turn(DeviceKind::Cpu)).unwrap().abs().unwrap().max(None).unwrap();
            // The fused kernel's angles are f32: at position 1000 they are off by 1e-4.
            assert!(difference.item_exact::<f32>() < 3e-4, "at {position}");
        }
    }
}
