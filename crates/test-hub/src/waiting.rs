//! Waiting for what other threads and processes do.

use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a machine that is busy with ten other things.
const DEADLINE: Duration = Duration::from_mins(1);

/// How often it is looked.
const LOOK_AROUND: Duration = Duration::from_millis(1);

/// Waits until something has happened, however long that takes on a busy machine. False if it has
/// not after a minute: only a failure waits that long, so a test may be sure of what it waits for,
/// and need not guess by when it will have happened.
pub fn happens(mut has_happened: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !has_happened() {
        if begun.elapsed() > DEADLINE {
            return false;
        }
        thread::park_timeout(LOOK_AROUND);
    }
    true
}
