//! Against frozen outputs of the official implementations on tiny checkpoints; `testdata/README.md` says how they were made.

use std::path::PathBuf;

use moshibar_session::{FRAME_SAMPLES, Frame};
use safetensors::SafeTensors;

use crate::codec::Codec;
use crate::files::ModelFiles;
use crate::generator::Generator;
use crate::loading::LoadOptions;
use crate::moshi::sampler::Sampling;
use crate::moshi::text::TextPieces;
use crate::quality::Quality;
use crate::runtime::DeviceChoice;
use crate::weights::MatrixForm;

/// The bar for logits of the order of 10. PyTorch and moshi_mlx differ by 1.5e-4 at most (`testdata/figures.json`); a wrong
/// epsilon, rotation or delay moves them by far more.
const LOGIT_TOLERANCE: f32 = 1e-3;
/// The bar for speech with an RMS of 0.1; PyTorch and moshi_mlx differ by some 1e-6.
const PCM_TOLERANCE: f32 = 1e-4;
/// The bar for the codec's codes. Of a few hundred this means all; the goldens have none that is a close choice.
const EQUAL_CODES: f64 = 0.999;

/// Frozen tensors of one case.
struct Golden(Vec<u8>);

impl Golden {
    fn read(case: &str, file: &str) -> Self {
        Self(std::fs::read(testdata(case).join(file)).unwrap())
    }

    /// Shape and numbers, by their bytes.
    fn tensor<const WIDTH: usize>(&self, name: &str) -> (Vec<usize>, Vec<[u8; WIDTH]>) {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let view = tensors.tensor(name).unwrap();
        (view.shape().to_vec(), view.data().chunks_exact(WIDTH).map(|bytes| bytes.try_into().unwrap()).collect())
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        self.tensor(name).1.into_iter().map(f32::from_le_bytes).collect()
    }

    /// Samples of 16 bits, as frames.
    fn frames(&self, name: &str) -> Vec<Frame> {
        let sample = |bytes| f32::from(i16::from_le_bytes(bytes)) / 32_768.0;
        let samples: Vec<_> = self.tensor(name).1.into_iter().map(sample).collect();
        samples.chunks_exact(FRAME_SAMPLES).map(|frame| frame.try_into().unwrap()).collect()
    }

    fn number(&self, name: &str) -> usize {
        i32::from_le_bytes(self.tensor(name).1[0]) as usize
    }

    /// A matrix by columns.
    fn columns(&self, name: &str) -> Vec<Vec<i32>> {
        let (shape, data) = self.tensor(name);
        let (rows, columns) = if shape.len() == 1 { (1, shape[0]) } else { (shape[0], shape[1]) };
        let at = |row: usize, column: usize| i32::from_le_bytes(data[row * columns + column]);
        (0..columns).map(|column| (0..rows).map(|row| at(row, column)).collect()).collect()
    }
}

fn testdata(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(case)
}

fn greedy(quality: Option<Quality>) -> LoadOptions {
    LoadOptions { quality, device: DeviceChoice::Cpu, sampling: Some(Sampling::greedy()), ..LoadOptions::default() }
}

fn files(case: &str) -> ModelFiles {
    ModelFiles::open(&testdata(case)).unwrap_or_else(|error| panic!("{error}"))
}

fn generator(case: &str, quality: Quality, form: MatrixForm) -> Generator {
    Generator::load_form(&files(case), &greedy(Some(quality)), form, &mut |_| ()).unwrap()
}

fn largest_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

const CASES: [(&str, Quality, MatrixForm); 9] = [
    ("lm-base", Quality::Bf16, MatrixForm::Published),
    ("lm-base", Quality::Bf16, MatrixForm::ByInputs),
    ("lm-base", Quality::Q8, MatrixForm::Published),
    ("lm-base", Quality::Q8, MatrixForm::ByInputs),
    ("lm-base", Quality::Q4, MatrixForm::Published),
    ("lm-base", Quality::Q4, MatrixForm::ByInputs),
    ("lm-odd", Quality::Bf16, MatrixForm::Published),
    ("lm-odd", Quality::Q4, MatrixForm::Published),
    ("lm-odd", Quality::Q4, MatrixForm::ByInputs),
];

/// More than the ring of either case holds, four times over.
const LEAST_STEPS: usize = 300;

#[test]
fn greedy_tokens_equal_pytorch_in_every_step() {
    for (case, quality, form) in CASES {
        let golden = Golden::read(case, "golden.safetensors");
        let mut generator = generator(case, quality, form);
        let expected_text = golden.columns(&format!("{}.text", quality.name()));
        let expected_audio = golden.columns(&format!("{}.audio", quality.name()));
        assert!(expected_text.len() >= LEAST_STEPS && 4 * files(case).config.model.context < LEAST_STEPS);
        for (frame, user) in golden.columns("user_codes").iter().enumerate() {
            let user: Vec<u32> = user.iter().map(|code| *code as u32).collect();
            let (said, _) = generator.step(&user).unwrap();
            let (text, audio) = said.map_or((-1, vec![-1; expected_audio[0].len()]), |said| (said.text, said.audio));
            assert_eq!([text].as_slice(), expected_text[frame], "text of frame {frame} in {case} {quality:?} {form:?}");
            assert_eq!(audio, expected_audio[frame], "codes of frame {frame} in {case} {quality:?} {form:?}");
        }
    }
}

#[test]
fn logits_equal_moshi_mlx() {
    for (case, quality, form) in CASES {
        let golden = Golden::read(case, "golden.safetensors");
        let mut generator = generator(case, quality, form);
        let expected_text = golden.floats(&format!("{}.text_logits", quality.name()));
        let expected_audio = golden.floats(&format!("{}.audio_logits", quality.name()));
        let inputs = golden.columns("forced_inputs");
        let (mut text, mut audio) = (Vec::new(), Vec::new());
        for (inputs, depformer) in inputs.iter().zip(golden.columns("forced_depformer")) {
            let (text_logits, audio_logits) = generator.teacher_forced(inputs, &depformer).unwrap();
            text.extend(text_logits);
            audio.extend(audio_logits.into_iter().flatten());
        }
        for (ours, theirs) in [(text, expected_text), (audio, expected_audio)] {
            let worst = largest_difference(&ours, &theirs);
            println!("{case} {quality:?} {form:?}: largest difference {worst:e}");
            assert!(worst <= LOGIT_TOLERANCE, "{case} {quality:?} {form:?}: logits differ by {worst}");
        }
    }
}

#[test]
fn codec_equals_pytorch_and_moshi_mlx_beyond_its_context() {
    let golden = Golden::read("mimi-tiny", "golden.safetensors");
    let mut codec = Codec::load(&files("mimi-tiny"), &greedy(None), &mut |_| ()).unwrap();
    let codes: Vec<Vec<i32>> = golden
        .frames("pcm")
        .iter()
        .map(|frame| codec.encode(frame).unwrap().iter().map(|code| *code as i32).collect())
        .collect();
    // moshi_mlx with PyTorch's masks and GELU; `testdata/README.md` has the three patches.
    for name in ["codes", "moshi_mlx_patched.codes"] {
        let pairs: Vec<_> = codes.iter().flatten().zip(golden.columns(name).into_iter().flatten()).collect();
        let equal = pairs.iter().filter(|(ours, theirs)| *ours == theirs).count();
        assert!(equal as f64 >= EQUAL_CODES * pairs.len() as f64, "{equal} of {} {name} are equal", pairs.len());
    }
    let decoded: Vec<f32> = golden
        .columns("codes")
        .iter()
        .enumerate()
        .flat_map(|(frame, codes)| {
            let codes: Vec<u32> = codes.iter().map(|code| *code as u32).collect();
            *codec.decode(&codes, frame).unwrap()
        })
        .step_by(golden.number("decoded_every"))
        .collect();
    for name in ["decoded", "moshi_mlx_patched.decoded"] {
        let worst = largest_difference(&decoded, &golden.floats(name));
        println!("{name}: largest difference {worst:e}");
        assert!(worst <= PCM_TOLERANCE, "{name}: speech differs by {worst}");
    }
}

#[test]
fn shown_text_equals_sentencepieces_token_by_token() {
    let folder = testdata("spm-tiny");
    let pieces = TextPieces::load(&folder.join("tokenizer_spm_tiny.model"), 3, 0).unwrap();
    let shown: Vec<Option<String>> =
        serde_json::from_slice(&std::fs::read(folder.join("shown.json")).unwrap()).unwrap();
    assert_eq!(pieces.len(), shown.len());
    for (token, text) in shown.iter().enumerate() {
        assert_eq!(pieces.piece(token as i32), text.as_deref(), "token {token}");
    }
}
