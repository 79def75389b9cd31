//! A day of callbacks, and what it costs.

use std::time::Duration;

use moshibar_test_support::by_depth;

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
fn ten_minutes_or_a_day_pass_without_an_event() {
    let (quick, day) = (Duration::from_mins(10), Duration::from_hours(24));
    hours(by_depth(quick, quick, day));
}
