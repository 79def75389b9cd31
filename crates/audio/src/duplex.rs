//! The sound side of a talk with its two threads: one opens devices and watches them, one does the DSP.
//!
//! They are apart because opening a device may take a second, and the DSP may not. Everything they do lies in
//! [`Supervisor`] and [`Dsp`], which are polled and know nothing of threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::backend::Backend;
use crate::clock::Clock;
use crate::device::{DeviceChoice, Direction};
use crate::device_error::{DeviceError, DeviceErrorKind};
use crate::dsp::{Dsp, DspOptions};
use crate::port::{DspPort, FramePort, port};
use crate::stream::Wiring;
use crate::supervisor::{AudioEvent, Supervisor, SupervisorOptions};

/// How often the DSP looks at the rings: half a slice, so that a slice waits 5 ms at most.
pub(crate) const DSP_EVERY: Duration = Duration::from_millis(5);

/// How often the devices are looked at.
pub(crate) const DEVICES_EVERY: Duration = Duration::from_millis(50);

/// Events that may wait; more than a storm of device changes makes, because the supervisor bounds those.
const MOST_EVENTS: usize = 256;

/// What is wanted of devices and DSP.
#[derive(Debug, Clone, Default)]
pub struct DuplexOptions {
    /// Which devices.
    pub devices: SupervisorOptions,
    /// What to do with their sound.
    pub dsp: DspOptions,
}

/// What ties the two together, and both to the talk.
pub(crate) struct Ties {
    pub(crate) wires: Sender<Wiring>,
    pub(crate) wiring: Receiver<Wiring>,
    pub(crate) news: SyncSender<AudioEvent>,
    pub(crate) events: Receiver<AudioEvent>,
    pub(crate) port: FramePort,
    pub(crate) dsp_port: DspPort,
}

impl Ties {
    pub(crate) fn new() -> Self {
        let (wires, wiring) = mpsc::channel();
        let (news, events) = mpsc::sync_channel(MOST_EVENTS);
        let (port, dsp_port) = port();
        Self { wires, wiring, news, events, port, dsp_port }
    }
}

/// The sound side with its threads. Dropped, it closes the devices and joins the threads.
pub struct Duplex {
    port: FramePort,
    events: Receiver<AudioEvent>,
    wishes: Sender<(Direction, DeviceChoice)>,
    rebuilds: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Duplex {
    /// Starts the threads, which open the devices; whether that works is told as an event. `wake` is called after every frame
    /// and every event.
    ///
    /// # Errors
    /// [`DeviceErrorKind::Backend`] if the system has no thread left.
    pub fn start(
        backend: Box<dyn Backend>,
        options: DuplexOptions,
        clock: Arc<dyn Clock>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, DeviceError> {
        let Ties { wires, wiring, news, events, port, dsp_port } = Ties::new();
        let DuplexOptions { devices, dsp } = options;
        let dsp = Dsp::new(dsp_port, wiring, dsp);
        let (wishes, wished) = mpsc::channel();
        let wake = Arc::new(wake);
        // Whatever is started is stopped by `drop` if the next one cannot be started.
        let mut duplex = Self {
            port,
            events,
            wishes,
            rebuilds: Arc::default(),
            is_over: Arc::default(),
            threads: Vec::with_capacity(2),
        };
        duplex.spawn("moshibar-devices", {
            let (clock, is_over) = (Arc::clone(&clock), Arc::clone(&duplex.is_over));
            let (rebuilds, wake) = (Arc::clone(&duplex.rebuilds), Arc::clone(&wake));
            move || {
                // Made here: a stream of some systems may not leave the thread that opened it.
                let supervisor = Supervisor::new(backend, devices, Arc::clone(&clock), wires, news);
                watch_devices(supervisor, &wished, clock.as_ref(), &is_over, &rebuilds, wake.as_ref());
            }
        })?;
        duplex.spawn("moshibar-audio", {
            let is_over = Arc::clone(&duplex.is_over);
            move || process(dsp, clock.as_ref(), &is_over, wake.as_ref())
        })?;
        Ok(duplex)
    }

    /// The frames of both speakers.
    pub fn port(&mut self) -> &mut FramePort {
        &mut self.port
    }

    /// The oldest piece of news that was not taken yet.
    pub fn next_event(&mut self) -> Option<AudioEvent> {
        self.events.try_recv().ok()
    }

    /// Chooses another device, from now on.
    pub fn choose(&self, direction: Direction, choice: DeviceChoice) {
        // The thread lives as long as we do.
        self.wishes.send((direction, choice)).ok();
        self.threads.iter().for_each(|thread| thread.thread().unpark());
    }

    /// How often a stream was opened again, both directions together.
    pub fn rebuilds(&self) -> u64 {
        self.rebuilds.load(Ordering::Relaxed)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), DeviceError> {
        let thread = Builder::new().name(name.to_owned()).spawn(work).map_err(|reason| DeviceError {
            kind: DeviceErrorKind::Backend,
            direction: None,
            message: format!("cannot start a thread for the sound ({reason}); close other programs"),
        })?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("a thread of the sound broke down");
            }
        }
    }
}

fn watch_devices(
    mut supervisor: Supervisor,
    wished: &Receiver<(Direction, DeviceChoice)>,
    clock: &dyn Clock,
    is_over: &AtomicBool,
    rebuilds: &AtomicU64,
    wake: &dyn Fn(),
) {
    while !is_over.load(Ordering::Acquire) {
        while let Ok((direction, choice)) = wished.try_recv() {
            supervisor.choose(direction, choice);
        }
        supervisor.poll(clock.now());
        rebuilds.store(Direction::ALL.map(|direction| supervisor.rebuilds(direction)).iter().sum(), Ordering::Relaxed);
        wake();
        std::thread::park_timeout(DEVICES_EVERY);
    }
}

fn process(mut dsp: Dsp, clock: &dyn Clock, is_over: &AtomicBool, wake: &dyn Fn()) {
    while !is_over.load(Ordering::Acquire) {
        if dsp.poll(clock.now()) {
            wake();
        }
        std::thread::park_timeout(DSP_EVERY);
    }
}
