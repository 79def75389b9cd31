//! Which answers a fault befalls, and how the hub is set up.
//!
//! All of it may change while the hub runs. The counts that `times` and `after` need are kept by [`ActiveRules`], and start
//! anew whenever the rules are set.

use serde::{Deserialize, Serialize};

use crate::fault::{Concern, Fault};

/// What kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Descriptions of repositories and lists of their files, `/api/…`.
    Api,
    /// What `/…/resolve/…` answers, to HEAD and to GET: mostly a redirect.
    Resolve,
    /// The bytes of a file: from the CDN, or from `/…/resolve/…` where that sends them itself.
    Cdn,
    /// Everything, unknown addresses included.
    Everywhere,
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// HEAD.
    Head,
    /// GET.
    Get,
}

/// One fault, and when it happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What kind of answer.
    pub on: Place,
    /// How the file's path ends (for [`Place::Api`], and for unknown addresses, that of the request). Without it: for files
    /// `.safetensors`, otherwise anything.
    #[serde(default)]
    pub path_suffix: Option<String>,
    /// Only with this method.
    #[serde(default)]
    pub method: Option<Method>,
    /// The first so many requests that it would affect are spared.
    #[serde(default)]
    pub after: u64,
    /// Then so many are affected, and later ones are spared again. Without it, all.
    #[serde(default)]
    pub times: Option<u64>,
    /// What happens.
    pub fault: Fault,
}

impl Rule {
    /// A rule without conditions but its place.
    pub fn new(on: Place, fault: Fault) -> Self {
        Self { on, path_suffix: None, method: None, after: 0, times: None, fault }
    }

    /// For the bytes of `.safetensors` files.
    pub fn cdn(fault: Fault) -> Self {
        Self::new(Place::Cdn, fault)
    }

    /// For what the hub says of `.safetensors` files.
    pub fn resolve(fault: Fault) -> Self {
        Self::new(Place::Resolve, fault)
    }

    /// For descriptions and listings.
    pub fn api(fault: Fault) -> Self {
        Self::new(Place::Api, fault)
    }

    /// For everything.
    pub fn everywhere(fault: Fault) -> Self {
        Self::new(Place::Everywhere, fault)
    }

    /// For paths with this end; `""` is for all.
    #[must_use]
    pub fn path_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.path_suffix = Some(suffix.into());
        self
    }

    /// For this method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Not for the first so many.
    #[must_use]
    pub fn after(mut self, requests: u64) -> Self {
        self.after = requests;
        self
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, requests: u64) -> Self {
        self.times = Some(requests);
        self
    }

    fn fits(&self, subject: &Subject) -> bool {
        let is_place = self.on == Place::Everywhere || subject.places.contains(&self.on);
        let default_suffix = if subject.is_file && self.on != Place::Everywhere { ".safetensors" } else { "" };
        let is_method = match self.method {
            None => true,
            Some(Method::Head) => subject.is_head,
            Some(Method::Get) => !subject.is_head,
        };
        let is_concerned = match self.fault.concern() {
            Concern::Connection => false,
            Concern::Answer => true,
            Concern::Body => !subject.is_head,
            Concern::Range => !subject.is_head && subject.has_range && subject.places.contains(&Place::Cdn),
        };
        is_place
            && is_method
            && is_concerned
            && subject.path.ends_with(self.path_suffix.as_deref().unwrap_or(default_suffix))
    }
}

/// What a rule looks at in a request.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) places: &'a [Place],
    pub(crate) path: &'a str,
    pub(crate) is_file: bool,
    pub(crate) is_head: bool,
    pub(crate) has_range: bool,
}

/// Where the hub sends whoever asks for a large file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirects {
    /// To its CDN, with a full address on the same host and port. Clients take their token there.
    #[default]
    Absolute,
    /// To its CDN, with a path.
    Relative,
    /// To its CDN on another port of `localhost`, where no token should follow, and which does not know the headers of the
    /// hub. The closest to the real one.
    OtherHost,
    /// Nowhere: it sends the bytes itself.
    None,
}

/// How the hub behaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Where large files are.
    pub redirects: Redirects,
    /// If trees name the SHA-256 of a large file as `sha256` too, not as `oid` alone. The real hub does not.
    pub lfs_sha256_key: bool,
    /// How many entries one page of a tree has; without it, all.
    pub page_entries: Option<usize>,
    /// How many requests the address of a file on the CDN is good for. Then it answers 403, and the hub gives out another.
    pub link_requests: Option<u64>,
    /// After how many bytes of it the address of a file on the CDN is good for no further request.
    pub link_bytes: Option<u64>,
    /// What goes wrong.
    pub rules: Vec<Rule>,
}

impl Behaviour {
    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

impl From<Vec<Rule>> for Behaviour {
    fn from(rules: Vec<Rule>) -> Self {
        Self { rules, ..Self::default() }
    }
}

impl From<Rule> for Behaviour {
    fn from(rule: Rule) -> Self {
        Self::from(vec![rule])
    }
}

/// Rules with their counts.
#[derive(Debug, Default)]
pub(crate) struct ActiveRules(Vec<ActiveRule>);

#[derive(Debug)]
struct ActiveRule {
    rule: Rule,
    seen: u64,
}

impl ActiveRules {
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        Self(rules.into_iter().map(|rule| ActiveRule { rule, seen: 0 }).collect())
    }

    /// What befalls this request. It is counted by the rules that fit it.
    pub(crate) fn befalling(&mut self, subject: &Subject) -> Vec<Fault> {
        self.0.iter_mut().filter(|active| active.rule.fits(subject)).filter_map(ActiveRule::next).collect()
    }

    /// True if this connection is to be left alone. It is counted.
    pub(crate) fn stalls_connection(&mut self) -> bool {
        let mut rules = self.0.iter_mut().filter(|active| active.rule.fault.concern() == Concern::Connection);
        rules.any(|active| active.next().is_some())
    }
}

impl ActiveRule {
    fn next(&mut self) -> Option<Fault> {
        let index = self.seen;
        self.seen += 1;
        let is_due = index >= self.rule.after && self.rule.times.is_none_or(|times| index - self.rule.after < times);
        is_due.then(|| self.rule.fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(path: &str) -> Subject<'_> {
        Subject { places: &[Place::Cdn], path, is_file: true, is_head: false, has_range: false }
    }

    #[test]
    fn a_rule_affects_only_as_many_as_it_says() {
        let mut rules = ActiveRules::new(vec![Rule::cdn(Fault::GzipLie).after(1).times(2)]);
        let fell: Vec<_> = (0..5).map(|_| rules.befalling(&subject("m.safetensors")).len()).collect();
        assert_eq!(fell, [0, 1, 1, 0, 0]);
    }

    #[test]
    fn a_rule_does_not_count_what_it_cannot_affect() {
        let mut rules = ActiveRules::new(vec![Rule::cdn(Fault::RangeIgnored).times(1)]);
        assert!(rules.befalling(&subject("config.json")).is_empty());
        assert!(rules.befalling(&subject("m.safetensors")).is_empty());
        assert_eq!(rules.befalling(&Subject { has_range: true, ..subject("m.safetensors") }), [Fault::RangeIgnored]);
    }

    #[test]
    fn rules_are_read_from_short_json() {
        let rule: Rule = serde_json::from_str(r#"{"on": "cdn", "fault": {"drop_after": {"bytes": 5}}}"#).unwrap();
        assert_eq!(rule, Rule::cdn(Fault::DropAfter { bytes: 5 }));
        let rule: Rule =
            serde_json::from_str(r#"{"on": "everywhere", "times": 2, "fault": {"captive_portal": "chunked"}}"#)
                .unwrap();
        assert_eq!(rule, Rule::everywhere(Fault::CaptivePortal(crate::Portal::Chunked)).times(2));
        assert!(serde_json::from_str::<Rule>(r#"{"on": "cdn", "time": 2, "fault": "gzip_lie"}"#).is_err());
    }
}
