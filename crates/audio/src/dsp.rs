//! Everything between the rings of the devices' callbacks and the port of the talk, on one thread that polls every 5 ms.
//!
//! The microphone is the master of time: its samples, brought to 24 kHz, are cut into slices of 10 ms, cleaned of what the
//! speaker played, and handed over in frames. Moshi's frames wait in a queue and are pumped to the speaker, bent to its clock.
//! Nothing here blocks; nothing allocates but the echo canceller, and new streams.

mod block_clock;
mod catch_up;
mod drift;
mod echo;
mod frame_maker;
mod level;
mod loudspeaker;
mod microphone;
mod poll_gaps;
mod resampler;
mod rhythm;
mod speech_queue;

#[cfg(test)]
mod allocation_tests;
#[cfg(test)]
mod behaviour_tests;
#[cfg(test)]
mod drift_tests;
#[cfg(test)]
mod echo_tests;
#[cfg(test)]
mod latency_tests;
#[cfg(test)]
mod resampler_tests;
#[cfg(test)]
mod room;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use self::drift::DriftLoop;
use self::echo::{Cleaner, Cleaning};
use self::frame_maker::FrameMaker;
use self::level::PeakMeter;
use self::loudspeaker::Loudspeaker;
use self::microphone::Microphone;
use self::poll_gaps::PollGaps;
use self::rhythm::Rhythm;
use self::speech_queue::SpeechQueue;
use crate::device::DeviceKind;
use crate::frame::SAMPLE_RATE_HZ;
use crate::port::{DspPort, EchoMode};
use crate::stream::Wiring;

/// 10 ms at 24 kHz: what the echo canceller takes at once.
pub(crate) const SLICE_SAMPLES: usize = SAMPLE_RATE_HZ as usize / 100;

/// The same in seconds.
pub(crate) const SLICE_SECONDS: f64 = 0.010;

/// One slice.
pub(crate) type Slice = [f32; SLICE_SAMPLES];

/// How far the far end lags behind the near end on purpose: a speaker's callback may be that late before the near end has to
/// wait for it. The way through the air and two devices is longer, so the canceller still hears the far end first.
const FAR_LAG_SECONDS: f64 = 0.003;

/// How long a slice of the near end waits for the far end, before silence takes its place.
const LONGEST_FAR_WAIT: Duration = Duration::from_millis(30);

/// How often the drift loop is updated: several blocks, even of 4,096 samples at 48 kHz, lie in one window.
const DRIFT_PERIOD: Duration = Duration::from_millis(500);

/// A poll later than this was no poll but a suspended machine: whatever lies in the rings is stale.
const LONGEST_POLL_GAP: Duration = Duration::from_secs(1);

/// The loudest sample that is let in, 18 dB above full scale: only a defect is louder.
const LOUDEST: f32 = 8.0;

/// How the DSP cleans the microphone to begin with; [`Controls`](crate::Controls) change it later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DspOptions {
    /// When the echo is cancelled.
    pub echo: EchoMode,
    /// Whether steady noise is taken out of the microphone.
    pub noise_suppression: bool,
}

/// Where the far end lies beside the near end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FarEnd {
    /// Nobody knows yet.
    Unplaced,
    InPlace,
    /// The near end has waited for it since then.
    Late(Duration),
    /// The speaker's callback does not come: silence takes its place.
    Missing,
}

impl FarEnd {
    /// What becomes of it where a slice is not there.
    fn is_late(self, now: Duration) -> Self {
        match self {
            Self::Unplaced | Self::InPlace => Self::Late(now),
            Self::Late(since) if now.saturating_sub(since) < LONGEST_FAR_WAIT => self,
            Self::Late(_) | Self::Missing => Self::Missing,
        }
    }
}

/// The DSP.
pub(crate) struct Dsp {
    port: DspPort,
    wiring: Receiver<Wiring>,
    mic: Option<Microphone>,
    speaker: Option<Loudspeaker>,
    speaker_kind: DeviceKind,
    speech: SpeechQueue,
    cleaner: Cleaner,
    frames: FrameMaker,
    drift: DriftLoop,
    far_end: FarEnd,
    is_flowing: bool,
    /// Since when, in seconds: what was heard before does not belong to it.
    flowing_since: f64,
    /// How long the end of the last frame lay in a block of the microphone, in seconds.
    frame_lateness: f64,
    last_drift_update: Duration,
    last_poll: Option<Duration>,
    poll_gaps: PollGaps,
    user_meter: PeakMeter,
    moshi_meter: PeakMeter,
}

impl Dsp {
    /// A DSP without streams; they come through `wiring`.
    pub(crate) fn new(port: DspPort, wiring: Receiver<Wiring>, options: DspOptions) -> Self {
        port.controls.set_echo(options.echo);
        port.controls.set_noise_suppression(options.noise_suppression);
        Self {
            port,
            wiring,
            mic: None,
            speaker: None,
            speaker_kind: DeviceKind::Open,
            speech: SpeechQueue::new(),
            cleaner: Cleaner::new(Cleaning { cancels_echo: false, suppresses_noise: false }),
            frames: FrameMaker::default(),
            drift: DriftLoop::default(),
            far_end: FarEnd::Unplaced,
            is_flowing: false,
            flowing_since: 0.0,
            frame_lateness: 0.0,
            last_drift_update: Duration::ZERO,
            last_poll: None,
            poll_gaps: PollGaps::default(),
            user_meter: PeakMeter::default(),
            moshi_meter: PeakMeter::default(),
        }
    }

    /// Does all there is to do; called about every 5 ms. Returns whether a frame of the user was handed over.
    pub(crate) fn poll(&mut self, now: Duration) -> bool {
        // SAFETY: the guard changes how this thread rounds the smallest floats, and restores it before returning. Nothing in
        // here relies on them: echo paths and filters fade into them and would become slow.
        unsafe { no_denormals::no_denormals(|| self.poll_without_denormals(now)) }
    }

    fn poll_without_denormals(&mut self, now: Duration) -> bool {
        self.take_wiring();
        let gap = self.last_poll.map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.last_poll = Some(now);
        if gap > LONGEST_POLL_GAP {
            self.wake_up();
        } else {
            self.poll_gaps.note(now, gap);
        }
        self.observe();
        self.choose_flow(now);
        self.choose_cleaning();
        self.take_speech(now);

        let handed_over = self.hear(now);
        self.follow_drift(now);
        if let Some(speaker) = &mut self.speaker {
            speaker.pump(now, self.poll_gaps.next_poll(), &mut self.speech);
        }
        self.write_meters();
        handed_over
    }

    fn take_wiring(&mut self) {
        loop {
            match self.wiring.try_recv() {
                Ok(Wiring::Mic(end)) => self.mic = end.and_then(|end| Microphone::new(end).ok()),
                Ok(Wiring::Speaker(end, kind)) => {
                    self.speaker = end.and_then(|end| Loudspeaker::new(end).ok());
                    self.speaker_kind = kind;
                    self.speech.reset();
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
            self.start_anew();
        }
    }

    /// New streams: nothing of the old ones is left.
    fn start_anew(&mut self) {
        self.drift = DriftLoop::default();
        self.cleaner = Cleaner::new(self.cleaner.cleaning());
        self.user_meter.reset();
        self.moshi_meter.reset();
        if let Some(speaker) = &mut self.speaker {
            speaker.set_stretch(0.0);
        }
        self.is_flowing = false;
        self.speech.end();
        self.let_go();
    }

    /// Nobody polled for long: nothing that was said or heard before is passed on.
    fn wake_up(&mut self) {
        self.is_flowing = false;
        self.speech.end();
        while self.port.speaker.pop().is_ok() {}
        self.let_go();
    }

    /// Forgets what lies in the rings, and where near and far end lie.
    fn let_go(&mut self) {
        if let Some(mic) = &mut self.mic {
            mic.observe();
            mic.forget();
        }
        if let Some(speaker) = &mut self.speaker {
            speaker.observe();
            speaker.forget_far();
        }
        self.frames.clear();
        self.far_end = FarEnd::Unplaced;
    }

    fn observe(&mut self) {
        let meters = &self.port.meters;
        let mut has_lost = false;
        if let Some(mic) = &mut self.mic {
            let lost = mic.observe();
            add(&meters.lost_mic_samples, lost);
            add(&meters.xruns, mic.new_xruns());
            has_lost |= lost > 0;
        }
        if let Some(speaker) = &mut self.speaker {
            has_lost |= speaker.observe() > 0;
            add(&meters.xruns, speaker.new_xruns());
            let missed = speaker.new_underruns();
            if self.is_flowing && self.speech.counts_underruns() {
                add(&meters.underruns, missed.underruns);
                add(&meters.missing_speaker_samples, missed.missing);
            }
        }
        if has_lost {
            self.let_go();
        }
    }

    /// Frames flow while both streams are there and nothing holds them.
    fn choose_flow(&mut self, now: Duration) {
        let flows = self.mic.is_some() && self.speaker.is_some() && !self.port.controls.holds();
        if flows != self.is_flowing {
            self.is_flowing = flows;
            self.flowing_since = now.as_secs_f64();
            self.frames.clear();
            self.speech.end();
        }
        self.speech.set_hushed(self.port.controls.is_hushed());
    }

    fn choose_cleaning(&mut self) {
        let cancels_echo = match self.port.controls.echo() {
            EchoMode::Auto => self.speaker_kind != DeviceKind::Headphones,
            EchoMode::On => true,
            EchoMode::Off => false,
        };
        let cleaning = Cleaning { cancels_echo, suppresses_noise: self.port.controls.suppresses_noise() };
        if cleaning != self.cleaner.cleaning() {
            self.cleaner = Cleaner::new(cleaning);
            self.frames.fade_in();
        }
    }

    fn take_speech(&mut self, now: Duration) {
        if let (Some(mic), Some(speaker)) = (&self.mic, &self.speaker) {
            let rhythm = Rhythm {
                mic_block: mic.longest_block_seconds(),
                speaker_block: speaker.longest_block_seconds(),
                next_poll: self.poll_gaps.next_poll().as_secs_f64(),
                frame_lateness: self.frame_lateness,
                to_play: speaker.seconds_to_play(now),
            };
            self.speech.set_rhythm(&rhythm, self.port.speaker.slots());
        }
        while !self.is_flowing || self.speech.has_room() {
            let Ok(frame) = self.port.speaker.pop() else { return };
            if self.is_flowing {
                self.speech.push(&frame);
            }
        }
    }

    /// Cleans all slices that are complete, and makes frames of them.
    fn hear(&mut self, now: Duration) -> bool {
        let (Some(mic), Some(speaker)) = (&mut self.mic, &mut self.speaker) else {
            if let Some(mic) = &mut self.mic {
                mic.forget();
            }
            if let Some(speaker) = &mut self.speaker {
                speaker.forget_far();
            }
            return false;
        };
        if self.far_end == FarEnd::Unplaced {
            if !mic.clock().is_running() || !speaker.clock().is_running() {
                mic.forget();
                return false;
            }
            align(mic, speaker);
            self.far_end = FarEnd::InPlace;
        }
        let mut handed_over = false;
        let mut near: Slice = [0.0; SLICE_SAMPLES];
        let mut far: Slice = [0.0; SLICE_SAMPLES];
        while mic.has_slice() {
            if speaker.has_far_slice() {
                if std::mem::replace(&mut self.far_end, FarEnd::InPlace) == FarEnd::Missing {
                    align(mic, speaker);
                    continue;
                }
                speaker.read_far(&mut far);
            } else {
                self.far_end = self.far_end.is_late(now);
                if self.far_end != FarEnd::Missing {
                    break;
                }
                far.fill(0.0);
            }
            mic.read(&mut near);
            self.cleaner.clean(&mut near, &far);
            let meters = &self.port.meters;
            store(&meters.user_level, self.user_meter.push(&near));
            store(&meters.moshi_level, self.moshi_meter.push(&far));
            let heard_at = mic.heard_at(self.cleaner.delay_seconds());
            if self.is_flowing
                && heard_at.as_secs_f64() >= self.flowing_since + SLICE_SECONDS
                && let Some(mut frame) = self.frames.push(&near, self.port.controls.is_muted())
            {
                self.frame_lateness = (now.as_secs_f64() - mic.read_until()).max(0.0);
                frame.heard_at = heard_at;
                match self.port.mic.push(frame) {
                    Ok(()) => handed_over = true,
                    Err(_) => add(&meters.lost_mic_frames, 1),
                }
            }
        }
        handed_over
    }

    fn follow_drift(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.last_drift_update);
        if elapsed < DRIFT_PERIOD {
            return;
        }
        self.last_drift_update = now;
        let (Some(mic), Some(speaker)) = (&mut self.mic, &mut self.speaker) else { return };
        if matches!(self.far_end, FarEnd::InPlace | FarEnd::Late(_)) {
            let error = far_error(mic, speaker);
            if self.drift.update(error, elapsed.min(2 * DRIFT_PERIOD).as_secs_f64()) {
                align(mic, speaker);
                self.drift.was_put_back();
            }
            speaker.set_stretch(self.drift.stretch());
        }
        mic.clock().turn_window();
        speaker.clock().turn_window();
    }

    fn write_meters(&mut self) {
        let meters = &self.port.meters;
        let counts = self.speech.take_counts();
        let rate_hz = self.speaker.as_ref().map_or(SAMPLE_RATE_HZ, Loudspeaker::rate_hz);
        add(&meters.underruns, counts.underruns);
        add(&meters.missing_speaker_samples, counts.missing * u64::from(rate_hz) / u64::from(SAMPLE_RATE_HZ));
        add(&meters.trimmed_samples, counts.trimmed);

        let ring_seconds = match &self.speaker {
            Some(speaker) if self.speech.is_talking() => speaker.ring_seconds(),
            _ => 0.0,
        };
        let queue_seconds = self.speech.waiting_samples() as f64 / f64::from(SAMPLE_RATE_HZ) + ring_seconds;
        meters.speaker_queue_us.store((queue_seconds * 1e6) as u64, Ordering::Relaxed);
        store(&meters.drift_ppm, self.drift.drift_ppm() as f32);
        let works = self.cleaner.cleaning().cancels_echo && self.far_end != FarEnd::Unplaced;
        meters.is_cancelling.store(works, Ordering::Relaxed);
        let loss_db = self.cleaner.return_loss_db().filter(|_| works).unwrap_or(0.0);
        store(&meters.echo_return_loss_db, loss_db as f32);
        if self.far_end == FarEnd::Unplaced {
            store(&meters.user_level, 0.0);
            store(&meters.moshi_level, 0.0);
        }
    }
}

/// How far the far end is from its place beside the near end, in seconds: positive if too little of it was used.
fn far_error(mic: &Microphone, speaker: &Loudspeaker) -> f64 {
    mic.read_until() - FAR_LAG_SECONDS - speaker.far_until()
}

/// Puts the far end to its place.
fn align(mic: &Microphone, speaker: &mut Loudspeaker) {
    speaker.move_far(far_error(mic, speaker));
}

/// A sample that can do no harm.
fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 }
}

fn add(counter: &AtomicU64, more: u64) {
    if more > 0 {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

fn store(meter: &std::sync::atomic::AtomicU32, value: f32) {
    meter.store(value.to_bits(), Ordering::Relaxed);
}
