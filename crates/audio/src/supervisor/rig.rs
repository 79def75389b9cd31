//! A supervisor over scripted devices, and a DSP that believes only what it can check.
//!
//! Every scripted microphone of [`Rig::mic`] says its true rate in each sample, so that a sample that arrives under another
//! rate convicts the supervisor.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::time::Duration;

use super::{AudioEvent, CloseReason, Supervisor, SupervisorOptions};
use crate::clock::Clock;
use crate::device::{DeviceChoice, DeviceId, Direction};
use crate::device_error::DeviceErrorKind;
use crate::simulated::{SimulatedDevice, SimulatedHost, VirtualClock};
use crate::stream::{MicEnd, SpeakerEnd, Wiring};

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) struct Rig {
    pub(super) host: SimulatedHost,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) supervisor: Supervisor,
    pub(super) poll_every: Duration,
    poll_at: Duration,
    wiring: Receiver<Wiring>,
    events: Receiver<AudioEvent>,
    /// All events so far, with the time when they were read.
    pub(super) log: Vec<(Duration, AudioEvent)>,
    mic: Option<MicEnd>,
    speaker: Option<SpeakerEnd>,
    /// When a sample last went each way.
    pub(super) heard_at: Duration,
    pub(super) played_at: Duration,
    /// How old the oldest sample was when it arrived.
    pub(super) oldest: Duration,
    /// Samples that arrived under another rate than they were taken at.
    pub(super) wrong_samples: u64,
    pub(super) samples: u64,
}

/// A microphone whose samples tell the rate at which they are really taken.
pub(super) fn honest_mic(name: &str) -> SimulatedDevice {
    SimulatedDevice::microphone(name).hears_blocks(|block, _, step| block.fill((1e-6 / step) as f32))
}

pub(super) fn closed_for(reason: CloseReason) -> impl Fn(&AudioEvent) -> bool {
    move |event| matches!(event, AudioEvent::Closed { reason: why, .. } if *why == reason)
}

pub(super) fn failed_with(kind: DeviceErrorKind) -> impl Fn(&AudioEvent) -> bool {
    move |event| matches!(event, AudioEvent::Failed { error, .. } if error.kind == kind)
}

pub(super) fn is_opened(event: &AudioEvent) -> bool {
    matches!(event, AudioEvent::Opened { .. })
}

/// The one sentence that tells of a failure.
pub(super) fn sentence(rig: &Rig, kind: DeviceErrorKind) -> String {
    assert_eq!(rig.count(Duration::ZERO, failed_with(kind)), 1, "said once: {:#?}", rig.log);
    let (_, event) = rig.log.iter().find(|(_, event)| failed_with(kind)(event)).unwrap();
    event.to_string()
}

fn talk(
    host: &SimulatedHost,
    clock: &Arc<VirtualClock>,
    options: SupervisorOptions,
) -> (Supervisor, Receiver<Wiring>, Receiver<AudioEvent>) {
    let (wiring_in, wiring) = channel();
    let (events_in, events) = sync_channel(8);
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    (Supervisor::new(Box::new(host.backend()), options, clock, wiring_in, events_in), wiring, events)
}

impl Rig {
    /// A machine with one microphone and one speaker.
    pub(super) fn new() -> Self {
        let rig = Self::with(SupervisorOptions::default());
        rig.host.plug(honest_mic("Built-in microphone"));
        rig.host.plug(SimulatedDevice::speaker("Built-in speaker"));
        rig
    }

    /// A machine without devices.
    pub(super) fn with(options: SupervisorOptions) -> Self {
        let clock = Arc::<VirtualClock>::default();
        let host = SimulatedHost::new(Arc::clone(&clock));
        let (supervisor, wiring, events) = talk(&host, &clock, options);
        Self {
            host,
            clock,
            supervisor,
            poll_every: Duration::from_millis(100),
            poll_at: Duration::ZERO,
            wiring,
            events,
            log: Vec::new(),
            mic: None,
            speaker: None,
            heard_at: Duration::ZERO,
            played_at: Duration::ZERO,
            oldest: Duration::ZERO,
            wrong_samples: 0,
            samples: 0,
        }
    }

    /// The end of one talk, and some time later the beginning of another.
    pub(super) fn restart(&mut self, pause: Duration) {
        let ended_at = self.now();
        let idle = talk(&SimulatedHost::new(Arc::clone(&self.clock)), &self.clock, SupervisorOptions::default());
        (self.supervisor, self.wiring, self.events) = idle;
        (self.mic, self.speaker) = (None, None);
        for direction in Direction::ALL {
            assert_eq!(self.host.live_streams(direction), 0, "a talk that is over holds no device");
        }
        self.host.advance(ended_at + pause);
        (self.supervisor, self.wiring, self.events) = talk(&self.host, &self.clock, SupervisorOptions::default());
    }

    pub(super) fn named(input: &str) -> Self {
        Self::with(SupervisorOptions { input: DeviceChoice::Named(input.to_owned()), ..SupervisorOptions::default() })
    }

    pub(super) fn mic(&self) -> DeviceId {
        self.host.default_device(Direction::Input).unwrap()
    }

    pub(super) fn speaker(&self) -> DeviceId {
        self.host.default_device(Direction::Output).unwrap()
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Lets time pass, with a poll every now and then and a DSP that works every 10 ms.
    pub(super) fn run(&mut self, lasts: Duration) {
        let until = self.now() + lasts;
        while self.now() < until {
            let next = (self.now() + Duration::from_millis(10)).min(until);
            self.host.advance(next);
            self.work();
            if self.now() >= self.poll_at {
                self.poll();
                self.poll_at = self.now() + self.poll_every;
            }
        }
    }

    pub(super) fn run_ms(&mut self, milliseconds: u64) {
        self.run(Duration::from_millis(milliseconds));
    }

    pub(super) fn poll(&mut self) {
        let now = self.now();
        self.supervisor.poll(now);
        while let Ok(event) = self.events.try_recv() {
            self.log.push((now, event));
        }
        for direction in Direction::ALL {
            assert!(self.host.most_live_streams(direction) <= 1, "two streams at once");
        }
    }

    fn work(&mut self) {
        while let Ok(wiring) = self.wiring.try_recv() {
            match wiring {
                Wiring::Mic(end) => self.mic = end,
                Wiring::Speaker(end, _) => self.speaker = end,
            }
        }
        let now = self.now();
        if let Some(mic) = &mut self.mic {
            let fresh = mic.samples.slots();
            let told = mic.samples.read_chunk(fresh).unwrap();
            for part in [told.as_slices().0, told.as_slices().1] {
                let is_wrong = |sample: &&f32| {
                    let told_hz = f64::from(**sample) * 1e6;
                    **sample != 0.0 && (told_hz / f64::from(mic.rate_hz) - 1.0).abs() > 0.001
                };
                self.wrong_samples += part.iter().filter(is_wrong).count() as u64;
            }
            told.commit_all();
            if fresh > 0 {
                self.heard_at = now;
                self.samples += fresh as u64;
                self.oldest = self.oldest.max(Duration::from_secs_f64(fresh as f64 / f64::from(mic.rate_hz)));
            }
            while mic.marks.pop().is_ok() {}
        }
        if let Some(speaker) = &mut self.speaker {
            let played = speaker.tap.slots();
            speaker.tap.read_chunk(played).unwrap().commit_all();
            if played > 0 {
                self.played_at = now;
            }
            while speaker.marks.pop().is_ok() {}
            let wanted = speaker.samples.slots().saturating_sub(speaker.samples.buffer().capacity() / 2);
            speaker.samples.write_chunk_uninit(wanted).unwrap().fill_from_iter(std::iter::repeat(0.1));
        }
    }

    /// When an event first came that the question says yes to, from a moment on.
    pub(super) fn first(&self, from: Duration, question: impl Fn(&AudioEvent) -> bool) -> Option<Duration> {
        self.log.iter().find(|(at, event)| *at >= from && question(event)).map(|(at, _)| *at)
    }

    pub(super) fn count(&self, from: Duration, question: impl Fn(&AudioEvent) -> bool) -> usize {
        self.log.iter().filter(|(at, event)| *at >= from && question(event)).count()
    }

    /// Whether sound flows both ways right now; the longest block of these tests takes 0.13 s.
    pub(super) fn flows(&self) -> bool {
        let recent = |at: Duration| at > Duration::ZERO && self.now().saturating_sub(at) <= Duration::from_millis(200);
        recent(self.heard_at) && recent(self.played_at)
    }

    /// Waits for sound both ways that is younger than now, and says how long that took.
    pub(super) fn time_until_both_flow(&mut self, most: Duration) -> Option<Duration> {
        let from = self.now();
        while self.now() < from + most {
            self.run_ms(10);
            if self.heard_at > from && self.played_at > from {
                return Some(self.heard_at.max(self.played_at).saturating_sub(from));
            }
        }
        None
    }

    /// Waits until sound has flowed both ways without a gap for two seconds, and says how long the last gap lasted from now on:
    /// zero if there was none.
    pub(super) fn time_until_steady_flow(&mut self, most: Duration) -> Option<Duration> {
        let from = self.now();
        let mut steady_since = from;
        while self.now() < from + most + Duration::from_secs(2) {
            self.run_ms(10);
            if !self.flows() {
                steady_since = self.now();
            } else if self.now().saturating_sub(steady_since) >= Duration::from_secs(2) {
                return Some(steady_since.saturating_sub(from));
            }
        }
        None
    }
}
