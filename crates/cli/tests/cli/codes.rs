//! `encode`, `decode` and `generate`: their files, and that each needs only the part of a model that it uses.

use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use crate::program::{copy_of, demo, json, nano, refusal};

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

/// Element type, shape and values of a tensor of 32-bit words.
fn tensor(file: &str, name: &str) -> (Dtype, Vec<usize>, Vec<i32>) {
    let bytes = std::fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = tensors.tensor(name).unwrap();
    let values = tensor.data().chunks_exact(4).map(|word| i32::from_le_bytes(word.try_into().unwrap())).collect();
    (tensor.dtype(), tensor.shape().to_vec(), values)
}

#[test]
fn encode_decode_and_generate_write_what_they_promise() {
    let folder = tempfile::tempdir().unwrap();
    let (codes, speech, tokens) = (
        path(folder.path(), "codes.safetensors"),
        path(folder.path(), "speech.wav"),
        path(folder.path(), "out.safetensors"),
    );
    let green = demo("green");
    let encoded = json(["encode", green.to_str().unwrap(), &codes, "--device", "cpu"]);
    let frames = encoded["frames"].as_u64().unwrap() as usize;
    let (dtype, shape, values) = tensor(&codes, "codes");
    assert_eq!((dtype, &shape), (Dtype::U32, &vec![8, frames]));
    assert!(values.iter().any(|code| *code != values[0]), "speech is not one code");

    json(["decode", &codes, &speech, "--device", "cpu"]);
    let decoded = moshibar_audio::read_wav(Path::new(&speech)).unwrap().at_engine_rate().unwrap();
    assert_eq!(decoded.len(), frames * 1_920);

    json(["generate", &codes, &tokens, "--greedy", "--device", "cpu"]);
    let (text_type, text_shape, text) = tensor(&tokens, "text");
    let (audio_type, audio_shape, audio) = tensor(&tokens, "audio");
    assert_eq!((text_type, audio_type), (Dtype::I32, Dtype::I32));
    assert_eq!((text_shape, audio_shape), (vec![frames], vec![8, frames]));
    // The acoustic delay is one frame: PyTorch's LMGen.step returns None once.
    assert_eq!(
        text.iter().map(|token| *token < 0).collect::<Vec<_>>(),
        (0..frames).map(|at| at < 1).collect::<Vec<_>>()
    );
    assert!(audio.iter().enumerate().all(|(at, code)| (*code < 0) == (at % frames < 1)));
}

#[test]
fn each_command_needs_only_the_files_that_it_uses() {
    let (codec, brain) = (copy_of(&nano()), copy_of(&nano()));
    for name in ["model.safetensors", "model.q8.safetensors", "model.q4.safetensors", "tokenizer_spm_nano.model"] {
        std::fs::remove_file(codec.path().join(name)).unwrap();
    }
    for name in ["mimi.safetensors", "mimi_config.json", "tokenizer_spm_nano.model"] {
        std::fs::remove_file(brain.path().join(name)).unwrap();
    }
    let green = demo("green");
    let folder = tempfile::tempdir().unwrap();
    let (codes, speech, tokens) = (
        path(folder.path(), "codes.safetensors"),
        path(folder.path(), "speech.wav"),
        path(folder.path(), "out.safetensors"),
    );
    let (codec, brain) = (codec.path().to_str().unwrap(), brain.path().to_str().unwrap());
    json(["encode", green.to_str().unwrap(), &codes, "--model", codec, "--device", "cpu"]);
    json(["decode", &codes, &speech, "--model", codec, "--device", "cpu"]);
    json(["generate", &codes, &tokens, "--model", brain, "--greedy", "--device", "cpu"]);
    // And a talk says which part is not there.
    let reply = path(folder.path(), "reply.wav");
    let sentence = refusal(2, ["talk", green.to_str().unwrap(), "-o", &reply, "--model", codec, "--device", "cpu"]);
    assert!(sentence.contains("is missing"), "{sentence}");
    let sentence = refusal(2, ["talk", green.to_str().unwrap(), "-o", &reply, "--model", brain, "--device", "cpu"]);
    assert!(sentence.contains("is missing"), "{sentence}");
    assert!(!Path::new(&reply).exists());
}
