//! How tokens are drawn from logits: greedily, from the k likeliest, or from the likeliest whose sum is p.
//!
//! Draws use the Gumbel trick: the argmax of `logits / T + gumbel noise` is a draw from `softmax(logits / T)`, and so is the
//! argmax of `logits + T · noise`. The noise is made on the host, from the seed alone, so that a talk can be repeated to
//! the bit, the graph has no random operation, and the noise of a frame is one upload.
//! Sources: `sample_token` in `moshi/utils/sampling.py` (top-k), moshi 0.2.13; `top_p_sampling` in moshi_mlx 0.3.0.

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_rs::ops::indexing::{argmax_axis, take_along_axis};
use mlx_rs::ops::{argpartition_axis, argsort_axis, cumsum, gt, log, select, softmax_axis};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use super::config::{GenerationConfig, ModelSizes};
use crate::ffi;

/// How to draw one kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Strategy {
    /// The likeliest token, always.
    Greedy,
    /// One of the `k` likeliest.
    TopK {
        /// Above 1: bolder; towards 0: greedy.
        temperature: f32,
        /// How many tokens are considered.
        k: usize,
    },
    /// One of the likeliest whose probabilities add up to `p`.
    TopP {
        /// Above 1: bolder; towards 0: greedy.
        temperature: f32,
        /// The sum, between 0 and 1.
        p: f32,
    },
}

/// How to draw text and codes, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sampling {
    /// For the text token.
    pub text: Strategy,
    /// For Moshi's codes.
    pub audio: Strategy,
    /// The same seed repeats a talk to the bit, on one machine.
    pub seed: u64,
}

/// What a user wishes otherwise than a checkpoint's authors; `None` leaves it to them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SamplingChanges {
    /// Of the codes. At 0 nothing is left to chance.
    pub temperature: Option<f32>,
    /// Of the words.
    pub text_temperature: Option<f32>,
    /// How many of the likeliest codes are drawn from.
    pub top_k: Option<usize>,
    /// How many of the likeliest words.
    pub text_top_k: Option<usize>,
    /// Instead of a number of them: the likeliest whose probabilities add up to this.
    pub top_p: Option<f32>,
}

impl Sampling {
    /// Defaults of PyTorch's server, 0.7/25 for text and 0.8/250 for codes, unless the checkpoint's authors say otherwise, or a user
    /// does.
    pub(crate) fn for_checkpoint(config: &GenerationConfig, changes: &SamplingChanges, seed: u64) -> Self {
        let strategy = |temperature: f32, k: usize| match changes.top_p {
            _ if temperature <= 0.0 || k == 0 => Strategy::Greedy,
            Some(p) => Strategy::TopP { temperature, p },
            None => Strategy::TopK { temperature, k },
        };
        let temperature = |wish: Option<f32>, authors: Option<f32>, usual| wish.or(authors).unwrap_or(usual);
        let k = |wish: Option<usize>, authors: Option<usize>, usual| wish.or(authors).unwrap_or(usual);
        Self {
            text: strategy(
                temperature(changes.text_temperature, config.temp_text, 0.7),
                k(changes.text_top_k, config.top_k_text, 25),
            ),
            audio: strategy(temperature(changes.temperature, config.temp, 0.8), k(changes.top_k, config.top_k, 250)),
            seed,
        }
    }

    /// No chance at all.
    pub fn greedy() -> Self {
        Self { text: Strategy::Greedy, audio: Strategy::Greedy, seed: 0 }
    }
}

/// Draws tokens, from noise that the seed determines.
#[derive(Debug)]
pub(crate) struct Sampler {
    sampling: Sampling,
    text_cardinality: usize,
    audio_cardinality: usize,
    slices: usize,
    random: Xoshiro256PlusPlus,
}

/// The noise of one frame: text first, then each slice.
#[derive(Debug)]
pub(crate) struct Noise(Array);

/// Which draw of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Draw {
    Text,
    Audio(usize),
}

impl Noise {
    /// The draw of the text token.
    pub(crate) const TEXT: Draw = Draw::Text;

    /// The draw of one slice's code.
    pub(crate) fn audio(slice: usize) -> Draw {
        Draw::Audio(slice)
    }
}

impl Strategy {
    fn temperature(self) -> f32 {
        match self {
            Self::Greedy => 0.0,
            Self::TopK { temperature, .. } | Self::TopP { temperature, .. } => temperature,
        }
    }

    /// Numbers of noise that one draw takes.
    fn noise_length(self, cardinality: usize) -> usize {
        match self {
            Self::Greedy => 0,
            Self::TopK { k, .. } => k.min(cardinality),
            Self::TopP { .. } => cardinality,
        }
    }
}

impl Sampler {
    pub(crate) fn new(sampling: Sampling, sizes: &ModelSizes) -> Self {
        Self {
            sampling,
            text_cardinality: sizes.text_cardinality,
            audio_cardinality: sizes.audio_cardinality,
            slices: sizes.moshi_codebooks,
            random: Xoshiro256PlusPlus::seed_from_u64(sampling.seed),
        }
    }

    /// Begins the noise anew.
    pub(crate) fn reset(&mut self) {
        let Self { sampling, text_cardinality: _, audio_cardinality: _, slices: _, random } = self;
        *random = Xoshiro256PlusPlus::seed_from_u64(sampling.seed);
    }

    /// Makes the noise of the next frame.
    pub(crate) fn next_noise(&mut self) -> Noise {
        let Sampling { text, audio, .. } = self.sampling;
        let text_length = text.noise_length(self.text_cardinality);
        let audio_length = self.slices * audio.noise_length(self.audio_cardinality);
        let random = &mut self.random;
        let mut gumbel = |temperature: f32| {
            // 24 random bits, shifted into the open interval (0, 1), so that both logarithms are finite.
            let uniform = ((random.next_u64() >> 40) as f32 + 0.5) / (1u64 << 24) as f32;
            -(-uniform.ln()).ln() * temperature
        };
        let mut noise = Vec::with_capacity(text_length + audio_length);
        noise.extend((0..text_length).map(|_| gumbel(text.temperature())));
        noise.extend((0..audio_length).map(|_| gumbel(audio.temperature())));
        Noise(Array::from_slice(&noise, &[1, noise.len() as i32]))
    }

    /// Builds the graph of one draw.
    ///
    /// **Shapes** `logits`: `[1, tokens]`. Returns u32 `[1]`.
    pub(crate) fn draw(&self, draw: Draw, noise: &Noise, logits: &Array) -> Result<Array, Exception> {
        let (strategy, cardinality) = match draw {
            Draw::Text => (self.sampling.text, self.text_cardinality),
            Draw::Audio(_) => (self.sampling.audio, self.audio_cardinality),
        };
        let length = strategy.noise_length(cardinality) as i32;
        let start = match draw {
            Draw::Text => 0,
            Draw::Audio(slice) => self.sampling.text.noise_length(self.text_cardinality) as i32 + slice as i32 * length,
        };
        let cardinality = cardinality as i32;
        let own_noise = || ffi::slice(&noise.0, [0, start], [1, start + length]);
        match strategy {
            Strategy::Greedy => argmax_axis(logits, 1, false),
            Strategy::TopK { .. } if length == cardinality => argmax_axis(logits.add(own_noise()?)?, 1, false),
            Strategy::TopK { .. } => {
                // The k largest stand behind the place of the k-th, in any order.
                let order = argpartition_axis(logits, cardinality - length, 1)?;
                let candidates = ffi::slice(&order, [0, cardinality - length], [1, cardinality])?;
                let scores = take_along_axis(logits, &candidates, 1)?.add(own_noise()?)?;
                pick(&candidates, &scores)
            }
            Strategy::TopP { temperature, p } => {
                let probabilities = softmax_axis(logits.divide(Array::from_f32(temperature))?, 1, true)?;
                let order = argsort_axis(&probabilities, 1)?;
                let sorted = take_along_axis(&probabilities, &order, 1)?;
                let sums = cumsum(&sorted, 1, false, true)?;
                let kept = gt(sums, Array::from_f32(1.0 - p))?;
                // The noise carries the temperature, the probabilities do too: log p + noise wants it but once.
                let scores = log(&sorted)?.multiply(Array::from_f32(temperature))?.add(own_noise()?)?;
                let scores = select(kept, scores, Array::from_f32(f32::NEG_INFINITY))?;
                pick(&order, &scores)
            }
        }
    }
}

/// The candidate with the highest score.
fn pick(candidates: &Array, scores: &Array) -> Result<Array, Exception> {
    let best = argmax_axis(scores, 1, true)?;
    take_along_axis(candidates, best, 1)?.reshape(&[1])
}
