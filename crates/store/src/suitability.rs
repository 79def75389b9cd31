//! How a model of the library suits this machine: as it was measured here, else as it is estimated.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::fit::{Fit, Measurement, measured, verdict};
use crate::layout::write_whole;
use crate::library::Store;
use crate::machine::Machine;
use crate::manifest::Manifest;
use crate::quality::Quality;
use crate::reference::Reference;

/// A measurement, and of what: another machine's, or another commit's, does not count. A library may be on a disk that travels.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    processor: Option<String>,
    memory_bytes: Option<u64>,
    commit: String,
    measurement: Measurement,
}

impl Store {
    /// How a model of the released size suits a machine: by the measurement that was kept for it, else by arithmetic.
    pub fn fit(&self, reference: &Reference, quality: Quality, machine: &Machine) -> Fit {
        match self.measurement(reference, machine) {
            Some(measurement) => measured(quality, Some(machine), &measurement),
            None => verdict(quality, machine),
        }
    }

    /// Keeps what a run of a model on this machine showed, in place of the estimate, until the model is removed.
    ///
    /// # Errors
    /// [`StoreError::NotInstalled`], and what the disk says.
    pub fn keep_measurement(
        &self,
        reference: &Reference,
        machine: &Machine,
        measurement: &Measurement,
    ) -> Result<(), StoreError> {
        let Some(manifest) = Manifest::read(&self.layout.manifest(&reference.folder()))? else {
            return Err(StoreError::NotInstalled { name: reference.to_string() });
        };
        let kept = Kept {
            processor: machine.processor.clone(),
            memory_bytes: machine.memory_bytes,
            commit: manifest.commit,
            measurement: *measurement,
        };
        let json =
            serde_json::to_vec_pretty(&kept).map_err(|error| StoreError::Internal { reason: error.to_string() })?;
        write_whole(&self.measurement_path(reference), &json)
    }

    fn measurement(&self, reference: &Reference, machine: &Machine) -> Option<Measurement> {
        let json = std::fs::read(self.measurement_path(reference)).ok()?;
        let kept: Kept = serde_json::from_slice(&json).ok()?;
        let manifest = Manifest::read(&self.layout.manifest(&reference.folder())).ok()??;
        let is_ours = kept.processor == machine.processor
            && kept.memory_bytes == machine.memory_bytes
            && kept.commit == manifest.commit;
        is_ours.then_some(kept.measurement)
    }

    fn measurement_path(&self, reference: &Reference) -> PathBuf {
        self.layout.model(&reference.folder()).join("measured.json")
    }
}
