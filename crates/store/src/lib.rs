//! The pantry of Moshibar: pinned models in, verified paths out.

mod fit;
mod machine;
mod quality;

pub use fit::{Basis, Chip, Fit, Measurement, Needs, Verdict, measured, recommended, verdict};
pub use machine::{Gpu, Machine};
pub use quality::Quality;
