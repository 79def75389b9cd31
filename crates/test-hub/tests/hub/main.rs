//! The hub as a client sees it, over a plain socket.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod api;
mod bodies;
mod client;
mod counting;
mod files;
mod heads;
mod program;
