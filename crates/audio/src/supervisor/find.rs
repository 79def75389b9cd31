//! Finds a device by what a person typed.

use crate::device::{DeviceInfo, Direction};
use crate::device_error::DeviceError;

/// The device of `direction` with this id or name; an exact match first, then one that differs in case alone.
///
/// # Errors
/// [`UnknownName`](crate::DeviceErrorKind::UnknownName), with the name most like it.
pub fn find_device<'a>(
    devices: &'a [DeviceInfo],
    direction: Direction,
    wanted: &str,
) -> Result<&'a DeviceInfo, DeviceError> {
    let candidates = || devices.iter().filter(|device| device.direction == direction);
    let lower = wanted.to_lowercase();
    candidates()
        .find(|device| device.id.0 == wanted)
        .or_else(|| candidates().find(|device| device.name == wanted))
        .or_else(|| candidates().find(|device| device.name.to_lowercase() == lower))
        .ok_or_else(|| {
            let nearest = candidates().min_by_key(|device| edit_distance(&device.name.to_lowercase(), &lower));
            DeviceError::unknown_name(direction, wanted, nearest.map(|device| device.name.as_str()))
        })
}

/// How many letters must be put in, taken out or changed (Levenshtein).
fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        // Above and to the left, above, to the left: the three neighbours of a cell in the table.
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, other_letter) in row.iter_mut().skip(1).zip(&other) {
            let above = *cell;
            *cell = (diagonal + usize::from(letter != *other_letter)).min(above + 1).min(left + 1);
            diagonal = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{edit_distance, find_device};
    use crate::device::{DeviceId, DeviceInfo, DeviceKind, Direction};
    use crate::device_error::DeviceErrorKind;

    fn device(name: &str, direction: Direction) -> DeviceInfo {
        let id = DeviceId(format!("id of {name}"));
        DeviceInfo { id, name: name.to_owned(), direction, is_default: false, kind: DeviceKind::Open }
    }

    #[test]
    fn distances_of_the_textbook() {
        // Wagner and Fischer's and Wikipedia's examples.
        for (one, other, distance) in
            [("kitten", "sitting", 3), ("saturday", "sunday", 3), ("", "abc", 3), ("abc", "", 3), ("flaw", "lawn", 2)]
        {
            assert_eq!(edit_distance(one, other), distance, "{one} {other}");
        }
    }

    #[test]
    fn a_name_an_id_or_another_case_finds_the_device_of_its_direction() {
        let devices = [
            device("USB Headset", Direction::Output),
            device("USB headset", Direction::Input),
            device("USB Headset", Direction::Input),
        ];
        let find = |wanted| find_device(&devices, Direction::Input, wanted).unwrap();
        assert_eq!(find("USB Headset"), &devices[2]);
        assert_eq!(find("USB HEADSET"), &devices[1]);
        assert_eq!(find("id of USB Headset"), &devices[2]);
    }

    #[test]
    fn an_unknown_name_is_one_sentence_with_the_nearest_and_the_command() {
        let devices = [
            device("MacBook Pro Microphone", Direction::Input),
            device("AirPods Pro", Direction::Input),
            device("Airpod Pro", Direction::Output),
        ];
        let error = find_device(&devices, Direction::Input, "Airpod Pro").unwrap_err();
        assert_eq!(error.kind, DeviceErrorKind::UnknownName);
        assert_eq!(
            error.message,
            "there is no microphone called \"Airpod Pro\"; did you mean \"AirPods Pro\"? `moshibar devices` lists them all"
        );
        let error = find_device(&[], Direction::Input, "x").unwrap_err();
        assert_eq!(error.message, "there is no microphone called \"x\"; `moshibar devices` lists what there is");
    }
}
