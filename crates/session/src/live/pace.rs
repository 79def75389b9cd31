//! Whether the engine keeps pace: warns when it has been too slow for ten seconds, gives up after thirty.
//!
//! "Too slow" is the 95th percentile of the last five seconds' steps above 80 ms, that is, more than 5 % of them late. The window
//! is shorter than the ten seconds, so that a bad moment does not count for longer than it lasted, and five more.

use std::collections::VecDeque;
use std::time::Duration;

use moshibar_audio::FRAME_DURATION;
use serde::Serialize;

/// The time over which steps are looked at.
const WINDOW: Duration = Duration::from_secs(5);

/// How long a talk is too slow before somebody is told.
const BEFORE_WARNING: Duration = Duration::from_secs(10);

/// How long a talk may stay too slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// Late steps of a hundred that are accepted.
const ACCEPTED_LATE_PERCENT: usize = 5;

/// Steps in the window at most: a step of no time still takes a frame to come, but for a backlog that is worked off.
const MOST_STEPS: usize = 128;

/// The first steps of a talk, which show what this machine can do while it is still cool.
const FIRST_STEPS: u32 = 250;

/// Steps this much slower than the first ones are a machine that slowed down.
const SLOWED_DOWN: f64 = 1.15;

/// Why steps are late, as far as their times tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlowCause {
    /// They were too slow from the beginning: the model is too large for this machine.
    ModelTooLarge,
    /// They all became slower: heat, a low battery, or another program that computes all the time.
    MachineSlowedDown,
    /// Most are fine and some are late: another program wants the GPU from time to time, or memory is short.
    Disturbed,
}

impl SlowCause {
    /// The cause and what to do, for people.
    pub fn advice(self) -> &'static str {
        match self {
            Self::ModelTooLarge => "this model is too large for this machine; choose a smaller one, such as q4",
            Self::MachineSlowedDown => {
                "the machine has become slower, from heat or to save power; let it cool, plug it in, or choose a smaller model"
            }
            Self::Disturbed => "another program disturbs it; close what uses the GPU or much memory",
        }
    }
}

/// What changed with the last step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    /// Nothing.
    Unchanged,
    /// Too slow since ten seconds.
    TooSlow(SlowCause),
    /// In time again.
    InTime,
    /// Too slow for thirty seconds.
    Hopeless(SlowCause),
}

/// The steps of the last five seconds.
pub(crate) struct Pace {
    steps: VecDeque<Step>,
    late: usize,
    first: FirstSteps,
    is_warned: bool,
    /// When steps began to be too slow, if they are.
    slow_since: Option<Duration>,
}

#[derive(Clone, Copy)]
struct Step {
    finished: Duration,
    took: Duration,
}

#[derive(Default)]
struct FirstSteps {
    count: u32,
    sum: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            steps: VecDeque::with_capacity(MOST_STEPS),
            late: 0,
            first: FirstSteps::default(),
            is_warned: false,
            slow_since: None,
        }
    }
}

impl Pace {
    /// Counts a step that ended at `finished` and took `took`.
    pub(crate) fn record(&mut self, finished: Duration, took: Duration) -> Verdict {
        if self.first.count < FIRST_STEPS {
            self.first.count += 1;
            self.first.sum += took;
        }
        self.steps.push_back(Step { finished, took });
        self.late += usize::from(took > FRAME_DURATION);
        self.forget(finished);
        if self.late * 100 <= self.steps.len() * ACCEPTED_LATE_PERCENT {
            self.slow_since = None;
            let was_warned = std::mem::take(&mut self.is_warned);
            return if was_warned { Verdict::InTime } else { Verdict::Unchanged };
        }
        let lasts = finished.saturating_sub(*self.slow_since.get_or_insert(finished));
        if lasts >= PATIENCE {
            Verdict::Hopeless(self.cause())
        } else if lasts >= BEFORE_WARNING && !self.is_warned {
            self.is_warned = true;
            Verdict::TooSlow(self.cause())
        } else {
            Verdict::Unchanged
        }
    }

    /// Forgets what is older than the window.
    fn forget(&mut self, now: Duration) {
        while let Some(step) = self.steps.front().copied() {
            if now.saturating_sub(step.finished) <= WINDOW && self.steps.len() <= MOST_STEPS {
                break;
            }
            self.steps.pop_front();
            self.late -= usize::from(step.took > FRAME_DURATION);
        }
    }

    fn cause(&self) -> SlowCause {
        let first = self.first.sum.as_secs_f64() / f64::from(self.first.count.max(1));
        let deadline = FRAME_DURATION.as_secs_f64();
        let now = self.steps.iter().map(|step| step.took.as_secs_f64()).sum::<f64>() / self.steps.len().max(1) as f64;
        if self.late * 2 < self.steps.len() {
            SlowCause::Disturbed
        } else if first <= deadline && now > first * SLOWED_DOWN {
            SlowCause::MachineSlowedDown
        } else {
            SlowCause::ModelTooLarge
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Runs steps as a live talk would: one per 80 ms, or as fast as they go. Returns the verdicts with their times.
    fn verdicts(steps: impl IntoIterator<Item = u32>) -> Vec<(f64, Verdict)> {
        let mut pace = Pace::default();
        let mut now = Duration::ZERO;
        let mut verdicts = Vec::new();
        for took in steps {
            let took = took * MS;
            now += took.max(FRAME_DURATION);
            match pace.record(now, took) {
                Verdict::Unchanged => {}
                verdict => verdicts.push((now.as_secs_f64(), verdict)),
            }
            if matches!(verdicts.last(), Some((_, Verdict::Hopeless(_)))) {
                break;
            }
        }
        verdicts
    }

    #[test]
    fn steps_in_time_are_never_mentioned() {
        assert_eq!(verdicts(std::iter::repeat_n(79, 100_000)), []);
    }

    #[test]
    fn a_constant_90_ms_warns_within_12_s_and_ends_after_30_s() {
        let seen = verdicts(std::iter::repeat_n(90, 1_000));
        assert!(
            matches!(seen[..], [
            (warned, Verdict::TooSlow(SlowCause::ModelTooLarge)),
            (ended, Verdict::Hopeless(SlowCause::ModelTooLarge)),
        ] if (10.0..12.0).contains(&warned) && (30.0..32.0).contains(&ended)),
            "{seen:?}"
        );
    }

    #[test]
    fn a_stall_alone_is_not_slowness() {
        let steps = std::iter::repeat_n(60, 200).chain([500]).chain(std::iter::repeat_n(60, 200));
        assert_eq!(verdicts(steps), []);
    }

    #[test]
    fn one_late_step_in_ten_is_a_disturbance() {
        let steps = (0..200).map(|step| if step % 10 == 0 { 120 } else { 60 });
        let seen = verdicts(steps);
        assert!(matches!(seen[0], (10.0..12.0, Verdict::TooSlow(SlowCause::Disturbed))), "{seen:?}");
    }

    #[test]
    fn a_machine_that_slows_down_is_told_from_a_model_that_is_too_large() {
        let seen = verdicts(std::iter::repeat_n(70, 1_000).chain(std::iter::repeat_n(85, 200)));
        assert!(
            matches!(seen[0], (_, Verdict::TooSlow(SlowCause::Disturbed | SlowCause::MachineSlowedDown))),
            "{seen:?}"
        );
        assert!(matches!(seen.last(), Some((_, Verdict::TooSlow(_)))), "17 s are not hopeless: {seen:?}");
        let seen = verdicts(std::iter::repeat_n(70, 1_000).chain(std::iter::repeat_n(85, 2_000)));
        assert!(matches!(seen.last(), Some((_, Verdict::Hopeless(SlowCause::MachineSlowedDown)))), "{seen:?}");
    }

    #[test]
    fn after_a_bad_time_it_is_in_time_again_and_may_warn_again() {
        let bad = || std::iter::repeat_n(90, 170); // 15 s
        let good = || std::iter::repeat_n(60, 300); // 24 s
        let seen = verdicts(bad().chain(good()).chain(bad()).chain(good()));
        let kinds: Vec<_> = seen.iter().map(|(_, verdict)| matches!(verdict, Verdict::InTime)).collect();
        assert_eq!(kinds, [false, true, false, true], "{seen:?}");
    }
}
