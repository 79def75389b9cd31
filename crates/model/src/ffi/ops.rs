//! The operations of which a step of the language model is built, as thin as they can be.
//!
//! mlx-rs copies a stream handle for every operation, parses indices at run time and has no `addmm` without extra checks; a step
//! has thousands of operations, and these calls build it in four fifths of the time. They take the stream that
//! [`with_stream`] put in place, once per frame.

use std::cell::Cell;
use std::ffi::c_int;

use mlx_rs::error::Exception;
use mlx_rs::{Array, Dtype, Stream};
use mlx_sys::{mlx_array, mlx_stream};

use super::{array_from, vector_part};
use crate::quality::Packing;

thread_local! {
    /// The stream of the [`with_stream`] that this thread is in.
    static CURRENT: Cell<Option<mlx_stream>> = const { Cell::new(None) };
    /// For operations outside of any [`with_stream`].
    static FALLBACK: Stream = Stream::thread_local_or_default();
}

/// Runs `work` with `stream` as the stream of these operations and of mlx-rs's.
pub(crate) fn with_stream<T>(stream: &Stream, work: impl FnOnce() -> T) -> T {
    /// Restores what was there before, also when `work` panics.
    struct Restore(Option<mlx_stream>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    // The handle stays valid: `stream` outlives the call, and the guard takes the handle away before it ends.
    let _restore = Restore(CURRENT.replace(Some(stream.as_ptr())));
    mlx_rs::with_stream(stream, work)
}

fn stream() -> mlx_stream {
    CURRENT.get().unwrap_or_else(|| FALLBACK.with(Stream::as_ptr))
}

type Unary = unsafe extern "C" fn(*mut mlx_array, mlx_array, mlx_stream) -> c_int;
type Binary = unsafe extern "C" fn(*mut mlx_array, mlx_array, mlx_array, mlx_stream) -> c_int;

fn unary(what: &str, operation: Unary, a: &Array) -> Result<Array, Exception> {
    // SAFETY: the handle belongs to an array that lives until the call returns.
    array_from(what, |result| unsafe { operation(result, a.as_ptr(), stream()) })
}

fn binary(what: &str, operation: Binary, a: &Array, b: &Array) -> Result<Array, Exception> {
    // SAFETY: the handles belong to arrays that live until the call returns.
    array_from(what, |result| unsafe { operation(result, a.as_ptr(), b.as_ptr(), stream()) })
}

/// `a + b`, broadcast.
pub(crate) fn add(a: &Array, b: &Array) -> Result<Array, Exception> {
    binary("shapes cannot be added", mlx_sys::mlx_add, a, b)
}

/// `a · b` element by element, broadcast.
pub(crate) fn multiply(a: &Array, b: &Array) -> Result<Array, Exception> {
    binary("shapes cannot be multiplied", mlx_sys::mlx_multiply, a, b)
}

/// The matrix product of the last two axes.
pub(crate) fn matmul(a: &Array, b: &Array) -> Result<Array, Exception> {
    binary("matrices do not fit", mlx_sys::mlx_matmul, a, b)
}

/// `1 / (1 + e⁻ˣ)`.
pub(crate) fn sigmoid(a: &Array) -> Result<Array, Exception> {
    unary("no sigmoid", mlx_sys::mlx_sigmoid, a)
}

/// `1 / √x`.
pub(crate) fn rsqrt(a: &Array) -> Result<Array, Exception> {
    unary("no square root", mlx_sys::mlx_rsqrt, a)
}

/// `c + alpha · a b`, or `alpha · a b` where `beta` is 0: one operation. `c` has the product's shape.
pub(crate) fn addmm(c: &Array, a: &Array, b: &Array, alpha: f32, beta: f32) -> Result<Array, Exception> {
    // SAFETY: the handles belong to arrays that live until the call returns.
    array_from("matrices do not fit", |result| unsafe {
        mlx_sys::mlx_addmm(result, c.as_ptr(), a.as_ptr(), b.as_ptr(), alpha, beta, stream())
    })
}

/// The same numbers in another shape.
pub(crate) fn reshape<const N: usize>(a: &Array, shape: [i32; N]) -> Result<Array, Exception> {
    // SAFETY: the shape is read before the call returns.
    array_from("a shape of other size", |result| unsafe {
        mlx_sys::mlx_reshape(result, a.as_ptr(), shape.as_ptr(), N, stream())
    })
}

/// The same bytes as numbers of another type; the last axis grows or shrinks.
pub(crate) fn view(a: &Array, dtype: Dtype) -> Result<Array, Exception> {
    // SAFETY: as `unary`.
    array_from("no such view", |result| unsafe { mlx_sys::mlx_view(result, a.as_ptr(), dtype.into(), stream()) })
}

/// The last two axes changed places.
pub(crate) fn transposed(a: &Array) -> Result<Array, Exception> {
    // SAFETY: as `unary`.
    array_from("no two axes", |result| unsafe { mlx_sys::mlx_swapaxes(result, a.as_ptr(), -1, -2, stream()) })
}

/// The softmax over the last axis.
pub(crate) fn softmax(a: &Array) -> Result<Array, Exception> {
    // SAFETY: as `unary`.
    array_from("no softmax", |result| unsafe { mlx_sys::mlx_softmax_axis(result, a.as_ptr(), -1, true, stream()) })
}

/// `a` in two along `axis`, the second part from `at` on: one operation where two slices are two.
pub(crate) fn split(a: &Array, at: i32, axis: i32) -> Result<[Array; 2], Exception> {
    // SAFETY: the vector is made, filled, read and freed here; the handles taken from it are references of their own.
    unsafe {
        let mut parts = mlx_sys::mlx_vector_array_new();
        let status = mlx_sys::mlx_split_sections(&raw mut parts, a.as_ptr(), &raw const at, 1, axis, stream());
        let both = if status == 0 {
            vector_part(parts, 0).and_then(|first| Ok([first, vector_part(parts, 1)?]))
        } else {
            Err(Exception::custom("a split is out of bounds"))
        };
        mlx_sys::mlx_vector_array_free(parts);
        both
    }
}

/// `x Wᵀ` with packed weights.
pub(crate) fn quantized_matmul(
    x: &Array,
    words: &Array,
    scales: &Array,
    biases: &Array,
    packing: Packing,
) -> Result<Array, Exception> {
    let number = |value: usize| mlx_sys::mlx_optional_int { value: value as c_int, has_value: true };
    // SAFETY: the handles belong to arrays, and the mode is a static string.
    array_from("packed weights do not fit", |result| unsafe {
        mlx_sys::mlx_quantized_matmul(
            result,
            x.as_ptr(),
            words.as_ptr(),
            scales.as_ptr(),
            biases.as_ptr(),
            true,
            number(packing.group),
            number(packing.bits),
            c"affine".as_ptr(),
            stream(),
        )
    })
}

/// A view of `array` from `start` (inclusive) to `stop` (exclusive), one index per axis.
pub(crate) fn slice<const N: usize>(array: &Array, start: [i32; N], stop: [i32; N]) -> Result<Array, Exception> {
    let strides = [1; N];
    // SAFETY: all pointers and lengths belong to arrays that live until the call returns.
    array_from("a slice is out of bounds", |result| unsafe {
        mlx_sys::mlx_slice(result, array.as_ptr(), start.as_ptr(), N, stop.as_ptr(), N, strides.as_ptr(), N, stream())
    })
}

/// `array` with `update` written from `start` to `stop`. In place when nothing else refers to `array`.
pub(crate) fn slice_update<const N: usize>(
    array: &Array,
    update: &Array,
    start: [i32; N],
    stop: [i32; N],
) -> Result<Array, Exception> {
    let strides = [1; N];
    // SAFETY: all pointers and lengths belong to arrays that live until the call returns.
    array_from("a slice update is out of bounds", |result| unsafe {
        mlx_sys::mlx_slice_update(
            result,
            array.as_ptr(),
            update.as_ptr(),
            start.as_ptr(),
            N,
            stop.as_ptr(),
            N,
            strides.as_ptr(),
            N,
            stream(),
        )
    })
}
