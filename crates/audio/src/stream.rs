//! The rings between a sound device's callback and everything else, and the real-time halves that fill and empty them.
//!
//! A callback half belongs to the backend's stream, the other end to the DSP. Nothing here blocks.

#[cfg(test)]
mod callback_tests;
mod mic_callback;
mod speaker_callback;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

pub use self::mic_callback::MicCallback;
pub use self::speaker_callback::SpeakerCallback;
use crate::clock::Clock;

/// The longest block that callbacks are made for; a longer one is served too, but may not fit into a ring at once.
pub const LARGEST_BLOCK_SAMPLES: usize = 4_096;

/// A ring holds two of the longest blocks at any rate: one is filled while the other is emptied.
const SMALLEST_RING_SAMPLES: usize = 2 * LARGEST_BLOCK_SAMPLES;

/// Marks that wait to be read: a second of blocks of 12 samples at 48 kHz, 85 ms of blocks of one sample.
/// A full ring drops the newest mark, which costs no truth: marks count from the beginning, so the next one says it all.
const MARKS: usize = 4_096;

/// Where a block lay in time: lets the DSP know how much a device has heard or played at any moment, between two blocks too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockMark {
    /// Samples that the device has delivered or fetched since the stream was opened, this block included.
    /// Samples lost to a full ring count: this is the device's time.
    pub samples: u64,
    /// When the callback ran.
    pub at: Duration,
}

/// What a callback counts. Atomics only; all of them start at zero and only grow, but for the times.
#[derive(Debug, Default)]
pub struct StreamCounters {
    /// Blocks so far.
    pub blocks: AtomicU64,
    /// Samples (per channel) so far.
    pub samples: AtomicU64,
    /// Samples that found a full ring (microphone), or that were missing (speaker; the silence before the first is not counted).
    pub lost_samples: AtomicU64,
    /// Played samples that found a full tap: the tap holds `samples` less these. Speaker only.
    pub lost_tap_samples: AtomicU64,
    /// How many times a run of missing samples began. Speaker only.
    pub underruns: AtomicU64,
    /// Xruns that the system reported.
    pub xruns: AtomicU64,
    /// When the last block came, in nanoseconds of the clock; 0 before the first.
    pub last_block_ns: AtomicU64,
    /// When the last block came that was not exact silence, in nanoseconds of the clock; 0 before the first. Microphone only.
    pub last_sound_ns: AtomicU64,
    /// The largest block so far, in samples.
    pub largest_block: AtomicU64,
    /// While set, nothing is heard or played, marked or counted but `last_block_ns`, `last_sound_ns` and `held_samples`: the
    /// supervisor has opened the device, and does not trust its rate yet.
    pub holds: AtomicBool,
    /// Samples (per channel) that went by while `holds` was set.
    pub held_samples: AtomicU64,
}

impl StreamCounters {
    /// Whether this block is only a sign of life; it is counted as that.
    fn holds(&self, samples: usize, now_ns: u64) -> bool {
        let holds = self.holds.load(Ordering::Acquire);
        if holds {
            self.held_samples.fetch_add(samples as u64, Ordering::Relaxed);
            self.last_block_ns.store(now_ns, Ordering::Relaxed);
        }
        holds
    }

    /// Counts a block and returns all samples so far. The callback is the only writer.
    fn count_block(&self, samples: usize, now_ns: u64) -> u64 {
        let block = samples as u64;
        self.blocks.fetch_add(1, Ordering::Relaxed);
        self.largest_block.fetch_max(block, Ordering::Relaxed);
        self.last_block_ns.store(now_ns, Ordering::Relaxed);
        self.samples.fetch_add(block, Ordering::Relaxed) + block
    }
}

/// A moment as the counters keep it: never 0, which means never.
fn nanoseconds(moment: Duration) -> u64 {
    u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Where the microphone's samples come out.
pub struct MicEnd {
    /// The device's rate.
    pub rate_hz: u32,
    /// Mono samples at the device's rate.
    pub samples: Consumer<f32>,
    /// A mark per block.
    pub marks: Consumer<BlockMark>,
    /// What the callback counts.
    pub counters: Arc<StreamCounters>,
}

/// Where the speaker's samples go in.
pub struct SpeakerEnd {
    /// The device's rate.
    pub rate_hz: u32,
    /// Mono samples at the device's rate, to be played.
    pub samples: Producer<f32>,
    /// Mono samples at the device's rate, as they were really played: silence and fades of an underrun included.
    pub tap: Consumer<f32>,
    /// A mark per block.
    pub marks: Consumer<BlockMark>,
    /// What the callback counts.
    pub counters: Arc<StreamCounters>,
}

/// Makes the two halves of a microphone's stream at `rate_hz`; the ring between them holds a second.
pub fn mic_stream(rate_hz: u32, clock: Arc<dyn Clock>) -> (MicCallback, MicEnd) {
    let counters = Arc::<StreamCounters>::default();
    let (samples_in, samples_out) = ring((rate_hz as usize).max(SMALLEST_RING_SAMPLES), 0.0);
    let (marks_in, marks_out) = ring(MARKS, BlockMark { samples: 0, at: Duration::ZERO });
    let callback = MicCallback { samples: samples_in, marks: marks_in, counters: Arc::clone(&counters), clock };
    (callback, MicEnd { rate_hz, samples: samples_out, marks: marks_out, counters })
}

/// Makes the two halves of a speaker's stream at `rate_hz`; half a second fits between them, and a second in the tap.
pub fn speaker_stream(rate_hz: u32, clock: Arc<dyn Clock>) -> (SpeakerCallback, SpeakerEnd) {
    let counters = Arc::<StreamCounters>::default();
    let (samples_in, samples_out) = ring((rate_hz as usize / 2).max(SMALLEST_RING_SAMPLES), 0.0);
    let (tap_in, tap_out) = ring((rate_hz as usize).max(SMALLEST_RING_SAMPLES), 0.0);
    let (marks_in, marks_out) = ring(MARKS, BlockMark { samples: 0, at: Duration::ZERO });
    let callback = SpeakerCallback::new(rate_hz, samples_out, tap_in, marks_in, Arc::clone(&counters), clock);
    (callback, SpeakerEnd { rate_hz, samples: samples_in, tap: tap_out, marks: marks_out, counters })
}

/// A ring whose memory has been written once: a callback must not be the first to touch a page.
fn ring<T: Copy>(capacity: usize, filler: T) -> (Producer<T>, Consumer<T>) {
    let (mut producer, mut consumer) = RingBuffer::new(capacity);
    while producer.push(filler).is_ok() {}
    while consumer.pop().is_ok() {}
    (producer, consumer)
}

/// What the supervisor tells the DSP: which streams there are now. The old end is dropped.
pub enum Wiring {
    /// A microphone was opened, or there is none now.
    Mic(Option<MicEnd>),
    /// A speaker was opened, or there is none now. `Headphones` or not decides about `--echo auto`.
    Speaker(Option<SpeakerEnd>, crate::device::DeviceKind),
}
