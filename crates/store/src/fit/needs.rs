//! What the released 7B needs, counted from its shapes: bytes in a file, in memory, and read in every frame.
//!
//! Shapes: `configs/moshi_7b_202409.json`, kyutai-labs/moshi `e6a55d2`; the engine's own are in `model/moshi/config.rs`.
//! A talk is batch 1, so every weight that a frame multiplies by is read from memory once in that frame, and nothing is
//! read twice: bytes over bandwidth is the floor of the time.

use serde::Serialize;

use crate::quality::Quality;

/// The temporal transformer.
const WIDTH: u64 = 4_096;
const LAYERS: u64 = 32;
const HIDDEN: u64 = 11_264;

/// The depformer: one slice of weights for each of Moshi's codebooks.
const SLICES: u64 = 8;
const SLICE_LAYERS: u64 = 6;
const SLICE_WIDTH: u64 = 1_024;
const SLICE_HIDDEN: u64 = 2_816; // 2 · 4,224 / 3, as gated layers are sized there

const TEXT_TOKENS: u64 = 32_000;
const AUDIO_TOKENS: u64 = 2_048;
const CODEBOOKS: u64 = 16; // 8 of Moshi, 8 of the user

/// Frames that the model looks back: 3,000 · 80 ms = 4 minutes. Longer talks go on; the oldest frame gives way.
const CONTEXT_FRAMES: u32 = 3_000;

/// Mimi's file, f32, as published beside every quality: 385 MB.
const MIMI_BYTES: u64 = 385_000_000;

/// Room to work: what the engine grants itself beyond weights and context (512 MiB, for activations, tables and the sampler)
/// and for buffers kept for reuse (64 MiB): `model/runtime.rs`.
const WORKING_BYTES: u64 = (512 + 64) << 20;

/// What one quality of the released 7B needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// All weights of the language model: the size of its file, headers aside.
    pub weights_bytes: u64,
    /// Mimi's weights.
    pub mimi_bytes: u64,
    /// Weights of the language model read in every frame, the depformer's among them. Of embeddings a frame reads a few rows.
    pub read_bytes_per_frame: u64,
    /// Weights of the depformer read in every frame.
    pub depformer_bytes_per_frame: u64,
    /// Frames that the model looks back.
    pub context_frames: u32,
    /// Keys and values of one frame of context, in bf16.
    pub context_bytes_per_frame: u64,
    /// Keys and values of the full context. Allocated when the model is loaded; a frame reads the part that is filled.
    pub context_bytes_full: u64,
    /// Activations, tables, the sampler, buffers kept for reuse.
    pub working_bytes: u64,
    /// What all of it takes more on a CPU, which computes in f32: scales, biases, floats, keys and values are twice as large.
    pub cpu_extra_bytes: u64,
}

impl Needs {
    /// Counts from the shapes of the released 7B.
    pub fn of_released(quality: Quality) -> Self {
        // Queries, keys, values and output; the gate's two halves and the way back down.
        let layer = 4 * WIDTH * WIDTH + 3 * HIDDEN * WIDTH;
        let slice_layer = 4 * SLICE_WIDTH * SLICE_WIDTH + 3 * SLICE_HIDDEN * SLICE_WIDTH;
        // Into the slice from the temporal transformer, and out to one codebook's logits.
        let slice = SLICE_LAYERS * slice_layer + WIDTH * SLICE_WIDTH + SLICE_WIDTH * AUDIO_TOKENS;
        let depformer = SLICES * slice;
        let read = LAYERS * layer + WIDTH * TEXT_TOKENS + depformer;
        // Each vocabulary has one token more, for "nothing yet". A slice hears the text, or the codebook before its own.
        let embeddings = (TEXT_TOKENS + 1 + CODEBOOKS * (AUDIO_TOKENS + 1)) * WIDTH
            + (TEXT_TOKENS + 1 + (SLICES - 1) * (AUDIO_TOKENS + 1)) * SLICE_WIDTH;
        // Two norms a layer and one at the end of the temporal transformer: floats in every quality.
        let norms = (2 * LAYERS + 1) * WIDTH + SLICES * SLICE_LAYERS * 2 * SLICE_WIDTH;

        let weights_bytes = stored_bytes(quality, read + embeddings) + 2 * norms;
        let context_bytes_per_frame = 2 * LAYERS * WIDTH * 2; // a key and a value of the whole width in each layer, bf16
        let context_bytes_full = u64::from(CONTEXT_FRAMES) * context_bytes_per_frame;
        Self {
            weights_bytes,
            mimi_bytes: MIMI_BYTES,
            read_bytes_per_frame: stored_bytes(quality, read),
            depformer_bytes_per_frame: stored_bytes(quality, depformer),
            context_frames: CONTEXT_FRAMES,
            context_bytes_per_frame,
            context_bytes_full,
            working_bytes: WORKING_BYTES,
            cpu_extra_bytes: float_bytes(quality, read + embeddings) + 2 * norms + context_bytes_full,
        }
    }

    /// Bytes that a talk takes on a GPU, at full context.
    pub fn memory_bytes(&self) -> u64 {
        self.weights_bytes + self.context_bytes_full + self.mimi_bytes + self.working_bytes
    }
}

/// Bytes of `weights` numbers as published: with bits and group, 5 bits a weight in q4, 8.5 in q8, 16 in bf16.
fn stored_bytes(quality: Quality, weights: u64) -> u64 {
    let packed_bits = match quality {
        Quality::Q4 => 4,
        Quality::Q8 => 8,
        Quality::Bf16 => 0,
    };
    weights * packed_bits / 8 + float_bytes(quality, weights)
}

/// The part of it that is bf16: all weights, or one scale and one bias for each group.
fn float_bytes(quality: Quality, weights: u64) -> u64 {
    match quality {
        Quality::Q4 => weights / 32 * 2 * 2,
        Quality::Q8 => weights / 64 * 2 * 2,
        Quality::Bf16 => weights * 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(found: u64, expected: f64, share: f64) -> bool {
        (found as f64 / expected - 1.0).abs() <= share
    }

    #[test]
    fn bytes_per_frame_and_files_are_those_of_the_published_shapes() {
        for (quality, read, depformer, file) in [
            (Quality::Q4, 4.61e9, 0.417e9, 4.80e9),
            (Quality::Q8, 7.84e9, 0.709e9, 8.17e9),
            (Quality::Bf16, 14.75e9, 1.334e9, 15.37e9),
        ] {
            let needs = Needs::of_released(quality);
            assert!(within(needs.read_bytes_per_frame, read, 0.005), "{quality}: {needs:?}");
            assert!(within(needs.depformer_bytes_per_frame, depformer, 0.005), "{quality}: {needs:?}");
            assert!(within(needs.weights_bytes, file, 0.005), "{quality}: {needs:?}");
        }
    }

    #[test]
    fn the_q4_file_is_counted_to_the_header() {
        // BENCHMARKS.md: a q4 file with the released tensors. The rest is its JSON header.
        let header_bytes = 4_805_557_640 - Needs::of_released(Quality::Q4).weights_bytes;
        assert!(header_bytes < 500_000, "{header_bytes}");
    }

    #[test]
    fn context_is_half_a_megabyte_a_frame_and_four_minutes_long() {
        let needs = Needs::of_released(Quality::Q4);
        assert_eq!(needs.context_bytes_per_frame, 524_288);
        assert!(within(needs.context_bytes_full, 1.573e9, 0.001));
        assert_eq!(needs.context_frames * 80, 4 * 60 * 1_000);
    }

    #[test]
    fn a_cpu_needs_what_was_measured_on_one() {
        // BENCHMARKS.md: 9.27 GB resident at most, q4 in f32, the language model alone. Of our room to work that used 0.2 GB.
        let needs = Needs::of_released(Quality::Q4);
        let language_bytes = needs.weights_bytes + needs.context_bytes_full + needs.cpu_extra_bytes + 200_000_000;
        assert!(within(language_bytes, 9.27e9, 0.03), "{language_bytes}");
    }

    #[test]
    fn memory_is_a_little_more_than_what_others_measured() {
        // Reports of moshi_mlx on Macs: q4 6.85 GB at most over 4,600 steps; q8 about 10.3 GB at 2,119.
        assert!((6.85e9..7.6e9).contains(&(Needs::of_released(Quality::Q4).memory_bytes() as f64)));
        assert!((10.3e9..11.0e9).contains(&(Needs::of_released(Quality::Q8).memory_bytes() as f64)));
    }
}
