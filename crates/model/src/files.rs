//! Which files make a model: a folder laid out like one of Kyutai's repositories.

use std::path::{Path, PathBuf};

use crate::error::ModelError;
use crate::mimi::config::MimiConfig;
use crate::moshi::config::MoshiConfig;
use crate::moshi::sampler::{Sampling, SamplingChanges};
use crate::quality::Quality;

/// A model's folder, its config read, its weights not yet.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    folder: PathBuf,
    pub(crate) config: MoshiConfig,
}

impl ModelFiles {
    /// Reads `config.json`, or takes the released 7B where there is none.
    ///
    /// # Errors
    /// [`ModelError::Missing`] for no such folder, [`ModelError::Config`] for a config that makes no sense.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let missing = |hint: &str| ModelError::Missing { path: folder.to_owned(), hint: hint.to_owned() };
        if !folder.exists() {
            return Err(missing("no such folder; give the folder of a downloaded model"));
        }
        if !folder.is_dir() {
            return Err(missing("it is not a folder; give the folder that holds the model's files"));
        }
        let path = folder.join("config.json");
        let config = match std::fs::read(&path) {
            Ok(json) => MoshiConfig::parse(&json, &path)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => MoshiConfig::released(),
            Err(source) => return Err(ModelError::Unreadable { path, source }),
        };
        Ok(Self { folder: folder.to_owned(), config })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How tokens are drawn: as the checkpoint's authors say, but for what somebody wishes, from `seed`.
    pub fn sampling(&self, changes: &SamplingChanges, seed: u64) -> Sampling {
        Sampling::for_checkpoint(&self.config.generation, changes, seed)
    }

    /// The qualities whose weights are in the folder, smallest first, with their files.
    pub fn qualities(&self) -> Vec<(Quality, PathBuf)> {
        let mut found: Vec<(Quality, PathBuf)> = Vec::new();
        for quality in Quality::ALL {
            let named =
                self.config.moshi_name.iter().map(PathBuf::from).filter(|name| Quality::of_file(name) == quality);
            let candidates = named.chain([PathBuf::from(quality.file_name())]).map(|name| self.folder.join(name));
            found.extend(candidates.into_iter().find(|path| path.is_file()).map(|path| (quality, path)));
        }
        found
    }

    /// The weights to load: of the quality asked for, else of the config's, else the smallest in the folder.
    ///
    /// # Errors
    /// [`ModelError::Missing`], naming what the folder does hold.
    pub fn weights(&self, quality: Option<Quality>) -> Result<(Quality, PathBuf), ModelError> {
        let found = self.qualities();
        let configured = self.config.moshi_name.as_ref().map(|name| Quality::of_file(Path::new(name)));
        let choice = match quality {
            Some(quality) => found.iter().find(|(other, _)| *other == quality),
            None => found.iter().find(|(other, _)| Some(*other) == configured).or(found.first()),
        };
        choice.cloned().ok_or_else(|| {
            let name = quality.map_or_else(
                || self.config.moshi_name.clone().unwrap_or_else(|| Quality::Q4.file_name().to_owned()),
                |quality| quality.file_name().to_owned(),
            );
            let others: Vec<_> = found.iter().map(|(quality, _)| quality.name()).collect();
            let hint = if others.is_empty() {
                "this folder holds no weights; give the folder of a downloaded model".to_owned()
            } else {
                format!("this folder holds {}; choose that, or download the other", others.join(" and "))
            };
            ModelError::Missing { path: self.folder.join(name), hint }
        })
    }

    /// The codec's weights.
    pub fn mimi(&self) -> PathBuf {
        self.folder.join(&self.config.mimi_name)
    }

    /// The text tokenizer.
    pub fn tokenizer(&self) -> PathBuf {
        self.folder.join(&self.config.tokenizer_name)
    }

    /// Reads the codec's config.
    pub(crate) fn mimi_config(&self) -> Result<MimiConfig, ModelError> {
        let codebooks = self.config.model.mimi_codebooks();
        let (config, path) = match &self.config.mimi_config_name {
            None => (MimiConfig::default(), self.mimi()),
            Some(name) => {
                let path = self.folder.join(name);
                let json = std::fs::read(&path).map_err(|source| match source.kind() {
                    std::io::ErrorKind::NotFound => ModelError::Missing {
                        path: path.clone(),
                        hint: "config.json names it as mimi_config_name; download the model again".to_owned(),
                    },
                    _ => ModelError::Unreadable { path: path.clone(), source },
                })?;
                (MimiConfig::parse(&json, &path)?, path)
            }
        };
        match config.contradiction(codebooks, self.config.model.audio_cardinality) {
            None => Ok(config),
            Some(message) => Err(ModelError::Config { path, message }),
        }
    }
}
