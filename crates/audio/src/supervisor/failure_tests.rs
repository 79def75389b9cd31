//! One thing goes wrong at a time: is it seen in time, is it said right, does sound come back?

use std::time::Duration;

use super::rig::{Rig, SECOND, closed_for, failed_with, honest_mic, is_opened, sentence};
use super::{AudioEvent, CloseReason, SupervisorOptions};
use crate::backend::StreamFault;
use crate::device::{DeviceChoice, Direction};
use crate::device_error::DeviceErrorKind;
use crate::simulated::{RateChange, SimulatedDevice};

#[test]
fn sound_flows_soon_after_the_start() {
    let mut rig = Rig::new();
    let took = rig.time_until_both_flow(SECOND).unwrap();
    assert!(took <= Duration::from_millis(400), "{took:?}");
    assert_eq!(rig.count(Duration::ZERO, is_opened), 2);
    assert_eq!(rig.log[0].1.to_string(), "the microphone \"Built-in microphone\" runs at 48000 Hz");
}

#[test]
fn every_rate_and_block_starts_and_none_is_mistaken_for_another() {
    for rate_hz in [8_000, 11_025, 16_000, 24_000, 44_100, 48_000, 96_000, 192_000] {
        for block_samples in [1, 31, 480, 4_096] {
            let mut rig = Rig::with(SupervisorOptions::default());
            rig.host.plug(honest_mic("M").rate_hz(rate_hz).block_samples(block_samples).channels(3).ppm(300.0));
            rig.host.plug(SimulatedDevice::speaker("S").rate_hz(rate_hz).block_samples(block_samples).ppm(-300.0));
            let took = rig.time_until_both_flow(3 * SECOND);
            assert!(took.is_some(), "{rate_hz} Hz, blocks of {block_samples}: {:#?}", rig.log);
            rig.run_ms(2_000);
            assert_eq!(rig.wrong_samples, 0);
            assert_eq!(rig.supervisor.rebuilds(Direction::Input) + rig.supervisor.rebuilds(Direction::Output), 0);
        }
    }
}

#[test]
fn uneven_callbacks_are_no_reason_to_open_again() {
    let mut rig = Rig::with(SupervisorOptions::default());
    rig.host.plug(honest_mic("M").block_samples(1_024).jitter(Duration::from_millis(20)));
    rig.host.plug(SimulatedDevice::speaker("S").block_samples(64).jitter(Duration::from_millis(60)));
    rig.run(60 * SECOND);
    assert!(rig.flows());
    assert_eq!(rig.supervisor.rebuilds(Direction::Input) + rig.supervisor.rebuilds(Direction::Output), 0);
}

#[test]
fn an_unplugged_default_gives_way_to_the_next() {
    let mut rig = Rig::new();
    rig.host.plug(honest_mic("USB microphone"));
    rig.run(SECOND);
    let at = rig.now();
    let gone = rig.mic();
    rig.host.unplug(&gone);
    let took = rig.time_until_both_flow(5 * SECOND).unwrap();
    assert!(took <= SECOND, "{took:?}");
    assert!(rig.first(at, closed_for(CloseReason::Lost)).is_some());
    assert_eq!(rig.supervisor.running(Direction::Input).unwrap().0.name, "USB microphone");
    // Back again, it is not the default any more: nothing happens.
    let at = rig.now();
    rig.host.replug(&gone);
    rig.run(5 * SECOND);
    assert_eq!(rig.count(at, |_| true), 0);
}

#[test]
fn another_default_is_followed_though_nobody_tells() {
    let mut rig = Rig::new();
    let other = rig.host.plug(honest_mic("USB microphone").rate_hz(44_100));
    let headphones = rig.host.plug(SimulatedDevice::speaker("Headphones").headphones());
    rig.run(SECOND);
    for id in [&other, &headphones] {
        let at = rig.now();
        rig.host.set_default(id);
        rig.run_ms(1_500);
        assert!(rig.first(at, closed_for(CloseReason::DefaultChanged)).is_some());
        assert!(rig.flows());
    }
    assert_eq!(rig.supervisor.running(Direction::Input).unwrap().1.rate_hz, 44_100);
    assert_eq!(rig.wrong_samples, 0);
}

#[test]
fn a_rate_that_changes_without_a_word_is_noticed() {
    let mut rig = Rig::new();
    rig.run(SECOND);
    let at = rig.now();
    let mic = rig.mic();
    rig.host.change_rate(&mic, 16_000, RateChange::Unannounced);
    rig.run_ms(1_500);
    let noticed = rig.first(at, closed_for(CloseReason::FormatChanged)).unwrap().saturating_sub(at);
    assert!(noticed <= Duration::from_millis(600), "{noticed:?}");
    assert_eq!(rig.supervisor.running(Direction::Input).unwrap().1.rate_hz, 16_000);
}

#[test]
fn a_chosen_device_that_goes_is_replaced_until_it_is_back() {
    let mut rig = Rig::named("USB microphone");
    rig.host.plug(honest_mic("Built-in microphone"));
    rig.host.plug(SimulatedDevice::speaker("Built-in speaker"));
    let usb = rig.host.plug(honest_mic("USB microphone"));
    rig.run(SECOND);
    assert_eq!(rig.supervisor.running(Direction::Input).unwrap().0.name, "USB microphone");
    let at = rig.now();
    rig.host.unplug(&usb);
    rig.run_ms(1_500);
    assert_eq!(rig.supervisor.running(Direction::Input).unwrap().0.name, "Built-in microphone");
    let said = rig.log.iter().find(|(_, event)| matches!(event, AudioEvent::FellBack { .. })).unwrap();
    assert_eq!(
        said.1.to_string(),
        "the microphone \"USB microphone\" is away, so the system's default stands in until it is back"
    );
    rig.host.replug(&usb);
    rig.run_ms(2_000);
    assert!(rig.first(at, closed_for(CloseReason::WantedIsBack)).is_some());
    assert_eq!(rig.supervisor.running(Direction::Input).unwrap().0.name, "USB microphone");
}

#[test]
fn a_choice_takes_effect_at_once_and_the_same_device_is_left_alone() {
    let mut rig = Rig::new();
    rig.host.plug(honest_mic("USB microphone"));
    rig.run(SECOND);
    let opened = rig.host.opened_streams(Direction::Input);
    rig.supervisor.choose(Direction::Input, DeviceChoice::Named("built-in MICROPHONE".to_owned()));
    rig.run(SECOND);
    assert_eq!(rig.host.opened_streams(Direction::Input), opened);
    rig.supervisor.choose(Direction::Input, DeviceChoice::Named("USB microphone".to_owned()));
    rig.run_ms(500);
    assert_eq!(rig.supervisor.running(Direction::Input).unwrap().0.name, "USB microphone");
    assert_eq!(rig.supervisor.rebuilds(Direction::Input), 0, "a choice is no rebuild");
}

#[test]
fn a_device_that_stops_without_a_word_is_noticed_within_a_second() {
    for direction in Direction::ALL {
        for poll_ms in [50, 100] {
            let mut rig = Rig::new();
            rig.poll_every = Duration::from_millis(poll_ms);
            rig.run(SECOND);
            let id = if direction == Direction::Input { rig.mic() } else { rig.speaker() };
            let last_block = rig.now();
            rig.host.set_stalled(&id, true);
            rig.run_ms(1_000);
            let noticed = rig.first(last_block, closed_for(CloseReason::NoCallbacks)).expect("noticed within 1 s");
            assert!(
                noticed.saturating_sub(last_block) > Duration::from_millis(600),
                "not before a long block could have come"
            );
            let said = rig.log.iter().find(|(_, event)| closed_for(CloseReason::NoCallbacks)(event)).unwrap();
            assert!(said.1.to_string().ends_with("stopped working without a word and is opened again"), "{}", said.1);
            rig.host.set_stalled(&id, false);
            let back = rig.time_until_both_flow(5 * SECOND).unwrap();
            assert!(back <= 2 * SECOND, "{back:?}");
        }
    }
}

#[test]
fn a_device_that_never_starts_is_given_up_with_a_clear_sentence() {
    let mut rig = Rig::new();
    let mic = rig.mic();
    rig.host.set_stalled(&mic, true);
    rig.run(30 * SECOND);
    assert_eq!(rig.supervisor.rebuilds(Direction::Input), 5);
    assert_eq!(
        sentence(&rig, DeviceErrorKind::Unstable),
        "the microphone \"Built-in microphone\" broke off too often in a short time and was closed; \
         check how it is connected, then choose it again or take another microphone"
    );
    let opened = rig.host.opened_streams(Direction::Input);
    rig.run(60 * SECOND);
    assert_eq!(rig.host.opened_streams(Direction::Input), opened, "a clean stop");
    assert_eq!(rig.host.live_streams(Direction::Input), 0);
    assert!(rig.supervisor.running(Direction::Output).is_some(), "the speaker has nothing to do with it");
    // Somebody plugs something in: worth another try.
    rig.host.set_stalled(&mic, false);
    rig.host.plug(honest_mic("USB microphone"));
    rig.run(3 * SECOND);
    assert!(rig.flows());
}

#[test]
fn exact_zeros_are_told_within_three_seconds_and_opened_no_more() {
    let mut rig = Rig::new();
    rig.run(SECOND);
    let mic = rig.mic();
    let at = rig.now();
    rig.host.set_silent(&mic, true);
    rig.run(3 * SECOND);
    let is_silence = |event: &AudioEvent| matches!(event, AudioEvent::NoSignal { .. });
    let told = rig.first(at, is_silence).expect("told within 3 s").saturating_sub(at);
    assert!(told > Duration::from_millis(2_500), "{told:?}");
    rig.run(600 * SECOND);
    assert_eq!(rig.count(at, |_| true), 1, "told once, opened no more: {:#?}", rig.log);
    assert!(rig.log.last().unwrap().1.to_string().contains("hears nothing at all; check that it is not muted"));
    let at = rig.now();
    rig.host.set_silent(&mic, false);
    rig.run_ms(200);
    assert!(rig.first(at, |event| matches!(event, AudioEvent::SignalIsBack { .. })).is_some());
}

#[test]
fn near_silence_is_not_taken_for_a_blocked_microphone() {
    let mut rig = Rig::with(SupervisorOptions::default());
    let mut count = 0_u64;
    // One bit of 24, once a second: the quietest room that a microphone can report.
    rig.host.plug(SimulatedDevice::microphone("M").hears(move |_| {
        count += 1;
        if count.is_multiple_of(48_000) { 1.2e-7 } else { 0.0 }
    }));
    rig.host.plug(SimulatedDevice::speaker("S"));
    rig.run(20 * SECOND);
    assert_eq!(rig.count(Duration::ZERO, |event| matches!(event, AudioEvent::NoSignal { .. })), 0);
}

#[test]
fn a_headset_on_its_way_through_three_rates_is_opened_once_and_never_under_a_wrong_one() {
    for stale_ms in [0, 150, 300, 450, 900] {
        let mut rig = Rig::new();
        rig.run(2 * SECOND);
        let mic = rig.mic();
        let at = rig.now();
        let stale = Duration::from_millis(stale_ms);
        for rate_hz in [24_000, 16_000, 48_000] {
            rig.host.change_rate(&mic, rate_hz, RateChange::Stale(stale));
            rig.run_ms(333);
        }
        rig.host.set_silent(&mic, true);
        rig.run(2 * SECOND);
        rig.host.set_silent(&mic, false);
        rig.run(2 * SECOND);
        assert_eq!(rig.wrong_samples, 0);
        assert!(rig.flows(), "{:#?}", rig.log);
        assert_eq!(rig.supervisor.running(Direction::Input).unwrap().1.rate_hz, 48_000);
        let rebuilds = rig.supervisor.rebuilds(Direction::Input);
        assert!(rebuilds <= 2, "{rebuilds} rebuilds with {stale_ms} ms of stale rate: {:#?}", rig.log);
        assert_eq!(rig.count(at, failed_with(DeviceErrorKind::Unstable)), 0);
    }
}

#[test]
fn rates_that_follow_each_other_closely_cost_one_rebuild() {
    let mut rig = Rig::new();
    rig.run(2 * SECOND);
    let mic = rig.mic();
    for rate_hz in [24_000, 16_000, 44_100, 24_000, 16_000, 48_000] {
        rig.host.change_rate(&mic, rate_hz, RateChange::Announced);
        rig.run_ms(250);
    }
    rig.run(2 * SECOND);
    assert!(rig.flows());
    assert_eq!(rig.supervisor.rebuilds(Direction::Input), 1, "{:#?}", rig.log);
}

#[test]
fn a_headset_that_never_settles_is_stopped_after_five_rebuilds() {
    let mut rig = Rig::new();
    rig.run(2 * SECOND);
    let mic = rig.mic();
    for change in 0..60 {
        rig.host.change_rate(&mic, [24_000, 48_000, 16_000][change % 3], RateChange::Stale(Duration::from_millis(700)));
        rig.run(2 * SECOND);
    }
    assert_eq!(rig.wrong_samples, 0);
    assert_eq!(rig.supervisor.rebuilds(Direction::Input), 5);
    assert_eq!(rig.host.live_streams(Direction::Input), 0, "a clean stop");
    sentence(&rig, DeviceErrorKind::Unstable);
    rig.supervisor.retry(Direction::Input);
    rig.run(2 * SECOND);
    assert!(rig.flows());
}

#[test]
fn a_device_that_lies_about_its_rate_is_never_heard() {
    let mut rig = Rig::new();
    let mic = rig.mic();
    rig.host.change_rate(&mic, 24_000, RateChange::Stale(Duration::from_secs(8)));
    rig.run(7 * SECOND);
    assert_eq!(rig.samples, 0);
    assert!(rig.count(Duration::ZERO, closed_for(CloseReason::WrongRate)) >= 1);
    rig.run(6 * SECOND);
    assert!(rig.flows(), "{:#?}", rig.log);
    assert_eq!(rig.wrong_samples, 0);
}

#[test]
fn a_night_in_a_closed_lid() {
    let mut rig = Rig::new();
    rig.run(5 * SECOND);
    rig.supervisor.suspend();
    for direction in Direction::ALL {
        assert_eq!(rig.host.live_streams(direction), 0, "closed before the call returns");
    }
    rig.poll();
    rig.host.advance(rig.now() + 8 * 3_600 * SECOND);
    rig.poll();
    assert_eq!(rig.host.live_streams(Direction::Input), 0, "asleep until told");
    rig.oldest = Duration::ZERO;
    rig.supervisor.resume();
    let woke = rig.now();
    let took = rig.time_until_both_flow(5 * SECOND).unwrap();
    println!("audio back {} ms after waking", took.as_millis());
    assert!(took <= 3 * SECOND && took >= SECOND, "{took:?}");
    assert!(rig.oldest <= Duration::from_millis(200), "stale sound: {:?}", rig.oldest);
    assert!(rig.first(woke, is_opened).is_some());
    assert_eq!(rig.supervisor.rebuilds(Direction::Input), 0, "waking is no rebuild");
}

#[test]
fn a_sleep_that_nobody_announced_is_noticed_by_the_clock() {
    let mut rig = Rig::new();
    rig.run(5 * SECOND);
    let (mic, speaker) = (rig.mic(), rig.speaker());
    rig.host.set_stalled(&mic, true);
    rig.host.set_stalled(&speaker, true);
    rig.host.advance(rig.now() + 8 * 3_600 * SECOND);
    rig.host.set_stalled(&mic, false);
    rig.host.set_stalled(&speaker, false);
    rig.oldest = Duration::ZERO;
    let took = rig.time_until_both_flow(5 * SECOND).unwrap();
    assert!(took <= 3 * SECOND, "{took:?}");
    rig.run_ms(500);
    assert_eq!(rig.count(Duration::ZERO, closed_for(CloseReason::Sleep)), 2);
}

#[test]
fn twenty_thousand_errors_a_second_cost_one_rebuild() {
    let mut rig = Rig::new();
    rig.run(SECOND);
    for direction in Direction::ALL {
        let id = if direction == Direction::Input { rig.mic() } else { rig.speaker() };
        rig.host.storm(&id, 20_000, 60 * SECOND);
        rig.run(10 * SECOND);
        assert_eq!(rig.supervisor.rebuilds(direction), 1);
        assert!(rig.flows());
    }
    assert_eq!(rig.count(Duration::ZERO, closed_for(CloseReason::ErrorStorm)), 2);
}

#[test]
fn xruns_and_a_few_errors_are_counted_and_change_nothing() {
    let mut rig = Rig::new();
    rig.run(SECOND);
    let mic = rig.mic();
    for _ in 0..100 {
        rig.host.report(&mic, StreamFault::Xrun);
        rig.host.report(&mic, StreamFault::Other);
        rig.run_ms(100);
    }
    assert_eq!(rig.supervisor.rebuilds(Direction::Input), 0);
    let speaker = rig.speaker();
    rig.host.report(&speaker, StreamFault::Rerouted);
    rig.run_ms(200);
    assert_eq!(rig.log.last().unwrap().1.to_string(), "the system moved the speaker to another device");
}

#[test]
fn the_end_of_a_talk_closes_everything() {
    let mut rig = Rig::new();
    rig.run(SECOND);
    let Rig { supervisor, host, .. } = rig;
    drop(supervisor);
    for direction in Direction::ALL {
        assert_eq!(host.live_streams(direction), 0);
    }
}
