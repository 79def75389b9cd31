//! What is not exactly right is refused, in words that name the thing: files that are damaged, or do not belong together.
//!
//! Every model here is a copy of a good one with a single fault. That the copies load without it is a test of its own.

#![allow(clippy::unwrap_used)] // Helpers of tests may fail as loudly as tests.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use moshibar_model::{
    Codec, DeviceChoice, Generator, Header, LoadOptions, ModelError, ModelFiles, MoshiEngine, Quality, Synchronisation,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

const BF16: &str = "model.safetensors";
const Q4: &str = "model.q4.safetensors";
const Q8: &str = "model.q8.safetensors";
const MIMI: &str = "mimi.safetensors";

type Tensor = (Dtype, Vec<usize>, Vec<u8>);

/// A copy of a good model, to be spoilt.
struct Model(TempDir);

impl Model {
    fn tiny() -> Self {
        Self::copy_of("testdata/lm-base")
    }

    fn copy_of(folder: &str) -> Self {
        let copy = tempfile::tempdir().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        Self(copy)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn tensors(&self, file: &str) -> BTreeMap<String, Tensor> {
        let bytes = fs::read(self.path(file)).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = |view: &TensorView<'_>| (view.dtype(), view.shape().to_vec(), view.data().to_vec());
        tensors.tensors().iter().map(|(key, view)| (key.clone(), tensor(view))).collect()
    }

    fn write_tensors(&self, file: &str, tensors: &BTreeMap<String, Tensor>) {
        let view = |(dtype, shape, bytes)| TensorView::new(dtype, shape, bytes).unwrap();
        let views = tensors.iter().map(|(key, (dtype, shape, bytes))| (key, view((*dtype, shape.clone(), bytes))));
        fs::write(self.path(file), safetensors::serialize(views, None).unwrap()).unwrap();
    }

    /// Changes the JSON of a header, not the data.
    fn edit_header(&self, file: &str, edit: impl FnOnce(&mut Value)) {
        let bytes = fs::read(self.path(file)).unwrap();
        let (length, rest) = bytes.split_first_chunk().unwrap();
        let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
        let mut header: Value = serde_json::from_slice(header).unwrap();
        edit(&mut header);
        let header = header.to_string();
        let parts = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data];
        fs::write(self.path(file), parts.concat()).unwrap();
    }

    fn edit_json(&self, file: &str, edit: impl FnOnce(&mut Value)) {
        let mut json: Value = serde_json::from_slice(&fs::read(self.path(file)).unwrap()).unwrap();
        edit(&mut json);
        fs::write(self.path(file), json.to_string()).unwrap();
    }

    fn open(&self) -> Result<ModelFiles, ModelError> {
        ModelFiles::open(self.0.path())
    }

    fn generator(&self, quality: Quality) -> Result<Generator, ModelError> {
        let options = LoadOptions { quality: Some(quality), device: DeviceChoice::Cpu, ..LoadOptions::default() };
        Generator::load(&self.open()?, &options, &mut |_| ())
    }

    fn codec(&self) -> Result<Codec, ModelError> {
        let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
        Codec::load(&self.open()?, &options, &mut |_| ())
    }

    fn engine(&self) -> Result<MoshiEngine, ModelError> {
        let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
        MoshiEngine::load(&self.open()?, &options, Synchronisation::PerFrame, &mut |_| ())
    }

    /// Loads what a file of tensors belongs to.
    fn load(&self, file: &str) -> Result<(), ModelError> {
        if file == MIMI { self.codec().map(drop) } else { self.generator(Quality::of_file(Path::new(file))).map(drop) }
    }
}

/// The error, if it is of the right kind and its message names all of these.
#[track_caller]
fn refusal<T: Debug>(result: Result<T, ModelError>, kind: fn(&ModelError) -> bool, names: &[&str]) -> ModelError {
    let error = result.unwrap_err();
    let message = error.to_string();
    assert!(kind(&error), "{error:?}");
    for name in names {
        assert!(message.contains(name), "'{name}' is not in: {message}");
    }
    error
}

fn damaged(error: &ModelError) -> bool {
    matches!(error, ModelError::Damaged { .. })
}
fn missing_key(error: &ModelError) -> bool {
    matches!(error, ModelError::MissingKey { .. })
}
fn left_over(error: &ModelError) -> bool {
    matches!(error, ModelError::LeftOverKey { .. })
}
fn wrong_shape(error: &ModelError) -> bool {
    matches!(error, ModelError::WrongShape { .. })
}
fn wrong_type(error: &ModelError) -> bool {
    matches!(error, ModelError::WrongType { .. })
}
fn bad_config(error: &ModelError) -> bool {
    matches!(error, ModelError::Config { .. })
}

#[test]
fn copies_without_a_fault_load() {
    for folder in ["testdata/lm-base", "assets/nano"] {
        let model = Model::copy_of(folder);
        for quality in Quality::ALL {
            assert_eq!(model.generator(quality).unwrap().quality(), quality);
        }
        model.engine().unwrap();
    }
    // Nor is it a fault to have been written by these helpers.
    let model = Model::tiny();
    for file in [BF16, Q4, Q8, MIMI] {
        model.write_tensors(file, &model.tensors(file));
        model.load(file).unwrap();
        model.edit_header(file, |_| ());
        model.load(file).unwrap();
    }
}

#[test]
fn any_missing_key_is_an_error() {
    let model = Model::tiny();
    for file in [BF16, MIMI] {
        let tensors = model.tensors(file);
        for key in tensors.keys() {
            let mut fewer = tensors.clone();
            fewer.remove(key);
            model.write_tensors(file, &fewer);
            refusal(model.load(file), missing_key, &[file, &format!("'{key}'")]);
        }
    }
    for key in ["audio_embs.3.scales", "depformer.slices.2.linear_out.biases", "transformer.layers.1.norm2.weight"] {
        let mut fewer = model.tensors(Q4);
        let taken = fewer.remove(key).unwrap();
        model.write_tensors(Q4, &fewer);
        refusal(model.load(Q4), missing_key, &[Q4, key]);
        fewer.insert(key.to_owned(), taken);
        model.write_tensors(Q4, &fewer);
    }
}

#[test]
fn left_over_key_is_an_error() {
    let model = Model::tiny();
    for file in [BF16, Q4, Q8, MIMI] {
        let mut more = model.tensors(file);
        more.insert("zzz.weight".to_owned(), (Dtype::F32, vec![1], vec![0; 4]));
        more.insert("nobody.knows".to_owned(), (Dtype::F32, vec![1], vec![0; 4]));
        model.write_tensors(file, &more);
        let error = refusal(model.load(file), left_over, &[file, "'nobody.knows'"]);
        assert!(matches!(error, ModelError::LeftOverKey { count: 2, .. }), "{error:?}");
    }
    // Biases beside the matrices of a model that has none: a fine-tune for another program.
    let model = Model::tiny();
    let mut more = model.tensors(BF16);
    more.insert("text_linear.bias".to_owned(), (Dtype::BF16, vec![48], vec![0; 96]));
    model.write_tensors(BF16, &more);
    refusal(model.load(BF16), left_over, &[BF16, "'text_linear.bias'"]);
}

#[test]
fn any_wrong_shape_is_an_error() {
    let model = Model::tiny();
    for file in [BF16, MIMI] {
        let tensors = model.tensors(file);
        for (key, (_, shape, _)) in &tensors {
            // As many numbers, in another order: nothing but the shape can tell.
            let mut wrong = shape.clone();
            if shape.first() == shape.last() {
                wrong.insert(0, 1);
            } else {
                wrong.reverse();
            }
            model.edit_header(file, |header| header[key]["shape"] = json!(wrong));
            let error = refusal(model.load(file), wrong_shape, &[file, key, &format!("{wrong:?}")]);
            assert!(matches!(&error, ModelError::WrongShape { expected, .. } if expected == shape), "{error:?}");
            model.edit_header(file, |header| header[key]["shape"] = json!(shape));
        }
        model.load(file).unwrap();
    }
    model.edit_header(Q8, |header| header["audio_embs.0.weight"]["shape"] = json!([16, 33]));
    refusal(model.load(Q8), wrong_shape, &[Q8, "audio_embs.0.weight", "[33, 16]", "[16, 33]"]);
}

#[test]
fn wrong_type_is_an_error() {
    for (file, key, dtype) in [
        (BF16, "out_norm.weight", "I16"),
        (BF16, "transformer.layers.0.self_attn.in_proj.weight", "U16"),
        (MIMI, "quantizer.rvq_first.vq.layers.0._codebook.embedding_sum", "U32"),
        (MIMI, "quantizer.rvq_first.vq.layers.0._codebook.embedding_sum", "I32"),
        (Q4, "text_emb.weight", "I32"),
        (Q4, "text_emb.weight", "F32"),
        (Q8, "text_emb.scales", "I16"),
    ] {
        let model = Model::tiny();
        model.edit_header(file, |header| header[key]["dtype"] = json!(dtype));
        refusal(model.load(file), wrong_type, &[file, key, dtype]);
    }
}

#[test]
fn file_of_another_length_is_damaged() {
    for file in [Q8, MIMI] {
        let model = Model::tiny();
        let whole = fs::read(model.path(file)).unwrap();
        let header = 8 + u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
        for length in [0, 1, 7, 8, 9, header / 2, header - 1, header, header + 1, whole.len() / 2, whole.len() - 1] {
            fs::write(model.path(file), &whole[..length]).unwrap();
            refusal(model.load(file), damaged, &[file, "download it again"]);
            refusal(Header::read(&model.path(file)), damaged, &[file]);
            refusal(model.engine(), damaged, &[file]);
        }
        fs::write(model.path(file), [whole.as_slice(), b"!"].concat()).unwrap();
        refusal(model.load(file), damaged, &[file]);
    }
}

#[test]
fn header_length_beyond_the_file_is_damaged() {
    let model = Model::tiny();
    for file in [BF16, MIMI] {
        let mut bytes = fs::read(model.path(file)).unwrap();
        let size = bytes.len() as u64;
        for length in [0, 1, size - 7, size, 100_000_001, 1 << 32, 1 << 63, u64::MAX - 7, u64::MAX] {
            bytes[..8].copy_from_slice(&length.to_le_bytes());
            fs::write(model.path(file), &bytes).unwrap();
            refusal(model.load(file), damaged, &[file]);
        }
    }
}

#[test]
fn offsets_that_overlap_or_leave_a_gap_are_damage() {
    let model = Model::tiny();
    let keys: Vec<String> = model.tensors(MIMI).into_keys().collect();
    let good = fs::read(model.path(MIMI)).unwrap();
    for key in keys.iter().step_by(7) {
        for shift in [[-4_i64, -4], [4, 4], [-4, 0], [0, 4], [0, -4], [1 << 40, 1 << 40], [0, i64::MAX >> 1]] {
            model.edit_header(MIMI, |header| {
                let offsets = header[key]["data_offsets"].as_array_mut().unwrap();
                for (offset, shift) in offsets.iter_mut().zip(shift) {
                    *offset = json!(offset.as_i64().unwrap() + shift);
                }
            });
            refusal(model.codec(), damaged, &[MIMI]);
            fs::write(model.path(MIMI), &good).unwrap();
        }
    }
    // Two tensors of one shape in one place, the other place unused.
    model.edit_header(Q8, |header| header["audio_embs.1.weight"] = header["audio_embs.0.weight"].clone());
    refusal(model.load(Q8), damaged, &[Q8]);
}

/// In the header itself and in the field before it. Most flips make no JSON; those that do must be noticed later.
#[test]
fn flipped_bit_of_a_header_is_noticed() {
    let model = Model::tiny();
    let path = model.path(BF16);
    let mut file = fs::File::options().read(true).write(true).open(&path).unwrap();
    let mut length = [0; 8];
    file.read_exact(&mut length).unwrap();
    let end = 8 + u64::from_le_bytes(length);
    let (mut refused, mut accepted, mut loaded) = (0, 0, 0);
    for at in 0..end {
        let mut byte = [0];
        file.seek(SeekFrom::Start(at)).unwrap();
        file.read_exact(&mut byte).unwrap();
        let mut put = |byte: u8| {
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(&[byte]).unwrap();
        };
        for bit in 0..8 {
            put(byte[0] ^ (1 << bit));
            if let Err(error) = Header::read(&path) {
                refusal::<()>(Err(error), damaged, &[BF16]);
                refused += 1;
                continue;
            }
            accepted += 1;
            // A name of another letter: every 40th is loaded, which takes milliseconds.
            if accepted % 40 == 0 {
                let known = |error: &ModelError| missing_key(error) || wrong_shape(error) || wrong_type(error);
                refusal(model.load(BF16), known, &[BF16]);
                loaded += 1;
            }
        }
        put(byte[0]);
    }
    assert_eq!(refused + accepted, 8 * end);
    assert!(loaded > 100, "only {loaded} of {accepted} headers were loaded");
    model.load(BF16).unwrap();
}

#[test]
fn weights_under_the_name_of_another_quality_are_refused() {
    for folder in ["testdata/lm-base", "assets/nano"] {
        let originals = Model::copy_of(folder);
        for declared in Quality::ALL {
            for (real, found) in [(BF16, "BF16"), (Q4, "4 bits in groups of 32"), (Q8, "8 bits in groups of 64")] {
                if real == declared.file_name() {
                    continue;
                }
                let model = Model::copy_of(folder);
                fs::copy(originals.path(real), model.path(declared.file_name())).unwrap();
                let mismatch = |error: &ModelError| matches!(error, ModelError::PackingMismatch { .. });
                let declaration = format!("declared {}", declared.name());
                refusal(model.generator(declared), mismatch, &[declared.file_name(), &declaration, found]);
            }
        }
    }
}

/// The configs are good in themselves; only the weights prove them wrong.
#[test]
fn config_that_contradicts_the_weights_is_refused() {
    type Case = (&'static str, Value, fn(&ModelError) -> bool, &'static str);
    let cases: [Case; 10] = [
        ("dim", json!(128), wrong_shape, "text_emb.weight"),
        ("num_layers", json!(1), left_over, "transformer.layers.1."),
        ("num_layers", json!(3), missing_key, "transformer.layers.2."),
        ("n_q", json!(11), left_over, "audio_embs.11."),
        ("n_q", json!(13), missing_key, "audio_embs.12."),
        ("dep_q", json!(3), left_over, "depformer.slices.3."),
        ("dep_q", json!(5), missing_key, "depformer.slices.4."),
        ("text_card", json!(49), wrong_shape, "text_emb.weight"),
        ("card", json!(31), wrong_shape, "audio_embs.0.weight"),
        ("depformer_dim_feedforward", json!(192), wrong_shape, "depformer.slices.0.transformer.layers.0.gating"),
    ];
    for (key, value, kind, names) in cases {
        for quality in Quality::ALL {
            let model = Model::tiny();
            model.edit_json("config.json", |config| {
                config[key] = value.clone();
                let streams = 1 + config["n_q"].as_u64().unwrap();
                config["delays"] = (0..streams).map(|stream| u64::from(stream % 5 > 1)).collect();
            });
            refusal(model.generator(quality), kind, &[quality.file_name(), names]);
        }
    }
}

#[test]
fn codec_that_contradicts_the_config_is_refused() {
    let edit = |part: &'static str, key: &'static str, value: Value| {
        let model = Model::tiny();
        model.edit_json("mimi_config.json", |config| config[part][key] = value);
        model
    };
    let few = edit("quantizer", "n_q", json!(7));
    refusal(few.codec(), bad_config, &["mimi_config.json", "7 codebooks", "8"]);
    let bins = edit("quantizer", "bins", json!(64));
    refusal(bins.engine(), bad_config, &["mimi_config.json", "64 codes", "32"]);
    let fewer = edit("quantizer", "n_q", json!(11));
    refusal(fewer.codec(), left_over, &[MIMI, "quantizer.rvq_rest.vq.layers.10."]);
    let filters = edit("seanet", "n_filters", json!(4));
    refusal(filters.engine(), wrong_shape, &[MIMI, "encoder.model.0.conv.conv.weight"]);
    let layers = edit("transformer", "num_layers", json!(3));
    refusal(layers.codec(), missing_key, &[MIMI, "encoder_transformer.transformer.layers.2."]);
    let scales = edit("transformer", "layer_scale", Value::Null);
    refusal(scales.codec(), left_over, &[MIMI, "layer_scale"]);
}

#[test]
fn config_of_nonsense_is_refused() {
    let huge = json!(u64::MAX);
    for (key, value, names) in [
        ("dim", json!("64"), "expected usize"),
        ("dim", json!(-64), "expected usize"),
        ("dim", json!(64.5), "expected usize"),
        ("dim", Value::Null, "expected usize"),
        ("dim", json!(0), "dim is 0"),
        ("dim", huge.clone(), "dim is"),
        ("dim", json!(u128::from(u64::MAX) as f64 * 2.0), "expected usize"),
        ("num_heads", json!(3), "num_heads"),
        ("num_heads", huge.clone(), "num_heads is"),
        ("num_layers", huge.clone(), "num_layers is"),
        ("n_q", huge.clone(), "n_q is"),
        ("dep_q", json!(13), "dep_q is 13"),
        ("dep_q", json!(12), "n_q must be larger than dep_q"),
        ("text_card", huge.clone(), "text_card is"),
        ("card", huge.clone(), "card is"),
        ("context", huge.clone(), "context is"),
        ("hidden_scale", json!(1e300), "hidden_scale"),
        ("depformer_dim", huge.clone(), "depformer_dim is"),
        ("depformer_dim_feedforward", huge.clone(), "depformer_dim_feedforward is"),
        ("delays", json!([0, 1]), "delays"),
        ("delays", json!([0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, u64::MAX]), "delay"),
        ("delays", json!("none"), "expected a sequence"),
        ("norm", json!("layer_norm"), "norm 'layer_norm'"),
        ("gating", json!("gelu"), "gating"),
        ("positional_embedding", json!("sin"), "positional_embedding"),
        ("depformer_pos_emb", json!("rope"), "depformer_pos_emb"),
        ("model_type", json!("hibiki"), "model_type"),
        ("conditioners", json!({"speaker": {}}), "conditioners"),
        ("lora_name", json!("lora.safetensors"), "LoRA"),
        ("mimi_name", json!("../mimi.safetensors"), "../mimi.safetensors"),
        ("lm_gen_config", json!({"top_k": -1}), "expected usize"),
    ] {
        let model = Model::tiny();
        model.edit_json("config.json", |config| config[key] = value.clone());
        refusal(model.open(), bad_config, &["config.json", names]);
    }
    for key in ["dim", "n_q", "dep_q", "card", "text_card", "delays", "context", "num_layers"] {
        let model = Model::tiny();
        model.edit_json("config.json", |config| drop(config.as_object_mut().unwrap().remove(key)));
        refusal(model.open(), bad_config, &["config.json", "missing field", key]);
    }
}

#[test]
fn config_cut_anywhere_is_refused() {
    let model = Model::tiny();
    for file in ["config.json", "mimi_config.json"] {
        let whole = fs::read(model.path(file)).unwrap();
        let end = whole.trim_ascii_end().len();
        for length in 0..end {
            fs::write(model.path(file), &whole[..length]).unwrap();
            refusal(model.codec(), bad_config, &[file]);
        }
        fs::write(model.path(file), whole).unwrap();
    }
}
