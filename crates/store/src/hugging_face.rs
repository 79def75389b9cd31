//! What the user's environment says of Hugging Face: which hub to ask, whose token to send, whether
//! the network is forbidden, and which files other programs have already put into the cache.
//!
//! Python's huggingface_hub and hf-hub 1.0.0 read the same variables in the same order. hf-hub
//! 0.5.0, without its own network code, gives the layout of the cache; it knows only one of the
//! variables. Every function takes the variables as a closure, so that a test needs none of the
//! process's own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hf_hub::{Cache, Repo};

use crate::error::StoreError;
use crate::request::Endpoint;

/// The hub that is asked if neither an option nor `HF_ENDPOINT` names one.
const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// Gives the value of a variable, or `None` if it is not set.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks a variable up in the process's environment. One that is not Unicode counts as not set.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Chooses the hub: `chosen`, else `HF_ENDPOINT`, else the Hugging Face Hub.
///
/// # Errors
/// [`StoreError::BadEndpoint`] if that is no address that may be asked; an empty `HF_ENDPOINT` is
/// none.
pub(crate) fn endpoint(chosen: Option<&str>, lookup: Lookup<'_>) -> Result<Endpoint, StoreError> {
    let address = chosen.map(str::to_owned).or_else(|| lookup("HF_ENDPOINT"));
    let address = address.as_deref().unwrap_or(DEFAULT_ENDPOINT);
    Endpoint::parse(address.trim_end_matches('/'))
}

/// Finds the user's cache: `chosen`, else `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE`, else the
/// folder `hub` in the Hugging Face home. The folder need not exist.
pub(crate) fn cache(chosen: Option<&Path>, lookup: Lookup<'_>) -> Cache {
    let from_environment = || {
        let folder = lookup("HF_HUB_CACHE").or_else(|| lookup("HUGGINGFACE_HUB_CACHE")).map(PathBuf::from);
        // A service may have no HOME. Python's tools and hf-hub 1.0.0 look here then.
        let in_home = || home(lookup).unwrap_or_else(|| PathBuf::from("/tmp/.cache/huggingface")).join("hub");
        folder.unwrap_or_else(in_home)
    };
    Cache::new(chosen.map_or_else(from_environment, Path::to_owned))
}

/// Lists the files of a model repository in the cache, whichever program put them there: the real
/// path and the size of each, once, whatever number of snapshots link to it. Their contents are not
/// looked at. What cannot be read is left out, as are folders that are links.
pub(crate) fn cached_files(cache: &Cache, repository: &str) -> Vec<(PathBuf, u64)> {
    let repository = cache.path().join(Repo::model(repository.to_owned()).folder_name());
    let mut found = BTreeSet::new();
    let mut folders = vec![repository.join("snapshots")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else if let Ok(blob) = entry.path().canonicalize()
                && let Ok(metadata) = blob.metadata()
                && metadata.is_file()
            {
                found.insert((blob, metadata.len()));
            }
        }
    }
    found.into_iter().collect()
}

/// Finds the user's token: `HF_TOKEN`, else the file that `HF_TOKEN_PATH` names, else the file
/// `token` in the Hugging Face home; none at all if `HF_HUB_DISABLE_IMPLICIT_TOKEN` is true.
/// Variables that hold only white space count as not set.
pub(crate) fn token(lookup: Lookup<'_>) -> Option<String> {
    let lookup = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    if lookup("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some_and(|value| is_true(&value)) {
        return None;
    }
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    let token = lookup("HF_TOKEN")
        .or_else(|| read(PathBuf::from(lookup("HF_TOKEN_PATH")?)))
        .or_else(|| read(home(&lookup)?.join("token")))?;
    Some(token.trim().to_owned()).filter(|token| !token.is_empty())
}

/// Reads `HF_HUB_OFFLINE` as Python's tools do.
pub(crate) fn is_offline(lookup: Lookup<'_>) -> bool {
    lookup("HF_HUB_OFFLINE").is_some_and(|value| is_true(&value))
}

/// The Hugging Face home: `HF_HOME`, else `huggingface` in `XDG_CACHE_HOME` or in `HOME/.cache`.
fn home(lookup: Lookup<'_>) -> Option<PathBuf> {
    let in_cache = || {
        let cache = lookup("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(lookup("HOME")?).join(".cache")))?;
        Some(cache.join("huggingface"))
    };
    lookup("HF_HOME").map(PathBuf::from).or_else(in_cache)
}

fn is_true(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "on" | "yes" | "true")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// An environment in which only these variables are set.
    fn only<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    /// The values that win, best first: each row sets one more variable than the next.
    const PLACES: [(&str, &str, &str); 5] = [
        ("HF_HUB_CACHE", "/a", "/a"),
        ("HUGGINGFACE_HUB_CACHE", "/b", "/b"),
        ("HF_HOME", "/c", "/c/hub"),
        ("XDG_CACHE_HOME", "/d", "/d/huggingface/hub"),
        ("HOME", "/e", "/e/.cache/huggingface/hub"),
    ];

    #[test]
    fn each_variable_of_the_cache_goes_before_those_behind_it() {
        for first in 0..PLACES.len() {
            let set: Vec<_> = PLACES[first..].iter().map(|(name, value, _)| (*name, *value)).collect();
            assert_eq!(cache(None, &only(&set)).path(), Path::new(PLACES[first].2), "{set:?}");
            assert_eq!(cache(Some(Path::new("/x")), &only(&set)).path(), Path::new("/x"));
        }
        assert_eq!(cache(None, &only(&[])).path(), Path::new("/tmp/.cache/huggingface/hub"));
    }

    #[test]
    fn an_option_names_the_hub_before_the_environment_does() {
        let address = |chosen, set: &[(&str, &str)]| Ok(endpoint(chosen, &only(set))?.address().to_owned());
        let mirror = [("HF_ENDPOINT", "https://mirror.example/hub//")];
        let is = |address: Result<String, StoreError>, expected: &str| assert_eq!(address.unwrap(), expected);
        is(address(None, &[]), "https://huggingface.co");
        is(address(None, &mirror), "https://mirror.example/hub");
        is(address(Some("http://127.0.0.1:80/x/"), &mirror), "http://127.0.0.1/x");
        for bad in ["", "mirror.example", "http://mirror.example", "https://"] {
            let refused = |address| match address {
                Err(StoreError::BadEndpoint { endpoint, problem }) => {
                    assert!(bad.starts_with(&endpoint) && !problem.is_empty(), "{endpoint}: {problem}");
                }
                other => panic!("{bad}: {other:?}"),
            };
            refused(address(None, &[("HF_ENDPOINT", bad)]));
            refused(address(Some(bad), &mirror));
        }
    }

    #[test]
    fn the_token_comes_from_the_variable_then_from_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("token"), "hf_home\n").unwrap();
        std::fs::write(path("elsewhere"), " hf_path ").unwrap();
        std::fs::write(path("empty"), "\n").unwrap();
        std::fs::create_dir_all(path("cache/huggingface")).unwrap();
        std::fs::write(path("cache/huggingface/token"), "hf_cache").unwrap();
        let (home, elsewhere, empty, cache) = (path(""), path("elsewhere"), path("empty"), path("cache"));
        let all = [("HF_TOKEN", "hf_variable"), ("HF_TOKEN_PATH", &elsewhere), ("HF_HOME", &home)];
        let found = |set: &[(&str, &str)]| token(&only(set));
        assert_eq!(found(&all).as_deref(), Some("hf_variable"));
        assert_eq!(found(&all[1..]).as_deref(), Some("hf_path"));
        assert_eq!(found(&all[2..]).as_deref(), Some("hf_home"));
        assert_eq!(
            found(&[("HF_TOKEN", " "), ("HF_HOME", " "), ("XDG_CACHE_HOME", &cache)]).as_deref(),
            Some("hf_cache")
        );
        assert_eq!(found(&[("HF_TOKEN_PATH", &empty), ("HF_HOME", &home)]), None);
        assert_eq!(found(&[]), None);
        let disabled = |value| found(&[("HF_HUB_DISABLE_IMPLICIT_TOKEN", value), all[0]]);
        assert_eq!(disabled("True"), None);
        assert_eq!(disabled("0").as_deref(), Some("hf_variable"));
    }

    #[test]
    fn offline_is_read_as_python_reads_it() {
        for (value, expected) in [("1", true), ("ON", true), (" yes ", true), ("true", true), ("0", false), ("", false)]
        {
            assert_eq!(is_offline(&only(&[("HF_HUB_OFFLINE", value)])), expected, "'{value}'");
        }
        assert!(!is_offline(&only(&[])));
    }

    #[test]
    fn a_blob_is_listed_once_and_only_for_its_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let repository = root.join("models--lab--tiny");
        for below in ["blobs", "snapshots/one/nested", "snapshots/two"] {
            std::fs::create_dir_all(repository.join(below)).unwrap();
        }
        std::fs::write(repository.join("blobs/first"), "12345").unwrap();
        std::fs::write(repository.join("blobs/second"), "123").unwrap();
        std::fs::write(repository.join("blobs/unnamed"), "1").unwrap();
        std::fs::write(repository.join("snapshots/two/copied"), "12").unwrap();
        symlink("../../../blobs/first", repository.join("snapshots/one/nested/file")).unwrap();
        symlink("../../blobs/first", repository.join("snapshots/two/file")).unwrap();
        symlink("../../blobs/second", repository.join("snapshots/two/other")).unwrap();
        symlink("../../blobs/gone", repository.join("snapshots/two/broken")).unwrap();
        symlink("..", repository.join("snapshots/two/circle")).unwrap();
        let cache = Cache::new(root.clone());
        let expected = [("blobs/first", 5), ("blobs/second", 3), ("snapshots/two/copied", 2)];
        let expected: Vec<_> = expected.iter().map(|(name, size)| (repository.join(name), *size)).collect();
        assert_eq!(cached_files(&cache, "lab/tiny"), expected);
        std::fs::rename(&repository, root.join("datasets--lab--tiny")).unwrap();
        assert_eq!(cached_files(&cache, "lab/tiny"), []);
    }
}
