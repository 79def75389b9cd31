//! Which answer a request gets: finds what it is about, asks the rules, and makes the answer with what they say.

use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::answer::Answer;
use crate::counters::{Kind, Ledger, RequestRecord};
use crate::fault::{Fault, hostile_names};
use crate::http::{Request, encode};
use crate::links::{Link, Links};
use crate::listing;
use crate::misbehave::{self, PORTAL_PATH};
use crate::range::{ContentRange, Wanted};
use crate::repository::{NotFound, StoredFile, StoredRepository, find};
use crate::rule::{ActiveRules, Behaviour, Place, Redirects, Subject};
use crate::stop::lock;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) repositories: Vec<StoredRepository>,
    pub(crate) ledger: Ledger,
    /// `http://127.0.0.1:…`
    pub(crate) endpoint: String,
    /// `http://localhost:…`, on another port.
    pub(crate) other_endpoint: String,
    links: Links,
    manners: Mutex<Manners>,
    /// Tells answers apart whose `ETag` changes.
    serial: AtomicU64,
}

/// How the hub behaves now.
#[derive(Debug)]
struct Manners {
    behaviour: Behaviour,
    rules: ActiveRules,
}

/// What a request is about.
enum Topic<'a> {
    Description(Found<&'a StoredRepository>),
    Tree(Found<&'a StoredRepository>, String),
    File(Found<(&'a StoredRepository, &'a Arc<StoredFile>)>, String),
    Link(Option<Arc<Link>>),
    Unknown,
}

type Found<T> = Result<T, NotFound>;

impl Site {
    pub(crate) fn new(
        repositories: Vec<StoredRepository>,
        behaviour: Behaviour,
        endpoint: String,
        other_endpoint: String,
    ) -> Self {
        let rules = ActiveRules::new(behaviour.rules.clone());
        Self {
            repositories,
            ledger: Ledger::default(),
            endpoint,
            other_endpoint,
            links: Links::default(),
            manners: Mutex::new(Manners { behaviour, rules }),
            serial: AtomicU64::new(0),
        }
    }

    pub(crate) fn set_behaviour(&self, behaviour: Behaviour) {
        let rules = ActiveRules::new(behaviour.rules.clone());
        *self.manners() = Manners { behaviour, rules };
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        self.manners().behaviour.clone()
    }

    pub(crate) fn stalls_connection(&self) -> bool {
        self.manners().rules.stalls_connection()
    }

    fn manners(&self) -> MutexGuard<'_, Manners> {
        lock(&self.manners)
    }

    /// The answer to a request, which is counted and logged.
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let topic = self.topic(request);
        let (behaviour, faults) = {
            let mut manners = self.manners();
            let places = topic.places(&manners.behaviour, request);
            let subject = Subject {
                places: &places,
                path: topic.path().unwrap_or(&request.path),
                is_file: topic.path().is_some(),
                is_head: request.is_head(),
                has_range: request.header("range").is_some(),
            };
            let faults = manners.rules.befalling(&subject);
            (manners.behaviour.clone(), faults)
        };
        let instead = misbehave::instead(&faults, request);
        let mut answer = instead.unwrap_or_else(|| self.right_answer(&topic, request, &behaviour, &faults));
        for fault in &faults {
            misbehave::spoil(&mut answer, fault, request);
        }
        let record = RequestRecord {
            method: request.method.clone(),
            path: request.path.clone(),
            file: topic.path().map(Into::into),
            range: request.header("range").map(Into::into),
            if_range: request.header("if-range").map(Into::into),
            has_authorization: request.header("authorization").is_some(),
            host: request.header("host").unwrap_or_default().into(),
            user_agent: request.header("user-agent").map(Into::into),
            status: answer.status,
        };
        self.ledger.request(topic.kind(request), record);
        answer
    }

    fn topic(&self, request: &Request) -> Topic<'_> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let repository =
            |owner: &str, name: &str, revision: &str| find(&self.repositories, &format!("{owner}/{name}"), revision);
        match segments.as_slice() {
            ["api", "models", owner, name] => Topic::Description(repository(owner, name, "main")),
            ["api", "models", owner, name, "revision", revision] => {
                Topic::Description(repository(owner, name, revision))
            }
            ["api", "models", owner, name, "tree", revision, folder @ ..] => {
                Topic::Tree(repository(owner, name, revision), folder.join("/"))
            }
            ["cdn", token, ..] => Topic::Link(self.links.find(token)),
            [owner, name, "resolve", revision, path @ ..] if !path.is_empty() => {
                let path = path.join("/");
                let found = repository(owner, name, revision)
                    .and_then(|repository| repository.file(&path).map(|file| (repository, file)).ok_or(NotFound::File));
                Topic::File(found, path)
            }
            _ => Topic::Unknown,
        }
    }

    fn right_answer(&self, topic: &Topic, request: &Request, behaviour: &Behaviour, faults: &[Fault]) -> Answer {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Answer::json(405, &json!({ "error": "Method not allowed" }));
        }
        match topic {
            Topic::Description(Ok(repository)) => listing::description(repository, request, &more_names(faults)),
            Topic::Tree(Ok(repository), folder) => {
                listing::tree(repository, folder, request, behaviour, &more_names(faults))
            }
            Topic::File(Ok((repository, file)), _) if topic.is_redirected(behaviour) => {
                self.redirect(repository, file, behaviour, faults)
            }
            Topic::File(Ok((repository, file)), _) => {
                let etag = misbehave::etag(faults, &file.hub_etag(), self.next_serial());
                bytes(file, etag, &repository.commit, request, faults)
            }
            Topic::Link(Some(link)) if link.admits(behaviour) => {
                let etag = misbehave::etag(faults, &link.file.cdn_etag(), self.next_serial());
                let mut answer = bytes(&link.file, etag, &link.commit, request, faults);
                // Clients that stay on a host follow its redirects by themselves, and want to find there what those said.
                // A CDN of its own knows nothing of repositories.
                if behaviour.redirects == Redirects::OtherHost {
                    answer.remove("X-Repo-Commit");
                } else {
                    answer.set("X-Linked-Size", link.file.size_bytes.to_string());
                    answer.linked_etag = misbehave::etag(faults, &link.file.hub_etag(), self.next_serial());
                }
                answer.body.link = Some(Arc::clone(link));
                answer
            }
            Topic::Link(_) => Answer::text(
                403,
                "application/xml",
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code>\
                 <Message>Request has expired</Message></Error>",
            ),
            Topic::Description(Err(missing)) | Topic::Tree(Err(missing), _) | Topic::File(Err(missing), _) => {
                not_found(*missing)
            }
            Topic::Unknown if request.path == PORTAL_PATH => misbehave::portal(),
            Topic::Unknown => Answer::json(404, &json!({ "error": "Not found" })),
        }
    }

    /// Sends a client to the CDN, with everything about the file that the CDN does not know.
    fn redirect(
        &self,
        repository: &StoredRepository,
        file: &Arc<StoredFile>,
        behaviour: &Behaviour,
        faults: &[Fault],
    ) -> Answer {
        let host = match behaviour.redirects {
            Redirects::Absolute => self.endpoint.as_str(),
            Redirects::OtherHost => self.other_endpoint.as_str(),
            Redirects::Relative | Redirects::None => "",
        };
        let token = self.links.issue(file, &repository.commit);
        let location = format!("{host}/cdn/{token}/{}?Expires=0&Signature={token}", encode(&file.oid));
        let mut answer = Answer::redirect(&location)
            .with("X-Repo-Commit", &repository.commit)
            .with("X-Linked-Size", file.size_bytes.to_string())
            .with("Accept-Ranges", "bytes");
        let serial = self.next_serial();
        answer.etag = misbehave::etag(faults, &file.hub_etag(), serial);
        answer.linked_etag.clone_from(&answer.etag);
        answer
    }

    fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }
}

fn bytes(file: &StoredFile, etag: Option<String>, commit: &str, request: &Request, faults: &[Fault]) -> Answer {
    let range = request.header("range").filter(|_| !faults.contains(&Fault::RangeIgnored));
    let total = file.size_bytes;
    let mut answer = match Wanted::of(range, request.header("if-range"), etag.as_deref(), total) {
        Wanted::All => Answer::file(file.content.clone(), 0, total),
        Wanted::Part { first, last } => {
            let mut answer = Answer::file(file.content.clone(), first, last - first + 1);
            answer.status = 206;
            answer.content_range = Some(ContentRange { first, last, total });
            answer
        }
        Wanted::Beyond => Answer::text(416, "text/plain", "").with("Content-Range", format!("bytes */{total}")),
    };
    answer.etag = etag;
    answer.set("X-Repo-Commit", commit);
    answer
}

fn more_names(faults: &[Fault]) -> Vec<String> {
    let hostile = faults.iter().find_map(|fault| match fault {
        Fault::HostileNames { names } if names.is_empty() => Some(hostile_names()),
        Fault::HostileNames { names } => Some(names.clone()),
        _ => None,
    });
    hostile.unwrap_or_default()
}

fn not_found(missing: NotFound) -> Answer {
    let message = match missing {
        NotFound::Repository => "Repository not found",
        NotFound::Revision => "Invalid rev id",
        NotFound::File => "Entry not found",
    };
    let answer = Answer::json(404, &json!({ "error": message }));
    answer.with("X-Error-Code", missing.code()).with("X-Error-Message", message)
}

impl Topic<'_> {
    fn is_redirected(&self, behaviour: &Behaviour) -> bool {
        matches!(self, Self::File(Ok((_, file)), _) if file.lfs.is_some()) && behaviour.redirects != Redirects::None
    }

    fn places(&self, behaviour: &Behaviour, request: &Request) -> Vec<Place> {
        match self {
            Self::Description(_) | Self::Tree(..) => vec![Place::Api],
            Self::File(Ok(_), _) if !request.is_head() && !self.is_redirected(behaviour) => {
                vec![Place::Resolve, Place::Cdn]
            }
            Self::File(..) => vec![Place::Resolve],
            Self::Link(_) => vec![Place::Cdn],
            Self::Unknown => Vec::new(),
        }
    }

    fn path(&self) -> Option<&str> {
        match self {
            Self::File(_, path) => Some(path),
            Self::Link(Some(link)) => Some(&link.file.path),
            _ => None,
        }
    }

    fn kind(&self, request: &Request) -> Kind {
        match self {
            Self::Description(_) | Self::Tree(..) => Kind::Api,
            Self::File(..) | Self::Link(_) if request.is_head() => Kind::Head,
            Self::File(..) => Kind::Resolve,
            Self::Link(_) => Kind::Cdn,
            Self::Unknown => Kind::Other,
        }
    }
}
