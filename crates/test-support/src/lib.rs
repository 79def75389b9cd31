//! What the tests of several crates share. Only dev-dependencies name this crate; it never ships.

mod depth;
mod heap;

pub use depth::{Depth, by_depth};
pub use heap::{CountingAllocator, live_bytes};
