//! The gate `silu(a) · b` as one fused kernel, compiled by MLX when it first runs.
//!
//! mlx-rs's `nn::silu` compiles anew in every call; this compiles once for each shape and thread. For GPUs only: on the CPU MLX
//! would need a C++ compiler at run time.

use std::ffi::c_int;
use std::marker::PhantomData;

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_sys::{mlx_array, mlx_closure, mlx_vector_array};

use super::ops::{multiply, sigmoid};
use super::{array_from, vector_part};

/// A compiled gate, for the thread that made it.
#[derive(Debug)]
pub(crate) struct CompiledGate {
    closure: mlx_closure,
    not_send: PhantomData<*const ()>,
}

/// `silu(gate) · value`, operation by operation.
pub(crate) fn gate(gate: &Array, value: &Array) -> Result<Array, Exception> {
    multiply(&multiply(&sigmoid(gate)?, gate)?, value)
}

/// What MLX traces: two inputs, one output; 0 for success.
unsafe extern "C" fn trace(result: *mut mlx_vector_array, inputs: mlx_vector_array) -> c_int {
    let traced = || -> Result<Array, Exception> { gate(&vector_part(inputs, 0)?, &vector_part(inputs, 1)?) };
    match traced() {
        // SAFETY: MLX hands over a place for a vector; the vector takes a reference of its own to the array.
        Ok(array) => unsafe { mlx_sys::mlx_vector_array_set_value(result, array.as_ptr()) },
        Err(_) => 1,
    }
}

impl CompiledGate {
    /// Prepares the gate; nothing is compiled yet.
    pub(crate) fn new() -> Result<Self, Exception> {
        // SAFETY: the plain closure is made and freed here, the compiled one keeps what it needs of it and is ours.
        unsafe {
            let plain = mlx_sys::mlx_closure_new_func(Some(trace));
            let mut closure = mlx_sys::mlx_closure_new();
            let status = mlx_sys::mlx_compile(&raw mut closure, plain, false);
            mlx_sys::mlx_closure_free(plain);
            if status == 0 {
                Ok(Self { closure, not_send: PhantomData })
            } else {
                Err(Exception::custom("the gate cannot be compiled"))
            }
        }
    }

    /// `silu(gate) · value`.
    pub(crate) fn apply(&self, gate: &Array, value: &Array) -> Result<Array, Exception> {
        let inputs: [mlx_array; 2] = [gate.as_ptr(), value.as_ptr()];
        // SAFETY: the input vector copies the two references; both vectors are made and freed here.
        unsafe {
            let vector = mlx_sys::mlx_vector_array_new_data(inputs.as_ptr(), inputs.len());
            let mut outputs = mlx_sys::mlx_vector_array_new();
            let status = mlx_sys::mlx_closure_apply(&raw mut outputs, self.closure, vector);
            let output = if status == 0 {
                array_from("the gate has no output", |result| mlx_sys::mlx_vector_array_get(result, outputs, 0))
            } else {
                Err(Exception::custom("the compiled gate failed"))
            };
            mlx_sys::mlx_vector_array_free(outputs);
            mlx_sys::mlx_vector_array_free(vector);
            output
        }
    }
}

impl Drop for CompiledGate {
    fn drop(&mut self) {
        // SAFETY: the closure is ours and freed once.
        unsafe {
            mlx_sys::mlx_closure_free(self.closure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs on the CPU, where MLX calls the C++ compiler that built this program's bindings.
    #[test]
    fn compiled_gate_equals_the_composed_one_and_is_one_operation() {
        let numbers = |from: f32| Array::from_iter((0..96).map(|i| (i as f32 * 0.7 + from).sin() * 4.0), &[1, 96]);
        let compiled = CompiledGate::new().unwrap();
        for from in [0.0, 1.0] {
            let (a, b) = (numbers(from), numbers(from + 2.0));
            let fused = compiled.apply(&a, &b).unwrap();
            let operations = crate::graph::GraphOperations::of(&[&fused]).unwrap();
            assert_eq!(operations.computing, 1, "{operations:?}");
            let difference = fused.subtract(gate(&a, &b).unwrap()).unwrap().abs().unwrap().max(None).unwrap();
            assert!(difference.item_exact::<f32>() < 1e-6);
        }
    }
}
