//! Against frozen outputs of the official implementations on tiny checkpoints; `testdata/README.md` says how they were made.

use std::path::PathBuf;

use moshibar_session::{FRAME_SAMPLES, Frame};
use safetensors::SafeTensors;

use crate::codec::Codec;
use crate::files::ModelFiles;
use crate::generator::Generator;
use crate::loading::LoadOptions;
use crate::moshi::sampler::Sampling;
use crate::quality::Quality;
use crate::runtime::DeviceChoice;

/// Frozen tensors of one case.
struct Golden(Vec<u8>);

impl Golden {
    fn read(case: &str, file: &str) -> Self {
        Self(std::fs::read(testdata(case).join(file)).unwrap())
    }

    fn tensor(&self, name: &str) -> (Vec<usize>, Vec<[u8; 4]>) {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let view = tensors.tensor(name).unwrap();
        (view.shape().to_vec(), view.data().chunks_exact(4).map(|bytes| bytes.try_into().unwrap()).collect())
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        self.tensor(name).1.into_iter().map(f32::from_le_bytes).collect()
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

fn generator(case: &str, quality: Quality) -> Generator {
    Generator::load(&ModelFiles::open(&testdata(case)).unwrap(), &greedy(Some(quality)), &mut |_| ()).unwrap()
}

fn frames(pcm: &[f32]) -> Vec<Frame> {
    pcm.chunks_exact(FRAME_SAMPLES).map(|frame| frame.try_into().unwrap()).collect()
}

const CASES: [(&str, Quality); 5] = [
    ("lm-base", Quality::Bf16),
    ("lm-base", Quality::Q8),
    ("lm-base", Quality::Q4),
    ("lm-odd", Quality::Bf16),
    ("lm-odd", Quality::Q8),
];

#[test]
fn greedy_tokens_equal_pytorch_in_every_step() {
    for (case, quality) in CASES {
        let golden = Golden::read(case, "golden.safetensors");
        let mut generator = generator(case, quality);
        let expected_text = golden.columns(&format!("{}.text", quality.name()));
        let expected_audio = golden.columns(&format!("{}.audio", quality.name()));
        for (frame, user) in golden.columns("user_codes").iter().enumerate() {
            let user: Vec<u32> = user.iter().map(|code| *code as u32).collect();
            let (said, _) = generator.step(&user).unwrap();
            let (text, audio) = said.map_or((-1, vec![-1; expected_audio[0].len()]), |said| (said.text, said.audio));
            assert_eq!([text].as_slice(), expected_text[frame], "text of frame {frame} in {case} {quality:?}");
            assert_eq!(audio, expected_audio[frame], "codes of frame {frame} in {case} {quality:?}");
        }
    }
}

#[test]
fn logits_equal_moshi_mlx() {
    for (case, quality) in CASES {
        let golden = Golden::read(case, "golden.safetensors");
        let mut generator = generator(case, quality);
        let expected_text = golden.floats(&format!("{}.text_logits", quality.name()));
        let expected_audio = golden.floats(&format!("{}.audio_logits", quality.name()));
        let inputs = golden.columns("forced_inputs");
        let (mut text, mut audio) = (Vec::new(), Vec::new());
        for (inputs, depformer) in inputs.iter().zip(golden.columns("forced_depformer")) {
            let (text_logits, audio_logits) = generator.teacher_forced(inputs, &depformer).unwrap();
            text.extend(text_logits);
            audio.extend(audio_logits.into_iter().flatten());
        }
        // The bar is 1e-3 on logits of about 8; measured 1e-4. A wrong epsilon or rotation moves them by more than 1e-2.
        for (ours, theirs) in [(text, expected_text), (audio, expected_audio)] {
            assert_eq!(ours.len(), theirs.len());
            let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            println!("{case} {quality:?}: largest difference {worst:e}");
            assert!(worst <= 1e-3, "{case} {quality:?}: logits differ by {worst}");
        }
    }
}

#[test]
fn codec_equals_pytorch_beyond_its_context() {
    let files = ModelFiles::open(&testdata("mimi-tiny")).unwrap_or_else(|error| panic!("{error}"));
    let golden = Golden::read("mimi-tiny", "golden.safetensors");
    let mut codec = Codec::load(&files, &greedy(None), &mut |_| ()).unwrap();
    let expected = golden.columns("codes");
    for (index, frame) in frames(&golden.floats("pcm")).iter().enumerate() {
        let codes: Vec<i32> = codec.encode(frame).unwrap().iter().map(|code| *code as i32).collect();
        assert_eq!(codes, expected[index], "frame {index}");
    }
    let decoded: Vec<f32> = expected
        .iter()
        .enumerate()
        .flat_map(|(frame, codes)| {
            let codes: Vec<u32> = codes.iter().map(|code| *code as u32).collect();
            *codec.decode(&codes, frame).unwrap()
        })
        .collect();
    let expected = golden.floats("decoded");
    let worst = decoded.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("largest difference of decoded speech {worst:e}");
    assert_eq!(decoded.len(), expected.len());
    assert!(worst <= 1e-4, "decoded speech differs by {worst}");
}
