//! From text tokens to text: SentencePiece pieces, looked up by number.

use std::path::Path;

use crate::error::ModelError;

use super::sentencepiece;

/// The pieces of a SentencePiece model.
#[derive(Debug)]
pub(crate) struct TextPieces {
    pieces: Vec<String>,
    silent: [u32; 2],
}

impl TextPieces {
    /// Reads a `.model` file. `padding` and `end_padding` are the tokens that say nothing.
    ///
    /// # Errors
    /// [`ModelError::Missing`], [`ModelError::Unreadable`], [`ModelError::Tokenizer`].
    pub(crate) fn load(path: &Path, padding: u32, end_padding: u32) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ModelError::Missing {
                path: path.to_owned(),
                hint: "check the model's folder, or download the model again".to_owned(),
            },
            _ => ModelError::Unreadable { path: path.to_owned(), source },
        })?;
        Self::parse(&bytes, path, padding, end_padding)
    }

    /// Reads the bytes of the `.model` file at `path`.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`].
    pub(crate) fn parse(bytes: &[u8], path: &Path, padding: u32, end_padding: u32) -> Result<Self, ModelError> {
        let damaged = |message: String| ModelError::Tokenizer { path: path.to_owned(), message };
        let pieces = sentencepiece::pieces(bytes).map_err(|error| damaged(error.to_string()))?;
        let pieces: Vec<_> = pieces.into_iter().map(|piece| piece.replace('▁', " ")).collect();
        if pieces.is_empty() {
            return Err(damaged("it holds no pieces".to_owned()));
        }
        Ok(Self { pieces, silent: [padding, end_padding] })
    }

    /// The text of a token; `None` for padding and for tokens that the model does not know.
    pub(crate) fn piece(&self, token: i32) -> Option<&str> {
        let token = u32::try_from(token).ok()?;
        if self.silent.contains(&token) {
            return None;
        }
        self.pieces.get(token as usize).map(String::as_str)
    }

    /// How many pieces there are.
    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }
}
