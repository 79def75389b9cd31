//! How tokens are drawn: as the checkpoint's authors say, but for what the command line changes.

use clap::Args;
use moshibar_model::{ModelFiles, Sampling, SamplingChanges};

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

impl SamplingArgs {
    /// What to ask of the model.
    pub(crate) fn for_model(&self, files: &ModelFiles) -> Sampling {
        if self.greedy {
            return Sampling { seed: self.seed, ..Sampling::greedy() };
        }
        let Self { temperature, text_temperature, top_k, text_top_k, top_p, .. } = *self;
        files.sampling(&SamplingChanges { temperature, text_temperature, top_k, text_top_k, top_p }, self.seed)
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
