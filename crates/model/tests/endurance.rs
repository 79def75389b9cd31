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
        // What is lost with every frame makes each stretch grow. A thread that comes late to its
        // memory, as on a busy machine, shows in one of them.
        let mut growths: Vec<i64> = resident.windows(2).map(|pair| pair[1] - pair[0]).collect();
        growths.sort_unstable();
        let grows = growths[growths.len() / 2] * STRETCHES as i64;
        assert!(grows <= ALLOWED_BYTES as i64, "the process grows by {grows} bytes");
    }
}

/// The process's resident memory, where the system tells.
fn resident_bytes() -> Option<i64> {
    let pages: i64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
