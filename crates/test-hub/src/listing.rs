//! What `/api/models/…` answers: descriptions of repositories, and trees of their files.
//!
//! The keys are those of the real hub, and so is where they are: a tree calls the SHA-256 of a large file `lfs.oid`, and
//! the description (with `?blobs=true`) calls it `lfs.sha256`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::content::git_blob_of;
use crate::http::Request;
use crate::repository::{StoredFile, StoredRepository};
use crate::rule::Behaviour;

/// What a hostile entry says its size is.
const HOSTILE_BYTES: u64 = 10;

pub(crate) fn description(repository: &StoredRepository, request: &Request, more_names: &[String]) -> Answer {
    let has_blobs = request.query("blobs").is_some_and(|value| value == "true" || value == "1");
    let files = repository.files.iter().map(|file| sibling(file, has_blobs));
    let more = more_names.iter().map(|name| {
        let mut sibling = json!({ "rfilename": name });
        if has_blobs {
            put(&mut sibling, "size", HOSTILE_BYTES);
            put(&mut sibling, "blobId", git_blob_of(name));
        }
        sibling
    });
    let tags: Vec<String> = repository.licence.iter().map(|licence| format!("license:{licence}")).collect();
    let mut description = json!({
        "_id": "x",
        "id": repository.id,
        "modelId": repository.id,
        "author": repository.id.split('/').next(),
        "sha": repository.commit,
        "private": false,
        "gated": false,
        "disabled": false,
        "createdAt": "2024-09-18T09:00:00.000Z",
        "lastModified": "2024-09-18T09:00:00.000Z",
        "downloads": 0,
        "likes": 0,
        "tags": tags,
        "siblings": files.chain(more).collect::<Vec<_>>(),
    });
    if let Some(licence) = &repository.licence {
        put(&mut description, "cardData", json!({ "license": licence }));
    }
    Answer::json(200, &description)
}

fn sibling(file: &StoredFile, has_blobs: bool) -> Value {
    let mut sibling = json!({ "rfilename": file.path });
    if has_blobs {
        put(&mut sibling, "size", file.size_bytes);
        put(&mut sibling, "blobId", file.oid.as_str());
        if let Some(lfs) = &file.lfs {
            put(
                &mut sibling,
                "lfs",
                json!({ "sha256": lfs.sha256, "size": file.size_bytes, "pointerSize": lfs.pointer_bytes }),
            );
        }
    }
    sibling
}

/// The tree below `folder`, page by page.
pub(crate) fn tree(
    repository: &StoredRepository,
    folder: &str,
    request: &Request,
    behaviour: &Behaviour,
    more_names: &[String],
) -> Answer {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let is_recursive = request.query("recursive").is_some_and(|value| value == "true" || value == "1");
    let mut folders = BTreeSet::new();
    let mut files = Vec::new();
    for file in &repository.files {
        let Some(rest) = file.path.strip_prefix(&prefix) else { continue };
        let slashes: Vec<usize> = rest.match_indices('/').map(|(at, _)| at).collect();
        let depth = if is_recursive { slashes.len() } else { slashes.len().min(1) };
        folders
            .extend(slashes.iter().take(depth).filter_map(|at| rest.get(..*at)).map(|name| format!("{prefix}{name}")));
        if is_recursive || slashes.is_empty() {
            files.push(entry(file, behaviour));
        }
    }
    let folders = folders.into_iter();
    let mut entries: Vec<Value> = folders
        .map(|path| json!({ "type": "directory", "oid": git_blob_of(&path), "size": 0, "path": path }))
        .chain(files)
        .collect();
    entries.extend(
        more_names
            .iter()
            .map(|name| json!({ "type": "file", "oid": git_blob_of(name), "size": HOSTILE_BYTES, "path": name })),
    );
    page(entries, request, behaviour)
}

fn entry(file: &StoredFile, behaviour: &Behaviour) -> Value {
    let mut entry = json!({ "type": "file", "oid": file.oid, "size": file.size_bytes, "path": file.path });
    if let Some(lfs) = &file.lfs {
        let mut about = json!({ "oid": lfs.sha256, "size": file.size_bytes, "pointerSize": lfs.pointer_bytes });
        if behaviour.lfs_sha256_key {
            put(&mut about, "sha256", lfs.sha256.as_str());
        }
        put(&mut entry, "lfs", about);
    }
    entry
}

fn put(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.into(), value.into());
    }
}

fn page(entries: Vec<Value>, request: &Request, behaviour: &Behaviour) -> Answer {
    let Some(limit) = behaviour.page_entries else { return Answer::json(200, &entries.into()) };
    let start: usize = request.query("cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let end = start.saturating_add(limit);
    let has_more = end < entries.len();
    let page: Vec<Value> = entries.into_iter().skip(start).take(limit).collect();
    let answer = Answer::json(200, &page.into());
    if has_more { answer.with("Link", next_link(request, end)) } else { answer }
}

/// The header that names the next page.
pub(crate) fn next_link(request: &Request, cursor: usize) -> String {
    let host = request.header("host").unwrap_or_default();
    let recursive = request.query("recursive").unwrap_or("false");
    format!("<http://{host}{}?recursive={recursive}&cursor={cursor}>; rel=\"next\"", request.path)
}
