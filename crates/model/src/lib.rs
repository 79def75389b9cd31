//! The brain: everything MLX.
