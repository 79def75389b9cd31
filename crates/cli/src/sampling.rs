//! How tokens are drawn: as the checkpoint's authors say, but for what the command line changes.

use clap::Args;
use moshibar_model::{ModelFiles, Sampling, Strategy};
use serde::Deserialize;

/// The arguments that decide how tokens are drawn.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How Moshi chooses its words")]
pub(crate) struct SamplingArgs {
    /// The same seed gives the same talk, to the bit, on one machine
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Always take the likeliest word and sound, without any chance
    #[arg(long, conflicts_with_all = ["temperature", "text_temperature", "top_k", "text_top_k", "top_p"])]
    pub(crate) greedy: bool,
    /// Boldness of the voice [default: the model's own]
    #[arg(long, value_name = "T", value_parser = above_zero)]
    temperature: Option<f32>,
    /// Boldness of the words [default: the model's own]
    #[arg(long, value_name = "T", value_parser = above_zero)]
    text_temperature: Option<f32>,
    /// How many of the likeliest sounds are considered [default: the model's own]
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    top_k: Option<usize>,
    /// How many of the likeliest words are considered [default: the model's own]
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    text_top_k: Option<usize>,
    /// Consider the likeliest sounds and words whose probabilities add up to P, instead of a number of them
    #[arg(long, value_name = "P", value_parser = share, conflicts_with_all = ["top_k", "text_top_k"])]
    top_p: Option<f32>,
}

/// What the authors of a checkpoint say in its config; else what PyTorch's server does.
/// Source: `lm_gen_config` in `moshi/models/loaders.py`, defaults of `LMGen` in `lm.py`, moshi 0.2.13.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default)]
struct Authors {
    temp: f32,
    temp_text: f32,
    top_k: usize,
    top_k_text: usize,
}

impl Default for Authors {
    fn default() -> Self {
        Self { temp: 0.8, temp_text: 0.7, top_k: 250, top_k_text: 25 }
    }
}

impl Authors {
    /// Reads them from a model's folder, whose config has been checked before.
    fn of(files: &ModelFiles) -> Self {
        #[derive(Deserialize)]
        struct Config {
            lm_gen_config: Option<Authors>,
        }
        let config = std::fs::read(files.folder().join("config.json")).ok();
        let config: Option<Config> = config.and_then(|json| serde_json::from_slice(&json).ok());
        config.and_then(|config| config.lm_gen_config).unwrap_or_default()
    }
}

impl SamplingArgs {
    /// What to ask of the model; `None` for what its authors say, from the seed.
    pub(crate) fn for_model(&self, files: &ModelFiles) -> Option<Sampling> {
        if self.greedy {
            return Some(Sampling { seed: self.seed, ..Sampling::greedy() });
        }
        let changes_voice = self.temperature.is_some() || self.top_k.is_some();
        let changes_words = self.text_temperature.is_some() || self.text_top_k.is_some();
        if !changes_voice && !changes_words && self.top_p.is_none() {
            return None;
        }
        let authors = Authors::of(files);
        let strategy = |temperature: f32, k: usize| match self.top_p {
            _ if temperature <= 0.0 || k == 0 => Strategy::Greedy,
            Some(p) => Strategy::TopP { temperature, p },
            None => Strategy::TopK { temperature, k },
        };
        Some(Sampling {
            text: strategy(
                self.text_temperature.unwrap_or(authors.temp_text),
                self.text_top_k.unwrap_or(authors.top_k_text),
            ),
            audio: strategy(self.temperature.unwrap_or(authors.temp), self.top_k.unwrap_or(authors.top_k)),
            seed: self.seed,
        })
    }
}

fn above_zero(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && f32::is_finite(value) => Ok(value),
        _ => Err("it must be a number above 0, such as 0.7; for 0 there is --greedy".to_owned()),
    }
}

fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && value <= 1.0 => Ok(value),
        _ => Err("it must be a number above 0 and at most 1, such as 0.95".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(value) if value > 0 => Ok(value),
        _ => Err("it must be a whole number from 1".to_owned()),
    }
}
