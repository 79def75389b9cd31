//! What the operating system knows about memory: how much there is, and the most that this process ever took.

pub(crate) use moshibar_store::readable_bytes;

/// Bytes of physical memory; `None` where the system does not tell.
pub(crate) fn memory_bytes() -> Option<u64> {
    moshibar_store::Machine::this().memory_bytes
}

/// The most bytes that this process held at once; `None` where the system does not tell. On Metal the weights are not in it.
pub(crate) fn peak_resident_bytes() -> Option<u64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is a writable rusage, which getrusage fills in; all zeros is a valid one.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let unit = if cfg!(target_os = "macos") { 1 } else { 1_024 }; // getrusage(2): bytes on a Mac, KiB on Linux
    u64::try_from(usage.ru_maxrss).ok()?.checked_mul(unit)
}
