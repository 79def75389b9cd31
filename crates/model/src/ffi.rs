//! The few calls that mlx-rs 0.33 lacks or makes slow, straight to mlx-sys, and what MLX's CPU backend needs of us. All
//! `unsafe` of this crate lives here and in the files beside it.

use std::ffi::{CStr, c_int};

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_sys::{mlx_array, mlx_vector_array};

#[cfg(target_os = "linux")]
mod blas;
mod compiled;
mod ops;

pub(crate) use compiled::{CompiledGate, gate};
pub(crate) use ops::{
    add, addmm, matmul, multiply, quantized_matmul, reshape, rsqrt, slice, slice_update, softmax, split, transposed,
    view, with_stream,
};

use crate::runtime::DeviceKind;

/// Runs `work` while this thread takes numbers too small to be exact for zero. Threads that begin in it inherit that, and keep
/// it: so does the one with which MLX computes on a CPU (see `Runtime::open`).
pub(crate) fn without_denormals<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: Rust assumes that denormal numbers are exact; at most it computes a constant more exactly than the processor
    // would, which nothing here depends on.
    unsafe { no_denormals::no_denormals(work) }
}

/// Turns a C call that fills an array handle into a `Result`.
fn array_from(what: &str, call: impl FnOnce(*mut mlx_array) -> c_int) -> Result<Array, Exception> {
    // SAFETY: `mlx_array_new` makes an empty handle; `call` fills it, and `Array` owns it from here on, failure or not.
    let (status, array) = unsafe {
        let mut handle = mlx_sys::mlx_array_new();
        let status = call(&raw mut handle);
        (status, Array::from_ptr(handle))
    };
    if status == 0 { Ok(array) } else { Err(Exception::custom(what)) }
}

/// One array of a vector.
fn vector_part(vector: mlx_vector_array, index: usize) -> Result<Array, Exception> {
    // SAFETY: the vector is alive; the handle that comes out is a reference of its own.
    array_from("a vector is too short", |result| unsafe { mlx_sys::mlx_vector_array_get(result, vector, index) })
}

/// Whether MLX was built with a GPU backend that finds a GPU here.
pub(crate) fn gpu_is_available() -> bool {
    let mut available = false;
    // SAFETY: the device handle is made, asked and freed here.
    unsafe {
        let device = mlx_sys::mlx_device_new_type(mlx_sys::mlx_device_type__MLX_GPU, 0);
        mlx_sys::mlx_device_is_available(&raw mut available, device);
        mlx_sys::mlx_device_free(device);
    }
    available
}

/// What MLX knows about a device.
pub(crate) struct DeviceFacts {
    pub(crate) name: Option<String>,
    pub(crate) memory_bytes: Option<u64>,
}

/// Asks MLX about a device. The keys are those of `mlx/device.h`; Metal and CUDA call the memory differently.
pub(crate) fn device_facts(kind: DeviceKind) -> DeviceFacts {
    let kind = match kind {
        DeviceKind::Cpu => mlx_sys::mlx_device_type__MLX_CPU,
        DeviceKind::Gpu => mlx_sys::mlx_device_type__MLX_GPU,
    };
    // SAFETY: the device and what is known about it are made, asked and freed here; keys end with a NUL, and the string
    // that MLX points to is copied while its owner lives.
    unsafe {
        let device = mlx_sys::mlx_device_new_type(kind, 0);
        let mut info = mlx_sys::mlx_device_info_new();
        let mut facts = DeviceFacts { name: None, memory_bytes: None };
        if mlx_sys::mlx_device_info_get(&raw mut info, device) == 0 {
            let mut name = std::ptr::null();
            let status = mlx_sys::mlx_device_info_get_string(&raw mut name, info, c"device_name".as_ptr());
            if status == 0 && !name.is_null() {
                facts.name = Some(CStr::from_ptr(name).to_string_lossy().into_owned());
            }
            for key in [c"memory_size", c"total_memory"] {
                let mut bytes = 0;
                if mlx_sys::mlx_device_info_get_size(&raw mut bytes, info, key.as_ptr()) == 0 {
                    facts.memory_bytes = Some(bytes as u64);
                }
            }
        }
        mlx_sys::mlx_device_info_free(info);
        mlx_sys::mlx_device_free(device);
        facts
    }
}

/// The version of the MLX library in use.
pub(crate) fn mlx_version() -> String {
    // SAFETY: the string is made, filled, copied and freed here; MLX ends it with a NUL.
    unsafe {
        let mut text = mlx_sys::mlx_string_new();
        let status = mlx_sys::mlx_version(&raw mut text);
        let data = mlx_sys::mlx_string_data(text);
        let version = if status == 0 && !data.is_null() {
            CStr::from_ptr(data).to_string_lossy().into_owned()
        } else {
            "unknown".to_owned()
        };
        mlx_sys::mlx_string_free(text);
        version
    }
}

/// The unevaluated graph behind `outputs`, in Graphviz's language, for counting its operations.
pub(crate) fn graph_as_dot(outputs: &[&Array]) -> Result<String, Exception> {
    let mut buffer: *mut libc::c_char = std::ptr::null_mut();
    let mut length: libc::size_t = 0;
    // SAFETY: the memory stream writes to `buffer`, which it allocates; it is closed before the buffer is read and freed.
    // The vector of handles copies references and is freed here.
    unsafe {
        let file = libc::open_memstream(&raw mut buffer, &raw mut length);
        if file.is_null() {
            return Err(Exception::custom("no memory for the graph's text"));
        }
        let vector = mlx_sys::mlx_vector_array_new();
        for output in outputs {
            mlx_sys::mlx_vector_array_append_value(vector, output.as_ptr());
        }
        let namer = mlx_sys::mlx_node_namer_new();
        let status = mlx_sys::mlx_export_to_dot(file.cast(), namer, vector);
        mlx_sys::mlx_node_namer_free(namer);
        mlx_sys::mlx_vector_array_free(vector);
        libc::fclose(file);
        let text = if buffer.is_null() { String::new() } else { CStr::from_ptr(buffer).to_string_lossy().into_owned() };
        libc::free(buffer.cast());
        if status == 0 { Ok(text) } else { Err(Exception::custom("the graph cannot be exported")) }
    }
}

/// mlx-rs seeds its random state with this clock, which only macOS has. Nothing here draws from that state.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
extern "C" fn mach_approximate_time() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos() as u64)
}
