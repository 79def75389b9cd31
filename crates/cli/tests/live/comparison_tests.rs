//! The comparison itself: it sees what it is there to see, and nothing else.

use crate::clicks::latencies;
use crate::comparison::{Comparison, compare};
use crate::signal::{RATE_HZ, clicks, speech_like};

fn delayed(sound: &[f32], samples: usize) -> Vec<f32> {
    [vec![0.0; samples], sound.to_vec(), vec![0.0; 10_000]].concat()
}

fn came_through(damage: impl FnOnce(&mut Vec<f32>)) -> Comparison {
    let sent = speech_like(4);
    let mut received = delayed(&sent, 3_333);
    damage(&mut received);
    compare(&sent, &received)
}

#[test]
fn sound_that_is_only_later_and_quieter_is_intact() {
    let whole = came_through(|sound| sound.iter_mut().for_each(|sample| *sample *= 0.2));
    assert!(whole.is_intact(), "{whole}");
    assert_eq!((whole.lag, whole.windows), (3_333, 19));
    assert!(whole.worst > 0.999, "{whole}");
}

#[test]
fn a_lost_block_is_seen_wherever_it_is() {
    for place in [60_000, 61_234, 67_200, 100_001] {
        let lost = came_through(|sound| drop(sound.drain(place..place + 256)));
        assert!(!lost.is_intact(), "{lost}");
        assert_eq!(lost.jumps.iter().map(|(_, by)| by).sum::<isize>(), -256, "{lost}");
    }
}

#[test]
fn a_doubled_block_and_a_hole_are_seen() {
    let doubled = came_through(|sound| {
        let block = sound[80_000..80_512].to_vec();
        drop(sound.splice(80_512..80_512, block));
    });
    assert_eq!(doubled.jumps.iter().map(|(_, by)| by).sum::<isize>(), 512, "{doubled}");
    for (place, samples) in [(80_000, 1_024), (65_000, 256), (110_000, 480)] {
        let hole = came_through(|sound| sound[place..place + samples].fill(0.0));
        assert!(!hole.damaged_at_seconds.is_empty() && hole.jumps.is_empty(), "{hole}");
    }
}

#[test]
fn a_clock_that_is_slightly_off_is_no_damage() {
    // 200 ppm, more than any two sound cards differ: linear interpolation at a changing place.
    let sent = speech_like(4);
    let received: Vec<f32> = (0..sent.len())
        .map(|moment| {
            let place = moment as f64 * 1.000_2;
            let (before, part) = (place as usize, (place % 1.0) as f32);
            let sample = |at: usize| sent.get(at).copied().unwrap_or_default();
            sample(before) * (1.0 - part) + sample(before + 1) * part
        })
        .collect();
    let drifting = compare(&sent, &delayed(&received, 1_000));
    assert!(drifting.is_intact(), "{drifting}");
}

#[test]
fn silence_is_not_intact() {
    let sent = speech_like(2);
    let silent = compare(&sent, &vec![0.0; 200_000]);
    assert!(!silent.is_intact(), "{silent}");
    assert!(!compare(&sent, &[]).is_intact() && !compare(&[], &sent).is_intact());
}

#[test]
fn clicks_tell_the_latency_to_the_sample() {
    let sent = clicks(5);
    for lag in [0, 1, 480, 13_577, 60_000] {
        assert_eq!(latencies(&sent, &delayed(&sent, lag)), [Some(lag); 5]);
    }
    let mut one_lost = delayed(&sent, 480);
    one_lost[RATE_HZ as usize..RATE_HZ as usize * 2].fill(0.0);
    assert_eq!(latencies(&sent, &one_lost).iter().filter(|latency| latency.is_none()).count(), 1);
}
