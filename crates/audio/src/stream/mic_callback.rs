//! What runs on the sound device's thread when the microphone has a block: pick a channel, push it, count.
//!
//! No allocation, lock, log or system call in here (`tests/no_alloc.rs`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtrb::Producer;

use super::{BlockMark, StreamCounters, nanoseconds};
use crate::clock::Clock;

/// The microphone's real-time half, made by [`mic_stream`](super::mic_stream).
pub struct MicCallback {
    pub(super) samples: Producer<f32>,
    pub(super) marks: Producer<BlockMark>,
    pub(super) counters: Arc<StreamCounters>,
    pub(super) clock: Arc<dyn Clock>,
}

impl MicCallback {
    /// Takes one block from the device.
    ///
    /// Only its first channel is heard: the microphones of an array stand apart, and their mean is a comb filter.
    /// A full ring drops the newest samples and counts them. An empty block is no sign of life.
    ///
    /// **Units** `block`: interleaved at the device's rate.
    pub fn on_input(&mut self, block: &[f32], channels: u16) {
        let first_channel =
            || block.chunks_exact(usize::from(channels.max(1))).filter_map(|sample| sample.first().copied());
        let samples = block.len() / usize::from(channels.max(1));
        if samples == 0 {
            return;
        }
        let at = self.clock.now();
        let now_ns = nanoseconds(at);

        if first_channel().any(|sample| sample != 0.0) {
            self.counters.last_sound_ns.store(now_ns, Ordering::Relaxed);
        }
        if self.counters.holds(samples, now_ns) {
            return;
        }
        let fitting = self.samples.slots().min(samples);
        let pushed = match self.samples.write_chunk_uninit(fitting) {
            Ok(chunk) => chunk.fill_from_iter(first_channel()),
            Err(_) => 0,
        };
        let lost = samples.saturating_sub(pushed);
        if lost > 0 {
            self.counters.lost_samples.fetch_add(lost as u64, Ordering::Relaxed);
        }
        let samples = self.counters.count_block(samples, now_ns);
        // Last, so that whoever sees the mark finds its samples in the ring. A full ring of marks: see `MARKS`.
        let _ = self.marks.push(BlockMark { samples, at });
    }
}
