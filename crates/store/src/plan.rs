//! From a listing of the hub to a manifest: which of a repository's files make the model, and whether they are the ones we know.

use serde::Deserialize;

use crate::catalog::{CatalogFile, CatalogModel};
use crate::digest::Expected;
use crate::error::StoreError;
use crate::hub::{ListedFile, Listing};
use crate::manifest::{Manifest, ManifestFile};
use crate::quality::Quality;

/// The names that the engine looks for where a config names no others: those of Kyutai's repositories.
const MIMI_NAME: &str = "tokenizer-e351c8d8-checkpoint125.safetensors";
const TOKENIZER_NAME: &str = "tokenizer_spm_32k_3.model";

/// What `config.json` of such a repository may name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigNames {
    #[serde(rename = "moshi_name")]
    moshi: Option<String>,
    #[serde(rename = "mimi_name")]
    mimi: Option<String>,
    #[serde(rename = "mimi_config_name")]
    mimi_config: Option<String>,
    #[serde(rename = "tokenizer_name")]
    tokenizer: Option<String>,
}

/// The manifest of a model of the catalog. What the catalog knows, the hub must confirm.
///
/// # Errors
/// [`StoreError::NotAsCatalogued`].
pub(crate) fn of_catalog(
    model: &CatalogModel,
    listing: &Listing,
    host: &str,
    endpoint: &str,
) -> Result<Manifest, StoreError> {
    let differs = |difference: String| StoreError::NotAsCatalogued {
        name: model.name.to_owned(),
        repository: model.repository.to_owned(),
        host: host.to_owned(),
        difference,
    };
    if let Some(commit) = model.commit
        && commit != listing.commit
    {
        return Err(differs(format!("commit {} instead of {commit}", listing.commit)));
    }
    let mut manifest = manifest(model.name, model.repository, listing, endpoint, model.quality);
    manifest.licence = Some(model.licence.to_owned());
    for file in &model.files {
        let listed = listing.files.iter().find(|listed| listed.path == file.name);
        let listed = listed.ok_or_else(|| differs(format!("no {}", file.name)))?;
        agree(file, listed).map_err(differs)?;
        manifest.files.push(entry(file.name, listed));
    }
    finish(manifest, host)
}

fn agree(known: &CatalogFile, listed: &ListedFile) -> Result<(), String> {
    if !known.size.allows(listed.size_bytes) {
        return Err(format!("{} has {} bytes instead of {}", known.name, listed.size_bytes, known.size.bytes()));
    }
    match known.sha256 {
        Some(sha256) if listed.expected != Expected::Sha256(sha256.to_owned()) => {
            Err(format!("{} has the hash {} instead of {sha256}", known.name, listed.expected.digits()))
        }
        _ => Ok(()),
    }
}

/// The manifest of any repository in these formats: its config, the weights of the wanted quality or of the smallest, the codec,
/// the tokenizer.
///
/// # Errors
/// [`StoreError::NotAModel`], naming what is missing.
pub(crate) fn of_repository(
    name: &str,
    repository: &str,
    listing: &Listing,
    config: Option<&ConfigNames>,
    quality: Option<Quality>,
    host: &str,
    endpoint: &str,
) -> Result<Manifest, StoreError> {
    let lacks = |problem: String| StoreError::NotAModel { repository: repository.to_owned(), problem };
    let listed = |path: &str| listing.files.iter().find(|file| file.path == path);
    let named =
        |path: &String| listed(path).ok_or_else(|| lacks(format!("its config names {path}, which is not there")));
    let configured = config.and_then(|config| config.moshi.as_ref());
    let weights: Vec<(Quality, &ListedFile)> = Quality::ALL
        .into_iter()
        .filter_map(|quality| {
            let of_config = configured.filter(|name| of_file(name) == quality).and_then(|name| listed(name));
            Some((quality, of_config.or_else(|| listed(weights_name(quality)))?))
        })
        .collect();
    let choice = match (quality, configured) {
        (Some(wanted), _) => weights.iter().find(|(quality, _)| *quality == wanted),
        (None, Some(name)) => weights.iter().find(|(_, file)| file.path == *name).or(weights.first()),
        (None, None) => weights.first(),
    };
    let (quality, weights_file) = *choice.ok_or_else(|| {
        let wanted =
            quality.map_or_else(|| "model.q4.safetensors or the like".to_owned(), |q| weights_name(q).to_owned());
        lacks(format!("it has no {wanted}"))
    })?;
    let mut manifest = manifest(name, repository, listing, endpoint, quality);
    manifest.licence.clone_from(&listing.licence);
    let mut add = |name: &str, file: &ListedFile| manifest.files.push(entry(name, file));
    let weights_in_folder =
        if configured == Some(&weights_file.path) { &weights_file.path } else { weights_name(quality) };
    add(weights_in_folder, weights_file);

    let mimi = match config.and_then(|config| config.mimi.as_ref()) {
        Some(name) => (name.as_str(), named(name)?),
        None => (MIMI_NAME, listed(MIMI_NAME).ok_or_else(|| lacks(format!("it has no codec {MIMI_NAME}")))?),
    };
    add(mimi.0, mimi.1);
    let tokenizer = match config.and_then(|config| config.tokenizer.as_ref()) {
        Some(name) => (name.as_str(), named(name)?),
        // Another language has another tokenizer, whose name may be its own: the only one there is is meant.
        None => (
            TOKENIZER_NAME,
            listed(TOKENIZER_NAME)
                .or_else(|| only_tokenizer(listing))
                .ok_or_else(|| lacks(format!("it has no tokenizer {TOKENIZER_NAME}, and not just one other")))?,
        ),
    };
    add(tokenizer.0, tokenizer.1);
    if let Some(name) = config.and_then(|config| config.mimi_config.as_ref()) {
        add(name, named(name)?);
    }
    if let Some(file) = listed("config.json").filter(|_| config.is_some()) {
        add("config.json", file);
    }
    finish(manifest, host)
}

fn only_tokenizer(listing: &Listing) -> Option<&ListedFile> {
    let mut tokenizers = listing.files.iter().filter(|file| is_tokenizer(&file.path) && !file.path.contains('/'));
    tokenizers.next().filter(|_| tokenizers.next().is_none())
}

#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "the names of a repository are case-sensitive")]
fn is_tokenizer(path: &str) -> bool {
    path.ends_with(".model")
}

fn manifest(name: &str, repository: &str, listing: &Listing, endpoint: &str, quality: Quality) -> Manifest {
    Manifest::new(name.to_owned(), repository.to_owned(), listing.commit.clone(), endpoint.to_owned(), quality)
}

fn entry(name: &str, listed: &ListedFile) -> ManifestFile {
    ManifestFile {
        name: name.to_owned(),
        path: listed.path.clone(),
        size_bytes: listed.size_bytes,
        expected: listed.expected.clone(),
        arrived_sha256: None,
    }
}

fn finish(mut manifest: Manifest, host: &str) -> Result<Manifest, StoreError> {
    // The small ones first: what is wrong with a model shows early.
    manifest.files.sort_by_key(|file| file.size_bytes);
    match manifest.problem() {
        None => Ok(manifest),
        Some(problem) => Err(StoreError::UnexpectedAnswer { host: host.to_owned(), problem }),
    }
}

fn weights_name(quality: Quality) -> &'static str {
    match quality {
        Quality::Q4 => "model.q4.safetensors",
        Quality::Q8 => "model.q8.safetensors",
        Quality::Bf16 => "model.safetensors",
    }
}

fn of_file(name: &str) -> Quality {
    [Quality::Q4, Quality::Q8]
        .into_iter()
        .find(|quality| name.ends_with(&format!(".{}.safetensors", quality.name())))
        .unwrap_or(Quality::Bf16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, size_bytes: u64) -> ListedFile {
        let digit = format!("{:x}", path.len() % 16);
        ListedFile { path: path.to_owned(), size_bytes, expected: Expected::Sha256(digit.repeat(64)) }
    }

    fn listing(files: Vec<ListedFile>) -> Listing {
        Listing { commit: "0a".repeat(20), licence: Some("cc-by-nc-4.0".to_owned()), files }
    }

    fn of(
        files: Vec<ListedFile>,
        config: Option<&ConfigNames>,
        quality: Option<Quality>,
    ) -> Result<Manifest, StoreError> {
        of_repository("hf:a/b", "a/b", &listing(files), config, quality, "hub", "https://hub")
    }

    #[test]
    fn a_repository_without_a_config_is_read_by_the_usual_names() {
        let files = vec![
            file("README.md", 5),
            file("model.q4.safetensors", 100),
            file("model.q8.safetensors", 200),
            file(MIMI_NAME, 50),
            file("tokenizer_spm_japanese.model", 7),
        ];
        let manifest = of(files.clone(), None, None).unwrap();
        assert_eq!((manifest.quality, manifest.licence.as_deref()), (Quality::Q4, Some("cc-by-nc-4.0")));
        let names: Vec<_> = manifest.files.iter().map(|file| (file.name.as_str(), file.path.as_str())).collect();
        assert_eq!(
            names,
            [
                (TOKENIZER_NAME, "tokenizer_spm_japanese.model"),
                (MIMI_NAME, MIMI_NAME),
                ("model.q4.safetensors", "model.q4.safetensors")
            ]
        );
        assert_eq!(of(files.clone(), None, Some(Quality::Q8)).unwrap().quality, Quality::Q8);
        assert!(matches!(of(files, None, Some(Quality::Bf16)), Err(StoreError::NotAModel { .. })));
    }

    #[test]
    fn a_config_names_its_files() {
        let config: ConfigNames = serde_json::from_str(
            r#"{"dim": 64, "moshi_name": "x.q8.safetensors", "mimi_name": "m.safetensors", "mimi_config_name": "m.json", "tokenizer_name": "t.model"}"#,
        )
        .unwrap();
        let names = ["config.json", "x.q8.safetensors", "m.safetensors", "m.json", "t.model", "model.q4.safetensors"];
        let files: Vec<_> = names.iter().map(|name| file(name, 1)).collect();
        let manifest = of(files.clone(), Some(&config), None).unwrap();
        assert_eq!(manifest.quality, Quality::Q8);
        let mut found: Vec<_> = manifest.files.iter().map(|file| file.name.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, ["config.json", "m.json", "m.safetensors", "t.model", "x.q8.safetensors"]);
        let without_codec = files.into_iter().filter(|file| file.path != "m.safetensors").collect();
        let error = of(without_codec, Some(&config), None).unwrap_err().to_string();
        assert!(error.contains("m.safetensors"), "{error}");
    }

    #[test]
    fn hostile_names_make_no_manifest() {
        let config = ConfigNames { tokenizer: Some("../../t.model".to_owned()), ..ConfigNames::default() };
        let files = vec![file("model.q4.safetensors", 1), file(MIMI_NAME, 1), file("../../t.model", 1)];
        assert!(matches!(of(files, Some(&config), None), Err(StoreError::UnexpectedAnswer { .. })));
    }

    #[test]
    fn the_catalog_must_be_confirmed() {
        let model = CatalogModel::named("moshiko-q4").unwrap();
        let true_files = || -> Vec<ListedFile> {
            let files = model.files.iter().map(|known| {
                let sha256 = known.sha256.map_or_else(|| "ab".repeat(32), str::to_owned);
                ListedFile {
                    path: known.name.into(),
                    size_bytes: known.size.bytes(),
                    expected: Expected::Sha256(sha256),
                }
            });
            files.collect()
        };
        let plan = |commit: &str, files| {
            let listing = Listing { commit: commit.to_owned(), licence: None, files };
            of_catalog(model, &listing, "hub", "https://hub")
        };
        let commit = model.commit.unwrap();
        let manifest = plan(commit, true_files()).unwrap();
        assert_eq!((manifest.name.as_str(), manifest.licence.as_deref()), ("moshiko-q4", Some("cc-by-4.0")));
        assert_eq!(manifest.files.len(), 3);

        let refused = |result: Result<Manifest, StoreError>, word: &str| match result.unwrap_err() {
            StoreError::NotAsCatalogued { difference, .. } => assert!(difference.contains(word), "{difference}"),
            other => panic!("{other}"),
        };
        refused(plan(&"0b".repeat(20), true_files()), "commit");
        let mut files = true_files();
        files[1].expected = Expected::Sha256("cd".repeat(32));
        refused(plan(commit, files), "hash");
        let mut files = true_files();
        files[0].size_bytes = 8_170_000_000;
        refused(plan(commit, files), "bytes");
        refused(plan(commit, true_files().split_off(1)), "no model.q4.safetensors");
    }
}
