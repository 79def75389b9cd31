//! Devices that are not there or refuse: one sentence each, said once, and sound as soon as there can be any.

use std::time::Duration;

use super::rig::{Rig, SECOND, closed_for, failed_with, honest_mic, sentence};
use super::{CloseReason, SupervisorOptions};
use crate::device::Direction;
use crate::device_error::DeviceErrorKind;
use crate::simulated::{Refusal, SimulatedDevice};

#[test]
fn no_microphone_is_one_sentence_and_one_plugged_in_is_taken() {
    let mut rig = Rig::with(SupervisorOptions::default());
    rig.host.plug(SimulatedDevice::speaker("S"));
    rig.run(10 * SECOND);
    assert_eq!(
        sentence(&rig, DeviceErrorKind::NoDevice),
        "no microphone is connected; connect a microphone, or switch one on in the system's sound settings"
    );
    rig.host.plug(honest_mic("M"));
    let took = rig.time_until_both_flow(5 * SECOND).unwrap();
    assert!(took <= Duration::from_millis(1_500), "{took:?}");
}

#[test]
fn a_refusal_is_one_sentence_and_is_tried_again_until_it_opens() {
    for (refusal, kind, words) in [
        (
            Refusal::Permission,
            DeviceErrorKind::PermissionDenied,
            "the system does not let Moshibar use the microphone \"M\"; allow it",
        ),
        (
            Refusal::Busy,
            DeviceErrorKind::Busy,
            "another program has the microphone \"M\" for itself; close that program or choose another microphone",
        ),
        (
            Refusal::Format,
            DeviceErrorKind::UnsupportedFormat,
            "the microphone \"M\" runs in a format that Moshibar does not",
        ),
    ] {
        let mut rig = Rig::with(SupervisorOptions::default());
        let mic = rig.host.plug(honest_mic("M"));
        rig.host.plug(SimulatedDevice::speaker("S"));
        rig.host.set_refusal(&mic, Some(refusal));
        rig.run(10 * SECOND);
        let said = sentence(&rig, kind);
        assert!(said.starts_with(words), "{said}");
        rig.host.set_refusal(&mic, None);
        let took = rig.time_until_both_flow(5 * SECOND).unwrap();
        assert!(took <= 3 * SECOND, "{took:?}");
    }
}

#[test]
fn a_device_that_vanishes_while_it_is_opened_is_one_sentence() {
    let mut rig = Rig::with(SupervisorOptions::default());
    let mic = rig.host.plug(honest_mic("M").opening(Duration::from_millis(700)));
    rig.host.plug(SimulatedDevice::speaker("S"));
    rig.host.set_refusal(&mic, Some(Refusal::Vanishes));
    rig.run_ms(1_200);
    assert_eq!(
        sentence(&rig, DeviceErrorKind::Lost),
        "the microphone \"M\" is gone; connect it again or choose another microphone"
    );
    assert!(rig.supervisor.running(Direction::Output).is_some(), "the speaker waited for the opening and lives");
    rig.host.set_refusal(&mic, None);
    rig.host.replug(&mic);
    assert!(rig.time_until_both_flow(5 * SECOND).is_some());
}

#[test]
fn a_device_that_opens_slowly_starves_nobody() {
    let mut rig = Rig::with(SupervisorOptions::default());
    let mic = rig.host.plug(honest_mic("M").opening(3 * SECOND));
    rig.host.plug(SimulatedDevice::speaker("S").opening(7 * SECOND));
    rig.run(20 * SECOND);
    assert!(rig.flows());
    rig.host.unplug(&mic);
    rig.run_ms(300);
    rig.host.replug(&mic);
    rig.run(10 * SECOND);
    assert!(rig.flows());
    assert_eq!(rig.supervisor.rebuilds(Direction::Output), 0, "{:#?}", rig.log);
    assert_eq!(rig.count(Duration::ZERO, closed_for(CloseReason::Sleep)), 0, "opening is no sleep");
}

#[test]
fn an_unknown_name_is_one_sentence_and_nothing_else_is_taken() {
    let mut rig = Rig::named("USB mikrofon");
    rig.host.plug(honest_mic("Built-in microphone"));
    rig.host.plug(honest_mic("USB microphone"));
    rig.host.plug(SimulatedDevice::speaker("S"));
    rig.run(5 * SECOND);
    assert_eq!(
        sentence(&rig, DeviceErrorKind::UnknownName),
        "there is no microphone called \"USB mikrofon\"; did you mean \"USB microphone\"? `moshibar devices` lists them all"
    );
    assert_eq!(rig.host.opened_streams(Direction::Input), 0);
}

#[test]
fn a_sound_service_that_dies_is_one_sentence_and_its_return_is_noticed() {
    let mut rig = Rig::new();
    rig.run(SECOND);
    rig.host.set_service_down(true);
    rig.run(20 * SECOND);
    let down = rig.count(Duration::ZERO, failed_with(DeviceErrorKind::Backend));
    assert_eq!(down, 2, "once per direction: {:#?}", rig.log);
    rig.host.set_service_down(false);
    let took = rig.time_until_both_flow(5 * SECOND).unwrap();
    assert!(took <= 3 * SECOND, "{took:?}");
}
