//! Normalisation of each step over its channels.

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_rs::fast;

use crate::error::ModelError;
use crate::weights::Checkpoint;

/// RMS norm, or layer norm with a bias.
#[derive(Debug)]
pub(crate) enum Norm {
    Rms { weight: Array, epsilon: f32 },
    Layer { weight: Array, bias: Array, epsilon: f32 },
}

impl Norm {
    /// Takes `{key}.weight`.
    pub(crate) fn rms(
        checkpoint: &mut Checkpoint<'_>,
        key: &str,
        channels: usize,
        epsilon: f32,
    ) -> Result<Self, ModelError> {
        Ok(Self::Rms { weight: checkpoint.take(&format!("{key}.weight"), &[channels])?, epsilon })
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
            Self::Layer { weight, bias, epsilon } => fast::layer_norm(x, weight, bias, *epsilon),
        }
    }
}
