//! What people type to name a model: a name of the catalog, or `hf:OWNER/NAME[@REVISION]`.

use std::fmt;
use std::str::FromStr;

use crate::catalog::CatalogModel;
use crate::error::StoreError;

/// A model, named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// One of the catalog's.
    Catalog(&'static CatalogModel),
    /// Any repository of the hub.
    Repository {
        /// Whose it is.
        owner: String,
        /// What it is called.
        name: String,
        /// A branch, tag or commit; `None`: the main branch.
        revision: Option<String>,
    },
}

impl Reference {
    /// `OWNER/NAME` on the hub.
    pub fn repository(&self) -> String {
        match self {
            Self::Catalog(model) => model.repository.to_owned(),
            Self::Repository { owner, name, .. } => format!("{owner}/{name}"),
        }
    }

    /// The revision to ask the hub for.
    pub(crate) fn revision(&self) -> &str {
        match self {
            Self::Catalog(model) => model.commit.unwrap_or("main"),
            Self::Repository { revision, .. } => revision.as_deref().unwrap_or("main"),
        }
    }

    /// The name of its folder in the library.
    pub(crate) fn folder(&self) -> String {
        match self {
            Self::Catalog(model) => model.name.to_owned(),
            Self::Repository { owner, name, revision } => {
                let revision = revision.as_ref().map(|revision| format!("@{}", revision.replace('/', "%")));
                format!("{owner}--{name}{}", revision.unwrap_or_default())
            }
        }
    }
}

impl FromStr for Reference {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let Some(repository) = text.strip_prefix("hf:") else {
            return CatalogModel::named(text)
                .map(Self::Catalog)
                .ok_or_else(|| StoreError::UnknownModel { name: text.to_owned(), known: CatalogModel::names() });
        };
        let bad = |problem| StoreError::BadReference { text: text.to_owned(), problem };
        let (repository, revision) = match repository.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision)),
            None => (repository, None),
        };
        let (owner, name) = repository.split_once('/').ok_or_else(|| bad("there is no '/' between owner and name"))?;
        if !is_plain(owner) || !is_plain(name) {
            return Err(bad(
                "owner and name have letters, digits, '-', '_' and '.' alone, and begin with a letter or digit",
            ));
        }
        if let Some(revision) = revision
            && !revision.split('/').all(is_plain)
        {
            return Err(bad("the revision is no branch, tag or commit"));
        }
        Ok(Self::Repository { owner: owner.to_owned(), name: name.to_owned(), revision: revision.map(str::to_owned) })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalog(model) => formatter.write_str(model.name),
            Self::Repository { owner, name, revision } => {
                write!(formatter, "hf:{owner}/{name}")?;
                revision.iter().try_for_each(|revision| write!(formatter, "@{revision}"))
            }
        }
    }
}

/// Whether a word is safe as a file name and in an address, wherever it comes from: letters, digits, `-`, `_`, `.`; it begins
/// with a letter or digit, so that it is neither hidden nor a way up.
pub(crate) fn is_plain(word: &str) -> bool {
    word.len() <= 200
        && word.starts_with(|first: char| first.is_ascii_alphanumeric())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Reference, StoreError> {
        text.parse()
    }

    #[test]
    fn names_and_repositories_are_understood_and_shown_as_typed() {
        for text in ["moshiko-q4", "hf:akkikiki/j-moshi-ext-mlx-q4", "hf:a/b@main", "hf:a/b@refs/pr/1"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(parse("hf:a/b@refs/pr/1").unwrap().folder(), "a--b@refs%pr%1");
        assert_eq!(parse("moshika-q8").unwrap().repository(), "kyutai/moshika-mlx-q8");
    }

    #[test]
    fn nothing_that_leads_elsewhere_is_understood() {
        for text in
            ["moshi", "", "hf:", "hf:a", "hf:a/", "hf:/b", "hf:../b", "hf:a/..", "hf:a/b/c", "hf:a/b@", "hf:a/b@../c"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("hf:a/b?x").is_err() && parse("hf:a b/c").is_err() && parse("hf:a/b\n").is_err());
        assert!(parse(&format!("hf:a/{}", "b".repeat(300))).is_err());
    }
}
