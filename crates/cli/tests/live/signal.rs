//! What is played into the microphone, as samples and as files.

use std::path::Path;

/// The rate of the virtual devices.
pub(crate) const RATE_HZ: u32 = 48_000;

/// Noise in the band of speech that swells like syllables, and is nowhere like it is elsewhere: every loss shows.
pub(crate) fn speech_like(seconds: u32) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut slow, mut slower, mut rumble) = (0.0_f32, 0.0_f32, 0.0_f32);
    (0..seconds * RATE_HZ)
        .map(|moment| {
            state = state.wrapping_mul(0xda94_2042_e4dd_58b5).wrapping_add(1);
            let white = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
            // Two low passes at 2.3 kHz and a high pass at 150 Hz.
            slow += 0.26 * (white - slow);
            slower += 0.26 * (slow - slower);
            rumble += 0.02 * (slower - rumble);
            let syllable = (moment as f32 / RATE_HZ as f32 * 3.7 * std::f32::consts::TAU).sin();
            0.9 * (slower - rumble) * (0.65 + 0.35 * syllable)
        })
        .collect()
}

/// Clicks of 5 ms, 0.7 to 0.9 s apart: bursts of noise, so that none is taken for another.
pub(crate) fn clicks(count: usize) -> Vec<f32> {
    const CLICK: usize = RATE_HZ as usize / 200;
    let noise = speech_like(2);
    let mut samples = vec![0.0; RATE_HZ as usize / 2];
    for (click, burst) in noise.chunks_exact(CLICK).step_by(7).take(count).enumerate() {
        let loudest = burst.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
        // Soft at both ends, so that no filter on the way makes much of it.
        let swell = |moment: usize| 0.5 - 0.5 * (moment as f32 / CLICK as f32 * std::f32::consts::TAU).cos();
        samples.extend(burst.iter().enumerate().map(|(moment, sample)| 0.7 * sample / loudest * swell(moment)));
        samples.resize(samples.len() + (7 + click * 7 % 11 * 2 / 10) * RATE_HZ as usize / 10, 0.0);
    }
    samples
}

pub(crate) fn write(path: &Path, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in samples {
        writer.write_sample((sample * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// The two channels of a recording: what the microphone heard, what the speaker played.
pub(crate) fn read(path: &Path) -> [Vec<f32>; 2] {
    let mut reader = hound::WavReader::open(path).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, RATE_HZ));
    let values: Vec<f32> = reader.samples::<i16>().map(|value| f32::from(value.unwrap()) / 32_768.0).collect();
    [0, 1].map(|channel| values.iter().skip(channel).step_by(2).copied().collect())
}
