//! Requests, and what is common to all of them: which hosts may be asked, for how long, and who gets the user's token.

use std::time::SystemTime;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, Url};

use crate::error::StoreError;
use crate::options::{Limits, TokenPolicy};
use crate::patience::{From, Status, Trouble, retry_after};

/// The host of the hub itself.
const HUB: &str = "huggingface.co";

/// More redirects than this lead nowhere.
const REDIRECTS: usize = 10;

/// Whom to ask.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    url: Url,
    is_loopback: bool,
}

impl Endpoint {
    /// Reads an address: `https`, or `http` on this very machine.
    ///
    /// # Errors
    /// [`StoreError::BadEndpoint`].
    pub(crate) fn parse(endpoint: &str) -> Result<Self, StoreError> {
        let bad =
            |problem: &str| StoreError::BadEndpoint { endpoint: endpoint.to_owned(), problem: problem.to_owned() };
        let url = Url::parse(endpoint).map_err(|error| bad(&error.to_string()))?;
        let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => return Err(bad("everybody on the way could read and change what http carries")),
            _ => return Err(bad("it is no web address")),
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(bad("it may have neither a user nor a query"));
        }
        Ok(Self { url, is_loopback })
    }

    /// Its host, for sentences.
    pub(crate) fn host(&self) -> String {
        self.url.host_str().unwrap_or("the endpoint").to_owned()
    }

    /// As typed.
    pub(crate) fn address(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// An address below it, each segment encoded whole.
    pub(crate) fn below<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    fn is_the_hub(&self) -> bool {
        self.url.scheme() == "https" && self.url.host_str() == Some(HUB) && self.url.port().is_none()
    }

    /// The header that carries the user's token, if this endpoint may have it. Redirects to other hosts lose it (reqwest).
    pub(crate) fn authorization(&self, policy: TokenPolicy, token: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let may_have_it = self.is_the_hub() || policy == TokenPolicy::AnyEndpoint;
        if let Some(token) = token.filter(|_| may_have_it)
            && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}"))
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    /// A client for this endpoint. HTTP/1.1: one connection a transfer, whose flow nothing else shares.
    ///
    /// # Errors
    /// [`StoreError::Internal`] if the system's certificates cannot be used.
    pub(crate) fn client(&self, limits: &Limits) -> Result<Client, StoreError> {
        // Fails where one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .user_agent(concat!("moshibar/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect_timeout)
            .read_timeout(limits.stall_timeout)
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS))
            .referer(false)
            .http1_only();
        client = if self.is_loopback { client.no_proxy() } else { client.https_only(true) };
        client.build().map_err(|error| StoreError::Internal { reason: innermost(&error) })
    }
}

/// Why a request got no answer, or an answer ended.
pub(crate) fn trouble(error: &reqwest::Error) -> Trouble {
    if error.is_redirect() {
        Trouble::Nonsense("it redirects in a circle, or to an address that is not safe".to_owned())
    } else if error.is_timeout() && !error.is_connect() {
        Trouble::Stalled
    } else if error.is_builder() {
        Trouble::Nonsense(innermost(error))
    } else {
        Trouble::Connection(innermost(error))
    }
}

/// The status of an answer that is no success. `asked`: the address that was asked at first.
pub(crate) fn status(answer: &Response, asked: &Url) -> Status {
    let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Status {
        code: answer.status().as_u16(),
        retry_after: header.and_then(|header| retry_after(header, SystemTime::now())),
        from: if answer.url() == asked { From::Hub } else { From::Storage },
    }
}

/// The sentence of the error at the bottom, which says what happened, not where.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_are_endpoints() {
        for good in
            ["https://huggingface.co", "https://hf-mirror.example/hub/", "http://127.0.0.1:8000", "http://[::1]:1"]
        {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://huggingface.co",
            "ftp://huggingface.co",
            "huggingface.co",
            "",
            "https://a:b@huggingface.co",
            "file:///etc",
        ] {
            assert!(matches!(Endpoint::parse(bad), Err(StoreError::BadEndpoint { .. })), "{bad}");
        }
    }

    #[test]
    fn the_token_goes_to_the_hub_alone_unless_the_user_says_so() {
        let has = |endpoint: &str, policy| {
            Endpoint::parse(endpoint).unwrap().authorization(policy, Some("hf_x")).contains_key(AUTHORIZATION)
        };
        assert!(has("https://huggingface.co", TokenPolicy::HubOnly));
        for other in [
            "https://huggingface.co.example",
            "https://mirror.example",
            "http://127.0.0.1:1",
            "https://huggingface.co:444",
        ] {
            assert!(!has(other, TokenPolicy::HubOnly), "{other}");
            assert!(has(other, TokenPolicy::AnyEndpoint), "{other}");
        }
    }

    #[test]
    fn segments_stay_segments() {
        let endpoint = Endpoint::parse("https://mirror.example/hub/").unwrap();
        let url = endpoint.below(["a", "b", "resolve", "refs/pr/1", "x y?.safetensors"]);
        assert_eq!(url.as_str(), "https://mirror.example/hub/a/b/resolve/refs%2Fpr%2F1/x%20y%3F.safetensors");
    }
}
