//! Recordings that outlive what happens to their process and disk. The children are this program, run again.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod child;
mod disks;
#[cfg(target_os = "linux")]
mod full_disk;
mod kills;
mod no_alloc;
mod readers;
