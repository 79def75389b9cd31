//! Damages good files in a few thousand ways. Any bytes at all must give speech or one sentence, and never a panic.

use std::path::Path;

use crate::RATES_HZ;
use crate::error::AudioErrorKind;
use crate::wav::reader::read_from;
use crate::wav::scripted_files::{ALL_ENCODINGS, Recipe, WavKind, sine};

/// xorshift64*: the same damage on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end.max(1)
    }
}

fn damage(file: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        // Most of it where it hurts: in the first 80 bytes.
        let reach = if dice.below(4) == 0 { file.len() } else { file.len().min(80) };
        let at = dice.below(reach);
        match dice.below(6) {
            0 => file.truncate(at),
            1 => file.splice(at..at, [dice.below(256) as u8; 3]).for_each(drop),
            2 => file.truncate(file.len() - dice.below(file.len().min(9))),
            3 => {
                let extreme = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][dice.below(6)];
                file.iter_mut().skip(at).take(4).for_each(|byte| *byte = extreme);
            }
            _ => file.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << dice.below(8)),
        }
    }
}

#[test]
fn damaged_files_never_panic() {
    let path = Path::new("speech.wav");
    let speech = sine(300);
    let list = [(*b"LIST", &b"odd"[..])];
    let (mut readable, mut refused) = (0, 0);
    for seed in 1..=4_000 {
        let mut dice = Dice(seed);
        dice.below(2);
        let channels = vec![speech.as_slice(); 1 + dice.below(4)];
        let recipe = Recipe {
            encoding: ALL_ENCODINGS[dice.below(ALL_ENCODINGS.len())],
            kind: [WavKind::Plain, WavKind::LongFormat, WavKind::Extensible][dice.below(3)],
            before: &list[dice.below(2)..],
            ..Recipe::default()
        };
        let mut file = recipe.bytes(&channels);
        damage(&mut file, &mut dice);
        match read_from(file.as_slice(), path) {
            Ok(heard) => {
                readable += 1;
                assert!(!heard.samples.is_empty() && heard.samples.len() <= file.len(), "seed {seed}");
                assert!(heard.samples.iter().all(|sample| sample.is_finite()), "seed {seed}");
                assert!(RATES_HZ.contains(&heard.rate_hz), "seed {seed}");
            }
            Err(error) => {
                refused += 1;
                let kinds =
                    [AudioErrorKind::InputUnsupported, AudioErrorKind::InputDamaged, AudioErrorKind::RateUnsupported];
                assert!(kinds.contains(&error.kind()), "seed {seed}: {error:?}");
                let sentence = error.to_string();
                assert!(sentence.starts_with("speech.wav ") && !sentence.contains('\n'), "seed {seed}: {sentence}");
            }
        }
    }
    assert!(readable > 200 && refused > 2_000, "{readable} readable, {refused} refused: the damage tests too little");
}
