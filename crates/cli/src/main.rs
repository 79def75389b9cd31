//! Moshibar without a window.
fn main() {}
