//! A room for tests: two devices with their own clocks and blocks, the way through the air, polls, and an engine. All in
//! virtual time, none of it taken from the code that it tests.

#![allow(clippy::float_cmp, reason = "an event comes at exactly the time that was chosen as the next")]

use std::collections::VecDeque;
use std::f64::consts::PI;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::allocation_tests::allocator_calls;
use super::{Dsp, DspOptions};
use crate::clock::Clock;
use crate::device::DeviceKind;
use crate::frame::{FRAME_SAMPLES, Frame};
use crate::port::{EchoMode, FramePort, MicFrame, port};
use crate::stream::{MicCallback, SpeakerCallback, Wiring, mic_stream, speaker_stream};

/// A clock moved by hand.
#[derive(Default)]
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    pub(crate) fn set(&self, seconds: f64) {
        self.0.store((seconds * 1e9) as u64, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// xorshift64*: small, seeded, the same everywhere.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    /// Uniform in −1..1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// A device's clock and habits.
#[derive(Clone, Copy)]
pub(crate) struct Device {
    pub(crate) rate_hz: u32,
    pub(crate) ppm: f64,
    pub(crate) block: usize,
    /// When its first block begins.
    pub(crate) starts: f64,
    /// How late its callbacks may run, in seconds.
    pub(crate) jitter: f64,
}

impl Device {
    pub(crate) fn new(rate_hz: u32, block: usize) -> Self {
        Self { rate_hz, ppm: 0.0, block, starts: 0.0, jitter: 0.0 }
    }

    fn true_hz(&self) -> f64 {
        f64::from(self.rate_hz) * (1.0 + self.ppm * 1e-6)
    }

    fn time_of(&self, sample: usize) -> f64 {
        self.starts + sample as f64 / self.true_hz()
    }

    fn sample_at(&self, time: f64) -> f64 {
        (time - self.starts) * self.true_hz()
    }
}

pub(crate) struct Air {
    /// From the speaker's callback to the microphone, in seconds.
    pub(crate) delay: f64,
    /// Reflections: after so many microphone samples, so loud.
    pub(crate) reflections: Vec<(usize, f32)>,
    /// How hard the loudspeaker saturates; 0 is linear.
    pub(crate) saturation: f32,
}

impl Air {
    /// No way from the speaker to the microphone.
    pub(crate) fn none() -> Self {
        Self { delay: 0.0, reflections: Vec::new(), saturation: 0.0 }
    }

    /// A room that decays by 60 dB in 60 ms, and makes of a full-scale noise one of `level_db`.
    pub(crate) fn decaying(mic_hz: u32, delay: f64, level_db: f64) -> Self {
        let mut noise = Noise(77);
        let taps = f64::from(mic_hz) * 0.060;
        let mut reflections = vec![(0, 1.0)];
        let mut energy = 1.0;
        for _ in 0..120 {
            let at = taps * (noise.next() * 0.5 + 0.5);
            let gain = noise.next() * 0.5 * 10f64.powf(-3.0 * at / taps);
            energy += gain * gain;
            reflections.push((at as usize, gain as f32));
        }
        let scale = (10f64.powf(level_db / 20.0) / f64::sqrt(energy)) as f32;
        for (_, gain) in &mut reflections {
            *gain *= scale;
        }
        Self { delay, reflections, saturation: 0.0 }
    }
}

/// Answers each frame with the next one of a script.
pub(crate) struct Engine {
    pub(crate) script: Vec<f32>,
    pub(crate) answered: usize,
    /// How long the answer to a frame takes, in seconds.
    pub(crate) step: Box<dyn FnMut(usize) -> f64>,
    /// More frames than this in the queue are dropped, the oldest first, as the talk does.
    pub(crate) most_backlog: usize,
    queue: VecDeque<MicFrame>,
    busy_until: f64,
    is_busy: bool,
    read: usize,
}

pub(crate) struct Room {
    pub(crate) now: f64,
    pub(crate) mic: Device,
    pub(crate) speaker: Device,
    pub(crate) air: Air,
    /// What else the microphone hears at a sample.
    pub(crate) user: Box<dyn FnMut(usize) -> f32>,
    pub(crate) engine: Engine,
    pub(crate) poll_period: f64,
    pub(crate) poll_jitter: f64,
    pub(crate) port: FramePort,
    pub(crate) wiring: Sender<Wiring>,
    pub(crate) dsp: Dsp,
    pub(crate) clock: Arc<HandClock>,
    /// What the speaker played, and when each block was fetched: (its first sample, the time).
    pub(crate) played: Vec<f32>,
    pub(crate) fetched: Vec<(usize, f64)>,
    /// The echo in the microphone, and all that it heard.
    pub(crate) echo: Vec<f32>,
    pub(crate) heard: Vec<f32>,
    /// The frames handed over, and when they could be read.
    pub(crate) frames: Vec<(f64, MicFrame)>,
    /// When each of Moshi's frames was written.
    pub(crate) written: Vec<f64>,
    pub(crate) keeps_sound: bool,
    /// Allocations and releases in all polls.
    pub(crate) allocator_calls: u64,
    pub(crate) callbacks: Option<(MicCallback, SpeakerCallback)>,
    dry: Vec<f32>,
    next_mic: usize,
    next_speaker: usize,
    next_mic_at: f64,
    next_speaker_at: f64,
    pub(crate) next_poll: f64,
    noise: Noise,
}

impl Room {
    pub(crate) fn new(mic: Device, speaker: Device, echo: EchoMode) -> Self {
        let clock = Arc::<HandClock>::default();
        let (frame_port, dsp_port) = port();
        let (wiring, wires) = channel();
        let dsp = Dsp::new(dsp_port, wires, DspOptions { echo, noise_suppression: false });
        let mut room = Self {
            now: 0.0,
            mic,
            speaker,
            air: Air::none(),
            user: Box::new(|_| 0.0),
            engine: Engine {
                script: vec![0.0; FRAME_SAMPLES],
                answered: 0,
                step: Box::new(|_| 0.0),
                most_backlog: 6,
                queue: VecDeque::new(),
                busy_until: 0.0,
                is_busy: false,
                read: 0,
            },
            poll_period: 0.005,
            poll_jitter: 0.0005,
            port: frame_port,
            wiring,
            dsp,
            clock,
            played: Vec::new(),
            fetched: Vec::new(),
            echo: Vec::new(),
            heard: Vec::new(),
            frames: Vec::new(),
            written: Vec::new(),
            keeps_sound: true,
            allocator_calls: 0,
            callbacks: None,
            dry: Vec::new(),
            next_mic: 0,
            next_speaker: 0,
            next_mic_at: 0.0,
            next_speaker_at: 0.0,
            next_poll: 0.0,
            noise: Noise(4_711),
        };
        room.plug_in(DeviceKind::Open);
        room
    }

    /// Opens both devices, now.
    pub(crate) fn plug_in(&mut self, kind: DeviceKind) {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (mic_callback, mic_end) = mic_stream(self.mic.rate_hz, Arc::clone(&clock));
        let (speaker_callback, speaker_end) = speaker_stream(self.speaker.rate_hz, clock);
        self.wiring.send(Wiring::Mic(Some(mic_end))).unwrap();
        self.wiring.send(Wiring::Speaker(Some(speaker_end), kind)).unwrap();
        self.callbacks = Some((mic_callback, speaker_callback));
        if self.now > 0.0 {
            (self.mic.starts, self.speaker.starts) = (self.now, self.now);
            (self.next_mic, self.next_speaker) = (0, 0);
            for log in [&mut self.played, &mut self.echo, &mut self.heard, &mut self.dry] {
                log.clear();
            }
            self.fetched.clear();
        }
        self.next_speaker_at = self.speaker.starts;
        self.next_mic_at = self.mic.time_of(self.mic.block);
    }

    /// Lets time go on until a moment.
    pub(crate) fn run_until(&mut self, end: f64) {
        loop {
            let engine_at = if self.engine.is_busy { self.engine.busy_until } else { f64::INFINITY };
            let next = self.next_mic_at.min(self.next_speaker_at).min(self.next_poll).min(engine_at);
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            self.clock.set(self.now);
            if next == self.next_speaker_at {
                self.play();
            } else if next == self.next_mic_at {
                self.listen();
            } else if next == self.next_poll {
                let before = allocator_calls();
                let handed_over = self.dsp.poll(self.clock.now());
                self.allocator_calls += allocator_calls() - before;
                let late = self.noise.next().abs() * self.poll_jitter;
                self.next_poll += self.poll_period;
                self.next_poll = (self.next_poll + late).max(self.now + 0.0001);
                assert_eq!(handed_over, self.port.mic.backlog_frames() > 0, "poll says what it did");
                while let Some(frame) = self.port.mic.read() {
                    if self.keeps_sound {
                        self.frames.push((self.now, frame.clone()));
                    }
                    self.engine.queue.push_back(frame);
                }
                if self.engine.queue.len() > self.engine.most_backlog {
                    self.engine.queue.pop_front();
                }
                self.begin_step();
            } else {
                self.answer();
                self.begin_step();
            }
        }
    }

    fn begin_step(&mut self) {
        if self.engine.is_busy || self.engine.queue.pop_front().is_none() {
            return;
        }
        self.engine.is_busy = true;
        self.engine.busy_until = self.now + (self.engine.step)(self.engine.read);
        self.engine.read += 1;
    }

    fn answer(&mut self) {
        self.engine.is_busy = false;
        let mut frame: Frame = [0.0; FRAME_SAMPLES];
        let begins = self.engine.answered * FRAME_SAMPLES % self.engine.script.len();
        for (i, place) in frame.iter_mut().enumerate() {
            *place = self.engine.script[(begins + i) % self.engine.script.len()];
        }
        self.engine.answered += 1;
        if self.keeps_sound {
            self.written.push(self.now);
        }
        self.port.speaker.write(&frame);
    }

    fn play(&mut self) {
        let block = self.speaker.block;
        let mut samples = vec![0.0; block];
        if let Some((_, speaker)) = &mut self.callbacks {
            speaker.on_output(&mut samples, 1);
        }
        if self.keeps_sound {
            self.fetched.push((self.next_speaker, self.now));
            let hard = self.air.saturation;
            self.played.extend(samples.iter().map(|x| if hard > 0.0 { (x * hard).tanh() / hard } else { *x }));
        }
        self.next_speaker += block;
        let late = self.noise.next().abs() * self.speaker.jitter;
        self.next_speaker_at = (self.speaker.time_of(self.next_speaker) + late).max(self.now);
    }

    fn listen(&mut self) {
        let first = self.next_mic;
        let mut samples = vec![0.0; self.mic.block];
        if self.keeps_sound {
            for n in first..first + self.mic.block {
                let direct = self.played_at(self.mic.time_of(n) - self.air.delay);
                self.dry.push(direct);
                let dry = &self.dry;
                let reflections = self.air.reflections.iter();
                let echo = reflections.map(|(lag, gain)| n.checked_sub(*lag).map_or(0.0, |at| dry[at] * gain)).sum();
                self.echo.push(echo);
                let heard = echo + (self.user)(n);
                self.heard.push(heard);
                samples[n - first] = heard;
            }
        }
        if let Some((mic, _)) = &mut self.callbacks {
            mic.on_input(&samples, 1);
        }
        self.next_mic += self.mic.block;
        let late = self.noise.next().abs() * self.mic.jitter;
        self.next_mic_at = (self.mic.time_of(self.next_mic + self.mic.block) + late).max(self.now);
    }

    /// The sound at the loudspeaker at a moment, between two samples by a sinc of 32 taps under a Hann window.
    fn played_at(&self, time: f64) -> f32 {
        if self.air.reflections.is_empty() {
            return 0.0;
        }
        let at = self.speaker.sample_at(time);
        let nearest = at.round();
        let sound = |i: f64| if i < 0.0 { 0.0 } else { self.played.get(i as usize).copied().unwrap_or(0.0) };
        if (at - nearest).abs() < 1e-6 {
            return sound(nearest);
        }
        let base = at.floor();
        let sine = (PI * (at - base)).sin() as f32;
        let mut sum = 0.0f32;
        for k in -15..=16i32 {
            let x = (at - base) as f32 - k as f32;
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            let window = 0.5 + 0.5 * (std::f32::consts::PI * x / 16.5).cos();
            sum += sound(base + f64::from(k)) * sign * sine / (std::f32::consts::PI * x) * window;
        }
        sum
    }

    /// The speaker's callback does not come for a while, and its device plays nothing.
    pub(crate) fn stop_speaker_until(&mut self, time: f64) {
        self.speaker.starts += time - self.next_speaker_at;
        self.next_speaker_at = time;
    }

    /// Neither devices nor polls until then.
    pub(crate) fn sleep_until(&mut self, time: f64) {
        self.stop_speaker_until(time);
        let gap = time - self.next_mic_at;
        self.mic.starts += gap;
        self.next_mic_at = time;
        self.next_poll = time + 0.002;
    }

    /// All that was handed over, one after another.
    pub(crate) fn clean(&self) -> Vec<f32> {
        self.frames.iter().flat_map(|(_, frame)| frame.samples).collect()
    }
}
