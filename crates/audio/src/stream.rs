//! The rings between a sound device's callback and everything else, and the real-time halves that fill and empty them.
//!
//! A callback half belongs to the backend's stream, the other end to the DSP. Nothing here blocks.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rtrb::{Consumer, Producer};

use crate::clock::Clock;

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
    /// Samples that found a full ring (microphone), or that were missing (speaker).
    pub lost_samples: AtomicU64,
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
}

/// The microphone's real-time half.
pub struct MicCallback {
    pub(crate) samples: Producer<f32>,
    pub(crate) marks: Producer<BlockMark>,
    pub(crate) counters: Arc<StreamCounters>,
    pub(crate) clock: Arc<dyn Clock>,
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

/// The speaker's real-time half.
pub struct SpeakerCallback {
    pub(crate) samples: Consumer<f32>,
    pub(crate) tap: Producer<f32>,
    pub(crate) marks: Producer<BlockMark>,
    pub(crate) counters: Arc<StreamCounters>,
    pub(crate) clock: Arc<dyn Clock>,
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

/// What the supervisor tells the DSP: which streams there are now. The old end is dropped.
pub enum Wiring {
    /// A microphone was opened, or there is none now.
    Mic(Option<MicEnd>),
    /// A speaker was opened, or there is none now. `Headphones` or not decides about `--echo auto`.
    Speaker(Option<SpeakerEnd>, crate::device::DeviceKind),
}
