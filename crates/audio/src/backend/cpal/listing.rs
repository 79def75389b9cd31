//! Which devices there are, and what people would call one.

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{DeviceDescription, DeviceType, SampleFormat, SupportedStreamConfig, SupportedStreamConfigRange};

use super::Service;
use crate::device::{DeviceId, DeviceInfo, DeviceKind, Direction};

/// A device in one direction.
pub(super) struct Listed {
    pub(super) device: cpal::Device,
    pub(super) info: DeviceInfo,
}

/// All devices that make sense to a person, in both directions.
pub(super) fn list(host: &cpal::Host, service: Service) -> Result<Vec<Listed>, cpal::Error> {
    let mut all = Vec::new();
    let defaults = Direction::ALL.map(|direction| default_device(host, service, direction));
    for device in host.devices()? {
        // One that goes away while it is asked is not there.
        let (Ok(id), Ok(description)) = (device.id(), device.description()) else { continue };
        for direction in directions(&device, id.id(), &description, service) {
            let id = DeviceId(id.to_string());
            let is_default = match (direction, &defaults) {
                (Direction::Input, [default, _]) | (Direction::Output, [_, default]) => default.as_ref() == Some(&id),
            };
            let info = DeviceInfo {
                name: name(id.0.as_str(), &description, service),
                is_default,
                kind: kind(&description),
                direction,
                id,
            };
            all.push(Listed { device: device.clone(), info });
        }
    }
    Ok(all)
}

/// The system's default.
pub(super) fn default_device(host: &cpal::Host, service: Service, direction: Direction) -> Option<DeviceId> {
    let device = match direction {
        Direction::Input => host.default_input_device(),
        Direction::Output => host.default_output_device(),
    }?;
    // CoreAudio answers with device 0 for none, which has no identity.
    let id = device.id().ok()?;
    if service == Service::CoreAudio {
        return Some(DeviceId(id.to_string()));
    }
    // The default of PipeWire and ALSA is a name that is there even if nothing is connected.
    let offers = |device: &cpal::Device| {
        let (id, description) = (device.id().ok()?, device.description().ok()?);
        let is_offered = directions(device, id.id(), &description, service).contains(&direction);
        is_offered.then_some(id).filter(|id| !is_default_of_pipewire(id.id()))
    };
    let offered: Vec<cpal::DeviceId> = host.devices().ok()?.filter_map(|device| offers(&device)).collect();
    if service == Service::PipeWire || offered.contains(&id) {
        return offered.first().map(|_| DeviceId(id.to_string()));
    }
    offered.first().map(|id| DeviceId(id.to_string()))
}

fn is_default_of_pipewire(id: &str) -> bool {
    matches!(id, "sink_default" | "input_default" | "output_default")
}

/// The directions in which a device is offered.
fn directions(device: &cpal::Device, id: &str, description: &DeviceDescription, service: Service) -> Vec<Direction> {
    match service {
        Service::CoreAudio => {
            let supports = |direction: &Direction| match direction {
                Direction::Input => device.supports_input(),
                Direction::Output => device.supports_output(),
            };
            Direction::ALL.into_iter().filter(supports).collect()
        }
        Service::PipeWire => pipewire_directions(id, description),
        Service::Alsa => alsa_directions(id, description),
    }
}

/// cpal offers every speaker of PipeWire as a microphone too (what it plays, recorded), and lists other programs' streams.
fn pipewire_directions(id: &str, description: &DeviceDescription) -> Vec<Direction> {
    match id {
        "input_default" => return vec![Direction::Input],
        "output_default" => return vec![Direction::Output],
        "sink_default" => return vec![],
        // cpal's word for a node without a description: other programs' streams, and our own, have none.
        _ if description.name() == "unknown" => return vec![],
        _ => {}
    }
    match (description.supports_input(), description.supports_output()) {
        (true, true) => vec![Direction::Output],
        (true, false) => vec![Direction::Input],
        _ => vec![],
    }
}

/// ALSA lists a dozen plugins per card, most of which do not open. These do.
fn alsa_directions(id: &str, description: &DeviceDescription) -> Vec<Direction> {
    let card = id.strip_prefix("plughw:CARD=");
    // Every card comes twice, by name and by number.
    let is_named_card = card.is_some_and(|card| card.starts_with(|letter: char| !letter.is_ascii_digit()));
    if is_named_card || matches!(id, "default" | "pulse" | "pipewire") {
        let supports = |direction: &Direction| match direction {
            Direction::Input => description.supports_input(),
            Direction::Output => description.supports_output(),
        };
        return Direction::ALL.into_iter().filter(supports).collect();
    }
    vec![]
}

fn name(id: &str, description: &DeviceDescription, service: Service) -> String {
    let bare = id.split_once(':').map_or(id, |(_, bare)| bare);
    if service == Service::PipeWire && is_default_of_pipewire(bare) {
        return "System default".to_owned();
    }
    description.name().to_owned()
}

/// Words in the names of what people wear. CoreAudio calls what is in the jack "External Headphones".
const WORN: [&str; 9] =
    ["headphone", "headset", "earphone", "earbud", "earpod", "airpod", "buds", "hearing aid", "kopfhörer"];

fn kind(description: &DeviceDescription) -> DeviceKind {
    let name = description.name().to_lowercase();
    let is_worn = matches!(
        description.device_type(),
        DeviceType::Headphones | DeviceType::Headset | DeviceType::Earpiece | DeviceType::HearingAid
    );
    if is_worn || WORN.iter().any(|word| name.contains(word)) { DeviceKind::Headphones } else { DeviceKind::Open }
}

/// How to run an ALSA device: its own default can be any of the rates that a plugin claims to convert, up to 384 kHz.
pub(super) fn alsa_config(device: &cpal::Device, direction: Direction) -> Result<SupportedStreamConfig, cpal::Error> {
    const RATE_HZ: u32 = 48_000;
    let (ranges, fallback): (Vec<SupportedStreamConfigRange>, _) = match direction {
        Direction::Input => (device.supported_input_configs()?.collect(), device.default_input_config()),
        Direction::Output => (device.supported_output_configs()?.collect(), device.default_output_config()),
    };
    let fits =
        |range: &&SupportedStreamConfigRange| (range.min_sample_rate()..=range.max_sample_rate()).contains(&RATE_HZ);
    let best = ranges.iter().filter(fits).min_by_key(|range| {
        let format = match range.sample_format() {
            SampleFormat::F32 => 0,
            SampleFormat::I32 => 1,
            SampleFormat::I16 => 2,
            _ => 3,
        };
        let wanted_channels = if direction == Direction::Input { 1 } else { 2 };
        (format, range.channels().abs_diff(wanted_channels))
    });
    match best.and_then(|range| range.try_with_sample_rate(RATE_HZ)) {
        Some(config) => Ok(config),
        None => fallback,
    }
}

#[cfg(test)]
mod tests {
    use cpal::{DeviceDescriptionBuilder, DeviceDirection, DeviceType};

    use super::{alsa_directions, kind, pipewire_directions};
    use crate::device::{DeviceKind, Direction};

    #[test]
    fn what_people_wear_is_told_from_what_fills_a_room() {
        for (name, is_worn) in [
            ("External Headphones", true),
            ("Anna's AirPods Pro", true),
            ("Galaxy Buds2", true),
            ("Plantronics Headset", true),
            ("MacBook Pro Speakers", false),
            ("LG UltraFine Display Audio", false),
            ("Studio Display", false),
        ] {
            let description = DeviceDescriptionBuilder::new(name).build();
            assert_eq!(kind(&description) == DeviceKind::Headphones, is_worn, "{name}");
        }
        let typed = DeviceDescriptionBuilder::new("WH-1000XM4").device_type(DeviceType::Headphones).build();
        assert_eq!(kind(&typed), DeviceKind::Headphones);
    }

    #[test]
    fn a_speaker_of_pipewire_is_no_microphone() {
        let node = |direction| DeviceDescriptionBuilder::new("X").direction(direction).build();
        assert_eq!(pipewire_directions("alsa_output.pci", &node(DeviceDirection::Duplex)), [Direction::Output]);
        assert_eq!(pipewire_directions("alsa_input.usb", &node(DeviceDirection::Input)), [Direction::Input]);
        assert_eq!(pipewire_directions("input_default", &node(DeviceDirection::Input)), [Direction::Input]);
        assert_eq!(pipewire_directions("sink_default", &node(DeviceDirection::Duplex)), []);
        let stream = DeviceDescriptionBuilder::new("unknown").direction(DeviceDirection::Input).build();
        assert_eq!(pipewire_directions("moshibar", &stream), [], "what we record is no microphone either");
        assert_eq!(pipewire_directions("firefox", &node(DeviceDirection::Output)), [], "another program's stream");
    }

    #[test]
    fn of_alsas_many_plugins_only_those_that_open_are_offered() {
        let both = DeviceDescriptionBuilder::new("X").direction(DeviceDirection::Duplex).build();
        for id in ["default", "pulse", "pipewire", "plughw:CARD=PCH,DEV=0"] {
            assert_eq!(alsa_directions(id, &both), Direction::ALL, "{id}");
        }
        for id in ["oss", "jack", "lavrate", "null", "hw:CARD=PCH,DEV=0", "plughw:CARD=0,DEV=0", "surround51:CARD=PCH"]
        {
            assert_eq!(alsa_directions(id, &both), [], "{id}");
        }
    }
}
