//! The menu as data: what it says for a talk, its devices and its models. Drawn elsewhere.

use moshibar_audio::Direction;
use moshibar_session::live::State;
use moshibar_store::{ModelState, Verdict};
use serde::{Deserialize, Serialize};

use crate::models::ModelView;
use crate::settings::Settings;
use crate::strings::Strings;
use crate::view::{DeviceView, TalkView};

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// Does something.
    Item { does: Does, text: String, is_enabled: bool },
    /// Is on or off.
    Check { does: Does, text: String, is_on: bool, is_enabled: bool },
    /// Opens more lines.
    More { text: String, lines: Vec<Line> },
    /// Divides.
    Rule,
}

/// What a line does; its JSON is the id of the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Does {
    StartTalk,
    EndTalk,
    Mute(bool),
    Hush(bool),
    ChooseMicrophone(Option<String>),
    ChooseSpeaker(Option<String>),
    ChooseModel(String),
    ShowModels,
    ShowCaptions(bool),
    Open,
    History,
    Settings,
    Unload,
    Quit,
}

/// The whole menu.
pub(crate) fn lines(
    strings: &Strings,
    talk: &TalkView,
    devices: &[DeviceView],
    models: &[ModelView],
    settings: &Settings,
) -> Vec<Line> {
    let is_on = !matches!(talk.state, State::Idle | State::Failed | State::Stopping);
    let is_running = matches!(talk.state, State::Listening | State::Muted | State::Paused);
    let item = |does, key: &str| Line::Item { does, text: strings.get(key), is_enabled: true };
    let switch = |does, key: &str, is_on, is_enabled| Line::Check { does, text: strings.get(key), is_on, is_enabled };
    let devices_of = |direction, key: &str, chosen: Option<&String>| Line::More {
        text: strings.get(key),
        lines: device_lines(strings, devices, direction, chosen),
    };
    vec![
        if is_on { item(Does::EndTalk, "menu.end") } else { item(Does::StartTalk, "menu.talk") },
        switch(Does::Mute(!talk.muted), "menu.mute", talk.muted, is_running),
        switch(Does::Hush(!talk.hushed), "menu.hush", talk.hushed, is_running),
        Line::Rule,
        devices_of(Direction::Input, "menu.microphone", settings.microphone.as_ref()),
        devices_of(Direction::Output, "menu.speaker", settings.speaker.as_ref()),
        Line::More {
            text: strings.get("menu.model"),
            lines: models.iter().map(|model| model_line(strings, model)).collect(),
        },
        Line::Rule,
        switch(Does::ShowCaptions(!settings.show_captions), "menu.captions", settings.show_captions, true),
        item(Does::Open, "menu.open"),
        item(Does::History, "menu.history"),
        item(Does::Settings, "menu.settings"),
        Line::Item { does: Does::Unload, text: strings.get("menu.unload"), is_enabled: talk.loaded && !is_on },
        Line::Rule,
        item(Does::Quit, "menu.quit"),
    ]
}

fn device_lines(strings: &Strings, devices: &[DeviceView], direction: Direction, chosen: Option<&String>) -> Vec<Line> {
    let line = |id: Option<&String>, text: String, is_enabled| Line::Check {
        does: match direction {
            Direction::Input => Does::ChooseMicrophone(id.cloned()),
            Direction::Output => Does::ChooseSpeaker(id.cloned()),
        },
        text,
        is_on: id == chosen,
        is_enabled,
    };
    let here: Vec<&DeviceView> = devices.iter().filter(|device| device.direction == direction).collect();
    let mut lines = vec![line(None, strings.get("menu.default"), true)];
    lines.extend(here.iter().map(|device| line(Some(&device.id), device.name.clone(), true)));
    if let Some(gone) = chosen.filter(|id| !here.iter().any(|device| device.id == **id)) {
        lines.push(line(Some(gone), strings.fill("sound.gone", &[("name", gone)]), false));
    }
    lines
}

/// A model that is here can be chosen; one that is not leads to the settings, and one that does not suit this machine says so.
fn model_line(strings: &Strings, model: &ModelView) -> Line {
    let is_here = model.is_built_in || model.state == ModelState::Verified;
    let doubt = model.fit.as_ref().and_then(|fit| match fit.verdict {
        Verdict::WillNotKeepUp => Some("verdict.will_not_keep_up"),
        Verdict::WillNotFit => Some("verdict.will_not_fit"),
        _ => None,
    });
    let name = [("name", model.name.as_str())];
    match doubt {
        _ if !is_here => {
            Line::Item { does: Does::ShowModels, text: strings.fill("menu.model.absent", &name), is_enabled: true }
        }
        doubt => Line::Check {
            does: Does::ChooseModel(model.name.clone()),
            text: doubt.map_or_else(
                || model.name.clone(),
                |verdict| {
                    strings
                        .fill("menu.model.not_for_here", &[("name", &model.name), ("verdict", &strings.get(verdict))])
                },
            ),
            is_on: model.is_chosen,
            is_enabled: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use moshibar_audio::DeviceKind;

    use super::*;
    use crate::settings::Language;
    use crate::talk::at_rest;

    fn device(id: &str, direction: Direction) -> DeviceView {
        DeviceView {
            id: id.to_owned(),
            name: format!("The {id}"),
            direction,
            is_default: false,
            kind: DeviceKind::Open,
        }
    }

    fn menu(talk: &TalkView, devices: &[DeviceView], settings: &Settings) -> Vec<Line> {
        lines(&Strings::of(Language::En), talk, devices, &[], settings)
    }

    /// The lines as a person reads them; `*` is on, `-` is grey.
    fn read(lines: &[Line]) -> Vec<String> {
        let read_line = |line: &Line| match line {
            Line::Item { text, is_enabled, .. } => format!("{}{text}", if *is_enabled { "" } else { "- " }),
            Line::Check { text, is_on, is_enabled, .. } => {
                format!("{}{}{text}", if *is_enabled { "" } else { "- " }, if *is_on { "* " } else { "" })
            }
            Line::More { text, lines } => format!("{text}: {}", read(lines).join(", ")),
            Line::Rule => "--".to_owned(),
        };
        lines.iter().map(read_line).collect()
    }

    #[test]
    fn at_rest_it_offers_to_talk() {
        let lines = menu(&at_rest("nano"), &[], &Settings::default());
        assert_eq!(
            read(&lines),
            [
                "Talk with Moshi",
                "- Mute me",
                "- Hush Moshi",
                "--",
                "Microphone: * System default",
                "Speaker: * System default",
                "Model: ",
                "--",
                "* Show captions",
                "Show Moshibar",
                "History…",
                "Settings…",
                "- Unload the model",
                "--",
                "Quit Moshibar",
            ]
        );
    }

    #[test]
    fn in_a_talk_it_offers_to_end_it_and_its_switches() {
        let talk = TalkView { state: State::Muted, muted: true, loaded: true, ..at_rest("nano") };
        let lines = menu(&talk, &[], &Settings::default());
        assert_eq!(read(&lines)[..3], ["End the talk", "* Mute me", "Hush Moshi"]);
        assert!(lines.contains(&Line::Check {
            does: Does::Mute(false),
            text: "Mute me".into(),
            is_on: true,
            is_enabled: true
        }));
        assert!(read(&lines).contains(&"- Unload the model".to_owned()), "not under a talk's feet");
        let after = TalkView { state: State::Idle, loaded: true, ..at_rest("nano") };
        assert!(read(&menu(&after, &[], &Settings::default())).contains(&"Unload the model".to_owned()));
    }

    #[test]
    fn a_chosen_device_that_is_gone_stands_there_in_grey() {
        let devices = [device("mic", Direction::Input), device("box", Direction::Output)];
        let settings =
            Settings { microphone: Some("usb".to_owned()), speaker: Some("box".to_owned()), ..Settings::default() };
        let lines = read(&menu(&at_rest("nano"), &devices, &settings));
        assert_eq!(lines[4], "Microphone: System default, The mic, - * usb (not connected)");
        assert_eq!(lines[5], "Speaker: System default, * The box");
    }
}
