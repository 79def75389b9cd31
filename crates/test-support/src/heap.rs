//! How many bytes of the heap a test program holds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

/// The system's allocator, which also counts the bytes allocated at this moment, by all threads.
/// Resident memory would include what the allocator keeps for threads that are gone, which is
/// another amount on every busy machine.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: moshibar_test_support::CountingAllocator = moshibar_test_support::CountingAllocator;
///
/// let before = moshibar_test_support::live_bytes();
/// let _thousand = vec![0u8; 1_000];
/// assert!(moshibar_test_support::live_bytes() - before >= 1_000);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CountingAllocator;

// SAFETY: the system's allocator does the work; counting does not touch the memory.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

/// The bytes allocated at this moment. 0 unless [`CountingAllocator`] is the program's allocator.
#[must_use]
pub fn live_bytes() -> i64 {
    LIVE_BYTES.load(Ordering::Relaxed)
}
