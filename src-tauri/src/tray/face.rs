//! What the icon shows: one picture for each state that a person must tell apart at a glance.

use moshibar_session::live::State;
use tauri::image::Image;

use crate::view::TalkView;

/// A picture of the tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    Idle,
    Loading,
    Listening,
    Speaking,
    Muted,
    Warning,
    Failed,
}

impl Face {
    /// The face for a talk.
    pub(crate) fn of(talk: &TalkView, moshi_speaks: bool) -> Self {
        match talk.state {
            State::Failed => Self::Failed,
            State::Idle | State::Stopping if talk.problem.is_some() => Self::Failed,
            State::Idle | State::Stopping => Self::Idle,
            State::Loading => Self::Loading,
            State::Listening | State::Muted | State::Paused if talk.problem.is_some() => Self::Warning,
            State::Muted | State::Paused => Self::Muted,
            State::Listening if moshi_speaks => Self::Speaking,
            State::Listening => Self::Listening,
        }
    }

    /// Says it in words, for those who do not see it: a key of the catalog.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Idle => "tray.idle",
            Self::Loading => "tray.loading",
            Self::Listening => "tray.listening",
            Self::Speaking => "tray.speaking",
            Self::Muted => "tray.muted",
            Self::Warning => "tray.warning",
            Self::Failed => "tray.failed",
        }
    }

    /// The picture: black on nothing, which macOS draws in the menu bar's own colour.
    pub(crate) fn picture(self) -> Image<'static> {
        match self {
            Self::Idle => tauri::include_image!("../assets/tray/idle.png"),
            Self::Loading => tauri::include_image!("../assets/tray/loading.png"),
            Self::Listening => tauri::include_image!("../assets/tray/listening.png"),
            Self::Speaking => tauri::include_image!("../assets/tray/speaking.png"),
            Self::Muted => tauri::include_image!("../assets/tray/muted.png"),
            Self::Warning => tauri::include_image!("../assets/tray/warning.png"),
            Self::Failed => tauri::include_image!("../assets/tray/failed.png"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Face;

    #[test]
    fn every_picture_is_a_template_black_on_nothing_and_differs_from_the_others() {
        let faces =
            [Face::Idle, Face::Loading, Face::Listening, Face::Speaking, Face::Muted, Face::Warning, Face::Failed];
        for face in faces {
            let picture = face.picture();
            assert_eq!((picture.width(), picture.height()), (44, 44), "{face:?}");
            let (pixels, _) = picture.rgba().as_chunks::<4>();
            assert!(
                pixels.iter().all(|[red, green, blue, alpha]| *alpha == 0 || (*red, *green, *blue) == (0, 0, 0)),
                "{face:?}"
            );
            assert!(pixels.iter().any(|pixel| pixel[3] == 0) && pixels.iter().any(|pixel| pixel[3] == 255), "{face:?}");
        }
        let distinct: std::collections::HashSet<_> = faces.iter().map(|face| face.picture().rgba().to_vec()).collect();
        assert_eq!(distinct.len(), faces.len());
    }
}
