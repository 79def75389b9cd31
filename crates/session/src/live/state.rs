//! Where a session stands: one word for a window, a menu-bar icon, or a line in a terminal.

use serde::Serialize;

/// `Idle → Loading → Listening ⇄ Muted/Paused → Stopping → Idle`, or `Failed` from anywhere in a talk.
///
/// | from | to |
/// |---|---|
/// | `Idle`, `Failed` | `Loading` (start) |
/// | `Loading` | `Listening`, `Muted` or `Paused`, as was asked meanwhile; `Stopping`; `Failed` |
/// | `Listening`, `Muted`, `Paused` | each other; `Loading` (the engine is rebuilt after a hang); `Stopping`; `Failed` |
/// | `Stopping` | `Idle`, or `Failed` if that is why it stops |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No talk. The engine may be loaded, and starts at once then.
    #[default]
    Idle,
    /// A talk begins: devices are opened, the model is loaded.
    Loading,
    /// Moshi hears the user.
    Listening,
    /// Moshi hears silence, and may speak.
    Muted,
    /// Time stands still for Moshi.
    Paused,
    /// The talk ends: the recording is completed, devices are closed.
    Stopping,
    /// The last talk ended because something went wrong; a start tries again.
    Failed,
}

impl State {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Loading => "loading",
            Self::Listening => "listening",
            Self::Muted => "muted",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
        }
    }

    /// Whether `next` may follow, as the table above says.
    pub fn can_become(self, next: Self) -> bool {
        use State::{Failed, Idle, Listening, Loading, Muted, Paused, Stopping};
        match self {
            Idle | Failed => next == Loading,
            Loading | Listening | Muted | Paused => next != self && next != Idle,
            Stopping => next == Idle || next == Failed,
        }
    }
}
