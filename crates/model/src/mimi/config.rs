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
        // Far above any codec, and low enough that no product of them overflows what MLX counts in.
        let sizes = [
            ("seanet.dimension", seanet.dimension, 1 << 16),
            ("seanet.n_filters", seanet.n_filters, 1 << 12),
            ("seanet.compress", seanet.compress, 1 << 12),
            ("seanet.dilation_base", seanet.dilation_base, 1 << 10),
            ("seanet.kernel_size", seanet.kernel_size, 1 << 10),
            ("seanet.residual_kernel_size", seanet.residual_kernel_size, 1 << 10),
            ("seanet.last_kernel_size", seanet.last_kernel_size, 1 << 10),
            ("quantizer.dimension", quantizer.dimension, 1 << 16),
            ("quantizer.n_q", quantizer.n_q, 1 << 10),
            ("quantizer.bins", quantizer.bins, 1 << 20),
            ("transformer.num_layers", transformer.num_layers, 1 << 10),
            ("transformer.num_heads", transformer.num_heads, 1 << 10),
            ("transformer.dim_feedforward", transformer.dim_feedforward, 1 << 20),
            ("transformer.context", transformer.context, 1 << 20),
        ];
        let ratios = seanet.ratios.iter().map(|ratio| ("a ratio of seanet.ratios", *ratio, FRAME_SAMPLES));
        if let Some((name, size, most)) =
            sizes.into_iter().chain(ratios).find(|(_, size, most)| !(1..=*most).contains(size))
        {
            return Err(format!("{name} is {size}, expected 1 to {most}"));
        }
        must(seanet.ratios.len() <= 8 && seanet.n_residual_layers <= 8, "more than 8 ratios or residual layers")?;
        // Residual blocks have channels / compress hidden channels, rounded down as PyTorch's `dim // self.compress` does.
        must(seanet.n_filters >= seanet.compress, "seanet.n_filters must be at least seanet.compress")?;
        // Eight ratios of at most 1920 fit into 88 bits.
        let hop: u128 = seanet.ratios.iter().map(|ratio| *ratio as u128).product();
        let hop = usize::try_from(hop).unwrap_or(usize::MAX);
        let dilation = seanet.dilation_base.checked_pow(seanet.n_residual_layers as u32);
        must(
            dilation.is_some_and(|dilation| dilation <= 1 << 20),
            "seanet.dilation_base with so many seanet.n_residual_layers is absurdly large",
        )?;
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
        must(
            transformer.max_period > 0.0 && transformer.max_period.is_finite(),
            "transformer.max_period must be positive and finite",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<MimiConfig, String> {
        MimiConfig::parse(json.as_bytes(), Path::new("mimi_config.json")).map_err(|error| error.to_string())
    }

    #[test]
    fn empty_config_is_the_released_codec() {
        assert_eq!(parse("{}").unwrap().resample_stride(), 2);
    }

    /// Checked of any config by fuzz/targets/config.rs: the product overflowed, and could come out right by accident.
    #[test]
    fn ratios_whose_product_overflows_are_an_error() {
        for ratios in ["[1920,1920,1920,1920,1920,1920,1920,1920]", "[4294967296,4294967296]", "[0]", "[1921]"] {
            let refusal = parse(&format!(r#"{{"seanet":{{"ratios":{ratios}}}}}"#)).unwrap_err();
            assert!(refusal.contains("seanet.ratios"), "{refusal}");
        }
    }

    /// Checked of any config by fuzz/targets/config.rs: `dilation_base` to the power of the block's depth overflowed.
    #[test]
    fn dilation_that_overflows_is_an_error() {
        let refusal = parse(r#"{"seanet":{"dilation_base":1024,"n_residual_layers":8}}"#).unwrap_err();
        assert!(refusal.contains("seanet.dilation_base"), "{refusal}");
    }

    /// Checked of any config by fuzz/targets/config.rs: these had no upper limit, or one that MLX's 32 bits do not hold.
    #[test]
    fn absurd_sizes_are_errors() {
        for (part, key) in [
            ("seanet", "n_filters"),
            ("seanet", "residual_kernel_size"),
            ("quantizer", "n_q"),
            ("transformer", "context"),
            ("transformer", "num_layers"),
        ] {
            for size in ["0", "2097152", "18446744073709551615"] {
                let refusal = parse(&format!(r#"{{"{part}":{{"{key}":{size}}}}}"#)).unwrap_err();
                assert!(refusal.contains(&format!("{part}.{key}")), "{refusal}");
            }
        }
        let refusal = parse(r#"{"transformer":{"max_period":1e39}}"#).unwrap_err();
        assert!(refusal.contains("transformer.max_period"), "{refusal}");
    }
}
