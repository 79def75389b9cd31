//! When a model that nobody talks with leaves memory.

use std::time::{Duration, Instant};

use moshibar_session::live::State;

/// Watches how long no talk has been.
#[derive(Debug, Default)]
pub(crate) struct IdleWatch {
    since: Option<Instant>,
}

impl IdleWatch {
    /// Looks at the clock: whether a loaded model has been idle for `limit` now. Says so once.
    pub(crate) fn is_due(&mut self, state: State, is_loaded: bool, limit: Option<Duration>, now: Instant) -> bool {
        if !is_loaded || !matches!(state, State::Idle | State::Failed) {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let is_due = limit.is_some_and(|limit| now.duration_since(since) >= limit);
        if is_due {
            self.since = None;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_leaves_after_the_limit_and_not_in_a_talk() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let limit = Some(Duration::from_mins(10));
        let mut watch = IdleWatch::default();
        assert!(!watch.is_due(State::Idle, true, limit, at(0)));
        assert!(!watch.is_due(State::Idle, true, limit, at(599)));
        assert!(watch.is_due(State::Idle, true, limit, at(600)));
        assert!(!watch.is_due(State::Idle, false, limit, at(601)), "it is gone");

        assert!(!watch.is_due(State::Failed, true, limit, at(700)));
        assert!(!watch.is_due(State::Listening, true, limit, at(1_299)), "a talk begins the count anew");
        assert!(!watch.is_due(State::Idle, true, limit, at(1_300)));
        assert!(!watch.is_due(State::Idle, true, limit, at(1_899)));
        assert!(watch.is_due(State::Idle, true, limit, at(1_900)));
    }

    #[test]
    fn without_a_limit_it_stays() {
        let begin = Instant::now();
        let mut watch = IdleWatch::default();
        assert!(!watch.is_due(State::Idle, true, None, begin));
        assert!(!watch.is_due(State::Idle, true, None, begin + Duration::from_hours(24)));
    }
}
