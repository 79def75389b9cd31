//! How long a sound is under way because of us: everything but the model, and the 80 ms that a frame takes to fill.

use std::time::Duration;

use moshibar_audio::{EchoMode, FRAME_SAMPLES, SAMPLE_RATE_HZ, SimulatedDevice};
use moshibar_session::live::{Command, LiveEvent, Warning};
use moshibar_test_support::by_depth;

use crate::clicks::{Ear, latencies, percentile, signal, times};
use crate::world::World;

const MS: Duration = Duration::from_millis(1);
const FRAME_SECONDS: f64 = FRAME_SAMPLES as f64 / SAMPLE_RATE_HZ as f64;

/// A world whose microphone hears clicks, and whose ears note when they come by.
struct Clicking {
    world: World,
    left: Vec<f64>,
    /// Clicks at the engine's door. A frame's last sample counts as there when the engine is given the frame, and the others
    /// as much earlier as they were said earlier: what a frame takes to fill is not counted.
    at_engine: Ear,
    at_speaker: Ear,
}

fn clicking(
    microphone: SimulatedDevice,
    speaker: SimulatedDevice,
    echo: EchoMode,
    clicks: Vec<f64>,
    hum: f32,
) -> Clicking {
    let (at_engine, at_speaker) = (Ear::default(), Ear::default());
    let speaker = {
        let ear = at_speaker.clone();
        speaker.plays_into(move |block, at, step| ear.hear(block, at, step))
    };
    let mut world = World::new(microphone.hears(signal(clicks.clone(), hum)), speaker, echo);
    {
        let ear = at_engine.clone();
        world.script.lock().unwrap().hears = Box::new(move |frame, now| {
            ear.hear(frame, now.as_secs_f64() - FRAME_SECONDS, 1.0 / f64::from(SAMPLE_RATE_HZ));
        });
    }
    world.start();
    Clicking { world, left: clicks, at_engine, at_speaker }
}

/// Percentiles of one way in milliseconds, the first seconds left out; printed, and the 99th returned.
fn way(label: &str, from: &[f64], to: &[f64], less_seconds: f64) -> f64 {
    let pairs = latencies(from, to, MS * 300);
    let took: Vec<f64> =
        pairs.into_iter().filter(|(at, _)| *at > 4.0).map(|(_, took)| (took - less_seconds) * 1e3).collect();
    assert!(took.len() > clicks_each_way() * 3 / 4, "{label}: only {} clicks came through", took.len());
    println!("{label}: {:.1?} ms (p50, p95, p99)", [0.5, 0.95, 0.99].map(|share| percentile(&took, share)));
    percentile(&took, 0.99)
}

fn clicks_each_way() -> usize {
    by_depth(40, 200, 200)
}

/// Clicks for one way, and how long they last.
fn many_clicks() -> (Vec<f64>, Duration) {
    (times(3.0, 0.29, clicks_each_way()), Duration::from_secs_f64(6.0 + 0.29 * clicks_each_way() as f64))
}

fn pair_with_480_sample_blocks() -> (SimulatedDevice, SimulatedDevice) {
    (
        SimulatedDevice::microphone("mic").block_samples(480).ppm(40.0),
        SimulatedDevice::speaker("speaker").block_samples(480).ppm(-60.0),
    )
}

#[test]
fn with_480_sample_blocks_we_add_30_ms_each_way_at_most() {
    let (microphone, speaker) = pair_with_480_sample_blocks();
    let (clicks, lasts) = many_clicks();
    let mut talk = clicking(microphone, speaker, EchoMode::Off, clicks, 0.0);
    talk.world.run(lasts);
    let way_in = way("in", &talk.left, &talk.at_engine.peaks(), 0.0);
    // The engine is given a frame whole: its samples are played one after the other, over 80 ms.
    let way_out = way("out", &talk.at_engine.peaks(), &talk.at_speaker.peaks(), FRAME_SECONDS);
    assert!(way_in <= 30.0 && way_out <= 30.0, "{way_in:.1} ms in, {way_out:.1} ms out");
}

#[test]
fn the_echo_canceller_does_not_take_the_way_in_over_30_ms() {
    let (microphone, speaker) = pair_with_480_sample_blocks();
    let (clicks, lasts) = many_clicks();
    let mut talk = clicking(microphone, speaker, EchoMode::On, clicks, 0.0);
    // Hushed: an engine that copies its input would be taken for the echo that it resembles.
    talk.world.send(Command::SetHushed(true));
    talk.world.run(lasts);
    let way_in = way("in, with echo cancellation", &talk.left, &talk.at_engine.peaks(), 0.0);
    assert!(way_in <= 30.0, "{way_in:.1} ms");
}

/// Clicks so far apart that the next one arrives only after the longest latency that is looked for, so that one that was
/// dropped is not mistaken for its neighbour.
fn lonely_clicks(count: usize) -> Vec<f64> {
    times(3.0, 2.1, count)
}

/// Latency of each click from microphone to speaker, with the time of the click.
fn mouth_to_ear(talk: &Clicking) -> Vec<(f64, f64)> {
    latencies(&talk.left, &talk.at_speaker.peaks(), MS * 1_390)
}

/// After a stall at `stalls_at` seconds: the latency added, 3 s later and on.
fn added_after_stall(stall: Duration, hum: f32) -> (f64, Clicking) {
    let (stalls_at, lasts) = by_depth((14.0, 30.0), (40.0, 80.0), (40.0, 80.0));
    let clicks = times(3.0, 0.6, (lasts / 0.6) as usize - 3);
    let mut talk =
        clicking(SimulatedDevice::microphone("mic"), SimulatedDevice::speaker("speaker"), EchoMode::Off, clicks, hum);
    let stalled_step = (stalls_at * 12.5) as u64;
    talk.world.takes(move |step| if step == stalled_step { stall } else { MS * 60 });
    talk.world.run(Duration::from_secs_f64(lasts));
    let ways = mouth_to_ear(&talk);
    let median = |from: f64, to: f64| {
        let took: Vec<f64> = ways.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, took)| *took).collect();
        assert!(!took.is_empty());
        percentile(&took, 0.5)
    };
    let before = median(8.0, stalls_at - 1.0);
    let over = stalls_at + 1.9 + stall.as_secs_f64(); // the talk begins up to 1.9 s after the clock
    let added = || ways.iter().filter(|(at, _)| *at > over + 3.0).map(|(_, took)| took - before);
    // A click that arrives early was another one: then the latency is above 400 ms, and would look like less.
    assert!(added().all(|added| added > -0.03), "clicks are mistaken for each other");
    let worst = added().fold(f64::MIN, f64::max);
    println!("stall {stall:?}, hum {hum}: before {:.0} ms, 3 s later at most {:+.0} ms", before * 1e3, worst * 1e3);
    (worst, talk)
}

#[test]
fn half_a_second_of_stall_is_forgotten_after_three() {
    for hum in by_depth(vec![0.05], vec![0.0, 0.05], vec![0.0, 0.05]) {
        let (added, talk) = added_after_stall(MS * 500, hum);
        assert!(added <= 0.080, "{added:.3} s");
        assert!(!talk.world.told.iter().any(|event| matches!(event, LiveEvent::Ended(_))));
    }
}

#[test]
fn stalls_of_other_lengths_leave_no_latency_either() {
    let all = vec![200, 1_000, 1_900];
    for stall in by_depth(vec![1_900], all.clone(), all) {
        let (added, _) = added_after_stall(MS * stall, 0.05);
        assert!(added <= 0.080, "{added:.3} s after {stall} ms");
    }
}

#[test]
fn a_constant_90_ms_warns_within_12_s_and_never_grows_the_latency() {
    let clicks = lonely_clicks(60);
    let mut talk =
        clicking(SimulatedDevice::microphone("mic"), SimulatedDevice::speaker("speaker"), EchoMode::Off, clicks, 0.02);
    talk.world.takes(|_| MS * 90);
    let began = talk.world.clock_seconds();
    let mut warned = None;
    while warned.is_none() && talk.world.clock_seconds() < began + 20.0 {
        talk.world.run(MS * 100);
        let is_warning = |event: &LiveEvent| matches!(event, LiveEvent::Warning(Warning::TooSlow { .. }));
        if talk.world.told.iter().any(is_warning) {
            warned = Some(talk.world.clock_seconds() - began);
        }
    }
    talk.world.run(MS * 25_000);
    assert!(talk.world.told.iter().any(|event| matches!(event, LiveEvent::Ended(end) if end.reason.is_failure())));
    let longest = mouth_to_ear(&talk).iter().map(|(_, took)| *took).fold(0.0, f64::max);
    println!("a step of 90 ms: warned after {warned:?} s, latency at most {:.0} ms", longest * 1e3);
    assert!(warned.unwrap() <= 12.0);
    // A frame fills, six wait, one is computed, and what waits behind the model.
    assert!(longest <= 0.080 + 6.0 * 0.090 + 0.090 + 0.1, "{longest:.3} s");
}

#[test]
fn steps_that_vary_are_smoothed_without_a_break() {
    let (clicks, seconds) = by_depth((24, 50), (60, 120), (60, 120));
    let clicks = lonely_clicks(clicks);
    let mut talk =
        clicking(SimulatedDevice::microphone("mic"), SimulatedDevice::speaker("speaker"), EchoMode::Off, clicks, 0.05);
    let mut random = 3_u64;
    talk.world.takes(move |_| {
        // The sum of 12 uniform draws: normal with mean 70 ms and deviation 15 ms, as near as this test needs.
        let sum: f64 = (0..12)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 11) as f64 / (1_u64 << 53) as f64
            })
            .sum();
        Duration::from_secs_f64((0.070 + 0.015 * (sum - 6.0)).max(0.0))
    });
    talk.world.run(Duration::from_secs(seconds));
    let ways: Vec<f64> = mouth_to_ear(&talk).iter().filter(|(at, _)| *at > 10.0).map(|(_, took)| took * 1e3).collect();
    println!("steps of N(70, 15) ms: {:.0?} ms (p50, p99)", [0.5, 0.99].map(|share| percentile(&ways, share)));
    assert!(percentile(&ways, 0.99) <= 80.0 + 70.0 + 45.0 + 6.0 * 80.0);
}
