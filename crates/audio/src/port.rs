//! Where the DSP and the talk meet: frames of 24 kHz both ways, a few switches, a few meters. Nothing here blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};
use serde::{Deserialize, Serialize};

use crate::frame::Frame;

/// Frames that fit between the DSP and the talk, each way: 5.1 s, as much as the longest stall we test.
pub const PORT_FRAMES: usize = 64;

/// One frame of the user, echo removed.
#[derive(Debug, Clone)]
pub struct MicFrame {
    /// The samples.
    pub samples: Frame,
    /// When its last sample was heard by the device.
    pub heard_at: Duration,
    /// Whether nobody speaks in it: no 10 ms of it above −50 dBFS (RMS).
    pub is_silent: bool,
}

/// The talk's end: reads the user, writes Moshi.
pub struct FramePort {
    /// The user's frames, the oldest first.
    pub mic: MicReader,
    /// Takes Moshi's frames.
    pub speaker: SpeakerWriter,
    /// The switches, shared with the DSP.
    pub controls: Arc<Controls>,
    /// The meters, shared with the DSP.
    pub meters: Arc<Meters>,
}

/// Reads the user's frames.
pub struct MicReader {
    frames: Consumer<MicFrame>,
}

impl MicReader {
    /// The oldest frame that has not been read.
    pub fn read(&mut self) -> Option<MicFrame> {
        self.frames.pop().ok()
    }

    /// Frames that wait to be read.
    pub fn backlog_frames(&self) -> usize {
        self.frames.slots()
    }
}

/// Takes Moshi's frames.
pub struct SpeakerWriter {
    frames: Producer<Frame>,
}

impl SpeakerWriter {
    /// Hands a frame to the DSP. Returns `false`, and drops it, if [`PORT_FRAMES`] are waiting there already.
    pub fn write(&mut self, frame: &Frame) -> bool {
        self.frames.push(*frame).is_ok()
    }
}

/// The DSP's end.
pub(crate) struct DspPort {
    pub(crate) mic: Producer<MicFrame>,
    pub(crate) speaker: Consumer<Frame>,
    pub(crate) controls: Arc<Controls>,
    pub(crate) meters: Arc<Meters>,
}

/// Makes a pair of connected ends.
pub(crate) fn port() -> (FramePort, DspPort) {
    let (mic_in, mic_out) = RingBuffer::new(PORT_FRAMES);
    let (speaker_in, speaker_out) = RingBuffer::new(PORT_FRAMES);
    let controls = Arc::<Controls>::default();
    let meters = Arc::<Meters>::default();
    (
        FramePort {
            mic: MicReader { frames: mic_out },
            speaker: SpeakerWriter { frames: speaker_in },
            controls: Arc::clone(&controls),
            meters: Arc::clone(&meters),
        },
        DspPort { mic: mic_in, speaker: speaker_out, controls, meters },
    )
}

/// When Moshi's voice is taken out of the microphone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EchoMode {
    /// Unless somebody listens with headphones.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// Switches that take effect within a block and 30 ms, whatever the engine is doing. All are off in the beginning, and the echo is `Auto`.
#[derive(Debug, Default)]
pub struct Controls {
    muted: AtomicBool,
    hushed: AtomicBool,
    holds: AtomicBool,
    suppresses_noise: AtomicBool,
    echo: AtomicU8,
}

impl Controls {
    /// Chooses when Moshi's voice is taken out of the microphone. The canceller learns the room anew when it is switched on.
    pub fn set_echo(&self, mode: EchoMode) {
        self.echo.store(mode as u8, Ordering::Relaxed);
    }

    /// When Moshi's voice is taken out of the microphone.
    pub fn echo(&self) -> EchoMode {
        match self.echo.load(Ordering::Relaxed) {
            mode if mode == EchoMode::On as u8 => EchoMode::On,
            mode if mode == EchoMode::Off as u8 => EchoMode::Off,
            _ => EchoMode::Auto,
        }
    }

    /// Takes steady noise out of the microphone, or leaves it. The canceller learns the room anew then.
    pub fn set_noise_suppression(&self, on: bool) {
        self.suppresses_noise.store(on, Ordering::Relaxed);
    }

    /// Whether steady noise is taken out of the microphone.
    pub fn suppresses_noise(&self) -> bool {
        self.suppresses_noise.load(Ordering::Relaxed)
    }

    /// Replaces the microphone by silence; Moshi goes on hearing that.
    pub fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::Relaxed);
    }

    /// Whether the microphone is replaced by silence.
    pub fn is_muted(&self) -> bool {
        self.muted.load(Ordering::Relaxed)
    }

    /// Fades Moshi's voice out; it goes on speaking unheard.
    pub fn set_hushed(&self, hushed: bool) {
        self.hushed.store(hushed, Ordering::Relaxed);
    }

    /// Whether Moshi's voice is faded out.
    pub fn is_hushed(&self) -> bool {
        self.hushed.load(Ordering::Relaxed)
    }

    /// Stops the flow of frames: the microphone is read and forgotten, the speaker fades to silence and what it still had to
    /// say is dropped. Devices stay open. For a pause, and until the model is loaded.
    pub fn set_holds(&self, holds: bool) {
        self.holds.store(holds, Ordering::Relaxed);
    }

    /// Whether the flow of frames is stopped.
    pub fn holds(&self) -> bool {
        self.holds.load(Ordering::Relaxed)
    }
}

/// What the DSP measures, written by it alone. Counters only grow.
#[derive(Debug, Default)]
pub struct Meters {
    pub(crate) user_level: AtomicU32,
    pub(crate) moshi_level: AtomicU32,
    pub(crate) drift_ppm: AtomicU32,
    pub(crate) echo_return_loss_db: AtomicU32,
    pub(crate) is_cancelling: AtomicBool,
    pub(crate) speaker_queue_us: AtomicU64,
    pub(crate) xruns: AtomicU64,
    pub(crate) underruns: AtomicU64,
    pub(crate) missing_speaker_samples: AtomicU64,
    pub(crate) lost_mic_samples: AtomicU64,
    pub(crate) lost_mic_frames: AtomicU64,
    pub(crate) trimmed_samples: AtomicU64,
}

/// The meters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct AudioReport {
    /// Loudest sample of the user in the last 80 ms, 0 to 1, after echo cancellation; with the microphone muted too.
    pub user_level: f32,
    /// Loudest sample of Moshi in the last 80 ms, 0 to 1, as played.
    pub moshi_level: f32,
    /// How much faster the speaker's clock runs than the microphone's, in millionths; 0 until it is known.
    pub drift_ppm: f32,
    /// How much quieter the canceller makes Moshi's voice in the microphone, in dB; 0 where it is off or does not know.
    pub echo_return_loss_db: f32,
    /// Whether the echo canceller works at this moment.
    pub is_cancelling_echo: bool,
    /// Moshi's speech that waits to be played, in milliseconds: all the latency that we add behind the model, but the device's.
    pub speaker_queue_ms: f64,
    /// Xruns that the system reported, of all streams so far.
    pub xruns: u64,
    /// How often the speaker ran dry in the middle of a talk.
    pub underruns: u64,
    /// Samples, at the device's rate, that were missing then.
    pub missing_speaker_samples: u64,
    /// Samples, at the device's rate, of the microphone that found a full ring.
    pub lost_mic_samples: u64,
    /// Frames of the user that found [`PORT_FRAMES`] unread ones.
    pub lost_mic_frames: u64,
    /// Samples at 24 kHz of Moshi's that were left out to catch up, silence first.
    pub trimmed_samples: u64,
}

impl Meters {
    /// Reads all meters.
    pub fn report(&self) -> AudioReport {
        let float = |bits: &AtomicU32| f32::from_bits(bits.load(Ordering::Relaxed));
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AudioReport {
            user_level: float(&self.user_level),
            moshi_level: float(&self.moshi_level),
            drift_ppm: float(&self.drift_ppm),
            echo_return_loss_db: float(&self.echo_return_loss_db),
            is_cancelling_echo: self.is_cancelling.load(Ordering::Relaxed),
            speaker_queue_ms: count(&self.speaker_queue_us) as f64 / 1e3,
            xruns: count(&self.xruns),
            underruns: count(&self.underruns),
            missing_speaker_samples: count(&self.missing_speaker_samples),
            lost_mic_samples: count(&self.lost_mic_samples),
            lost_mic_frames: count(&self.lost_mic_frames),
            trimmed_samples: count(&self.trimmed_samples),
        }
    }
}
