//! What was found: a name, a state, a sentence, and a way out where one is needed.

use serde::Serialize;

/// All findings, in the order in which they were made.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Findings {
    all: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Finding {
    name: String,
    state: State,
    message: String,
    hint: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    Warning,
    Bad,
}

impl Findings {
    pub(super) fn good(&mut self, name: impl Into<String>, message: String) {
        self.all.push(Finding { name: name.into(), state: State::Good, message, hint: None });
    }

    pub(super) fn warning(&mut self, name: impl Into<String>, message: String, hint: &'static str) {
        self.all.push(Finding { name: name.into(), state: State::Warning, message, hint: Some(hint) });
    }

    pub(super) fn bad(&mut self, name: impl Into<String>, message: String, hint: &'static str) {
        self.all.push(Finding { name: name.into(), state: State::Bad, message, hint: Some(hint) });
    }

    /// Whether something is wrong; a warning is not.
    pub(super) fn any_bad(&self) -> bool {
        self.count(State::Bad) > 0
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let width = self.all.iter().map(|finding| finding.name.chars().count()).max().unwrap_or(0);
        let mut lines = Vec::new();
        for Finding { name, state, message, hint } in &self.all {
            let mark = match state {
                State::Good => "good   ",
                State::Warning => "warning",
                State::Bad => "BAD    ",
            };
            lines.push(format!("{mark}  {name:width$}  {message}"));
            lines.extend(hint.map(|hint| format!("{:7}  {:width$}  -> {hint}", "", "")));
        }
        lines.push(String::new());
        lines.push(match (self.count(State::Bad), self.count(State::Warning)) {
            (0, 0) => "Nothing is wrong.".to_owned(),
            (0, 1) => "Nothing is wrong; there is one warning.".to_owned(),
            (0, warnings) => format!("Nothing is wrong; there are {warnings} warnings."),
            (1, _) => "One thing is wrong.".to_owned(),
            (bad, _) => format!("{bad} things are wrong."),
        });
        lines.join("\n")
    }

    fn count(&self, state: State) -> usize {
        self.all.iter().filter(|finding| finding.state == state).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_not_wrong() {
        let mut findings = Findings::default();
        findings.good("program", "is here".to_owned());
        findings.warning("device", "is slow".to_owned(), "buy another");
        assert!(!findings.any_bad());
        assert_eq!(
            findings.text(),
            "good     program  is here\nwarning  device   is slow\n                  -> buy another\n\n\
             Nothing is wrong; there is one warning."
        );
        findings.bad("disk", "is gone".to_owned(), "look for it");
        assert!(findings.any_bad());
        assert!(findings.text().ends_with("\n\nOne thing is wrong."));
    }
}
