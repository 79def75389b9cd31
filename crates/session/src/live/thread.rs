//! The shell around the core: its thread, and the one that watches for steps that do not come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use moshibar_audio::Clock;

use crate::live::command::{Command, CommandError, Commands};
use crate::live::core::{Core, CoreParts, Next};
use crate::live::event::{EventReceiver, EventSender, LiveEvent, Warning};
use crate::live::sound::{OpenSound, Wake};
use crate::live::source::EngineSource;
use crate::live::step_watch::StepWatch;

/// How often the watcher looks at the clock.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// How long a session that is dropped waits for its thread. A hanging engine may take for ever: the thread is left behind then,
/// and ends with the process.
const QUIT_MAY_TAKE: Duration = Duration::from_secs(3);

/// A session with its threads. Dropped, it ends the talk and the threads.
pub struct LiveSession {
    commands: Commands,
    core: Option<JoinHandle<()>>,
    watcher: Option<JoinHandle<()>>,
    is_over: Arc<AtomicBool>,
}

impl LiveSession {
    /// Starts the threads; nothing is opened or loaded before [`Command::Start`].
    ///
    /// # Errors
    /// [`std::io::Error`] if the system has no thread left.
    pub fn spawn(
        source: Box<dyn EngineSource>,
        sounds: Box<dyn OpenSound>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<(Self, EventReceiver)> {
        let wake = Arc::<Wake>::default();
        let (commands, waiting) = Commands::channel(Arc::clone(&wake));
        let (events, receiver) = EventSender::channel();
        let watch = Arc::<StepWatch>::default();
        let is_over = Arc::<AtomicBool>::default();

        let watcher = Builder::new().name("moshibar-watcher".to_owned()).spawn({
            let (watch, events) = (Arc::clone(&watch), events.clone());
            let (clock, is_over) = (Arc::clone(&clock), Arc::clone(&is_over));
            move || {
                while !is_over.load(Ordering::Acquire) {
                    if let Some(lasts) = watch.hangs(clock.now()) {
                        events.send(LiveEvent::Warning(Warning::EngineHangs { lasts }));
                    }
                    std::thread::park_timeout(WATCH_EVERY);
                }
            }
        })?;
        let core = Builder::new().name("moshibar-core".to_owned()).spawn({
            let is_over = Arc::clone(&is_over);
            move || {
                wake.sleeps_here();
                let mut core = Core::new(CoreParts { clock, commands: waiting, events, watch, wake, source, sounds });
                loop {
                    match core.poll() {
                        Next::Again => {}
                        Next::Wait(longest) => std::thread::park_timeout(longest),
                        Next::Quit => break,
                    }
                }
                is_over.store(true, Ordering::Release);
            }
        });
        let core = match core {
            Ok(core) => core,
            Err(error) => {
                is_over.store(true, Ordering::Release);
                return Err(error);
            }
        };
        Ok((Self { commands, core: Some(core), watcher: Some(watcher), is_over }, receiver))
    }

    /// Sends a command.
    ///
    /// # Errors
    /// [`CommandError`] if the core cannot take it.
    pub fn send(&self, command: Command) -> Result<(), CommandError> {
        self.commands.send(command)
    }

    /// Sends commands from elsewhere.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }
}

impl Drop for LiveSession {
    fn drop(&mut self) {
        // If the queue is full the core hangs, and reads nothing.
        self.send(Command::Quit).ok();
        let asked = Instant::now();
        if let Some(core) = self.core.take() {
            while !core.is_finished() && asked.elapsed() < QUIT_MAY_TAKE {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            if core.is_finished() {
                core.join().ok();
            } else {
                tracing::warn!("the engine does not come back; its thread is left behind");
            }
        }
        self.is_over.store(true, Ordering::Release);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            watcher.join().ok();
        }
    }
}
