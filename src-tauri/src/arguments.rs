//! Arguments of commands. What a window sends is data from outside: what does not fit is refused as every other mistake is,
//! with a code and a sentence, where Tauri's own refusal is a bare string.

use std::ops::Deref;

use serde::de::DeserializeOwned;
use tauri::Runtime;
use tauri::ipc::{CommandArg, CommandItem, InvokeError};

use crate::error::AppError;

/// One argument.
pub(crate) struct Arg<T>(pub(crate) T);

impl<T> Deref for Arg<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: DeserializeOwned, R: Runtime> CommandArg<'de, R> for Arg<T> {
    fn from_command(command: CommandItem<'de, R>) -> Result<Self, InvokeError> {
        let (name, key) = (command.name, command.key);
        let value = <serde_json::Value as CommandArg<'de, R>>::from_command(command)
            .map_err(|_missing| refused(name, key, "it is missing"))?;
        serde_json::from_value(value).map(Self).map_err(|error| refused(name, key, &error.to_string()))
    }
}

fn refused(command: &str, key: &str, why: &str) -> InvokeError {
    let message = format!("{command} cannot be done: its argument {key} is not what it takes ({why})");
    InvokeError::from(AppError::new("bad_argument", message))
}
