//! What runs on a sound device's thread neither allocates nor frees: the allocator of this program aborts if it does.
//!
//! A program of its own, because an allocator is one per program. Locks and logs allocate too, or are not there: the
//! callbacks hold rings, atomics and a clock, and nothing else.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use moshibar_audio::{
    Backend, Clock, DeviceError, DeviceId, DeviceInfo, DeviceKind, Direction, FaultSink, LARGEST_BLOCK_SAMPLES,
    MicCallback, OpenStream, SpeakerCallback, StreamFault, StreamFormat, Supervisor, SupervisorOptions, SystemClock,
    mic_stream, speaker_stream,
};
use moshibar_test_support::by_depth;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// As many callbacks of each kind; at the least as many as it takes for all block sizes to come up.
fn callbacks() -> usize {
    by_depth(140_000, 1_000_000, 1_000_000)
}

/// All block sizes from 1 to 4,096 come up, the small ones more often, as the callbacks must end
/// some day.
fn block_samples(callback: usize) -> usize {
    if callback.is_multiple_of(32) { (callback / 32) % LARGEST_BLOCK_SAMPLES + 1 } else { callback % 64 + 1 }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

#[test]
fn blocks_from_the_microphone_allocate_nothing() {
    let (mut mic, mut end) = mic_stream(48_000, clock());
    let sound = vec![0.1; LARGEST_BLOCK_SAMPLES * 3];
    for callback in 0..callbacks() {
        let channels = callback % 3 + 1;
        let block = &sound[..block_samples(callback) * channels];
        assert_no_alloc(|| mic.on_input(block, channels as u16));
        // The reader sleeps for a while now and then: the ring and the marks are full at times, and empty at others.
        if callback % 4_000 > 1_800 {
            let waiting = end.samples.slots();
            end.samples.read_chunk(waiting).unwrap().commit_all();
            while end.marks.pop().is_ok() {}
        }
    }
    let counters = &end.counters;
    assert_eq!(counters.blocks.load(Ordering::Relaxed), callbacks() as u64);
    assert_eq!(counters.largest_block.load(Ordering::Relaxed), LARGEST_BLOCK_SAMPLES as u64);
    let lost = counters.lost_samples.load(Ordering::Relaxed);
    assert!(lost > 0 && lost < counters.samples.load(Ordering::Relaxed), "full at times, and not always");
}

#[test]
fn blocks_for_the_speaker_allocate_nothing() {
    let (mut speaker, mut end) = speaker_stream(48_000, clock());
    let mut room = vec![0.0; LARGEST_BLOCK_SAMPLES * 3];
    for callback in 0..callbacks() {
        let channels = callback % 3 + 1;
        let samples = block_samples(callback);
        if callback % 4_000 > 1_800 {
            let fitting = end.samples.slots().min(samples + callback % 2);
            end.samples.write_chunk_uninit(fitting).unwrap().fill_from_iter(std::iter::repeat(0.1));
            let waiting = end.tap.slots();
            end.tap.read_chunk(waiting).unwrap().commit_all();
            while end.marks.pop().is_ok() {}
        }
        let block = &mut room[..samples * channels];
        assert_no_alloc(|| speaker.on_output(block, channels as u16));
    }
    let counters = &end.counters;
    assert_eq!(counters.blocks.load(Ordering::Relaxed), callbacks() as u64);
    assert_eq!(counters.largest_block.load(Ordering::Relaxed), LARGEST_BLOCK_SAMPLES as u64);
    let lost = counters.lost_samples.load(Ordering::Relaxed);
    assert!(lost > 0 && lost < counters.samples.load(Ordering::Relaxed), "dry at times, and not always");
    assert!(counters.underruns.load(Ordering::Relaxed) > 10);
    assert!(counters.lost_tap_samples.load(Ordering::Relaxed) > 0, "the tap was full at times");
}

/// A sound system whose only device hands its fault sink to the test.
struct Confidant(Arc<Mutex<Option<(FaultSink, MicCallback)>>>);

struct Open;
impl OpenStream for Open {}

impl Backend for Confidant {
    fn name(&self) -> &'static str {
        "Confidant"
    }

    fn devices(&mut self) -> Result<Vec<DeviceInfo>, DeviceError> {
        let id = DeviceId("only".to_owned());
        let (name, direction) = ("Only".to_owned(), Direction::Input);
        Ok(vec![DeviceInfo { id, name, direction, is_default: true, kind: DeviceKind::Open }])
    }

    fn default_device(&mut self, direction: Direction) -> Option<DeviceId> {
        (direction == Direction::Input).then(|| DeviceId("only".to_owned()))
    }

    fn current_format(&mut self, _: &DeviceId, _: Direction) -> Result<StreamFormat, DeviceError> {
        Ok(StreamFormat { rate_hz: 48_000, channels: 1, block_samples: None })
    }

    fn open_input(
        &mut self,
        _: &DeviceId,
        _: StreamFormat,
        callback: MicCallback,
        faults: FaultSink,
    ) -> Result<Box<dyn OpenStream>, DeviceError> {
        if let Ok(mut stream) = self.0.lock() {
            *stream = Some((faults, callback));
        }
        Ok(Box::new(Open))
    }

    fn open_output(
        &mut self,
        _: &DeviceId,
        _: StreamFormat,
        _: SpeakerCallback,
        _: FaultSink,
    ) -> Result<Box<dyn OpenStream>, DeviceError> {
        Err(DeviceError::no_device(Direction::Output))
    }
}

#[test]
fn a_storm_of_faults_and_a_held_stream_allocate_nothing() {
    let stream = Arc::new(Mutex::new(None));
    let (wiring, _wiring) = channel();
    let (events, _events) = sync_channel(8);
    let backend = Box::new(Confidant(Arc::clone(&stream)));
    let mut supervisor = Supervisor::new(backend, SupervisorOptions::default(), clock(), wiring, events);
    supervisor.poll(Duration::ZERO);
    let (mut faults, mut held) = stream.lock().unwrap().take().unwrap();
    let all = [
        StreamFault::Other,
        StreamFault::Xrun,
        StreamFault::Rerouted,
        StreamFault::Invalidated,
        StreamFault::DeviceLost,
    ];
    let callbacks = callbacks();
    assert_no_alloc(|| {
        for callback in 0..callbacks {
            faults(all[callback % all.len()]);
        }
        held.on_input(&[0.1; 480], 1);
    });
}
