//! How many bytes of weights one frame reads: what memory bandwidth has to carry 12.5 times a second.
//!
//! Worked out from the headers of the files, nothing loaded. Every matrix is read once per frame, at the width in which it
//! lies in memory; of a table only the rows that are looked up. KV rings and activations are not weights.

use mlx_rs::Dtype;
use safetensors::tensor::Dtype as FileDtype;
use serde::Serialize;

use crate::error::ModelError;
use crate::files::ModelFiles;
use crate::header::Header;
use crate::quality::Quality;
use crate::runtime::{DeviceKind, WORKING_SET_BYTES, language_dtype};
use crate::weights::MatrixForm;

/// Bytes of weights that one frame reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WeightTraffic {
    /// By one step of the language model.
    pub language_bytes: u64,
    /// By the codec, encoding and decoding.
    pub codec_bytes: u64,
}

/// Weights as floats are up to eight times as large as packed ones, and faster only as long as they fit into a processor's cache: with
/// nano's 10 MB a step takes two thirds of the time.
const SMALL_MODEL_BYTES: usize = 16 << 20;

/// Mimi computes in f32, whatever its file holds.
const CODEC_FLOAT_BYTES: usize = size_of::<f32>();

impl ModelFiles {
    /// Bytes of weights that one step of the language model reads on `device`.
    ///
    /// # Errors
    /// Those of finding the weights and reading their header.
    pub fn language_traffic(&self, quality: Option<Quality>, device: DeviceKind) -> Result<u64, ModelError> {
        let header = Header::read(&self.weights(quality)?.1)?;
        let float_bytes = float_bytes(device);
        let tensors = header.tensors();
        let bytes = tensors.map(|(key, dtype, shape)| self.bytes_of_language(key, dtype, shape, float_bytes)).sum();
        Ok(bytes)
    }

    /// Bytes of weights that one whole frame reads on `device`.
    ///
    /// # Errors
    /// Those of finding the weights and reading their headers.
    pub fn traffic(&self, quality: Option<Quality>, device: DeviceKind) -> Result<WeightTraffic, ModelError> {
        let header = Header::read(&self.mimi())?;
        let codebooks = self.config.model.mimi_codebooks();
        let codec_bytes = header.tensors().map(|(key, _, shape)| bytes_of_codec(key, shape, codebooks)).sum();
        let language_bytes = match self.matrix_form(quality, device)? {
            MatrixForm::Published => self.language_traffic(quality, device)?,
            MatrixForm::ByInputs => self.expanded_traffic(quality)?,
        };
        Ok(WeightTraffic { language_bytes, codec_bytes })
    }

    /// The form in which the language model's matrices serve a talk best.
    ///
    /// # Errors
    /// Those of finding the weights and reading their header.
    pub(crate) fn matrix_form(&self, quality: Option<Quality>, device: DeviceKind) -> Result<MatrixForm, ModelError> {
        let (quality, path) = self.weights(quality)?;
        let header = Header::read(&path)?;
        let weights = header.tensors().map(|(_, dtype, shape)| match quality.packing() {
            Some(packing) if dtype == FileDtype::U32 => packing.weights(elements(shape)),
            _ => elements(shape),
        });
        let is_small = weights.sum::<usize>() * size_of::<f32>() <= SMALL_MODEL_BYTES;
        Ok(if is_small && device == DeviceKind::Cpu { MatrixForm::ByInputs } else { MatrixForm::Published })
    }

    /// As [`language_traffic`](Self::language_traffic) on a CPU, with every matrix as floats.
    fn expanded_traffic(&self, quality: Option<Quality>) -> Result<u64, ModelError> {
        let (quality, path) = self.weights(quality)?;
        let header = Header::read(&path)?;
        let tensors = header.tensors().map(|(key, dtype, shape)| {
            let Some(packing) = quality.packing().filter(|_| dtype == FileDtype::U32) else {
                let is_gone = key.ends_with(".scales") || key.ends_with(".biases");
                return if is_gone { 0 } else { self.bytes_of_language(key, dtype, shape, size_of::<f32>()) };
            };
            let mut shape = shape.to_vec();
            if let Some(columns) = shape.last_mut() {
                *columns = packing.weights(*columns);
            }
            self.bytes_of_language(key, FileDtype::F32, &shape, size_of::<f32>())
        });
        Ok(tensors.sum())
    }

    /// Bytes that a whole talk needs on `device`: all weights as they lie in memory, and room to compute.
    ///
    /// # Errors
    /// As [`traffic`](Self::traffic).
    pub fn memory_bytes(&self, quality: Option<Quality>, device: DeviceKind) -> Result<u64, ModelError> {
        let language = Header::read(&self.weights(quality)?.1)?;
        let codec = Header::read(&self.mimi())?;
        let float_bytes = float_bytes(device);
        let language = language.tensors().map(|(_, dtype, shape)| element_bytes(dtype, float_bytes) * elements(shape));
        let codec = codec.tensors().map(|(_, _, shape)| CODEC_FLOAT_BYTES * elements(shape));
        Ok(language.chain(codec).map(|bytes| bytes as u64).sum::<u64>() + WORKING_SET_BYTES as u64)
    }

    fn bytes_of_language(&self, key: &str, dtype: FileDtype, shape: &[usize], float_bytes: usize) -> u64 {
        let element = element_bytes(dtype, float_bytes);
        let row = |shape: &[usize]| shape.iter().skip(1).product::<usize>();
        let (table, part) = key.rsplit_once('.').unwrap_or((key, ""));
        let bytes = if table == "text_emb" || table.starts_with("audio_embs.") {
            row(shape) * element
        } else if table.starts_with("depformer.slices.") && table.strip_suffix(".emb").is_some() {
            // Turned into floats when it is loaded: one row of those, counted with the table's first tensor.
            if part == "weight" { self.config.model.depformer.width * float_bytes } else { 0 }
        } else if table.starts_with("depformer.slices.") && table.ends_with(".emb.low_rank") {
            0 // multiplied out when it is loaded
        } else {
            elements(shape) * element
        };
        bytes as u64
    }
}

fn float_bytes(device: DeviceKind) -> usize {
    if language_dtype(device) == Dtype::Float32 { size_of::<f32>() } else { size_of::<u16>() }
}

fn element_bytes(dtype: FileDtype, float_bytes: usize) -> usize {
    if dtype == FileDtype::U32 { size_of::<u32>() } else { float_bytes }
}

fn elements(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Bytes that a frame reads for one tensor of Mimi's file, of whose codebooks only the first are used.
fn bytes_of_codec(key: &str, shape: &[usize], codebooks: usize) -> u64 {
    let whole = elements(shape);
    let read = if let Some((chain, rest)) = key.split_once(".vq.layers.") {
        let layer: usize = rest.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let used = if chain.ends_with("rvq_first") { 1 } else { codebooks.saturating_sub(1) };
        // Encoding reads every centroid, and half its square, which takes the place of its usage.
        if layer < used && !key.ends_with("._initialized") { whole } else { 0 }
    } else if key.ends_with("output_proj.weight") && key.starts_with("quantizer.") {
        // Multiplied into the codebooks when they are loaded: decoding looks up one row for each.
        let used = if key.contains("rvq_first") { 1 } else { codebooks.saturating_sub(1) };
        used * shape.first().copied().unwrap_or(0)
    } else if key.contains(".layer_scale_") {
        0 // multiplied into the matrix before it
    } else {
        whole
    };
    (read * CODEC_FLOAT_BYTES) as u64
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn files(folder: &str) -> ModelFiles {
        ModelFiles::open(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)).unwrap()
    }

    /// Weights that one step reads, counted from the config instead of the file: matrices, norms and one row of each table.
    fn elements_of_step(files: &ModelFiles) -> (u64, u64) {
        let sizes = &files.config.model;
        let layer = |width: usize, hidden: usize| 4 * width * width + 3 * width * hidden;
        let (width, narrow) = (sizes.temporal.width, sizes.depformer.width);
        let temporal = sizes.temporal.layers * layer(width, sizes.temporal.hidden_of(0));
        let slices = (0..sizes.moshi_codebooks).map(|slice| {
            let layers = sizes.depformer.layers * layer(narrow, sizes.depformer.hidden_of(slice));
            width * narrow + layers + narrow * sizes.audio_cardinality
        });
        let matrices = temporal + slices.sum::<usize>() + width * sizes.text_cardinality;
        let rows = sizes.delays.len() * width;
        let slice_norms = sizes.moshi_codebooks * sizes.depformer.layers * 2 * narrow;
        let floats = width + 2 * width * sizes.temporal.layers + slice_norms + sizes.moshi_codebooks * narrow;
        ((matrices + rows) as u64, floats as u64)
    }

    #[test]
    fn one_step_reads_its_matrices_once_and_one_row_of_each_table() {
        for folder in ["assets/nano", "testdata/lm-base"] {
            let files = files(folder);
            let (packed, floats) = elements_of_step(&files);
            // Bits of a packed weight, and of its share in the group's scale and bias.
            let bytes =
                |bits: u64, group: u64, float: u64| packed * bits / 8 + 2 * packed / group * float + floats * float;
            for (device, float) in [(DeviceKind::Cpu, 4), (DeviceKind::Gpu, 2)] {
                let read = |quality| files.language_traffic(Some(quality), device).unwrap();
                assert_eq!(read(Quality::Q4), bytes(4, 32, float), "{folder} q4 {device:?}");
                assert_eq!(read(Quality::Q8), bytes(8, 64, float), "{folder} q8 {device:?}");
                assert_eq!(read(Quality::Bf16), (packed + floats) * float, "{folder} bf16 {device:?}");
            }
        }
    }

    #[test]
    fn codebooks_that_nobody_uses_are_not_read() {
        let name = |layer: usize| format!("quantizer.rvq_rest.vq.layers.{layer}._codebook.embedding_sum");
        assert_eq!(bytes_of_codec(&name(6), &[256, 64], 8), 256 * 64 * 4);
        assert_eq!(bytes_of_codec(&name(7), &[256, 64], 8), 0);
        assert_eq!(bytes_of_codec("quantizer.rvq_rest.output_proj.weight", &[128, 64, 1], 8), 7 * 128 * 4);
        assert_eq!(bytes_of_codec("encoder.model.0.conv.conv.weight", &[16, 1, 7], 8), 16 * 7 * 4);
    }

    #[test]
    fn a_frame_reads_the_codec_too() {
        let files = files("assets/nano");
        let traffic = files.traffic(Some(Quality::Q4), DeviceKind::Cpu).unwrap();
        let floats = files.language_traffic(Some(Quality::Bf16), DeviceKind::Cpu).unwrap();
        assert_eq!(traffic.language_bytes, floats, "so small a model has floats on a CPU");
        let on_a_gpu = files.traffic(Some(Quality::Q4), DeviceKind::Gpu).unwrap();
        assert_eq!(on_a_gpu.language_bytes, files.language_traffic(Some(Quality::Q4), DeviceKind::Gpu).unwrap());
        // As f32 the file, mostly f16, is nearly twice as large; the codebooks in it are f32 already.
        let file = Header::read(&files.mimi()).unwrap().data_bytes();
        assert!(traffic.codec_bytes > file && traffic.codec_bytes < 2 * file, "{traffic:?} of {file}");
    }
}
