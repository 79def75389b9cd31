//! Whether a model's files are what they should be, for `moshibar doctor`: headers and configs only, no weights are read.

use crate::error::ModelError;
use crate::files::ModelFiles;
use crate::header::Header;
use crate::moshi::text::TextPieces;
use crate::quality::Quality;

impl ModelFiles {
    /// Checks the weights of one quality: the header, the size of the file, and that they are packed as declared.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn inspect_weights(&self, quality: Quality) -> Result<(), ModelError> {
        let (quality, path) = self.weights(Some(quality))?;
        quality.verify(&path, &Header::read(&path)?, "text_linear", self.config.model.temporal.width)
    }

    /// Checks the codec: its config, the header of its weights and the size of the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn inspect_mimi(&self) -> Result<(), ModelError> {
        self.mimi_config()?;
        Header::read(&self.mimi())?;
        Ok(())
    }

    /// Reads the tokenizer, and checks that the model can speak all of its pieces. Returns how many there are.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn inspect_tokenizer(&self) -> Result<usize, ModelError> {
        Ok(self.text_pieces()?.len())
    }

    /// Reads the tokenizer.
    pub(crate) fn text_pieces(&self) -> Result<TextPieces, ModelError> {
        let model = &self.config.model;
        let pieces = TextPieces::load(&self.tokenizer(), model.text_padding, model.text_end_padding)?;
        if pieces.len() > model.text_cardinality {
            return Err(ModelError::Config {
                path: self.folder().join("config.json"),
                message: format!(
                    "the tokenizer has {} pieces, but the model speaks only {} (text_card)",
                    pieces.len(),
                    model.text_cardinality
                ),
            });
        }
        Ok(pieces)
    }
}
