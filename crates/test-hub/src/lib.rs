//! A model hub on the loopback interface that misbehaves on request.
//!
//! It answers what `huggingface.co` answers to whoever downloads a model: `/api/models/…`, `/…/resolve/…`, and a CDN. Its
//! files may be of any size and cost no memory. What goes wrong is a list of [`Rule`]s, which may change at any time; what a
//! client asked for is in its [`Counters`].
//!
//! Only for tests and comparisons, in this process ([`Hub`]) or as the program `test-hub` ([`Scenario`]). Not a hub to run:
//! it is HTTP/1.1 on 127.0.0.1, without TLS, with one thread for each connection.

mod answer;
mod content;
mod control;
mod counters;
mod delivery;
mod fault;
mod http;
mod links;
mod listing;
mod misbehave;
mod range;
mod repository;
mod routes;
mod rule;
mod scenario;
mod server;
mod stop;
mod waiting;

pub use content::Content;
pub use counters::{Counters, RequestRecord};
pub use fault::{ChunkedBody, ErrorBody, EtagFault, Fault, Portal, RetryAfter, hostile_names};
pub use repository::Repository;
pub use rule::{Behaviour, Method, Place, Redirects, Rule};
pub use scenario::{ContentSpec, FileSpec, RepositorySpec, Scenario};
pub use server::{Builder, Hub};
pub use waiting::happens;
