//! A long talk on the tiny checkpoint: nothing grows. 3,000 frames are four minutes of talk, 20,000
//! are 27. Alone in its process, so that nothing else allocates beside it.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // Helpers of tests may fail as loudly as tests.

use std::path::PathBuf;

use moshibar_model::{DeviceChoice, LoadOptions, ModelFiles, MoshiEngine, Synchronisation};
use moshibar_session::{Engine, FRAME_SAMPLES, Frame};
use moshibar_test_support::by_depth;

const SETTLED: usize = 500;
const ALLOWED_BYTES: usize = 1 << 20;
/// Parts of the talk after which the process is looked at.
const STRETCHES: usize = 8;

fn noise(seed: &mut u32) -> Frame {
    std::array::from_fn(|_| {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*seed >> 8) as f32 / (1 << 24) as f32 - 0.5
    })
}

#[test]
fn memory_is_flat_from_frame_500_on() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/lm-base");
    let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    let files = ModelFiles::open(&folder).unwrap();
    let mut engine = MoshiEngine::load(&files, &options, Synchronisation::PerFrame, &mut |_| ()).unwrap();
    let mut seed = 1;
    let frames = by_depth(3_000, 20_000, 200_000);
    let first_look = (frames / 10).max(2 * SETTLED);
    let stretch = (frames - first_look - 1) / STRETCHES;
    let (mut settled, mut most_active, mut resident) = (None, 0, Vec::new());
    for frame in 0..frames {
        let reply = engine.step(&noise(&mut seed)).unwrap();
        assert!(frame == 0 || reply.speech.is_some_and(|speech| speech.len() == FRAME_SAMPLES));
        if frame >= SETTLED && frame % 100 == 0 {
            let memory = engine.memory();
            let first = *settled.get_or_insert(memory);
            most_active = most_active.max(memory.active_bytes);
            assert!(
                memory.active_bytes.abs_diff(first.active_bytes) <= ALLOWED_BYTES,
                "frame {frame}: {} bytes in use, {} at frame {SETTLED}",
                memory.active_bytes,
                first.active_bytes
            );
            assert!(memory.peak_bytes - first.peak_bytes <= ALLOWED_BYTES, "frame {frame}: the peak grew");
        }
        if frame >= first_look && (frame - first_look).is_multiple_of(stretch) {
            resident.extend(resident_bytes());
        }
    }
    println!("most active {most_active} bytes after {frames} frames");
    println!("resident bytes from frame {first_look} on, every {stretch} frames: {resident:?}");
    if !resident.is_empty() {
        // On a busy machine a thread may touch its own memory late, which is one jump. A leak grows
        // in more than one stretch, so the largest growth is left out and all others are added up.
        let growths: Vec<i64> = resident.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let largest = growths.iter().copied().max().unwrap_or_default();
        let grew = growths.iter().sum::<i64>() - largest.max(0);
        assert!(grew <= ALLOWED_BYTES as i64, "the process grew by {grew} bytes, besides {largest} at once");
    }
}

/// The process's resident memory, where the system tells.
fn resident_bytes() -> Option<i64> {
    let pages: i64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
