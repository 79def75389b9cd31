//! The MLX runtime: which device computes, in which precision, and how much memory it may keep.
//!
//! MLX ties streams to threads, so a [`Runtime`], and every model built under it, belongs to the thread that opened it.

use std::marker::PhantomData;

use mlx_rs::{Array, Device, Dtype, Stream, memory};
use moshibar_session::MemoryUse;
use serde::Serialize;

use crate::error::ModelError;
use crate::ffi;

/// Which device to compute on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The GPU where there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU: right, but far from real time with a full-size model.
    Cpu,
    /// The GPU, or an error.
    Gpu,
}

/// The device that computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// All cores of the processor that MLX uses.
    Cpu,
    /// Metal on a Mac, CUDA on Linux.
    Gpu,
}

/// A device and its stream, for the thread that opened it.
#[derive(Debug)]
pub struct Runtime {
    device: DeviceKind,
    stream: Stream,
    not_send: PhantomData<*const ()>,
}

/// What `moshibar doctor` says about MLX.
#[derive(Debug, Clone, Serialize)]
pub struct RuntimeReport {
    /// Version of the MLX library.
    pub mlx_version: String,
    /// `metal`, `cuda` or `cpu`.
    pub backend: &'static str,
    /// The device that computes.
    pub device: DeviceKind,
    /// What its maker calls it; `None` where MLX does not know.
    pub device_name: Option<String>,
    /// Bytes of its memory; `None` where MLX does not know, as for a CPU.
    pub device_memory_bytes: Option<u64>,
    /// Whether a 1-operation graph computed the right number.
    pub computes: bool,
}

/// Buffers that MLX may keep for reuse. Measured elsewhere to cost nothing at 64 MB, while without a limit the allocator
/// took 8 GB extra on a Mac (reports for moshi_mlx); our frames reuse the same few buffers.
const CACHE_LIMIT_BYTES: usize = 64 << 20;

/// Room beyond the weights and the KV rings: activations, Mimi, the sampler.
pub(crate) const WORKING_SET_BYTES: usize = 512 << 20;

impl Runtime {
    /// Opens a device on this thread.
    ///
    /// # Errors
    /// [`ModelError::NoDevice`] when a GPU is demanded and there is none; on a Mac [`ModelError::Missing`] when an app was taken
    /// apart, so that its GPU kernels are not where they belong.
    pub fn open(choice: DeviceChoice) -> Result<Self, ModelError> {
        #[cfg(target_os = "macos")]
        crate::kernels::use_those_of_the_app()?;
        // The first call into mlx-rs installs its error handler; without it MLX's own ends the process on any error.
        memory::set_cache_limit(CACHE_LIMIT_BYTES)?;
        let available = ffi::gpu_is_available();
        let device = match choice {
            DeviceChoice::Cpu => DeviceKind::Cpu,
            DeviceChoice::Auto if !available => DeviceKind::Cpu,
            DeviceChoice::Gpu if !available => return Err(ModelError::NoDevice { device: "GPU" }),
            DeviceChoice::Auto | DeviceChoice::Gpu => DeviceKind::Gpu,
        };
        let stream = match device {
            DeviceKind::Cpu => ffi::without_denormals(cpu_stream)?,
            DeviceKind::Gpu => Stream::try_default_on_device(&Device::gpu())?,
        };
        Ok(Self { device, stream, not_send: PhantomData })
    }

    /// Which device this is.
    pub fn device(&self) -> DeviceKind {
        self.device
    }

    /// Runs `work` with this device's stream as MLX's default.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        ffi::with_stream(&self.stream, work)
    }

    /// Precision of the language model's activations, norms and scales.
    pub(crate) fn language_dtype(&self) -> Dtype {
        language_dtype(self.device)
    }

    /// Starts the peak anew, and sets MLX's limits from what the loaded model needs.
    ///
    /// **Units** `needed_bytes`: weights and KV rings.
    pub(crate) fn fit_memory(&self, needed_bytes: usize) -> Result<(), ModelError> {
        let wanted = needed_bytes + WORKING_SET_BYTES;
        memory::set_memory_limit(wanted + CACHE_LIMIT_BYTES)?;
        if self.device == DeviceKind::Gpu {
            // Unwired weights may be paged out between frames. MLX refuses more than the system allows; that costs speed, not
            // correctness, so it is no reason to refuse the talk.
            if let Err(refusal) = memory::set_wired_limit(wanted) {
                tracing::warn!(wanted_bytes = wanted, reason = refusal.what(), "the model cannot be wired into memory");
            }
        }
        memory::clear_cache()?;
        memory::reset_peak_memory()?;
        Ok(())
    }
}

/// The CPU's stream, with its thread: MLX begins one when a stream computes for the first time, and it inherits how the thread
/// that called treats denormal numbers. Decaying tails are full of them, and each costs a hundred times as much as another.
fn cpu_stream() -> Result<Stream, ModelError> {
    let stream = Stream::try_default_on_device(&Device::cpu())?;
    let zero = ffi::with_stream(&stream, || ffi::add(&Array::from_f32(0.0), &Array::from_f32(0.0)))?;
    zero.eval()?;
    Ok(stream)
}

/// Precision of the language model's activations, norms and scales on a device.
///
/// On x86 CPUs MLX's bf16 quantised product is 7 % wrong and ten times slower than in f32.
pub(crate) fn language_dtype(device: DeviceKind) -> Dtype {
    match device {
        DeviceKind::Cpu => Dtype::Float32,
        DeviceKind::Gpu => Dtype::Bfloat16,
    }
}

/// The most bytes that MLX may take before it waits for what it computes; set by what was loaded last. `None` where it
/// cannot tell.
pub fn memory_limit_bytes() -> Option<u64> {
    memory::memory_limit().ok().map(|bytes| bytes as u64)
}

/// Gives the memory back that MLX keeps for arrays to come. The next frames allocate anew, and are a little slower.
///
/// # Errors
/// [`ModelError`] when MLX refuses.
pub(crate) fn clear_cache() -> Result<(), ModelError> {
    Ok(memory::clear_cache()?)
}

/// Memory that MLX holds now; zeros where it cannot tell.
pub(crate) fn memory_use() -> MemoryUse {
    MemoryUse {
        active_bytes: memory::active_memory().unwrap_or(0),
        cache_bytes: memory::cache_memory().unwrap_or(0),
        peak_bytes: memory::peak_memory().unwrap_or(0),
    }
}

/// Looks at MLX on this machine.
///
/// # Errors
/// [`ModelError`] when MLX cannot even be asked, or has no such device.
pub fn report(choice: DeviceChoice) -> Result<RuntimeReport, ModelError> {
    let runtime = Runtime::open(choice)?;
    let computes = runtime.run(|| -> Result<bool, ModelError> {
        let two = mlx_rs::Array::from_f32(2.0);
        Ok(two.multiply(&two)?.try_item_exact::<f32>().is_ok_and(|four| (four - 4.0).abs() < f32::EPSILON))
    })?;
    let backend = match runtime.device() {
        DeviceKind::Cpu => "cpu",
        DeviceKind::Gpu if cfg!(target_os = "macos") => "metal",
        DeviceKind::Gpu => "cuda",
    };
    let ffi::DeviceFacts { name: device_name, memory_bytes: device_memory_bytes } = ffi::device_facts(runtime.device());
    let (mlx_version, device) = (ffi::mlx_version(), runtime.device());
    Ok(RuntimeReport { mlx_version, backend, device, device_name, device_memory_bytes, computes })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A denormal number, halved, is zero where the thread that computes was begun as it should be.
    #[test]
    fn numbers_too_small_to_be_exact_are_zero() {
        let runtime = Runtime::open(DeviceChoice::Cpu).unwrap();
        let (tiny, factor) = (Array::from_slice(&[2e-38_f32; 64], &[64]), Array::from_f32(0.25));
        let product = runtime.run(|| ffi::multiply(&tiny, &factor)).unwrap();
        product.eval().unwrap();
        assert_eq!(product.as_slice::<f32>(), [0.0; 64]);
        assert!(2e-38_f32 * std::hint::black_box(0.25) > 0.0, "this thread is as it was");
    }
}
