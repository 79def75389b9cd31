//! The end of the hub, for threads that wait: they wake at once when it comes.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Set once, when the hub is dropped.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    is_set: Mutex<bool>,
    woken: Condvar,
}

impl Stop {
    pub(crate) fn set(&self) {
        *lock(&self.is_set) = true;
        self.woken.notify_all();
    }

    pub(crate) fn is_set(&self) -> bool {
        *lock(&self.is_set)
    }

    /// Waits so long, or until the end. True if that has come.
    pub(crate) fn wait(&self, duration: Duration) -> bool {
        let guard = lock(&self.is_set);
        let waited = self.woken.wait_timeout_while(guard, duration, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn wait_until(&self, deadline: Instant) -> bool {
        self.wait(deadline.saturating_duration_since(Instant::now()))
    }
}

/// Locks, also after a thread panicked: one failed connection shall not fail the others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
