//! What the DSP allocates: nothing, but for the echo canceller.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use moshibar_test_support::by_depth;

use super::resampler::StreamResampler;
use super::room::{Device, Room};
use crate::port::EchoMode;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator; counts the calls of each thread.
struct Counting;

// SAFETY: everything is passed on to the system's allocator; the counter neither allocates nor has a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations and releases of this thread so far.
pub(super) fn allocator_calls() -> u64 {
    CALLS.get()
}

#[test]
fn resamplers_allocate_nothing() {
    let pieces = by_depth(500, 2_000, 2_000);
    for rate_hz in [8_000, 16_000, 24_000, 44_100, 48_000, 96_000, 192_000] {
        let mut resamplers =
            [StreamResampler::to_engine(rate_hz).unwrap(), StreamResampler::to_device(rate_hz).unwrap()];
        let mut output = vec![0.0; 4_096];
        let before = allocator_calls();
        for resampler in &mut resamplers {
            for piece in 0..pieces {
                resampler.set_stretch(f64::from(piece % 7) * 1e-5);
                let samples = 1 + piece as usize * 37 % resampler.most_output();
                resampler.process(&mut output[..samples], |input| input.fill(0.5));
            }
            resampler.reset();
        }
        assert_eq!(allocator_calls(), before, "{rate_hz} Hz");
    }
}

#[test]
fn a_talk_without_canceller_allocates_nothing() {
    let mut room = Room::new(Device::new(48_000, 480), Device { ppm: 50.0, ..Device::new(44_100, 512) }, EchoMode::Off);
    room.engine.script = (0..24_000).map(|i| 0.3 * (i as f32 * 0.05).sin()).collect();
    // A stall with all that follows: dry, fade, catch up, cut.
    room.engine.step = Box::new(|i| if i == 60 { 0.7 } else { 0.0 });
    room.engine.most_backlog = 64;
    room.run_until(1.0);
    room.allocator_calls = 0;
    for second in 2..14 {
        room.port.controls.set_muted(second % 3 == 0);
        room.port.controls.set_hushed(second % 5 == 0);
        room.port.controls.set_holds(second == 12);
        room.run_until(f64::from(second));
    }
    assert!(room.port.meters.report().trimmed_samples > 9_600, "it did catch up");
    assert_eq!(room.allocator_calls, 0);
}

#[test]
fn the_canceller_allocates_as_little_as_ever() {
    let mut room = Room::new(Device::new(48_000, 480), Device::new(48_000, 480), EchoMode::On);
    room.engine.script = (0..24_000).map(|i| 0.3 * (i as f32 * 0.05).sin()).collect();
    room.run_until(2.0);
    room.allocator_calls = 0;
    room.run_until(12.0);
    // Allocations and releases, each one call. sonora 0.2.0 needs 36 to 44 allocations for each of the 1,000 slices.
    let per_slice = room.allocator_calls as f64 / 1_000.0;
    println!("{per_slice} calls of the allocator per slice");
    assert!(per_slice <= 90.0, "{per_slice}");
}
