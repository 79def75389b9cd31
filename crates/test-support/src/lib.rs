//! What the tests of several crates share. Only dev-dependencies name this crate; it never ships.

mod depth;

pub use depth::{Depth, by_depth};
