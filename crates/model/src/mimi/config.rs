//! Mimi's sizes: the released codec, or another one from a `mimi_config_name` file.
//! Source: `_seanet_kwargs`, `_quantizer_kwargs`, `_transformer_kwargs` in `moshi/models/loaders.py`, moshi 0.2.13.

use std::path::Path;

use moshibar_session::{FRAME_SAMPLES, SAMPLE_RATE_HZ};
use serde::Deserialize;

use crate::error::ModelError;

/// The codec as a whole.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct MimiConfig {
    pub(crate) sample_rate: f64,
    pub(crate) channels: usize,
    pub(crate) frame_rate: f64,
    pub(crate) seanet: SeanetConfig,
    pub(crate) quantizer: QuantizerConfig,
    pub(crate) transformer: TransformerConfig,
}

/// The convolutional halves.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct SeanetConfig {
    pub(crate) channels: usize,
    pub(crate) dimension: usize,
    pub(crate) causal: bool,
    pub(crate) n_filters: usize,
    pub(crate) n_residual_layers: usize,
    pub(crate) activation: String,
    pub(crate) compress: usize,
    pub(crate) dilation_base: usize,
    pub(crate) kernel_size: usize,
    pub(crate) residual_kernel_size: usize,
    pub(crate) last_kernel_size: usize,
    pub(crate) norm: String,
    pub(crate) pad_mode: String,
    pub(crate) ratios: Vec<usize>,
    pub(crate) true_skip: bool,
}

/// The residual quantiser.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct QuantizerConfig {
    pub(crate) dimension: usize,
    /// Codebooks in the file; a model may use fewer.
    pub(crate) n_q: usize,
    pub(crate) bins: usize,
    pub(crate) input_dimension: usize,
    pub(crate) output_dimension: usize,
}

/// The transformer of either half.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct TransformerConfig {
    pub(crate) d_model: usize,
    pub(crate) num_heads: usize,
    pub(crate) num_layers: usize,
    pub(crate) causal: bool,
    pub(crate) layer_scale: Option<f32>,
    pub(crate) context: usize,
    pub(crate) max_period: f32,
    pub(crate) gating: String,
    pub(crate) norm: String,
    pub(crate) positional_embedding: String,
    pub(crate) dim_feedforward: usize,
    pub(crate) input_dimension: usize,
    pub(crate) output_dimensions: Vec<usize>,
}

impl Default for MimiConfig {
    fn default() -> Self {
        Self {
            sample_rate: 24_000.0,
            channels: 1,
            frame_rate: 12.5,
            seanet: SeanetConfig::default(),
            quantizer: QuantizerConfig::default(),
            transformer: TransformerConfig::default(),
        }
    }
}

impl Default for SeanetConfig {
    fn default() -> Self {
        Self {
            channels: 1,
            dimension: 512,
            causal: true,
            n_filters: 64,
            n_residual_layers: 1,
            activation: "ELU".to_owned(),
            compress: 2,
            dilation_base: 2,
            kernel_size: 7,
            residual_kernel_size: 3,
            last_kernel_size: 3,
            norm: "none".to_owned(),
            pad_mode: "constant".to_owned(),
            ratios: vec![8, 6, 5, 4],
            true_skip: true,
        }
    }
}

impl Default for QuantizerConfig {
    fn default() -> Self {
        Self { dimension: 256, n_q: 32, bins: 2048, input_dimension: 512, output_dimension: 512 }
    }
}

impl Default for TransformerConfig {
    fn default() -> Self {
        Self {
            d_model: 512,
            num_heads: 8,
            num_layers: 8,
            causal: true,
            layer_scale: Some(0.01),
            context: 250,
            max_period: 10_000.0,
            gating: "none".to_owned(),
            norm: "layer_norm".to_owned(),
            positional_embedding: "rope".to_owned(),
            dim_feedforward: 2048,
            input_dimension: 512,
            output_dimensions: vec![512],
        }
    }
}

impl MimiConfig {
    /// Reads a `mimi_config_name` file.
    ///
    /// # Errors
    /// [`ModelError::Config`] for JSON that is not such a config, or asks for what this program cannot do.
    pub(crate) fn parse(json: &[u8], path: &Path) -> Result<Self, ModelError> {
        let refuse = |message: String| ModelError::Config { path: path.to_owned(), message };
        let config: Self = serde_json::from_slice(json)
            .map_err(|error| refuse(format!("not a Mimi config ({error}): download it again")))?;
        config.check().map_err(refuse)?;
        Ok(config)
    }

    /// Steps of the transformers per frame.
    pub(crate) fn resample_stride(&self) -> usize {
        FRAME_SAMPLES / self.seanet.ratios.iter().product::<usize>().max(1)
    }

    /// What keeps this codec from working with a language model of so many codebooks and codes, if anything.
    pub(crate) fn contradiction(&self, codebooks: usize, cardinality: usize) -> Option<String> {
        let QuantizerConfig { n_q, bins, .. } = self.quantizer;
        if n_q < codebooks {
            Some(format!("the codec has {n_q} codebooks, but the language model speaks and hears {codebooks}"))
        } else if bins != cardinality {
            Some(format!("the codec has {bins} codes in a codebook, but the language model {cardinality}"))
        } else {
            None
        }
    }

    #[allow(clippy::float_cmp)] // Numbers of a file, which are exact or wrong.
    fn check(&self) -> Result<(), String> {
        let Self { sample_rate, channels, frame_rate, seanet, quantizer, transformer } = self;
        let samples_per_frame = sample_rate / frame_rate;
        if *sample_rate != f64::from(SAMPLE_RATE_HZ) || samples_per_frame != FRAME_SAMPLES as f64 {
            return Err(format!(
                "sample_rate {sample_rate} with frame_rate {frame_rate}: only 24000 Hz with 12.5 frames a second is supported"
            ));
        }
        let one_of = |name: &str, found: &str, known: &str| {
            if found == known { Ok(()) } else { Err(format!("{name} '{found}' is not supported, only '{known}' is")) }
        };
        one_of("seanet.activation", &seanet.activation, "ELU")?;
        one_of("seanet.norm", &seanet.norm, "none")?;
        one_of("seanet.pad_mode", &seanet.pad_mode, "constant")?;
        one_of("transformer.gating", &transformer.gating, "none")?;
        one_of("transformer.norm", &transformer.norm, "layer_norm")?;
        one_of("transformer.positional_embedding", &transformer.positional_embedding, "rope")?;
        let must = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        must(seanet.causal && transformer.causal, "only causal codecs are supported")?;
        must(seanet.true_skip, "seanet.true_skip must be true")?;
        must(*channels == 1 && seanet.channels == 1, "only mono codecs are supported")?;
        let sizes = [
            seanet.dimension,
            seanet.n_filters,
            seanet.compress,
            seanet.dilation_base,
            seanet.kernel_size,
            seanet.residual_kernel_size,
            seanet.last_kernel_size,
            quantizer.dimension,
            quantizer.bins,
            transformer.num_layers,
            transformer.num_heads,
            transformer.dim_feedforward,
        ];
        must(
            sizes.iter().chain(&seanet.ratios).all(|size| (1..=1 << 20).contains(size)),
            "a size is 0 or absurdly large",
        )?;
        must(seanet.ratios.len() <= 8 && seanet.n_residual_layers <= 8, "more than 8 ratios or residual layers")?;
        must(seanet.n_filters % seanet.compress == 0, "seanet.n_filters must be a multiple of seanet.compress")?;
        let hop: usize = seanet.ratios.iter().product();
        must(
            hop <= FRAME_SAMPLES && FRAME_SAMPLES.is_multiple_of(hop),
            "the product of seanet.ratios must divide 1920",
        )?;
        must(FRAME_SAMPLES / hop > 1, "the product of seanet.ratios must be less than 1920")?;
        must(quantizer.n_q >= 2, "quantizer.n_q must be at least 2")?;
        let dimensions = [quantizer.input_dimension, quantizer.output_dimension, transformer.d_model];
        must(
            dimensions.iter().chain([&transformer.input_dimension]).all(|size| *size == seanet.dimension)
                && transformer.output_dimensions == [seanet.dimension],
            "the dimensions of seanet, quantizer and transformer must be the same",
        )?;
        must(
            transformer.d_model % (2 * transformer.num_heads) == 0,
            "transformer.d_model must be an even multiple of transformer.num_heads",
        )?;
        must(transformer.context >= FRAME_SAMPLES / hop, "transformer.context must hold a frame")?;
        must(transformer.max_period > 0.0, "transformer.max_period must be positive")
    }
}
