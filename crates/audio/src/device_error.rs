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

impl DeviceError {
    fn new(kind: DeviceErrorKind, direction: impl Into<Option<Direction>>, message: String) -> Self {
        Self { kind, direction: direction.into(), message }
    }

    /// There is none at all.
    pub fn no_device(direction: Direction) -> Self {
        let message = format!(
            "no {0} is connected; connect a {0}, or switch one on in the system's sound settings",
            direction.noun()
        );
        Self::new(DeviceErrorKind::NoDevice, direction, message)
    }

    /// Nothing is called `wanted`; `nearest` is the name most like it.
    pub fn unknown_name(direction: Direction, wanted: &str, nearest: Option<&str>) -> Self {
        let hint = match nearest {
            Some(nearest) => format!("did you mean \"{nearest}\"? `moshibar devices` lists them all"),
            None => "`moshibar devices` lists what there is".to_owned(),
        };
        let message = format!("there is no {} called \"{wanted}\"; {hint}", direction.noun());
        Self::new(DeviceErrorKind::UnknownName, direction, message)
    }

    /// The sentence for a device that cannot be used because of `kind`.
    pub fn about(kind: DeviceErrorKind, direction: Direction, name: &str) -> Self {
        let noun = direction.noun();
        let message = match kind {
            DeviceErrorKind::NoDevice => return Self::no_device(direction),
            DeviceErrorKind::UnknownName => return Self::unknown_name(direction, name, None),
            DeviceErrorKind::Lost => {
                format!("the {noun} \"{name}\" is gone; connect it again or choose another {noun}")
            }
            DeviceErrorKind::PermissionDenied => {
                let place = if cfg!(target_os = "macos") && direction == Direction::Input {
                    "in System Settings under Privacy & Security, Microphone"
                } else {
                    "in the system's privacy settings"
                };
                format!("the system does not let Moshibar use the {noun} \"{name}\"; allow it {place}")
            }
            DeviceErrorKind::Busy => {
                format!(
                    "another program has the {noun} \"{name}\" for itself; close that program or choose another {noun}"
                )
            }
            DeviceErrorKind::UnsupportedFormat => format!(
                "the {noun} \"{name}\" runs in a format that Moshibar does not understand; \
                 set it to 48 kHz in the system's sound settings or choose another {noun}"
            ),
            DeviceErrorKind::Backend => {
                format!(
                    "the system's sound service failed with the {noun} \"{name}\"; try again or choose another {noun}"
                )
            }
            DeviceErrorKind::Unstable => format!(
                "the {noun} \"{name}\" broke off too often in a short time and was closed; \
                 check how it is connected, then choose it again or take another {noun}"
            ),
        };
        Self::new(kind, direction, message)
    }

    /// The sound service does not answer at all.
    pub fn no_service(backend: &str) -> Self {
        let message = format!("the sound service {backend} does not answer; start it again or log in anew");
        Self::new(DeviceErrorKind::Backend, None, message)
    }
}
