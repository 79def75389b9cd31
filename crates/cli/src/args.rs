//! What can be typed. The words behind `--help` are the doc comments here.

#![allow(rustdoc::broken_intra_doc_links, reason = "the brackets in --help are shapes and arguments, not links")]

mod models;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use moshibar_audio::EchoMode;
use moshibar_model::{DeviceChoice, Quality};

use crate::sampling::SamplingArgs;

pub(crate) use models::{CheckArgs, HubArgs, ImportArgs, ModelsCommand, PullArgs};

/// Talk with Moshi, Kyutai's full-duplex speech model, on this machine
#[derive(Debug, Parser)]
#[command(name = "moshibar", version, arg_required_else_help = true, subcommand_required = true)]
#[command(after_help = "\
Examples:
  moshibar live                                        talk with Moshi; Ctrl-C ends it
  moshibar talk question.wav -o answer.wav             Moshi hears a recording and answers
  moshibar talk question.wav -o both.wav --stereo --transcript both.srt
  moshibar encode speech.wav codes.safetensors         speech to Mimi's codes, and back:
  moshibar decode codes.safetensors speech.wav
  moshibar models pull                                 get the real Moshi; `moshibar live --model moshiko-q4` talks with it
  moshibar bench --all                                 how fast every model on disk is
  moshibar devices                                     microphones and speakers
  moshibar doctor                                      what this machine has, and what is wrong

Exit codes: 0 done, 1 failed on the way, 2 the command line or a file it names cannot be used, 130 interrupted.")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print one JSON object instead of text; errors too: {"error":{"code","message"}}
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress and no captions, only the result
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Talk with Moshi through the microphone and the speaker
    Live(LiveArgs),
    /// Let Moshi hear a WAV file and write what it answers
    Talk(TalkArgs),
    /// Turn speech into Mimi's codes
    Encode(EncodeArgs),
    /// Turn Mimi's codes into speech
    Decode(DecodeArgs),
    /// Give the user's codes to the language model and write the tokens that it generates
    Generate(GenerateArgs),
    /// Measure how fast a model runs here
    Bench(BenchArgs),
    /// Get models, verify and remove them, and learn which suit this machine
    #[command(subcommand)]
    Models(ModelsCommand),
    /// List microphones and speakers
    Devices,
    /// Check this machine and the model's files
    Doctor(DoctorArgs),
}

/// Which model, and where it runs.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Which model, and where it runs")]
pub(crate) struct ModelArgs {
    /// A model's folder, or a name: `nano`, the small demo model that comes with the program; one that `moshibar models list`
    /// shows; or hf:OWNER/NAME[@REVISION]
    #[arg(long, value_name = "NAME|DIR", default_value = "nano")]
    pub(crate) model: String,
    /// What computes
    #[arg(long, value_enum, default_value_t = Device::Auto)]
    pub(crate) device: Device,
}

/// The precision of the weights.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Which model, and where it runs")]
pub(crate) struct QualityArgs {
    /// Precision of the weights: q4, q8 or bf16 [default: as the model's config says, else the smallest on disk]
    #[arg(long, value_name = "QUALITY")]
    pub(crate) quality: Option<Quality>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Device {
    /// The GPU where there is one, else the CPU
    Auto,
    /// The CPU: right, but far from real time with a full-size model
    Cpu,
    /// The GPU, or an error
    Gpu,
}

impl From<Device> for DeviceChoice {
    fn from(device: Device) -> Self {
        match device {
            Device::Auto => Self::Auto,
            Device::Cpu => Self::Cpu,
            Device::Gpu => Self::Gpu,
        }
    }
}

#[derive(Debug, ClapArgs)]
#[allow(clippy::struct_excessive_bools)] // Flags of a command line.
pub(crate) struct LiveArgs {
    /// The microphone, by name or id as `moshibar devices` shows them [default: the system's, also when that changes]
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) input_device: Option<String>,
    /// The speaker, by name or id [default: the system's, also when that changes]
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) output_device: Option<String>,
    /// Whether Moshi's voice is taken out of what the microphone hears
    #[arg(long, value_enum, default_value_t = Echo::Auto)]
    pub(crate) echo: Echo,
    /// Take steady noise out of the microphone as well
    #[arg(long)]
    pub(crate) noise_suppression: bool,
    /// Start with the microphone muted
    #[arg(long)]
    pub(crate) muted: bool,
    /// Hear the user only while the talk key (space) is on
    #[arg(long)]
    pub(crate) push_to_talk: bool,
    /// Record the talk into a new folder inside DIR: both voices, transcript, settings
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    /// Write a timeline of the last ten minutes for ui.perfetto.dev
    #[arg(long, value_name = "FILE.json")]
    pub(crate) trace: Option<PathBuf>,
    /// End the talk after so long
    #[arg(long = "for", value_name = "SECONDS", value_parser = tail)]
    pub(crate) seconds: Option<Duration>,
    /// No model: play back what the microphone hears, to try devices and measure latency
    #[arg(long, conflicts_with_all = ["model", "quality"])]
    pub(crate) loopback: bool,
    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) quality: QualityArgs,
}

/// When the echo is cancelled.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Echo {
    /// Unless the speaker is headphones
    Auto,
    /// Always
    On,
    /// Never
    Off,
}

impl From<Echo> for EchoMode {
    fn from(echo: Echo) -> Self {
        match echo {
            Echo::Auto => Self::Auto,
            Echo::On => Self::On,
            Echo::Off => Self::Off,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TalkArgs {
    /// What the user says: a WAV file of 8 to 192 kHz, any number of channels
    #[arg(value_name = "IN.wav")]
    pub(crate) input: PathBuf,
    /// Where Moshi's answer goes, as long as the input and its tail
    #[arg(short, long, value_name = "OUT.wav")]
    pub(crate) output: PathBuf,
    /// Silence after the input, in which Moshi can finish its answer
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = tail)]
    pub(crate) tail: Duration,
    /// Write both voices: the user on the left, Moshi on the right
    #[arg(long)]
    pub(crate) stereo: bool,
    /// Write 32-bit floating point instead of 16-bit integers
    #[arg(long)]
    pub(crate) float: bool,
    /// Write what was said and when; the ending chooses the format
    #[arg(long, value_name = "FILE.md|.srt|.json", value_parser = transcript)]
    pub(crate) transcript: Option<TranscriptFile>,
    /// Write a timeline for ui.perfetto.dev with a span per stage; slows the talk down, its words stay the same
    #[arg(long, value_name = "FILE.json")]
    pub(crate) trace: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) quality: QualityArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct EncodeArgs {
    /// Speech: a WAV file of 8 to 192 kHz, any number of channels
    #[arg(value_name = "IN.wav")]
    pub(crate) input: PathBuf,
    /// Where the codes go: one tensor `codes`, u32, [num_codebooks, frames]
    #[arg(value_name = "CODES.safetensors")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DecodeArgs {
    /// Codes as `moshibar encode` writes them; the first codebooks are enough
    #[arg(value_name = "CODES.safetensors")]
    pub(crate) input: PathBuf,
    /// Where the speech goes: 24 kHz, mono
    #[arg(value_name = "OUT.wav")]
    pub(crate) output: PathBuf,
    /// Write 32-bit floating point instead of 16-bit integers
    #[arg(long)]
    pub(crate) float: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GenerateArgs {
    /// The user's codes, as `moshibar encode` writes them: one step per column
    #[arg(value_name = "USER_CODES.safetensors")]
    pub(crate) input: PathBuf,
    /// Where the tokens go: `text` i32 [frames] and `audio` i32 [codebooks, frames], -1 while the acoustic delay fills
    #[arg(value_name = "OUT.safetensors")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) quality: QualityArgs,
}

#[derive(Debug, Clone, ClapArgs)]
#[allow(clippy::struct_excessive_bools)] // Flags of a command line.
pub(crate) struct BenchArgs {
    /// Frames to measure
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) frames: u64,
    /// Frames before that, which are not counted
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    pub(crate) warmup: u64,
    /// Give a frame every 80 ms, as a microphone does, and count the answers that come too late
    #[arg(long, conflicts_with = "lm_only")]
    pub(crate) paced: bool,
    /// Steps that Moshi remembers, at most the model's own [default: the model's own]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) context: Option<usize>,
    /// Only the language model, without the codec
    #[arg(long, conflicts_with = "all")]
    pub(crate) lm_only: bool,
    /// Always take the likeliest word and sound
    #[arg(long)]
    pub(crate) greedy: bool,
    /// Every quality in the model's folder, side by side
    #[arg(long, conflicts_with = "quality")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) quality: QualityArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

/// A transcript to be written.
#[derive(Debug, Clone)]
pub(crate) struct TranscriptFile {
    pub(crate) path: PathBuf,
    pub(crate) format: TranscriptFormat,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum TranscriptFormat {
    Markdown,
    Srt,
    Json,
}

fn transcript(text: &str) -> Result<TranscriptFile, String> {
    let path = PathBuf::from(text);
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let format = match extension.as_deref() {
        Some("md") => TranscriptFormat::Markdown,
        Some("srt") => TranscriptFormat::Srt,
        Some("json") => TranscriptFormat::Json,
        _ => return Err("its name must end with .md, .srt or .json".to_owned()),
    };
    Ok(TranscriptFile { path, format })
}

fn tail(text: &str) -> Result<Duration, String> {
    let seconds: Result<f64, _> = text.parse();
    match seconds {
        Ok(seconds) if (0.0..=3_600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("it must be a number of seconds from 0 to 3600".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(value) if value > 0 => Ok(value),
        _ => Err("it must be a whole number from 1".to_owned()),
    }
}
