//! What the operating system knows about memory: how much there is, and the most that this process ever took.

/// Bytes of physical memory; `None` where the system does not tell.
pub(crate) fn memory_bytes() -> Option<u64> {
    // SAFETY: sysconf takes a number and returns one; it touches no memory of ours.
    let (pages, page_bytes) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    u64::try_from(pages).ok()?.checked_mul(u64::try_from(page_bytes).ok()?)
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

/// A number of bytes as people read it.
pub(crate) fn readable_bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        1e9.. => format!("{:.2} GB", bytes / 1e9),
        1e6.. => format!("{:.1} MB", bytes / 1e6),
        1e3.. => format!("{:.1} kB", bytes / 1e3),
        _ => format!("{bytes} bytes"),
    }
}
