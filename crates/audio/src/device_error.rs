//! What can go wrong with sound devices, each as one sentence that names the device and says what to do.

use serde::Serialize;

use crate::device::Direction;

/// Why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DeviceError {
    /// What happened, for the program.
    pub kind: DeviceErrorKind,
    /// Which way the sound would have flowed, where that is known.
    pub direction: Option<Direction>,
    /// What happened and what to do, for people: one sentence.
    pub message: String,
}

/// The kinds of [`DeviceError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeviceErrorKind {
    /// The system has no device of this direction.
    NoDevice,
    /// No device has this name or id.
    UnknownName,
    /// The device is gone.
    Lost,
    /// The system does not let us use it.
    PermissionDenied,
    /// Another program has it for itself.
    Busy,
    /// It cannot run in a way that we understand.
    UnsupportedFormat,
    /// The system's sound service failed or is not there.
    Backend,
    /// It was rebuilt too often in too short a time.
    Unstable,
}
