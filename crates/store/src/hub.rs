//! What the hub says of a repository: its commit, its licence, and each file's size and hash.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use hf_hub::Cache;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Url};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::digest::{Expected, Hasher};
use crate::error::StoreError;
use crate::hugging_face::{self, variable};
use crate::options::{Limits, Network, StoreOptions};
use crate::patience::{Patience, Trouble};
use crate::request::{Endpoint, status, trouble};

/// A listing or a config longer than this is none.
const LONGEST_ANSWER: usize = 8 << 20;

/// A hub or mirror, and how to ask it.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    pub(crate) endpoint: Endpoint,
    pub(crate) client: Client,
    pub(crate) headers: HeaderMap,
    pub(crate) limits: Limits,
    cache: Cache,
    network: Network,
}

/// A repository at one commit.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) commit: String,
    pub(crate) licence: Option<String>,
    pub(crate) files: Vec<ListedFile>,
}

/// A file of a repository.
#[derive(Debug, Clone)]
pub(crate) struct ListedFile {
    pub(crate) path: String,
    pub(crate) size_bytes: u64,
    pub(crate) expected: Expected,
}

impl Hub {
    /// Finds out whom to ask. Asks nobody yet.
    ///
    /// # Errors
    /// [`StoreError::BadEndpoint`].
    pub(crate) fn new(options: &StoreOptions) -> Result<Self, StoreError> {
        let endpoint = hugging_face::endpoint(options.endpoint.as_deref(), &variable)?;
        let cache = hugging_face::cache(options.hugging_face_cache.as_deref(), &variable);
        let headers = endpoint.authorization(options.token, hugging_face::token(&variable).as_deref());
        let network = if hugging_face::is_offline(&variable) { Network::Offline } else { options.network };
        let client = endpoint.client(&options.limits)?;
        Ok(Self { endpoint, client, headers, limits: options.limits, cache, network })
    }

    /// Refuses to go on where the network must not be used.
    ///
    /// # Errors
    /// [`StoreError::Offline`].
    pub(crate) fn allow(&self, what: &str) -> Result<(), StoreError> {
        match self.network {
            Network::Online => Ok(()),
            Network::Offline => Err(StoreError::Offline { what: what.to_owned() }),
        }
    }

    /// Lists what the user's Hugging Face cache holds of this repository: paths and sizes of files.
    pub(crate) fn cached_files(&self, repository: &str) -> Vec<(PathBuf, u64)> {
        hugging_face::cached_files(&self.cache, repository)
    }

    /// Where the user's Hugging Face cache is.
    pub(crate) fn cache_folder(&self) -> &Path {
        self.cache.path()
    }

    /// The address of a file's bytes.
    pub(crate) fn file_url(&self, repository: &str, commit: &str, path: &str) -> Url {
        let segments = repository.split('/').chain(["resolve", commit]).chain(path.split('/'));
        self.endpoint.below(segments)
    }

    /// Asks what a repository holds at a revision.
    ///
    /// # Errors
    /// [`StoreError`] of the network or of an answer that is none.
    pub(crate) async fn listing(
        &self,
        repository: &str,
        revision: &str,
        cancel: &CancellationToken,
        on_wait: &(dyn Fn(&str, Duration) + Sync),
    ) -> Result<Listing, StoreError> {
        let what = format!("{repository} at {revision}");
        let segments = ["api", "models"].into_iter().chain(repository.split('/')).chain(["revision", revision]);
        let mut url = self.endpoint.below(segments);
        url.set_query(Some("blobs=true"));
        let parse = |body: &[u8]| {
            let answer: ApiModel = serde_json::from_slice(body).map_err(|_| "its listing cannot be read".to_owned())?;
            answer.into_listing()
        };
        self.ask(url, &what, cancel, on_wait, parse).await
    }

    /// Fetches a small file and verifies it.
    ///
    /// # Errors
    /// As [`listing`](Self::listing).
    pub(crate) async fn small_file(
        &self,
        repository: &str,
        commit: &str,
        file: &ListedFile,
        cancel: &CancellationToken,
        on_wait: &(dyn Fn(&str, Duration) + Sync),
    ) -> Result<Vec<u8>, StoreError> {
        let url = self.file_url(repository, commit, &file.path);
        let verify = |body: &[u8]| {
            let mut hasher = Hasher::new(&file.expected, body.len() as u64);
            hasher.update(body);
            let is_right = hasher.finish().are(&file.expected);
            if is_right { Ok(body.to_owned()) } else { Err(format!("its {} is not the published one", file.path)) }
        };
        self.ask(url, &format!("{repository}/{}", file.path), cancel, on_wait, verify).await
    }

    async fn ask<T>(
        &self,
        url: Url,
        what: &str,
        cancel: &CancellationToken,
        on_wait: &(dyn Fn(&str, Duration) + Sync),
        parse: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, StoreError> {
        self.allow(what)?;
        let mut patience = Patience::new(self.limits, self.endpoint.host(), what.to_owned(), Instant::now());
        loop {
            let answer = tokio::select! {
                () = cancel.cancelled() => return Err(StoreError::Cancelled),
                answer = self.body(&url) => answer,
            };
            let parsed = answer.and_then(|body| parse(&body).map_err(Trouble::Nonsense));
            let trouble = match parsed {
                Ok(value) => return Ok(value),
                Err(trouble) => trouble,
            };
            let reason = describe(&trouble);
            let wait = patience.after(trouble, Instant::now())?;
            tracing::debug!(%url, reason, wait_ms = wait.as_millis() as u64, "asking again");
            on_wait(&reason, wait);
            tokio::select! {
                () = cancel.cancelled() => return Err(StoreError::Cancelled),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn body(&self, url: &Url) -> Result<Vec<u8>, Trouble> {
        let whole = async {
            let sent = self.client.get(url.clone()).headers(self.headers.clone()).send().await;
            let answer = sent.map_err(|error| trouble(&error))?;
            if !answer.status().is_success() {
                return Err(Trouble::Status(status(&answer, url)));
            }
            if is_web_page(answer.headers()) {
                return Err(Trouble::Nonsense("it sends a web page".to_owned()));
            }
            let mut body = Vec::new();
            let mut stream = answer.bytes_stream();
            while let Some(chunk) = stream.next().await {
                body.extend_from_slice(&chunk.map_err(|error| trouble(&error))?);
                if body.len() > LONGEST_ANSWER {
                    return Err(Trouble::Nonsense("its answer does not end".to_owned()));
                }
            }
            Ok(body)
        };
        // Small answers, so one limit for all of it: a byte a second is no answer.
        tokio::time::timeout(self.limits.stall_timeout, whole).await.unwrap_or(Err(Trouble::Stalled))
    }
}

/// Whether an answer is meant for a browser: what networks send that want people to sign in first.
pub(crate) fn is_web_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// A trouble in words, for people who watch.
pub(crate) fn describe(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Connection(reason) | Trouble::Nonsense(reason) => reason.clone(),
        Trouble::Stalled => "nothing comes".to_owned(),
        Trouble::Status(status) => format!("HTTP {}", status.code),
        Trouble::Final(error) => error.to_string(),
    }
}

/// `GET /api/models/{repository}/revision/{revision}?blobs=true`, the part that we read.
#[derive(Deserialize)]
struct ApiModel {
    sha: String,
    #[serde(default)]
    siblings: Vec<ApiFile>,
    #[serde(default, rename = "cardData")]
    card: Option<ApiCard>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiFile {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<ApiLfs>,
}

#[derive(Deserialize)]
struct ApiLfs {
    #[serde(alias = "oid")]
    sha256: String,
    size: u64,
}

#[derive(Deserialize)]
struct ApiCard {
    license: Option<serde_json::Value>,
}

impl ApiModel {
    fn into_listing(self) -> Result<Listing, String> {
        if !Expected::GitSha1(self.sha.clone()).is_well_formed() {
            return Err("it names no commit".to_owned());
        }
        let said = self.card.and_then(|card| card.license);
        let said = said.and_then(|licence| match licence {
            serde_json::Value::String(licence) => Some(licence),
            serde_json::Value::Array(all) => all.first()?.as_str().map(str::to_owned),
            _ => None,
        });
        let tagged = || self.tags.iter().find_map(|tag| tag.strip_prefix("license:")).map(str::to_owned);
        let licence =
            said.or_else(tagged).map(|licence| licence.chars().filter(|c| !c.is_control()).take(60).collect());
        // What has no hash is not listed: it could not be verified, and nothing else is ever used.
        let files = self.siblings.into_iter().filter_map(ApiFile::into_listed).collect();
        Ok(Listing { commit: self.sha, licence, files })
    }
}

impl ApiFile {
    fn into_listed(self) -> Option<ListedFile> {
        let (size_bytes, expected) = match self.lfs {
            Some(lfs) => (lfs.size, Expected::Sha256(lfs.sha256)),
            None => (self.size?, Expected::GitSha1(self.blob_id?)),
        };
        expected.is_well_formed().then_some(ListedFile { path: self.rfilename, size_bytes, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(json: &str) -> Result<Listing, String> {
        serde_json::from_str::<ApiModel>(json).map_err(|error| error.to_string())?.into_listing()
    }

    #[test]
    fn a_listing_keeps_what_can_be_verified() {
        let (commit, sha256, git) = ("0a".repeat(20), "0b".repeat(32), "0c".repeat(20));
        let json = format!(
            r#"{{"id": "a/b", "sha": "{commit}", "tags": ["x", "license:mit"], "siblings": [
                {{"rfilename": "model.q4.safetensors", "size": 9, "blobId": "{git}", "lfs": {{"sha256": "{sha256}", "size": 7, "pointerSize": 1}}}},
                {{"rfilename": "config.json", "size": 5, "blobId": "{git}"}},
                {{"rfilename": "hostile", "size": 5, "blobId": "../../x"}},
                {{"rfilename": "unknown"}}]}}"#
        );
        let listing = listing(&json).unwrap();
        assert_eq!((listing.commit, listing.licence.as_deref()), (commit, Some("mit")));
        let files: Vec<_> = listing.files.into_iter().map(|file| (file.path, file.size_bytes, file.expected)).collect();
        let weights = ("model.q4.safetensors".to_owned(), 7, Expected::Sha256(sha256));
        assert_eq!(files, [weights, ("config.json".to_owned(), 5, Expected::GitSha1(git))]);
    }

    #[test]
    fn a_listing_without_a_commit_is_none() {
        assert!(listing(r#"{"sha": "main"}"#).is_err());
        assert!(listing("{}").is_err());
    }

    #[test]
    fn the_card_names_the_licence_before_the_tags_do() {
        let commit = "0a".repeat(20);
        let licence = |card: &str| {
            listing(&format!(r#"{{"sha": "{commit}", "tags": ["license:mit"], "cardData": {card}}}"#)).unwrap().licence
        };
        assert_eq!(licence(r#"{"license": "cc-by-nc-4.0"}"#).as_deref(), Some("cc-by-nc-4.0"));
        assert_eq!(licence(r#"{"license": ["cc-by-4.0", "other"]}"#).as_deref(), Some("cc-by-4.0"));
        assert_eq!(licence("null").as_deref(), Some("mit"));
    }
}
