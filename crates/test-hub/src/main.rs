//! The test hub as a program.

fn main() {}
