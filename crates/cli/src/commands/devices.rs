//! `moshibar devices`: the microphones and speakers that a talk can use, how they run now, and which the system would choose.
//!
//! That there are none is an answer, and no error.

use moshibar_audio::{Backend, CpalBackend, DeviceInfo, DeviceKind, Direction, StreamFormat};
use serde_json::{Value, json};

use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;

/// A device and how it runs, or why it does not say.
struct Entry {
    device: DeviceInfo,
    format: Result<StreamFormat, String>,
}

/// Lists devices.
///
/// # Errors
/// [`ErrorKind::Sound`](crate::error::ErrorKind::Sound) if the system's sound service does not answer.
pub(crate) fn run(console: &Console) -> Result<Verdict, CliError> {
    let mut backend = CpalBackend::new();
    let mut entries = Vec::new();
    for device in backend.devices()? {
        let format = backend.current_format(&device.id, device.direction).map_err(|error| error.message);
        entries.push(Entry { device, format });
    }
    let value = json!({
        "backend": backend.name(),
        "devices": entries.iter().map(Entry::json).collect::<Vec<_>>(),
    });
    let parts = Direction::ALL.map(|direction| part(direction, &entries));
    let text = format!("Sound through {}. * is the system's choice.\n\n{}", backend.name(), parts.join("\n\n"));
    console.result(&text, &value)?;
    Ok(Verdict::Good)
}

impl Entry {
    fn json(&self) -> Value {
        let Self { device: DeviceInfo { id, name, direction, is_default, kind }, format } = self;
        json!({
            "id": id,
            "name": name,
            "direction": direction,
            "is_default": is_default,
            "kind": kind,
            "rate_hz": format.as_ref().ok().map(|format| format.rate_hz),
            "channels": format.as_ref().ok().map(|format| format.channels),
            "problem": format.as_ref().err(),
        })
    }

    fn facts(&self) -> String {
        let ears = if self.device.kind == DeviceKind::Headphones { ", headphones" } else { "" };
        match &self.format {
            Ok(StreamFormat { rate_hz, channels: 1, .. }) => format!("{rate_hz} Hz, 1 channel{ears}"),
            Ok(StreamFormat { rate_hz, channels, .. }) => format!("{rate_hz} Hz, {channels} channels{ears}"),
            Err(problem) => problem.clone(),
        }
    }
}

/// The devices of one direction: mark, name, id and facts, in columns.
fn part(direction: Direction, entries: &[Entry]) -> String {
    let entries: Vec<&Entry> = entries.iter().filter(|entry| entry.device.direction == direction).collect();
    let title = match direction {
        Direction::Input => "Microphones",
        Direction::Output => "Speakers",
    };
    let width_of = |text: fn(&DeviceInfo) -> &str| {
        entries.iter().map(|entry| text(&entry.device).chars().count()).max().unwrap_or(0)
    };
    let (names, ids) = (width_of(|device| &device.name), width_of(|device| &device.id.0));
    let mut lines = vec![title.to_owned()];
    lines.extend(entries.iter().map(|entry| {
        let DeviceInfo { id, name, is_default, .. } = &entry.device;
        let mark = if *is_default { '*' } else { ' ' };
        format!("{mark} {name:<names$}  {:<ids$}  {}", id.0, entry.facts())
    }));
    if entries.is_empty() {
        lines.push("  none is connected".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use moshibar_audio::{DeviceId, DeviceInfo, DeviceKind, Direction, StreamFormat};

    use super::{Entry, part};

    #[test]
    fn devices_stand_in_columns_and_none_is_said_in_words() {
        let entry = |name: &str, is_default, kind, channels| Entry {
            device: DeviceInfo {
                id: DeviceId(format!("x:{name}")),
                name: name.to_owned(),
                direction: Direction::Output,
                is_default,
                kind,
            },
            format: Ok(StreamFormat { rate_hz: 48_000, channels, block_samples: None }),
        };
        let entries =
            [entry("Lautsprecher", false, DeviceKind::Open, 2), entry("Kopfhörer", true, DeviceKind::Headphones, 1)];
        assert_eq!(
            part(Direction::Output, &entries),
            "Speakers\n  Lautsprecher  x:Lautsprecher  48000 Hz, 2 channels\n\
             * Kopfhörer     x:Kopfhörer     48000 Hz, 1 channel, headphones"
        );
        assert_eq!(part(Direction::Input, &entries), "Microphones\n  none is connected");
    }
}
