//! How thorough a test run is: the variable `MOSHIBAR_DEPTH`, read here and nowhere else.

/// The value of `MOSHIBAR_DEPTH`. Every test runs at every depth; only its amount of work differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Minutes for the whole suite: `make test`, and the default.
    Quick,
    /// Some twenty minutes for the whole suite: `make test-all` and `.ci/run`.
    Full,
    /// An hour: `make soak`, before a release.
    Soak,
}

impl Depth {
    /// The depth of this run.
    ///
    /// # Panics
    /// If `MOSHIBAR_DEPTH` has a value that is not a depth: a run must not be shallower than its
    /// caller thinks.
    #[must_use]
    pub fn of_this_run() -> Self {
        let value = std::env::var("MOSHIBAR_DEPTH").unwrap_or_default();
        Self::parse(&value).unwrap_or_else(|message| panic_with(&message))
    }

    fn parse(value: &str) -> Result<Self, String> {
        match value {
            "" | "quick" => Ok(Self::Quick),
            "full" => Ok(Self::Full),
            "soak" => Ok(Self::Soak),
            other => Err(format!("MOSHIBAR_DEPTH is \"{other}\"; it may be quick, full or soak")),
        }
    }
}

/// Picks the value for the depth of this run.
///
/// # Panics
/// As [`Depth::of_this_run`].
#[must_use]
pub fn by_depth<T>(quick: T, full: T, soak: T) -> T {
    match Depth::of_this_run() {
        Depth::Quick => quick,
        Depth::Full => full,
        Depth::Soak => soak,
    }
}

#[allow(clippy::panic, reason = "called by tests alone")]
fn panic_with(message: &str) -> ! {
    panic!("{message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_depth_is_refused_and_none_is_quick() {
        assert_eq!(Depth::parse(""), Ok(Depth::Quick));
        assert_eq!(Depth::parse("full"), Ok(Depth::Full));
        assert!(Depth::parse("Full").is_err_and(|message| message.contains("quick, full or soak")));
    }
}
