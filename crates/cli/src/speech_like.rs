//! What a model hears while it is measured or tried: the same in every run, and not silence, which no microphone delivers.

use moshibar_session::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

/// Sound like a voice, made from a formula: a hummed pitch that rises and falls, cut into syllables, with a little noise.
#[derive(Debug)]
pub(crate) struct SpeechLike {
    sample: u64,
    /// Turns of the vocal cords so far, below 1.
    phase: f64,
    noise: Dice,
}

impl SpeechLike {
    pub(crate) fn new() -> Self {
        Self { sample: 0, phase: 0.0, noise: Dice::new() }
    }

    /// **Units** linear PCM, below 0.5.
    pub(crate) fn next_frame(&mut self) -> Frame {
        let mut frame = [0.0; FRAME_SAMPLES];
        for sample in &mut frame {
            *sample = self.next_sample();
        }
        frame
    }

    fn next_sample(&mut self) -> f32 {
        let seconds = self.sample as f64 / f64::from(SAMPLE_RATE_HZ);
        self.sample += 1;
        let turn = |hz: f64| (std::f64::consts::TAU * hz * seconds).sin();
        let pitch_hz = 130.0 + 25.0 * turn(0.4);
        self.phase = (self.phase + pitch_hz / f64::from(SAMPLE_RATE_HZ)).fract();
        // Overtones fall by 1/n, as those of vocal cords nearly do; four syllables a second, as in ordinary speech.
        let voice: f64 =
            (1..=8).map(|n| (std::f64::consts::TAU * f64::from(n) * self.phase).sin() / f64::from(n)).sum();
        let loudness = turn(4.0).max(0.0);
        let noise = f64::from(self.noise.below(2_001)) / 1_000.0 - 1.0;
        (0.2 * loudness * voice + 0.002 * noise) as f32
    }
}

/// Numbers without an order that anyone hears; the same in every run.
#[derive(Debug)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    pub(crate) fn new() -> Self {
        Self { state: 1 }
    }

    /// The next number in `0..sides`.
    pub(crate) fn below(&mut self, sides: u32) -> u32 {
        // Knuth's MMIX generator; its upper half is random enough for codes and hiss.
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((self.state >> 32) * u64::from(sides)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp)] // The same samples, to the bit.
    fn every_run_hears_the_same_voice() {
        let (mut one, mut two) = (SpeechLike::new(), SpeechLike::new());
        let frames: Vec<Frame> = (0..50).map(|_| one.next_frame()).collect();
        assert!(frames.iter().all(|frame| *frame == two.next_frame()));
        let loudest = frames.as_flattened().iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
        assert!((0.2..0.5).contains(&loudest), "{loudest}");
        assert_ne!(frames[0], frames[25], "one second later the pitch is another");
    }

    #[test]
    fn dice_show_every_side_and_no_other() {
        let mut dice = Dice::new();
        let thrown: std::collections::BTreeSet<u32> = (0..2_000).map(|_| dice.below(16)).collect();
        assert_eq!(thrown, (0..16).collect());
    }
}
