//! Normalisation of each step over its channels.

use mlx_rs::error::Exception;
use mlx_rs::{Array, fast};

use crate::error::ModelError;
use crate::ffi;
use crate::runtime::DeviceKind;
use crate::weights::Checkpoint;

/// RMS norm, or layer norm with a bias.
#[derive(Debug)]
pub(crate) enum Norm {
    /// MLX's fused kernel.
    Rms { weight: Array, epsilon: f32 },
    /// The same for a single step on the CPU, where MLX's kernel falls back to eleven operations: `x · w√C / √(x·x + Cε)`,
    /// in five. **Shapes** `weight`: `[1, C]`, times √C; `epsilon`: `[1, 1]`, times C.
    RmsOfOneStep { weight: Array, epsilon: Array, channels: usize },
    /// MLX's fused kernel.
    Layer { weight: Array, bias: Array, epsilon: f32 },
}

impl Norm {
    /// Takes `{key}.weight`. The norm is for one step at a time.
    pub(crate) fn rms(
        checkpoint: &mut Checkpoint<'_>,
        key: &str,
        channels: usize,
        epsilon: f32,
        device: DeviceKind,
    ) -> Result<Self, ModelError> {
        let weight = checkpoint.take(&format!("{key}.weight"), &[channels])?;
        match device {
            DeviceKind::Gpu => Ok(Self::Rms { weight, epsilon }),
            DeviceKind::Cpu => Ok(Self::rms_of_one_step(&weight, channels, epsilon)?),
        }
    }

    fn rms_of_one_step(weight: &Array, channels: usize, epsilon: f32) -> Result<Self, Exception> {
        let weight = weight.reshape(&[1, channels as i32])?.multiply(Array::from_f32((channels as f32).sqrt()))?;
        weight.eval()?;
        let epsilon = Array::from_slice(&[epsilon * channels as f32], &[1, 1]);
        Ok(Self::RmsOfOneStep { weight, epsilon, channels })
    }

    /// Takes `{key}.weight` and `{key}.bias`. PyTorch's epsilon for Mimi: 1e-5 (`create_norm_fn`, `layer_norm`).
    pub(crate) fn layer(checkpoint: &mut Checkpoint<'_>, key: &str, channels: usize) -> Result<Self, ModelError> {
        Ok(Self::Layer {
            weight: checkpoint.take(&format!("{key}.weight"), &[channels])?,
            bias: checkpoint.take(&format!("{key}.bias"), &[channels])?,
            epsilon: 1e-5,
        })
    }

    /// **Shapes** `[T, C]` to `[T, C]`.
    pub(crate) fn forward(&self, x: &Array) -> Result<Array, Exception> {
        match self {
            Self::Rms { weight, epsilon } => fast::rms_norm(x, Some(weight), *epsilon),
            Self::RmsOfOneStep { weight, epsilon, channels } => {
                let squares = ffi::addmm(epsilon, x, &ffi::reshape(x, [*channels as i32, 1])?, 1.0, 1.0)?;
                // A product with a 1 × 1 matrix is one operation, a broadcast multiplication two.
                ffi::multiply(&ffi::matmul(&ffi::rsqrt(&squares)?, x)?, weight)
            }
            Self::Layer { weight, bias, epsilon } => fast::layer_norm(x, weight, bias, *epsilon),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_norm_equals_the_fused_one() {
        let x = Array::from_iter((0..64).map(|i| (i as f32 * 0.37).sin() * 3.0), &[1, 64]);
        let weight = Array::from_iter((0..64).map(|i| 1.0 + i as f32 * 0.01), &[64]);
        for epsilon in [1e-8, 1e-5, 0.5] {
            let fused = Norm::Rms { weight: weight.clone(), epsilon }.forward(&x).unwrap();
            let composed = Norm::rms_of_one_step(&weight, 64, epsilon).unwrap().forward(&x).unwrap();
            let difference = fused.subtract(composed).unwrap().abs().unwrap().max(None).unwrap();
            assert!(difference.item_exact::<f32>() < 1e-5);
        }
    }
}
