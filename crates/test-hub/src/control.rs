//! How another process looks at the hub and changes it: `/__counters`, `/__rules` and `/__reset`.
//!
//! These requests are never counted and never go wrong.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::http::Request;
use crate::routes::Site;
use crate::rule::Behaviour;

pub(crate) fn answer(site: &Site, request: &Request) -> Option<Answer> {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/__counters") => Some(answer_json(serde_json::to_value(site.ledger.read()))),
        ("GET", "/__rules") => Some(answer_json(serde_json::to_value(site.behaviour()))),
        ("POST", "/__rules") => Some(match parse(&request.body, site) {
            Ok(behaviour) => {
                site.set_behaviour(behaviour);
                Answer::json(200, &json!({}))
            }
            Err(error) => Answer::json(400, &json!({ "error": error.to_string() })),
        }),
        ("POST", "/__reset") => {
            site.ledger.reset();
            Some(Answer::json(200, &json!({})))
        }
        _ if request.path.starts_with("/__") => Some(Answer::json(404, &json!({ "error": "No such control" }))),
        _ => None,
    }
}

/// A list is new rules, with all else as it is; an object is a whole behaviour.
fn parse(body: &[u8], site: &Site) -> serde_json::Result<Behaviour> {
    let value: Value = serde_json::from_slice(body)?;
    if value.is_array() {
        return Ok(Behaviour { rules: serde_json::from_value(value)?, ..site.behaviour() });
    }
    serde_json::from_value(value)
}

fn answer_json(value: serde_json::Result<Value>) -> Answer {
    match value {
        Ok(value) => Answer::json(200, &value),
        Err(error) => Answer::json(500, &json!({ "error": error.to_string() })),
    }
}
