//! A device that is open, and the ways in which it can be seen to have stopped being of use.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::event::{AudioEvent, CloseReason};
use super::faults::{Faults, Verdict};
use super::proof::{Belief, Proof};
use crate::backend::OpenStream;
use crate::device::{DeviceInfo, DeviceKind, Direction, StreamFormat};
use crate::device_error::{DeviceError, DeviceErrorKind};
use crate::stream::{MicEnd, SpeakerEnd, StreamCounters, Wiring, mic_stream, speaker_stream};

/// No block for so long: the stream is dead. Within 1 s of the last block with polls every 100 ms; the longest block that we
/// know of, 4,096 samples at 8 kHz, takes 0.51 s.
const NO_BLOCK: Duration = Duration::from_millis(850);

/// As long may the first block take: a Bluetooth headset needs more than a second to change to telephone quality.
const NO_FIRST_BLOCK: Duration = Duration::from_secs(2);

/// How often the device's format and the system's default are asked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// An open device.
pub(super) struct Live {
    pub(super) device: DeviceInfo,
    pub(super) format: StreamFormat,
    /// Whether it stands in for the chosen one.
    pub(super) stands_in: bool,
    pub(super) opened_at: Duration,
    pub(super) counters: Arc<StreamCounters>,
    faults: Arc<Faults>,
    /// Until the rate is proven: the proof, and the end that the DSP will get.
    unproven: Option<(Proof, End)>,
    looked_at: Duration,
    /// Dropped last: its callbacks use what is above.
    _stream: Box<dyn OpenStream>,
}

/// The DSP's end of a stream.
enum End {
    Mic(MicEnd),
    Speaker(SpeakerEnd),
}

impl Live {
    /// Opens a device; it is held until its rate is proven.
    pub(super) fn open(
        shared: &mut Shared,
        device: DeviceInfo,
        format: StreamFormat,
        stands_in: bool,
    ) -> Result<Self, DeviceError> {
        let faults = Arc::<Faults>::default();
        let clock = Arc::clone(&shared.clock);
        let (stream, counters, end) = match device.direction {
            Direction::Input => {
                let (callback, end) = mic_stream(format.rate_hz, clock);
                let counters = Arc::clone(&end.counters);
                counters.holds.store(true, Ordering::Release);
                let sink = faults.sink(Arc::clone(&counters));
                (shared.backend.open_input(&device.id, format, callback, sink)?, counters, End::Mic(end))
            }
            Direction::Output => {
                let (callback, end) = speaker_stream(format.rate_hz, clock);
                let counters = Arc::clone(&end.counters);
                counters.holds.store(true, Ordering::Release);
                let sink = faults.sink(Arc::clone(&counters));
                (shared.backend.open_output(&device.id, format, callback, sink)?, counters, End::Speaker(end))
            }
        };
        let opened_at = shared.clock.now();
        let unproven = Some((Proof::new(opened_at), end));
        Ok(Self {
            device,
            format,
            stands_in,
            opened_at,
            counters,
            faults,
            unproven,
            looked_at: opened_at,
            _stream: stream,
        })
    }

    /// Whether the DSP has it.
    pub(super) fn is_wired(&self) -> bool {
        self.unproven.is_none()
    }

    /// Why it is of no more use, if so.
    pub(super) fn trouble(&mut self, shared: &mut Shared, now: Duration) -> Option<CloseReason> {
        match self.faults.take() {
            Verdict::Lost => return Some(CloseReason::Lost),
            Verdict::Invalidated => return Some(CloseReason::Invalidated),
            Verdict::Storm => return Some(CloseReason::ErrorStorm),
            Verdict::Rerouted => shared.events.say(AudioEvent::Rerouted { direction: self.device.direction }),
            Verdict::Fine => {}
        }
        let last_block_ns = self.counters.last_block_ns.load(Ordering::Relaxed);
        let (last_sign, patience) = match last_block_ns {
            0 => (self.opened_at, NO_FIRST_BLOCK),
            at => (Duration::from_nanos(at), NO_BLOCK),
        };
        if now.saturating_sub(last_sign) >= patience {
            return Some(CloseReason::NoCallbacks);
        }
        if now.saturating_sub(self.looked_at) >= LOOK_EVERY {
            self.looked_at = now;
            let reason = self.changed_format(shared);
            if reason.is_some() {
                return reason;
            }
        }
        None
    }

    /// Whether it is time for the questions that are asked twice a second.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.looked_at == now
    }

    fn changed_format(&self, shared: &mut Shared) -> Option<CloseReason> {
        match shared.backend.current_format(&self.device.id, self.device.direction) {
            Ok(format) if format.rate_hz != self.format.rate_hz || format.channels != self.format.channels => {
                Some(CloseReason::FormatChanged)
            }
            Err(error) if matches!(error.kind, DeviceErrorKind::Lost | DeviceErrorKind::NoDevice) => {
                Some(CloseReason::Lost)
            }
            // Whatever else it says, samples come, and the watchdog watches them.
            Ok(_) | Err(_) => None,
        }
    }

    /// Gives the stream to the DSP once its rate is proven.
    ///
    /// # Errors
    /// [`CloseReason::WrongRate`] if it is not what the device claims, [`CloseReason::FormatChanged`] if it claims another.
    pub(super) fn prove(&mut self, shared: &mut Shared, now: Duration) -> Result<(), CloseReason> {
        let Some((proof, _)) = &mut self.unproven else { return Ok(()) };
        match proof.look(&self.counters, self.format.rate_hz, now) {
            Belief::Unknown => return Ok(()),
            Belief::False => return Err(CloseReason::WrongRate),
            Belief::True => {}
        }
        if let Some(reason) = self.changed_format(shared) {
            return Err(reason);
        }
        let Some((_, end)) = self.unproven.take() else { return Ok(()) };
        self.counters.holds.store(false, Ordering::Release);
        let wiring = match end {
            End::Mic(end) => Wiring::Mic(Some(end)),
            End::Speaker(end) => Wiring::Speaker(Some(end), self.device.kind),
        };
        // Nobody there any more: the talk is ending.
        let _ = shared.wiring.send(wiring);
        shared.events.say(AudioEvent::Opened {
            direction: self.device.direction,
            device: self.device.clone(),
            format: self.format,
            backend: shared.backend.name(),
        });
        Ok(())
    }

    /// Tells the DSP, then ends the stream.
    pub(super) fn close(self, shared: &mut Shared) {
        if self.is_wired() {
            let _ = shared.wiring.send(match self.device.direction {
                Direction::Input => Wiring::Mic(None),
                Direction::Output => Wiring::Speaker(None, DeviceKind::Open),
            });
        }
    }
}
