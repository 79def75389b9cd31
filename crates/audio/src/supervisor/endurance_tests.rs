//! A day of callbacks, and what it costs.

use std::time::Duration;

use super::rig::Rig;
use crate::device::Direction;

fn hours(lasts: Duration) {
    let mut rig = Rig::new();
    rig.run(lasts);
    assert!(rig.flows());
    assert_eq!(rig.wrong_samples, 0);
    let expected = (lasts.as_secs_f64() * 48_000.0) as u64;
    assert!(expected - rig.samples < 48_000, "{} of {expected} samples", rig.samples);
    for direction in Direction::ALL {
        assert_eq!(rig.host.opened_streams(direction), 1);
    }
    assert_eq!(rig.log.len(), 2, "{:#?}", rig.log);
}

#[test]
fn ten_minutes_pass_without_an_event() {
    hours(Duration::from_mins(10));
}

#[test]
#[ignore = "make soak"]
fn a_day_passes_without_an_event() {
    hours(Duration::from_hours(24));
}
