//! What a sound device is to us: an identity that stays, a name for people, and the format that it runs at right now.

use std::fmt;

use serde::Serialize;

/// Which way sound flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// A microphone.
    Input,
    /// A loudspeaker or headphones.
    Output,
}

impl Direction {
    /// Both, the microphone first.
    pub const ALL: [Self; 2] = [Self::Input, Self::Output];

    /// What people call such a device.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Input => "microphone",
            Self::Output => "speaker",
        }
    }
}

/// A device's identity, the same after a replug and in the next start, as far as the system knows one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DeviceId(pub String);

impl fmt::Display for DeviceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What people listen with; decides whether `--echo auto` cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// Heard by the microphone too, as far as we know: the safe guess.
    Open,
    /// On somebody's ears: the microphone does not hear it.
    Headphones,
}

/// A device as the system lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// Its identity.
    pub id: DeviceId,
    /// Its name, for people.
    pub name: String,
    /// Whether it hears or speaks; a device that does both is listed twice.
    pub direction: Direction,
    /// Whether the system would choose it now.
    pub is_default: bool,
    /// What people listen with.
    pub kind: DeviceKind,
}

/// Which device to use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The system's default, also when that becomes another one.
    #[default]
    FollowDefault,
    /// This one, by id or by name.
    Named(String),
}

/// The format at which a device runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StreamFormat {
    /// Samples per second and channel.
    pub rate_hz: u32,
    /// Interleaved channels.
    pub channels: u16,
    /// The block that we ask for, in samples per channel; `None` leaves it to the device. Callbacks may come with any other.
    pub block_samples: Option<u32>,
}

impl From<Option<String>> for DeviceChoice {
    /// A name or an id; none follows the default.
    fn from(name: Option<String>) -> Self {
        name.map_or(Self::FollowDefault, Self::Named)
    }
}
