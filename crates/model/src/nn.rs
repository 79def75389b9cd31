//! The layers that Mimi and Moshi share, each written for a few steps of one talk: plain structs of arrays, no modules.
//!
//! Shapes here have no batch axis except where MLX's fused kernels demand one: `[T, C]`, T steps of C channels.

pub(crate) mod attention;
pub(crate) mod conv;
pub(crate) mod embedding;
pub(crate) mod kv_ring;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod rope;
pub(crate) mod transformer;
