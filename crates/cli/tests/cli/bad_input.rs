//! What is wrong with the input: one sentence with the way out, the right exit code, and nothing half-written.

use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde_json::Value;

use crate::program::{copy_of, demo, names_in, nano, refusal, run};

/// A folder with one WAV file in it, where a talk would write its reply.
struct Case {
    folder: tempfile::TempDir,
    input: PathBuf,
}

impl Case {
    fn with_input(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("question.wav");
        std::fs::write(&input, bytes).unwrap();
        Self { folder, input }
    }

    /// The sentence of a talk that must fail and leave the folder as it was.
    fn refusal(&self, exit_code: i32, more: &[&str]) -> String {
        let before = names_in(self.folder.path());
        let mut arguments: Vec<PathBuf> = vec!["talk".into(), self.input.clone()];
        arguments.extend(["-o".into(), self.folder.path().join("reply.wav")]);
        arguments.extend(["--device", "cpu"].iter().chain(more).map(PathBuf::from));
        let sentence = refusal(exit_code, arguments);
        assert_eq!(names_in(self.folder.path()), before, "nothing half-written");
        sentence
    }
}

/// A WAV file of this form: format tag 1 is integers, 3 floats.
fn wav(tag: u16, rate_hz: u32, bits: u16, samples: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + samples.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(tag.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend((rate_hz * u32::from(bits / 8)).to_le_bytes());
    bytes.extend((bits / 8).to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((samples.len() as u32).to_le_bytes());
    bytes.extend(samples);
    bytes
}

#[track_caller]
fn assert_says(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "'{part}' is not in: {sentence}");
    }
}

#[test]
fn recordings_that_cannot_be_heard() {
    let nan = [0.1_f32, f32::NAN, 0.2].map(f32::to_le_bytes).concat();
    let mut truncated = std::fs::read(demo("green")).unwrap();
    truncated.truncate(truncated.len() / 2);
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        ("not a WAV", b"Dear Moshi, how are you?".to_vec(), &["is not a WAV file", "ffmpeg"]),
        ("an empty file", Vec::new(), &["question.wav"]),
        ("no samples", wav(1, 24_000, 16, &[]), &["holds no sound", "choose"]),
        ("0 Hz", wav(1, 0, 16, &[1; 4_800]), &["0 Hz", "8000"]),
        ("NaN", wav(3, 24_000, 32, &nan.repeat(2_000)), &["impossible sample at 0.000 s", "export"]),
        ("half a file", truncated, &["promises", "again"]),
    ];
    for (name, bytes, parts) in cases {
        let sentence = Case::with_input(&bytes).refusal(2, &[]);
        println!("{name}: {sentence}");
        assert_says(&sentence, parts);
    }
}

#[test]
fn recording_that_is_not_there_or_is_a_folder() {
    let mut case = Case::with_input(b"");
    let there = case.input.clone();
    case.input = case.folder.path().join("nowhere.wav");
    assert_says(&case.refusal(2, &[]), &["cannot find", "nowhere.wav"]);
    case.input = there.parent().unwrap().to_owned();
    assert_says(&case.refusal(2, &[]), &["is a folder"]);
}

#[test]
fn places_that_cannot_be_written() {
    let green = demo("green");
    let talk = |output: &Path| {
        refusal(
            1,
            [
                "talk".as_ref(),
                green.as_os_str(),
                "-o".as_ref(),
                output.as_os_str(),
                "--device".as_ref(),
                "cpu".as_ref(),
            ],
        )
    };
    let folder = tempfile::tempdir().unwrap();
    assert_says(&talk(&folder.path().join("none/reply.wav")), &["folder does not exist", "create"]);
    assert_says(&talk(Path::new("/dev/full")), &["/dev/full", "not an ordinary file"]);
    // The input is never written over.
    let case = Case::with_input(&std::fs::read(&green).unwrap());
    let input = case.input.as_os_str();
    let sentence = refusal(2, ["talk".as_ref(), input, "-o".as_ref(), input]);
    assert_says(&sentence, &["named twice"]);
    assert_eq!(std::fs::read(&case.input).unwrap(), std::fs::read(&green).unwrap());
}

/// A disk of 64 kB, in a namespace of its own, and a reply of 230 kB.
#[cfg(target_os = "linux")]
#[test]
fn full_disk() {
    let script = "mount -t tmpfs -o size=64k tmpfs \"$1\" && cd \"$1\" && echo old > reply.wav && \
        { \"$2\" talk \"$3\" -o reply.wav --device cpu; code=$?; ls -A; cat reply.wav; exit $code; }";
    let namespace = ["--user", "--map-root-user", "--mount", "sh", "-c"];
    let folder = tempfile::tempdir().unwrap();
    let trial = std::process::Command::new("unshare").args(namespace).arg("mount -t tmpfs tmpfs /mnt").status();
    if !trial.is_ok_and(|status| status.success()) {
        println!("not tested: this machine lets nobody mount a small disk (unshare --user --mount)");
        return;
    }
    let program = crate::program::command();
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(namespace).args([script, "sh"]).arg(folder.path()).arg(program.get_program()).arg(demo("green"));
    let output = unshare.env("MOSHIBAR_ASSETS", crate::program::repository().join("assets")).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_says(&errors, &["moshibar: cannot write reply.wav because the disk is full", "free some space"]);
    // What was there before is there still, and nothing beside it; the live captions come first.
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with("reply.wav\nold\n") && !said.contains(".part"), "{said}");
}

#[test]
fn models_that_are_not_there() {
    let case = Case::with_input(&std::fs::read(demo("green")).unwrap());
    assert_says(&case.refusal(2, &["--model", "mosh"]), &["no model named 'mosh'", "choose", "nano"]);
    assert_says(&case.refusal(2, &["--model", "./no-such-folder"]), &["no such folder"]);
    let empty = tempfile::tempdir().unwrap();
    let sentence = case.refusal(2, &["--model", empty.path().to_str().unwrap()]);
    assert_says(&sentence, &[".model is missing", "download"]);
    let sentence = case.refusal(2, &["--model", nano().to_str().unwrap(), "--quality", "q5"]);
    assert_says(&sentence, &["q5", "q4, q8 or bf16"]);
}

#[test]
fn checkpoints_that_are_damaged() {
    let case = Case::with_input(&std::fs::read(demo("green")).unwrap());
    let model = copy_of(&nano());
    let weights = model.path().join("model.q4.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&weights, bytes).unwrap();
        case.refusal(1, &["--quality", "q4", "--model", model.path().to_str().unwrap()])
    };
    for length in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        assert_says(&refused(&whole[..length]), &["model.q4.safetensors", "download it again"]);
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert_says(&refused(&longer), &["model.q4.safetensors", "bytes long"]);
    for byte in [0, 3, 7, 8, 20] {
        let mut flipped = whole.clone();
        flipped[byte] ^= 0x10;
        assert_says(&refused(&flipped), &["model.q4.safetensors"]);
    }
}

/// A flip among the weights has no shape: one that makes a scale infinite is noticed when it sounds, others by the
/// checksums of whoever fetched the file.
#[test]
fn weights_that_are_no_numbers_end_the_talk_with_a_reason() {
    let case = Case::with_input(&std::fs::read(demo("green")).unwrap());
    let model = copy_of(&nano());
    let weights = model.path().join("mimi.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let length = bytes.len() - header;
    bytes[header + length / 2..].fill(0xff);
    std::fs::write(&weights, bytes).unwrap();
    let sentence = case.refusal(1, &["--model", model.path().to_str().unwrap()]);
    assert_says(&sentence, &["not a number"]);
}

#[test]
fn configs_that_contradict_the_weights() {
    let case = Case::with_input(&std::fs::read(demo("green")).unwrap());
    let model = copy_of(&nano());
    let path = model.path().join("config.json");
    let original: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let refused = |key: &str, value: Value| {
        let mut config = original.clone();
        config[key] = value;
        std::fs::write(&path, config.to_string()).unwrap();
        case.refusal(1, &["--model", model.path().to_str().unwrap()])
    };
    let layers = original["num_layers"].as_u64().unwrap();
    assert_says(&refused("num_layers", (layers + 1).into()), &["has no tensor 'transformer.layers.", "config.json"]);
    assert_says(&refused("num_layers", (layers - 1).into()), &["does not know", "transformer.layers."]);
    assert_says(&refused("text_card", 4_000.into()), &["text", "the config says"]);
    assert_says(&refused("dim", "wide".into()), &["config.json", "\"wide\", expected usize", "line 1 column"]);
    assert_says(&refused("delays", vec![0; 3].into()), &["config.json", "delays"]);
    std::fs::write(&path, "{").unwrap();
    assert_says(&case.refusal(1, &["--model", model.path().to_str().unwrap()]), &["config.json"]);
}

#[test]
fn quality_that_the_file_does_not_have() {
    let case = Case::with_input(&std::fs::read(demo("green")).unwrap());
    let model = copy_of(&nano());
    for impostor in ["model.safetensors", "model.q8.safetensors"] {
        std::fs::copy(nano().join(impostor), model.path().join("model.q4.safetensors")).unwrap();
        let sentence = case.refusal(1, &["--quality", "q4", "--model", model.path().to_str().unwrap()]);
        assert_says(&sentence, &["declared q4", "never quantises", "choose the quality"]);
    }
}

#[test]
fn codes_that_no_model_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("codes.safetensors"), folder.path().join("out"));
    let refused = |name: &str, dtype: Dtype, shape: &[usize], values: &[i32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = TensorView::new(dtype, shape.to_vec(), &bytes).unwrap();
        serialize_to_file([(name, view)], None, &file).unwrap();
        ["decode", "generate"].map(|command| {
            let arguments = [command.as_ref(), file.as_os_str(), out.as_os_str(), "--device".as_ref(), "cpu".as_ref()];
            let sentence = refusal(2, arguments);
            assert_eq!(names_in(folder.path()), ["codes.safetensors"]);
            sentence
        })
    };
    for sentence in refused("codes", Dtype::U32, &[8, 1], &[1_000_000; 8]) {
        assert_says(&sentence, &["code 1000000 in codebook 0 of frame 0", "choose the --model"]);
    }
    for sentence in refused("codes", Dtype::I32, &[8, 1], &[-1; 8]) {
        assert_says(&sentence, &["impossible code -1"]);
    }
    for sentence in refused("codes", Dtype::U32, &[8], &[0; 8]) {
        assert_says(&sentence, &["[num_codebooks, frames]"]);
    }
    for sentence in refused("codes", Dtype::U32, &[8, 0], &[]) {
        assert_says(&sentence, &["holds no codes"]);
    }
    for sentence in refused("kodes", Dtype::U32, &[8, 1], &[0; 8]) {
        assert_says(&sentence, &["no tensor 'codes'", "kodes"]);
    }
    std::fs::write(&file, "text").unwrap();
    let sentence = refusal(2, ["decode".as_ref(), file.as_os_str(), out.as_os_str()]);
    assert_says(&sentence, &["not a safetensors file", "moshibar encode"]);
}

#[test]
fn command_lines_that_make_no_sense() {
    assert_says(&refusal(2, ["tlak"]), &["tlak", "talk", "--help"]);
    assert_says(&refusal(2, ["talk", "a.wav"]), &["--output", "moshibar talk --help"]);
    assert_says(&refusal(2, ["talk", "a.wav", "-o", "b.wav", "--tail=-1"]), &["--tail"]);
    assert_says(&refusal(2, ["talk", "a.wav", "-o", "b.wav", "--transcript", "c.doc"]), &[".md, .srt or .json"]);
    assert_says(&refusal(2, ["talk", "a.wav", "-o", "b.wav", "--greedy", "--top-p", "0.9"]), &["--greedy"]);
    let help = run(["talk", "--help"]);
    assert!(help.status.success() && help.stderr.is_empty());
}

#[test]
fn programs_get_the_error_as_json() {
    let output = run(["talk", "nowhere.wav", "-o", "reply.wav", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["error"]["code"], "bad_input");
    assert_says(object["error"]["message"].as_str().unwrap(), &["cannot find nowhere.wav"]);
}
