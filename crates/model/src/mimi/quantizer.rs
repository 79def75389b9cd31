//! Mimi's quantiser: one semantic codebook, and a residual chain of acoustic ones, each chain with its own projections.
//! Source: `moshi/quantization/vq.py`, `SplitResidualVectorQuantizer`, and `core_vq.py`, moshi 0.2.13.

use mlx_rs::error::Exception;
use mlx_rs::ops::indexing::{argmin_axis, take_axis};
use mlx_rs::ops::{concatenate, matmul, maximum, sum_axis};
use mlx_rs::{Array, transforms};

use super::config::QuantizerConfig;
use super::names;
use crate::error::ModelError;
use crate::ffi;
use crate::nn::linear::Linear;
use crate::weights::Checkpoint;

/// The smallest cluster that a centroid is divided by; `EuclideanCodebook.epsilon`.
const EPSILON: f32 = 1e-5;

/// One codebook, for encoding.
#[derive(Debug)]
struct Codebook {
    /// **Shapes** `[bins, D]`.
    centroids: Array,
    /// The same, `[D, bins]`.
    centroids_t: Array,
    /// **Shapes** `[bins]`: half the squared length of each centroid.
    half_squares: Array,
}

/// A chain of codebooks over one projection.
#[derive(Debug)]
struct Chain {
    input_proj: Linear,
    codebooks: Vec<Codebook>,
}

/// Both chains.
#[derive(Debug)]
pub(super) struct SplitQuantizer {
    first: Chain,
    rest: Chain,
    /// Every codebook behind its chain's output projection, one after the other: decoding is one gather and one sum.
    ///
    /// **Shapes** `[num_codebooks · bins, dimension]`.
    projected: Array,
    /// **Shapes** i32 `[num_codebooks]`: first row of each codebook in `projected`.
    offsets: Array,
}

impl SplitQuantizer {
    /// Loads the first `num_codebooks` codebooks; the file's others are left unread.
    pub(super) fn load(
        source: &mut Checkpoint<'_>,
        config: &QuantizerConfig,
        dimension: usize,
        num_codebooks: usize,
    ) -> Result<Self, ModelError> {
        let mut projected = Vec::with_capacity(num_codebooks);
        let mut load_chain = |part: &str, in_file: usize, used: usize| -> Result<Chain, ModelError> {
            let mut project = |name: &str, outputs: usize, inputs: usize| -> Result<Linear, ModelError> {
                let weight = source.take(&names::quantizer(part, name), &[outputs, inputs, 1])?;
                Ok(Linear::dense(&weight.reshape(&[outputs as i32, inputs as i32])?)?)
            };
            let input_proj = project("input_proj.weight", config.dimension, dimension)?;
            let output_proj = project("output_proj.weight", dimension, config.dimension)?;
            let mut codebooks = Vec::with_capacity(used);
            for layer in 0..in_file {
                let name = |name: &str| names::codebook(part, layer, name);
                let sums = source.take(&name("embedding_sum"), &[config.bins, config.dimension])?;
                let usage = source.take(&name("cluster_usage"), &[config.bins])?;
                source.take(&name("_initialized"), &[1])?;
                if layer >= used {
                    continue;
                }
                let usage = maximum(usage, Array::from_f32(EPSILON))?.reshape(&[config.bins as i32, 1])?;
                let centroids = sums.divide(usage)?;
                let half_squares = sum_axis(centroids.square()?, 1, false)?.multiply(Array::from_f32(0.5))?;
                let projection = output_proj.forward(&centroids)?;
                transforms::eval([&centroids, &half_squares, &projection])?;
                projected.push(projection);
                codebooks.push(Codebook { centroids_t: centroids.transpose()?.contiguous()?, centroids, half_squares });
            }
            Ok(Chain { input_proj, codebooks })
        };
        let first = load_chain("rvq_first", 1, 1)?;
        let rest = load_chain("rvq_rest", config.n_q - 1, num_codebooks - 1)?;
        let projected = concatenate(&projected, 0)?;
        transforms::eval([&projected])?;
        let offsets: Vec<i32> = (0..num_codebooks).map(|codebook| (codebook * config.bins) as i32).collect();
        let offsets = Array::from_slice(&offsets, &[num_codebooks as i32]);
        Ok(Self { first, rest, projected, offsets })
    }

    /// **Shapes** `x`: `[1, dimension]`. Returns i32 `[num_codebooks]`.
    pub(super) fn encode(&self, x: &Array) -> Result<Array, Exception> {
        let mut codes = Vec::with_capacity(1 + self.rest.codebooks.len());
        for chain in [&self.first, &self.rest] {
            let mut residual = chain.input_proj.forward(x)?;
            for (index, codebook) in chain.codebooks.iter().enumerate() {
                // The nearest centroid: |r − c|² = |r|² − 2 r·c + |c|², of which |r|² is the same for all.
                let products = matmul(&residual, &codebook.centroids_t)?;
                let code = argmin_axis(codebook.half_squares.subtract(products)?, 1, false)?;
                if index + 1 < chain.codebooks.len() {
                    residual = residual.subtract(take_axis(&codebook.centroids, &code, 0)?)?;
                }
                codes.push(code);
            }
        }
        concatenate(&codes, 0)?.as_type::<i32>()
    }

    /// **Shapes** `codes`: i32 `[K]`, the first K codebooks. Returns `[1, dimension]`.
    pub(super) fn decode(&self, codes: &Array) -> Result<Array, Exception> {
        let offsets = ffi::slice(&self.offsets, [0], [codes.dim(0)])?;
        sum_axis(take_axis(&self.projected, codes.add(offsets)?, 0)?, 0, true)
    }
}
