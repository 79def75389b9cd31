//! What the supervisor tells people: each event is one sentence.

use std::fmt;

use serde::Serialize;

use crate::device::{DeviceInfo, Direction, StreamFormat};
use crate::device_error::DeviceError;

/// Something that happened to the devices of a talk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AudioEvent {
    /// A device runs, and its rate has been seen to be true.
    Opened {
        /// Which way sound flows.
        direction: Direction,
        /// The device.
        device: DeviceInfo,
        /// How it runs.
        format: StreamFormat,
        /// Who provides it.
        backend: &'static str,
    },
    /// A device was closed; another [`Opened`](Self::Opened) or [`Failed`](Self::Failed) follows, but after a sleep only when
    /// the machine wakes.
    Closed {
        /// Which way sound flowed.
        direction: Direction,
        /// The device.
        device: DeviceInfo,
        /// Why.
        reason: CloseReason,
    },
    /// The chosen device is away: the system's default stands in until it is back.
    FellBack {
        /// Which way sound flows.
        direction: Direction,
        /// What was chosen.
        wanted: String,
    },
    /// The system moved a running stream to another device.
    Rerouted {
        /// Which way sound flows.
        direction: Direction,
    },
    /// The microphone has delivered nothing but exact zeros for 3 s.
    NoSignal {
        /// The microphone.
        device: DeviceInfo,
    },
    /// After [`NoSignal`](Self::NoSignal), it hears something.
    SignalIsBack {
        /// The microphone.
        device: DeviceInfo,
    },
    /// A device cannot be used. Said once, however often it is tried again.
    Failed {
        /// Which way sound would flow.
        direction: Direction,
        /// What is wrong and what to do.
        #[serde(serialize_with = "sentence")]
        error: DeviceError,
    },
}

/// Why a device was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CloseReason {
    /// It is gone.
    Lost,
    /// The system ended its stream.
    Invalidated,
    /// It runs in another format than it was opened in.
    FormatChanged,
    /// It delivered at another rate than it claims.
    WrongRate,
    /// The system has another default now.
    DefaultChanged,
    /// Its callbacks ended without a word.
    NoCallbacks,
    /// It reported error after error.
    ErrorStorm,
    /// Another one was chosen.
    Chosen,
    /// The chosen device is back, in whose place it stood in.
    WantedIsBack,
    /// The machine sleeps.
    Sleep,
}

fn sentence<S: serde::Serializer>(error: &DeviceError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&error.message)
}

impl AudioEvent {
    /// Whether it may be forgotten before others if nobody reads them.
    pub(super) fn is_minor(&self) -> bool {
        !matches!(self, Self::Failed { .. } | Self::NoSignal { .. })
    }
}

impl fmt::Display for AudioEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { direction, device, format, .. } => {
                write!(formatter, "the {} \"{}\" runs at {} Hz", direction.noun(), device.name, format.rate_hz)
            }
            Self::Closed { direction, device, reason } => {
                write!(formatter, "the {} \"{}\" {reason}", direction.noun(), device.name)
            }
            Self::FellBack { direction, wanted } => write!(
                formatter,
                "the {} \"{wanted}\" is away, so the system's default stands in until it is back",
                direction.noun()
            ),
            Self::Rerouted { direction } => {
                write!(formatter, "the system moved the {} to another device", direction.noun())
            }
            Self::NoSignal { device } => write!(
                formatter,
                "the microphone \"{}\" hears nothing at all; check that it is not muted, that the lid is open and that \
                 Moshibar may use the microphone",
                device.name
            ),
            Self::SignalIsBack { device } => write!(formatter, "the microphone \"{}\" hears again", device.name),
            Self::Failed { error, .. } => error.fmt(formatter),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lost => "is gone",
            Self::Invalidated => "was stopped by the system and is opened again",
            Self::FormatChanged => "changed its format and is opened again",
            Self::WrongRate => "runs at another rate than it claims and is opened again",
            Self::DefaultChanged => "is no longer the system's default, which is opened instead",
            Self::NoCallbacks => "stopped working without a word and is opened again",
            Self::ErrorStorm => "reports error after error and is opened again",
            Self::Chosen => "was closed because another was chosen",
            Self::WantedIsBack => "only stood in, and the chosen one is back",
            Self::Sleep => "was closed while the machine sleeps",
        })
    }
}
