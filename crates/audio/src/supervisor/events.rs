//! Events on their way to whoever reads them: never waits, and forgets the least important first.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, TrySendError};

use super::event::AudioEvent;

/// Events that wait for a slow reader: more than a minute of the busiest device trouble that is not stopped for good.
const MOST_PENDING: usize = 64;

pub(super) struct Events {
    reader: SyncSender<AudioEvent>,
    pending: VecDeque<AudioEvent>,
    lost: u64,
}

impl Events {
    pub(super) fn new(reader: SyncSender<AudioEvent>) -> Self {
        Self { reader, pending: VecDeque::new(), lost: 0 }
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Keeps an event for the reader.
    pub(super) fn say(&mut self, event: AudioEvent) {
        tracing::info!("{event}");
        if self.pending.len() >= MOST_PENDING {
            let least = self.pending.iter().position(AudioEvent::is_minor).unwrap_or(0);
            self.pending.remove(least);
            self.lost += 1;
        }
        self.pending.push_back(event);
    }

    /// Hands over what the reader has room for.
    pub(super) fn flush(&mut self) {
        while let Some(event) = self.pending.pop_front() {
            match self.reader.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.pending.push_front(event);
                    return;
                }
                Err(TrySendError::Disconnected(_)) => self.pending.clear(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::{Events, MOST_PENDING};
    use crate::device::Direction;
    use crate::device_error::DeviceError;
    use crate::supervisor::AudioEvent;

    #[test]
    fn a_reader_that_sleeps_loses_the_least_important_and_blocks_nobody() {
        let (sender, reader) = sync_channel(1);
        let mut events = Events::new(sender);
        let direction = Direction::Input;
        let failed = AudioEvent::Failed { direction, error: DeviceError::no_device(direction) };
        events.say(failed.clone());
        for _ in 0..MOST_PENDING + 5 {
            events.say(AudioEvent::Rerouted { direction });
        }
        assert_eq!(events.lost(), 6);
        events.flush();
        assert_eq!(reader.recv().unwrap(), failed, "what matters most is still there");
    }
}
