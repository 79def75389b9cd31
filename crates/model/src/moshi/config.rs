//! Moshi's sizes: the released 7B (`config_v0_1`), or another model from Kyutai's `config.json`.
//! Source: `_lm_kwargs` and `CheckpointInfo` in `moshi/models/loaders.py`, `LMModel` in `lm.py`, moshi 0.2.13.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::ModelError;

/// A model's folder in words: sizes, file names, how to sample.
#[derive(Debug, Clone)]
pub(crate) struct MoshiConfig {
    pub(crate) model: ModelSizes,
    pub(crate) moshi_name: Option<String>,
    pub(crate) mimi_name: String,
    pub(crate) mimi_config_name: Option<String>,
    pub(crate) tokenizer_name: String,
    pub(crate) generation: GenerationConfig,
}

/// How the checkpoint's authors sample from it; missing values mean PyTorch's server's.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct GenerationConfig {
    pub(crate) temp: Option<f32>,
    pub(crate) temp_text: Option<f32>,
    pub(crate) top_k: Option<usize>,
    pub(crate) top_k_text: Option<usize>,
}

/// Sizes of the language model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelSizes {
    /// The temporal transformer.
    pub(crate) temporal: StackSizes,
    /// The depformer's layers, one set per slice.
    pub(crate) depformer: StackSizes,
    /// Width of the depformer's embeddings where they are of low rank.
    pub(crate) depformer_low_rank: Option<usize>,
    /// Text tokens that can be spoken; the input knows one more, the start.
    pub(crate) text_cardinality: usize,
    /// Codes of a codebook; the input knows one more, the start.
    pub(crate) audio_cardinality: usize,
    /// Codebooks that Moshi speaks: the depformer's slices.
    pub(crate) moshi_codebooks: usize,
    /// Codebooks of the user that Moshi hears.
    pub(crate) user_codebooks: usize,
    /// Text token for "nothing to say now".
    pub(crate) text_padding: u32,
    /// Text token before a word begins.
    pub(crate) text_end_padding: u32,
    /// Delays in frames: text, Moshi's codebooks, the user's codebooks.
    pub(crate) delays: Vec<usize>,
    /// Steps that the temporal transformer sees.
    pub(crate) context: usize,
    /// The slowest rotary turn's period.
    pub(crate) max_period: f32,
    /// Epsilon of the RMS norms.
    pub(crate) norm_epsilon: f32,
}

/// Sizes of a stack of layers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StackSizes {
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) layers: usize,
    /// Hidden width of the gated feed-forward; one number, or one per slice of the depformer.
    pub(crate) hidden: Vec<usize>,
}

/// File names where no config.json says otherwise: those of the six released repositories.
const MIMI_NAME: &str = "tokenizer-e351c8d8-checkpoint125.safetensors";
const TOKENIZER_NAME: &str = "tokenizer_spm_32k_3.model";

/// Largest width of a feed-forward that is believed: what the largest `dim` gives with the largest `hidden_scale`.
const MAX_FEED_FORWARD: usize = 1 << 22;

/// Keys of config.json as Kyutai writes it; keys that only matter in training are not named and thus ignored.
#[derive(Debug, Clone, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // The file has them.
struct RawConfig {
    dim: usize,
    text_card: usize,
    existing_text_padding_id: Option<u32>,
    existing_text_end_padding_id: Option<u32>,
    n_q: usize,
    dep_q: usize,
    card: usize,
    num_heads: usize,
    num_layers: usize,
    #[serde(default = "four")]
    hidden_scale: f64,
    #[serde(default = "yes")]
    causal: bool,
    layer_scale: Option<f32>,
    context: usize,
    #[serde(default = "ten_thousand")]
    max_period: f32,
    gating: Option<String>,
    norm: Option<String>,
    positional_embedding: Option<String>,
    depformer_dim: usize,
    depformer_dim_feedforward: Option<OneOrMany>,
    depformer_num_heads: usize,
    depformer_num_layers: usize,
    depformer_layer_scale: Option<f32>,
    depformer_pos_emb: Option<String>,
    depformer_norm: Option<String>,
    depformer_gating: Option<String>,
    depformer_weights_per_step_schedule: Option<Vec<usize>>,
    depformer_low_rank_embeddings: Option<usize>,
    delays: Vec<usize>,
    #[serde(default)]
    cross_attention: bool,
    #[serde(default)]
    demux_second_stream: bool,
    #[serde(default)]
    demux_second_text_stream: bool,
    #[serde(default)]
    norm_emb: bool,
    #[serde(default)]
    bias_proj: bool,
    #[serde(default)]
    extra_heads_num_heads: usize,
    text_card_out: Option<usize>,
    #[serde(default)]
    conditioners: Value,
    model_type: Option<String>,
    moshi_name: Option<String>,
    mimi_name: Option<String>,
    mimi_config_name: Option<String>,
    tokenizer_name: Option<String>,
    lora_name: Option<String>,
    #[serde(default)]
    lm_gen_config: GenerationConfig,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(usize),
    Many(Vec<usize>),
}

fn four() -> f64 {
    4.0
}
fn yes() -> bool {
    true
}
fn ten_thousand() -> f32 {
    10_000.0
}

impl MoshiConfig {
    /// The released 7B, whose repositories hold no config.json.
    pub(crate) fn released() -> Self {
        let mut delays = vec![0, 0];
        delays.extend([1; 7]);
        delays.push(0);
        delays.extend([1; 7]);
        Self {
            model: ModelSizes {
                temporal: StackSizes { width: 4096, heads: 32, layers: 32, hidden: vec![11_264] },
                depformer: StackSizes { width: 1024, heads: 16, layers: 6, hidden: vec![2816] },
                depformer_low_rank: None,
                text_cardinality: 32_000,
                audio_cardinality: 2048,
                moshi_codebooks: 8,
                user_codebooks: 8,
                text_padding: 3,
                text_end_padding: 0,
                delays,
                context: 3000,
                max_period: 10_000.0,
                norm_epsilon: 1e-8,
            },
            moshi_name: None,
            mimi_name: MIMI_NAME.to_owned(),
            mimi_config_name: None,
            tokenizer_name: TOKENIZER_NAME.to_owned(),
            generation: GenerationConfig::default(),
        }
    }

    /// Reads a config.json.
    ///
    /// # Errors
    /// [`ModelError::Config`] for JSON that is no such config, contradicts itself, or asks for what this program cannot do.
    pub(crate) fn parse(json: &[u8], path: &Path) -> Result<Self, ModelError> {
        let refuse = |message: String| ModelError::Config { path: path.to_owned(), message };
        let raw: RawConfig = serde_json::from_slice(json)
            .map_err(|error| refuse(format!("not a Moshi config ({error}): download it again")))?;
        let model = raw.sizes().map_err(refuse)?;
        for name in [&raw.moshi_name, &raw.mimi_name, &raw.mimi_config_name, &raw.tokenizer_name].into_iter().flatten()
        {
            // A name that leaves the folder would read files that nobody chose.
            if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', ':', '\0']) {
                return Err(refuse(format!("'{name}' is not a plain file name")));
            }
        }
        Ok(Self {
            model,
            moshi_name: raw.moshi_name,
            mimi_name: raw.mimi_name.unwrap_or_else(|| MIMI_NAME.to_owned()),
            mimi_config_name: raw.mimi_config_name,
            tokenizer_name: raw.tokenizer_name.unwrap_or_else(|| TOKENIZER_NAME.to_owned()),
            generation: raw.lm_gen_config,
        })
    }
}

impl ModelSizes {
    /// Codebooks that Mimi must encode and decode.
    pub(crate) fn mimi_codebooks(&self) -> usize {
        self.moshi_codebooks.max(self.user_codebooks)
    }
}

impl StackSizes {
    /// Channels per head.
    pub(crate) fn head_dim(&self) -> usize {
        self.width / self.heads
    }

    /// Hidden width of the feed-forward of one slice.
    pub(crate) fn hidden_of(&self, slice: usize) -> usize {
        self.hidden.get(slice).or(self.hidden.first()).copied().unwrap_or(0)
    }
}

/// Hidden width of a gated feed-forward (`ActivationGating`): two thirds, so that three matrices weigh as two.
fn gated_hidden(width: usize, feed_forward: usize) -> usize {
    if feed_forward == 4 * width { 21 * width / 8 } else { 2 * feed_forward / 3 }
}

impl RawConfig {
    fn sizes(&self) -> Result<ModelSizes, String> {
        self.refuse_unsupported()?;
        let must = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        let sane = |name: &str, value: usize, most: usize| {
            if (1..=most).contains(&value) { Ok(()) } else { Err(format!("{name} is {value}, expected 1 to {most}")) }
        };
        sane("dim", self.dim, 1 << 16)?;
        sane("num_heads", self.num_heads, 1 << 10)?;
        sane("num_layers", self.num_layers, 1 << 10)?;
        sane("depformer_dim", self.depformer_dim, 1 << 16)?;
        sane("depformer_num_heads", self.depformer_num_heads, 1 << 10)?;
        sane("depformer_num_layers", self.depformer_num_layers, 1 << 10)?;
        sane("n_q", self.n_q, 128)?;
        sane("dep_q", self.dep_q, self.n_q)?;
        sane("card", self.card, 1 << 20)?;
        sane("text_card", self.text_card, 1 << 22)?;
        sane("context", self.context, 1 << 20)?;
        if let Some(low_rank) = self.depformer_low_rank_embeddings {
            sane("depformer_low_rank_embeddings", low_rank, self.depformer_dim)?;
        }
        must(self.n_q > self.dep_q, "n_q must be larger than dep_q: this model hears nobody, so it is no Moshi")?;
        must(self.delays.len() == self.n_q + 1, "delays must have n_q + 1 entries, the text's first")?;
        must(self.delays.iter().all(|delay| *delay <= 256), "a delay is longer than 256 frames")?;
        must(self.delays.first() == Some(&0), "the text's delay must be 0")?;
        must(self.dim.is_multiple_of(2 * self.num_heads), "dim must be an even multiple of num_heads")?;
        must(
            self.depformer_dim.is_multiple_of(self.depformer_num_heads),
            "depformer_dim must be a multiple of depformer_num_heads",
        )?;
        must(self.max_period > 0.0 && self.max_period.is_finite(), "max_period must be positive and finite")?;
        let text_padding = self.existing_text_padding_id.unwrap_or(3);
        let text_end_padding = self.existing_text_end_padding_id.unwrap_or(0);
        must(
            [text_padding, text_end_padding].iter().all(|token| (*token as usize) < self.text_card),
            "existing_text_padding_id and existing_text_end_padding_id must be below text_card",
        )?;
        let GenerationConfig { temp, temp_text, .. } = &self.lm_gen_config;
        must([temp, temp_text].into_iter().flatten().all(|temp| temp.is_finite()), "a temperature must be finite")?;
        must((0.0..=64.0).contains(&self.hidden_scale), "hidden_scale must lie between 0 and 64")?;
        let norm_epsilon = match self.norm.as_deref() {
            None | Some("rms_norm_f32") => 1e-8,
            Some("rms_norm") => 1e-5,
            Some(other) => return Err(format!("norm '{other}' is not supported, only rms_norm and rms_norm_f32 are")),
        };
        let temporal = gated_hidden(self.dim, (self.hidden_scale * self.dim as f64) as usize);
        let depformer = self.depformer_hidden()?;
        must(temporal > 0 && depformer.iter().all(|hidden| *hidden > 0), "a hidden width is 0")?;
        Ok(ModelSizes {
            temporal: StackSizes {
                width: self.dim,
                heads: self.num_heads,
                layers: self.num_layers,
                hidden: vec![temporal],
            },
            depformer: StackSizes {
                width: self.depformer_dim,
                heads: self.depformer_num_heads,
                layers: self.depformer_num_layers,
                hidden: depformer,
            },
            depformer_low_rank: self.depformer_low_rank_embeddings,
            text_cardinality: self.text_card,
            audio_cardinality: self.card,
            moshi_codebooks: self.dep_q,
            user_codebooks: self.n_q - self.dep_q,
            text_padding,
            text_end_padding,
            delays: self.delays.clone(),
            context: self.context,
            max_period: self.max_period,
            norm_epsilon,
        })
    }

    /// Hidden widths of the depformer: one for all slices, or one per slice.
    fn depformer_hidden(&self) -> Result<Vec<usize>, String> {
        let schedule = self.depformer_weights_per_step_schedule.as_ref();
        if let Some(schedule) = schedule
            && (schedule.len() != self.dep_q || schedule.iter().any(|index| *index >= self.dep_q))
        {
            return Err("depformer_weights_per_step_schedule must have dep_q entries below dep_q".to_owned());
        }
        let feed_forwards = match &self.depformer_dim_feedforward {
            None => &[],
            Some(OneOrMany::One(one)) => std::slice::from_ref(one),
            Some(OneOrMany::Many(many)) => many.as_slice(),
        };
        if let Some(feed_forward) = feed_forwards.iter().find(|size| **size > MAX_FEED_FORWARD) {
            return Err(format!("depformer_dim_feedforward is {feed_forward}, expected 1 to {MAX_FEED_FORWARD}"));
        }
        let hidden = |feed_forward: &usize| gated_hidden(self.depformer_dim, *feed_forward);
        match &self.depformer_dim_feedforward {
            None => {
                Ok(vec![gated_hidden(self.depformer_dim, (self.hidden_scale * self.depformer_dim as f64) as usize)])
            }
            Some(OneOrMany::One(one)) => Ok(vec![hidden(one)]),
            Some(OneOrMany::Many(many)) => (0..self.dep_q)
                .map(|slice| {
                    let set = schedule.and_then(|schedule| schedule.get(slice)).copied().unwrap_or(slice);
                    many.get(set).map(hidden).ok_or_else(|| "depformer_dim_feedforward has too few entries".to_owned())
                })
                .collect(),
        }
    }

    fn refuse_unsupported(&self) -> Result<(), String> {
        let unsupported = [
            (self.model_type.as_deref().is_some_and(|kind| kind != "moshi"), "a model_type other than 'moshi'"),
            (!self.causal, "causal = false"),
            (self.layer_scale.is_some() || self.depformer_layer_scale.is_some(), "layer_scale"),
            (self.gating.as_deref().is_some_and(|gating| gating != "silu"), "a gating other than 'silu'"),
            (
                self.depformer_gating.as_deref().is_some_and(|gating| gating != "silu"),
                "a depformer_gating other than 'silu'",
            ),
            (
                self.positional_embedding.as_deref().is_some_and(|kind| kind != "rope"),
                "a positional_embedding other than 'rope'",
            ),
            (self.depformer_pos_emb.as_deref() != Some("none"), "a depformer_pos_emb other than 'none'"),
            (self.depformer_norm.is_some(), "depformer_norm"),
            (self.cross_attention, "cross_attention"),
            (self.demux_second_stream || self.demux_second_text_stream, "demux_second_stream"),
            (self.norm_emb, "norm_emb"),
            (self.bias_proj, "bias_proj"),
            (self.extra_heads_num_heads > 0, "extra heads"),
            (self.text_card_out.is_some_and(|out| out != self.text_card), "a text_card_out other than text_card"),
            (self.lora_name.is_some(), "LoRA weights beside the model"),
            (self.conditioners.as_object().is_some_and(|object| !object.is_empty()), "conditioners"),
        ];
        match unsupported.iter().find(|(present, _)| *present) {
            Some((_, what)) => Err(format!("the config asks for {what}, which Moshibar does not support")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The refusal of a config that is the tiny checkpoint's but for one key.
    fn refusal(key: &str, value: &str) -> String {
        let mut config: Value = serde_json::from_str(include_str!("../../../../testdata/lm-base/config.json")).unwrap();
        let path = Path::new("config.json");
        assert!(MoshiConfig::parse(config.to_string().as_bytes(), path).is_ok());
        config[key] = serde_json::from_str(value).unwrap();
        let error = MoshiConfig::parse(config.to_string().as_bytes(), path).unwrap_err();
        assert!(matches!(error, ModelError::Config { .. }), "{error:?}");
        error.to_string()
    }

    /// Checked of any config by fuzz/targets/config.rs: twice this overflowed.
    #[test]
    fn feed_forward_that_overflows_is_an_error() {
        for value in ["18446744073709551615", "[96, 18446744073709551615]", "4194305"] {
            let refusal = refusal("depformer_dim_feedforward", value);
            assert!(refusal.contains("depformer_dim_feedforward"), "{refusal}");
        }
    }

    /// Checked of any config by fuzz/targets/config.rs.
    #[test]
    fn low_rank_of_nothing_or_beyond_the_width_is_an_error() {
        for value in ["0", "65537", "18446744073709551615"] {
            let refusal = refusal("depformer_low_rank_embeddings", value);
            assert!(refusal.contains("depformer_low_rank_embeddings"), "{refusal}");
        }
    }

    /// Checked of any config by fuzz/targets/config.rs.
    #[test]
    fn silence_that_the_model_cannot_say_is_an_error() {
        for key in ["existing_text_padding_id", "existing_text_end_padding_id"] {
            let refusal = refusal(key, "4294967295");
            assert!(refusal.contains(key), "{refusal}");
        }
    }

    /// Checked of any config by fuzz/targets/config.rs: as f32 these are infinite.
    #[test]
    fn infinite_numbers_are_errors() {
        let period = refusal("max_period", "1e39");
        assert!(period.contains("max_period"), "{period}");
        let temperature = refusal("lm_gen_config", r#"{"temp": 1e39}"#);
        assert!(temperature.contains("temperature"), "{temperature}");
    }

    /// The dot and the zero byte once passed.
    #[test]
    fn name_that_is_not_a_file_in_the_folder_is_an_error() {
        for name in
            [r#""""#, r#"".""#, r#""..""#, r#""a/b""#, r#""/etc/passwd""#, r#""C:model""#, r#""a\\b""#, r#""a\u0000""#]
        {
            for key in ["moshi_name", "mimi_name", "mimi_config_name", "tokenizer_name"] {
                let refusal = refusal(key, name);
                assert!(refusal.contains("is not a plain file name"), "{refusal}");
            }
        }
    }
}
