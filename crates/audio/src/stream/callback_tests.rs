//! What the two callbacks do to samples: truth is computed here, sample by sample.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{MARKS, mic_stream, speaker_stream};
use crate::clock::{Clock, SystemClock};

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

#[test]
fn only_the_first_channel_is_heard() {
    let (mut mic, mut end) = mic_stream(48_000, clock());
    mic.on_input(&[0.1, 0.9, 0.8, 0.2, 0.9, 0.8], 3);
    assert_eq!([end.samples.pop(), end.samples.pop()], [Ok(0.1), Ok(0.2)]);
    assert!(end.samples.is_empty());
    assert_eq!(end.marks.pop().unwrap().samples, 2);
}

#[test]
fn a_full_ring_drops_the_newest_and_counts_them() {
    let (mut mic, mut end) = mic_stream(16_000, clock());
    let heard: Vec<f32> = (0..20_000).map(|index| index as f32).collect();
    for block in heard.chunks(700) {
        mic.on_input(block, 1);
    }
    let kept: Vec<f32> = std::iter::from_fn(|| end.samples.pop().ok()).collect();
    assert_eq!(kept, heard[..16_000]);
    assert_eq!(end.counters.lost_samples.load(Ordering::Relaxed), 4_000);
    let last_mark = std::iter::from_fn(|| end.marks.pop().ok()).last().unwrap();
    assert_eq!(last_mark.samples, 20_000, "marks are the device's time, lost samples included");
    mic.on_input(&[7.0], 1);
    assert_eq!(end.samples.pop(), Ok(7.0));
}

#[test]
fn sound_is_anything_but_exact_zeros() {
    let (mut mic, end) = mic_stream(48_000, clock());
    mic.on_input(&[0.0, 0.5, -0.0, 0.5], 2);
    assert_eq!(end.counters.last_sound_ns.load(Ordering::Relaxed), 0, "the second channel is not ours");
    assert_ne!(end.counters.last_block_ns.load(Ordering::Relaxed), 0);
    mic.on_input(&[0.0, 1e-20], 1);
    assert_ne!(end.counters.last_sound_ns.load(Ordering::Relaxed), 0);
}

#[test]
fn an_empty_block_is_no_sign_of_life() {
    let (mut mic, end) = mic_stream(48_000, clock());
    mic.on_input(&[], 2);
    let (mut speaker, speaker_end) = speaker_stream(48_000, clock());
    speaker.on_output(&mut [], 2);
    for counters in [&end.counters, &speaker_end.counters] {
        assert_eq!(counters.blocks.load(Ordering::Relaxed), 0);
        assert_eq!(counters.last_block_ns.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn after_a_flood_of_marks_the_next_one_tells_the_truth() {
    let (mut mic, mut end) = mic_stream(48_000, clock());
    for _ in 0..MARKS + 10 {
        mic.on_input(&[0.5], 1);
    }
    while end.marks.pop().is_ok() {}
    mic.on_input(&[0.5], 1);
    assert_eq!(end.marks.pop().unwrap().samples, MARKS as u64 + 11);
}

#[test]
fn a_sample_goes_to_every_channel_and_to_the_tap_once() {
    let (mut speaker, mut end) = speaker_stream(8_000, clock());
    for index in 0..100 {
        end.samples.push(index as f32).unwrap();
    }
    let mut block = [9.0; 301];
    speaker.on_output(&mut block, 3);
    for (index, place) in block.chunks_exact(3).enumerate() {
        let rising = ((index + 1) as f32 / 40.0).min(1.0);
        let expected = index as f32 * rising;
        assert!(place.iter().all(|played| (played - expected).abs() < 1e-4), "{index}: {place:?}");
        assert_eq!(end.tap.pop(), Ok(place[0]));
    }
    assert!(block[300] == 0.0, "what is no whole place stays silent");
    assert!(end.tap.is_empty());
    assert_eq!(end.marks.pop().unwrap().samples, 100);
}

/// Plays `blocks` of 37 samples of a loud constant with a hole in the middle, at 48 kHz.
fn constant_with_a_hole(hole_samples: usize) -> (Vec<f32>, Vec<f32>, super::SpeakerEnd) {
    let (mut speaker, mut end) = speaker_stream(48_000, clock());
    let (mut played, mut tapped) = (Vec::new(), Vec::new());
    let mut fetch = |end: &mut super::SpeakerEnd, samples: usize| {
        let mut block = vec![f32::NAN; samples];
        speaker.on_output(&mut block, 1);
        played.extend_from_slice(&block);
        tapped.extend(std::iter::from_fn(|| end.tap.pop().ok()));
    };
    for hole in [hole_samples, 0] {
        for _ in 0..20 {
            (0..37).for_each(|_| end.samples.push(0.8).unwrap());
            fetch(&mut end, 37);
        }
        if hole > 0 {
            fetch(&mut end, hole);
        }
    }
    (played, tapped, end)
}

#[test]
fn a_hole_fades_out_and_in_without_a_click() {
    for hole_samples in [1, 50, 239, 240, 1_000] {
        let (played, tapped, end) = constant_with_a_hole(hole_samples);
        assert_eq!(played, tapped, "the canceller hears what the room heard");
        // A constant fades by 1/240 of itself per sample; both fades together by no more.
        let steepest = played.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(steepest <= 0.8 / 240.0 + 1e-6, "hole of {hole_samples}: a step of {steepest}");
        assert!(played.iter().all(|sample| (0.0..=0.8 + 1e-6).contains(sample)));
        let bottom = played[700..].iter().copied().fold(1.0, f32::min);
        let expected = 0.8 * (1.0 - hole_samples as f32 / 240.0).max(0.0);
        assert!((bottom - expected).abs() < 0.01, "hole of {hole_samples}: down to {bottom} instead of {expected}");
        assert!((played.last().unwrap() - 0.8).abs() < 1e-6, "back at full level");
        assert_eq!(end.counters.underruns.load(Ordering::Relaxed), 1);
        assert_eq!(end.counters.lost_samples.load(Ordering::Relaxed), hole_samples as u64);
    }
}

#[test]
fn silence_before_the_first_sample_is_no_underrun() {
    let (mut speaker, end) = speaker_stream(48_000, clock());
    let mut block = [1.0; 480];
    speaker.on_output(&mut block, 2);
    assert!(block.iter().all(|sample| *sample == 0.0));
    assert_eq!(end.counters.underruns.load(Ordering::Relaxed), 0);
    assert_eq!(end.counters.lost_samples.load(Ordering::Relaxed), 0);
}

#[test]
fn a_full_tap_is_counted_and_the_room_still_hears() {
    let (mut speaker, mut end) = speaker_stream(8_000, clock());
    let mut block = [0.0; 4_096];
    for _ in 0..3 {
        (0..4_096).for_each(|_| end.samples.push(0.5).unwrap());
        speaker.on_output(&mut block, 1);
        assert!((block[4_095] - 0.5).abs() < 1e-6);
    }
    assert_eq!(end.counters.lost_tap_samples.load(Ordering::Relaxed), 4_096);
}
