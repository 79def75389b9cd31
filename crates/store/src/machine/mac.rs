//! macOS: `sysctlbyname`, as `sysctl(8)` prints it. Written from the manual; not run on a Mac yet.

use std::ffi::{CStr, c_void};
use std::ptr;

use super::Gpu;

/// Longer than any brand so far ("Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz" has 40 letters).
const LONGEST_TEXT_BYTES: usize = 256;

/// What its maker calls the processor: "Apple M3 Max".
pub(super) fn processor() -> Option<String> {
    text(c"machdep.cpu.brand_string")
}

/// The GPU in the processor. How many cores it has `sysctl` does not tell.
pub(super) fn gpu() -> Gpu {
    // Level 0 are the fast cores. Intel processors have no levels.
    let performance_cores = number::<4>(c"hw.perflevel0.physicalcpu").map(u32::from_ne_bytes);
    processor().map_or(Gpu::None, |brand| Gpu::of_brand(&brand, performance_cores, None))
}

/// Bytes of physical memory.
pub(super) fn memory_bytes() -> Option<u64> {
    number::<8>(c"hw.memsize").map(u64::from_ne_bytes)
}

/// A number of exactly `N` bytes.
fn number<const N: usize>(name: &CStr) -> Option<[u8; N]> {
    let mut value = [0; N];
    (read(name, &mut value)? == N).then_some(value)
}

/// A text, without the zero that ends it.
fn text(name: &CStr) -> Option<String> {
    let mut value = [0; LONGEST_TEXT_BYTES];
    let size = read(name, &mut value)?;
    let text = CStr::from_bytes_until_nul(value.get(..size)?).ok()?.to_string_lossy().trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Fills `value` and returns how many bytes were written; `None` if there is no such name or it does not fit.
fn read(name: &CStr, value: &mut [u8]) -> Option<usize> {
    let mut size = value.len();
    // SAFETY: `name` ends with a zero; `value` is writable for the `size` bytes that the call is told, and it writes no more;
    // `size` is writable; nothing is set, as the new value is null and has no length.
    let failed = unsafe {
        libc::sysctlbyname(name.as_ptr(), value.as_mut_ptr().cast::<c_void>(), &raw mut size, ptr::null_mut(), 0)
    };
    (failed == 0).then_some(size)
}
