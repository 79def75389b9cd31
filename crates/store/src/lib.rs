//! The pantry of Moshibar: pinned models in, verified paths out. The only network in the product.
//!
//! A model has a name (of the [`CATALOG`], or `hf:OWNER/NAME`). [`Store::pull`] makes it whole: it asks the hub once what the model
//! consists of and pins that; takes what is in the library or in the user's Hugging Face cache; fetches the rest so that no byte
//! that arrived is fetched twice; and verifies every file before it has a name that the engine can open. [`Store::find`] gives
//! the folder to the engine. One small model is part of the program and needs none of that: [`Store::built_in`].
//!
//! ```text
//! reference ─▶ hub ─▶ plan ─▶ manifest ─▶ pull ─▶ library
//!                     catalog              │  transfer: crew of connections ─▶ part ─▶ hash
//!                                          └─ blob: what is here, linked or copied
//! fit, machine: which quality this machine can run, without any of the above
//! ```

mod backups;
mod blob;
mod built_in;
mod catalog;
mod digest;
mod error;
mod fit;
mod hub;
mod hugging_face;
mod import;
mod job;
mod journal;
mod layout;
mod library;
mod lock;
mod machine;
mod manifest;
mod meter;
mod options;
mod part;
mod patience;
mod place;
mod plan;
mod pull;
mod quality;
mod reference;
mod relocate;
mod request;
mod space;
mod suitability;
mod sweep;
mod transfer;
mod verify;

pub use built_in::{BUILT_IN, BuiltInModel};
pub use catalog::{CATALOG, CatalogFile, CatalogModel, DEFAULT_MODEL, Size, Voice};
pub use digest::Expected;
pub use error::{StoreError, readable_bytes};
pub use fit::{Basis, Chip, Fit, Measurement, Needs, Verdict, measured, recommended, verdict};
pub use job::{About, Job, JobEvent, JobHandle, Phase, Progress};
pub use library::{Entry, ModelState, Store};
pub use machine::{Gpu, Machine};
pub use manifest::{Manifest, ManifestFile};
pub use options::{Limits, Network, StoreOptions, TokenPolicy};
pub use place::{LIBRARY_VARIABLE, default_library};
pub use pull::{Installed, Pin, PullOptions};
pub use quality::Quality;
pub use reference::Reference;
pub use verify::{FileReport, FileVerdict};
