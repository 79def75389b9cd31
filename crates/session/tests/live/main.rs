//! Live talks on a virtual clock, from the scripted microphone to the scripted speaker.

mod clicks;
mod latency;
mod world;
