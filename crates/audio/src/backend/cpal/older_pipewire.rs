//! PipeWire before 0.3.50, which Ubuntu 22.04 has.
//!
//! cpal asks a stream for its time by `pw_stream_get_time_n`. A library without that function would
//! keep every program that asks for it from starting. A symbol of that name in the program goes
//! before a library's, so this one is called instead: it passes the question on, or asks an older
//! library as that wants to be asked. What the older one does not fill in (`buffered` and what
//! follows) cpal does not look at.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

/// `int (struct pw_stream *, struct pw_time *, size_t)`
type TimeOf = unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> c_int;

static OF_THE_LIBRARY: OnceLock<Option<TimeOf>> = OnceLock::new();

unsafe extern "C" {
    /// Every libpipewire-0.3 has it.
    fn pw_stream_get_time(stream: *mut c_void, time: *mut c_void) -> c_int;
}

/// Looks for the library's function, so that a callback need not.
pub(super) fn prepare() {
    of_the_library();
}

fn of_the_library() -> Option<TimeOf> {
    *OF_THE_LIBRARY.get_or_init(|| {
        // SAFETY: the name is a C string.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, c"pw_stream_get_time_n".as_ptr()) };
        // SAFETY: not null, and of this name PipeWire has this function alone.
        (!found.is_null()).then(|| unsafe { std::mem::transmute::<*mut c_void, TimeOf>(found) })
    })
}

/// PipeWire's own, or the older one.
///
/// # Safety
/// As PipeWire demands: a stream, and a `pw_time` of `size` bytes, all of them zero.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pw_stream_get_time_n(stream: *mut c_void, time: *mut c_void, size: usize) -> c_int {
    match of_the_library() {
        // SAFETY: as for this function.
        Some(time_of) => unsafe { time_of(stream, time, size) },
        // SAFETY: as for this function; the older `pw_time` is the beginning of the newer one.
        None => unsafe { pw_stream_get_time(stream, time) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_has_it_is_found_behind_ours() {
        let of_the_library = of_the_library().expect("to build it takes PipeWire 0.3.53 or newer");
        assert!(!std::ptr::fn_addr_eq(of_the_library, pw_stream_get_time_n as TimeOf));
    }
}
