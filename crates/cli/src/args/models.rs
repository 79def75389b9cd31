//! What can be typed behind `moshibar models`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use moshibar_model::Quality;
use moshibar_store::{Network, Store, StoreOptions, TokenPolicy};

use super::Device;
use crate::error::CliError;

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Show all models: what is here, what the others are, and how each suits this machine
    List,
    /// Get a model: what is here is verified, only what is missing is fetched
    Pull(PullArgs),
    /// Hash a model's files again, whatever is known of them
    Verify {
        /// The model [default: all of the library]
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Delete a model, and those of its files that no other model has
    Remove {
        /// The model
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Take a model from a folder of files, a Hugging Face snapshot, or another machine's library
    Import(ImportArgs),
    /// Move the library of models to another folder or volume
    Move {
        /// Where it goes: a new or empty folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Tell how the qualities suit this machine: by arithmetic, or of a model that is here by running it
    Check(CheckArgs),
    /// Print the library's folder, or a model's
    Path {
        /// The model
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PullArgs {
    /// A name that `moshibar models list` shows, or hf:OWNER/NAME[@REVISION] [default: moshiko-q4]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Which weights, of a repository that has several: q4, q8 or bf16 [default: as its config says, else the smallest]
    #[arg(long, value_name = "QUALITY")]
    pub(crate) quality: Option<Quality>,
    /// Ask the hub again what the model consists of, and take what is new
    #[arg(long)]
    pub(crate) renew: bool,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ImportArgs {
    /// The folder, which stays as it is
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Which model it is [default: as its files tell]
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    /// A model that is here, by name or folder: it is loaded and runs [default: arithmetic for all qualities]
    #[arg(value_name = "NAME|DIR")]
    pub(crate) name: Option<String>,
    /// How long it runs
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds, requires = "name")]
    pub(crate) seconds: Duration,
    /// Precision of the weights, of a folder that has several
    #[arg(long, value_name = "QUALITY", requires = "name")]
    pub(crate) quality: Option<Quality>,
    /// What computes
    #[arg(long, value_enum, default_value_t = Device::Auto, requires = "name")]
    pub(crate) device: Device,
}

/// Whom to ask for models.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Where models come from")]
pub(crate) struct HubArgs {
    #[allow(rustdoc::bare_urls)] // it is the text of --help
    /// A mirror of the Hugging Face Hub [default: $HF_ENDPOINT, else https://huggingface.co]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Make no request; what is here must do
    #[arg(long)]
    pub(crate) offline: bool,
    /// Send your Hugging Face token to an endpoint that is not the hub's own, too
    #[arg(long)]
    pub(crate) send_token: bool,
}

impl HubArgs {
    /// The library of models, filled from there.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub(crate) fn store(&self) -> Result<Store, CliError> {
        Ok(Store::open(StoreOptions {
            endpoint: self.endpoint.clone(),
            network: if self.offline { Network::Offline } else { Network::Online },
            token: if self.send_token { TokenPolicy::AnyEndpoint } else { TokenPolicy::HubOnly },
            ..StoreOptions::default()
        })?)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Result<f64, _> = text.parse();
    match seconds {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("it must be a number of seconds from 0.1 to 3600".to_owned()),
    }
}
