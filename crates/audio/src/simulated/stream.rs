//! A stream of a scripted device: which callback is due when.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::device::SimulatedDevice;
use super::world::{World, locked};
use crate::backend::{FaultSink, OpenStream, StreamFault};
use crate::device::{DeviceId, Direction, StreamFormat};
use crate::stream::{MicCallback, SpeakerCallback};

/// What a stream calls.
pub(super) enum Callback {
    Mic(MicCallback),
    Speaker(SpeakerCallback),
}

/// A running stream, as the world sees it.
pub(super) struct Running {
    pub(super) key: u64,
    pub(super) device: DeviceId,
    pub(super) direction: Direction,
    pub(super) format: StreamFormat,
    pub(super) callback: Callback,
    pub(super) faults: FaultSink,
    /// Whether callbacks have ended for good.
    pub(super) is_dead: bool,
    /// When its present run of blocks began, in nanoseconds, and how many blocks ago.
    began_ns: f64,
    blocks: u64,
    /// When the next block is due without jitter, and with it.
    pub(super) due_ns: f64,
    pub(super) called_ns: f64,
    pub(super) storm: Option<Storm>,
    random: u64,
}

/// A storm of faults, in nanoseconds: when the next comes, how far apart they are, when they end.
#[derive(Clone, Copy)]
pub(super) struct Storm {
    pub(super) next: f64,
    pub(super) period: f64,
    pub(super) end: f64,
}

impl Running {
    pub(super) fn new(
        key: u64,
        device: &SimulatedDevice,
        format: StreamFormat,
        callback: Callback,
        faults: FaultSink,
        now: Duration,
    ) -> Self {
        let mut running = Self {
            key,
            device: device.id.clone(),
            direction: device.direction,
            format,
            callback,
            faults,
            is_dead: false,
            began_ns: now.as_nanos() as f64,
            blocks: 0,
            due_ns: 0.0,
            called_ns: 0.0,
            storm: None,
            // An odd number, different for each stream: the generator below must not start at zero.
            random: key.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        };
        running.schedule(device);
        running
    }

    /// Begins a new run of blocks: after a change of rate or a stall, the grid of callbacks is another one.
    pub(super) fn restart(&mut self, device: &SimulatedDevice, now: Duration) {
        self.began_ns = now.as_nanos() as f64;
        self.blocks = 0;
        self.schedule(device);
    }

    fn schedule(&mut self, device: &SimulatedDevice) {
        let samples = (self.blocks + 1) as f64 * f64::from(device.block_samples);
        self.due_ns = self.began_ns + samples * 1e9 / device.true_rate();
        self.called_ns = self.due_ns;
        if !device.jitter.is_zero() {
            // xorshift64, Marsaglia 2003.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let part = (self.random >> 11) as f64 / (1_u64 << 53) as f64;
            self.called_ns += part * device.jitter.as_nanos() as f64;
        }
    }

    /// When something happens next.
    pub(super) fn next_ns(&self, device: &SimulatedDevice) -> f64 {
        let block = if device.is_stalled || self.is_dead { f64::INFINITY } else { self.called_ns };
        self.storm.map_or(block, |storm| block.min(storm.next))
    }

    /// Does what is due.
    pub(super) fn run(&mut self, device: &mut SimulatedDevice, scratch: &mut Scratch) {
        if let Some(storm) = &mut self.storm
            && (storm.next < self.called_ns || device.is_stalled || self.is_dead)
        {
            storm.next += storm.period;
            let is_over = storm.next > storm.end;
            (self.faults)(StreamFault::Other);
            if is_over {
                self.storm = None;
            }
            return;
        }
        let step = 1.0 / device.true_rate();
        let samples = device.block_samples as usize;
        // A microphone's block was heard before its callback; a speaker's sounds after it.
        match &mut self.callback {
            Callback::Mic(callback) => {
                let first_at = self.due_ns / 1e9 - samples as f64 * step;
                scratch.hear(device, samples, first_at, step);
                callback.on_input(&scratch.interleaved, device.channels);
            }
            Callback::Speaker(callback) => {
                scratch.interleaved.clear();
                scratch.interleaved.resize(samples * usize::from(device.channels), f32::NAN);
                callback.on_output(&mut scratch.interleaved, device.channels);
                scratch.play(device, self.due_ns / 1e9, step);
            }
        }
        self.blocks += 1;
        self.schedule(device);
    }
}

/// Buffers that are used again for every block.
#[derive(Default)]
pub(super) struct Scratch {
    interleaved: Vec<f32>,
    mono: Vec<f32>,
}

impl Scratch {
    fn hear(&mut self, device: &mut SimulatedDevice, samples: usize, first_at: f64, step: f64) {
        self.mono.clear();
        self.mono.resize(samples, if device.is_silent { 0.0 } else { 0.01 });
        if let Some(source) = device.source.as_mut().filter(|_| !device.is_silent) {
            source(&mut self.mono, first_at, step);
        }
        if device.channels == 1 {
            std::mem::swap(&mut self.mono, &mut self.interleaved);
            return;
        }
        self.interleaved.clear();
        for sample in &self.mono {
            self.interleaved.push(*sample);
            self.interleaved.extend((1..device.channels).map(|_| -*sample));
        }
    }

    fn play(&mut self, device: &mut SimulatedDevice, first_at: f64, step: f64) {
        let Some(sink) = device.sink.as_mut() else { return };
        self.mono.clear();
        let places = self.interleaved.chunks_exact(usize::from(device.channels.max(1)));
        self.mono.extend(places.filter_map(|place| place.first().copied()));
        sink(&self.mono, first_at, step);
    }
}

/// The supervisor's hold on a stream.
pub(super) struct Handle {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) key: u64,
}

impl OpenStream for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        locked(&self.world).close(self.key);
    }
}
