//! The models that this program knows by name: compiled in, so that a name means the same bytes for everybody.
//!
//! Sizes, commits and hashes were collected without access to the hub, from public programs that pin the same files; what could
//! not be found that way is `None`, and pinned at the first download from what the hub reports (see `hub`).

use serde::Serialize;

use crate::quality::Quality;

/// A model of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CatalogModel {
    /// What people call it.
    pub name: &'static str,
    /// Whose voice.
    pub voice: Voice,
    /// How its weights are packed.
    pub quality: Quality,
    /// `OWNER/NAME` on the hub.
    pub repository: &'static str,
    /// The commit, 40 hexadecimal digits; `None` where it is not known: then the hub's newest is pinned.
    pub commit: Option<&'static str>,
    /// What the user may do with it.
    pub licence: &'static str,
    /// Who must be named.
    pub attribution: &'static str,
    /// Its files.
    pub files: [CatalogFile; 3],
}

/// A file of a model of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CatalogFile {
    /// Its name in the repository and in the model's folder.
    pub name: &'static str,
    /// How large it is.
    pub size: Size,
    /// 64 hexadecimal digits; `None` where it is not known: then the hub's word is pinned.
    pub sha256: Option<&'static str>,
}

/// A size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// To the byte.
    Exactly(u64),
    /// As the hub's pages show it, to three digits.
    About(u64),
}

impl Size {
    /// Bytes, exact or not.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Exactly(bytes) | Self::About(bytes) => bytes,
        }
    }

    /// Whether a file of so many bytes can be the one that was meant.
    pub(crate) fn allows(self, bytes: u64) -> bool {
        match self {
            Self::Exactly(exact) => bytes == exact,
            // Three digits are right to half a percent; one for good measure.
            Self::About(about) => bytes.abs_diff(about) <= about / 100,
        }
    }
}

/// Whose voice a model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Voice {
    /// Moshiko, a man's.
    Moshiko,
    /// Moshika, a woman's.
    Moshika,
    /// That of the demo model, learned from a speech synthesiser.
    Nano,
}

/// The model for people who did not choose.
pub const DEFAULT_MODEL: &str = "moshiko-q4";

const LICENCE: &str = "cc-by-4.0";
const ATTRIBUTION: &str = "Moshi by Kyutai, CC BY 4.0";

/// Mimi, the codec: the same file in all of Kyutai's repositories of this model, named after its training run. Size and hash are
/// pinned by many public programs, one of them for `kyutai/moshiko-mlx-bf16` at the commit below.
const MIMI: CatalogFile = CatalogFile {
    name: "tokenizer-e351c8d8-checkpoint125.safetensors",
    size: Size::Exactly(384_644_900),
    sha256: Some("09b782f0629851a271227fb9d36db65c041790365f11bbe5d3d59369cf863f50"),
};

/// The text tokenizer: as pinned for `nvidia/personaplex-7b-v1`, which carries Moshi's own; the hub's page of
/// `kyutai/moshiko-mlx-q4` shows the same name and size (553 kB).
const TOKENIZER: CatalogFile = CatalogFile {
    name: "tokenizer_spm_32k_3.model",
    size: Size::Exactly(552_778),
    sha256: Some("78d4336533ddc26f9acf7250d7fb83492152196c6ea4212c841df76933f18d2d"),
};

const fn model(
    name: &'static str,
    voice: Voice,
    quality: Quality,
    repository: &'static str,
    commit: Option<&'static str>,
) -> CatalogModel {
    // Sizes from the hub's pages of the moshiko repositories; moshika has the same architecture.
    let (file, about) = match quality {
        Quality::Q4 => ("model.q4.safetensors", 4_810_000_000),
        Quality::Q8 => ("model.q8.safetensors", 8_170_000_000),
        Quality::Bf16 => ("model.safetensors", 15_400_000_000),
    };
    let weights = CatalogFile { name: file, size: Size::About(about), sha256: None };
    CatalogModel {
        name,
        voice,
        quality,
        repository,
        commit,
        licence: LICENCE,
        attribution: ATTRIBUTION,
        files: [weights, MIMI, TOKENIZER],
    }
}

/// All models, the default first. Commits: `18e4df7…` and `a31ebad…` as pinned by public programs, `ce562a5…` likewise; of the
/// q8 repositories only the first digits are known (1a6fb04, 2e58032), of moshika in bf16 nothing.
pub const CATALOG: [CatalogModel; 6] = [
    model(
        "moshiko-q4",
        Voice::Moshiko,
        Quality::Q4,
        "kyutai/moshiko-mlx-q4",
        Some("18e4df760a34d5977a34517d7d1580e07acbb2f1"),
    ),
    model("moshiko-q8", Voice::Moshiko, Quality::Q8, "kyutai/moshiko-mlx-q8", None),
    model(
        "moshiko-bf16",
        Voice::Moshiko,
        Quality::Bf16,
        "kyutai/moshiko-mlx-bf16",
        Some("a31ebad976783a3ea356d6beb8b8e826d2d45a68"),
    ),
    model(
        "moshika-q4",
        Voice::Moshika,
        Quality::Q4,
        "kyutai/moshika-mlx-q4",
        Some("ce562a51ae571c1a7b70e8230b9af53ecc0bee5b"),
    ),
    model("moshika-q8", Voice::Moshika, Quality::Q8, "kyutai/moshika-mlx-q8", None),
    model("moshika-bf16", Voice::Moshika, Quality::Bf16, "kyutai/moshika-mlx-bf16", None),
];

impl CatalogModel {
    /// The model of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CATALOG.iter().find(|model| model.name == name)
    }

    /// Bytes to fetch for somebody who has nothing, as far as known.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size.bytes()).sum()
    }

    /// All names, for sentences.
    pub(crate) fn names() -> String {
        CATALOG.iter().map(|model| model.name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Expected;

    #[test]
    fn names_are_distinct_and_say_voice_and_quality() {
        for model in &CATALOG {
            let voice = model.name.split('-').next().unwrap();
            assert!(model.repository.starts_with(&format!("kyutai/{voice}-mlx-")), "{model:?}");
            assert!(model.repository.ends_with(model.quality.name()) && model.name.ends_with(model.quality.name()));
            assert_eq!(CatalogModel::named(model.name), Some(model));
        }
        let mut names: Vec<_> = CATALOG.iter().map(|model| model.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOG.len());
        assert_eq!(CATALOG.first().map(|model| model.name), Some(DEFAULT_MODEL));
    }

    #[test]
    fn commits_and_hashes_have_their_form() {
        for model in &CATALOG {
            if let Some(commit) = model.commit {
                assert!(Expected::GitSha1(commit.to_owned()).is_well_formed(), "{commit}");
            }
            for sha256 in model.files.iter().filter_map(|file| file.sha256) {
                assert!(Expected::Sha256(sha256.to_owned()).is_well_formed(), "{sha256}");
            }
        }
    }

    #[test]
    fn a_rounded_size_allows_what_rounds_to_it_and_no_other_quality() {
        let about = Size::About(4_810_000_000);
        assert!(about.allows(4_805_000_000) && about.allows(4_814_999_999));
        assert!(!about.allows(5_230_000_000), "weights whose embeddings are not packed");
        assert!(!about.allows(8_170_000_000) && !about.allows(0));
        assert!(!Size::Exactly(552_778).allows(552_779));
    }
}
