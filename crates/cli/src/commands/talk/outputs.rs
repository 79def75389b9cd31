//! The files of a talk: opened before it begins, named when all of it is said.

use std::path::Path;

use moshibar_audio::{AtomicFile, AudioError, Channels, FinishedWav, SampleFormat, WavWriter};
use moshibar_session::{FrameDone, Speaker, Trace, Transcript};

use crate::args::{TalkArgs, TranscriptFormat};
use crate::commands::check_distinct;
use crate::error::CliError;

/// What is being written.
pub(super) struct Outputs {
    reply: WavWriter,
    transcript_file: Option<(AtomicFile, TranscriptFormat)>,
    trace_file: Option<AtomicFile>,
    transcript: Transcript,
    trace: Trace,
}

impl Outputs {
    /// Opens all files under temporary names.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if two have the same name,
    /// [`ErrorKind::Output`](crate::error::ErrorKind::Output) if one cannot be written.
    pub(super) fn create(args: &TalkArgs, frames: usize) -> Result<Self, CliError> {
        let TalkArgs { input, output, transcript, trace, .. } = args;
        let transcript_path = transcript.as_ref().map(|file| file.path.as_path());
        let paths: Vec<&Path> =
            [Some(output.as_path()), transcript_path, trace.as_deref()].into_iter().flatten().collect();
        check_distinct(input, &paths)?;
        let channels = if args.stereo { Channels::UserAndMoshi } else { Channels::Moshi };
        let format = if args.float { SampleFormat::Float32 } else { SampleFormat::Int16 };
        let reply = WavWriter::create(output, channels, format)?;
        let transcript_file = match transcript {
            Some(file) => Some((AtomicFile::create(&file.path)?, file.format)),
            None => None,
        };
        let trace_file = trace.as_ref().map(AtomicFile::create).transpose()?;
        let trace = Trace::new(if trace_file.is_some() { frames } else { 0 });
        Ok(Self { reply, transcript_file, trace_file, transcript: Transcript::default(), trace })
    }

    /// Takes one frame.
    ///
    /// # Errors
    /// [`ErrorKind::Output`](crate::error::ErrorKind::Output).
    pub(super) fn take(&mut self, done: &FrameDone<'_>) -> Result<(), CliError> {
        self.reply.write(done.user, done.moshi)?;
        if let Some(piece) = done.text {
            self.transcript.push(Speaker::Moshi, done.index, piece);
        }
        if self.trace_file.is_some() {
            self.trace.push(done);
        }
        Ok(())
    }

    /// What was said so far.
    pub(super) fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Completes all files. The reply comes last: where it is, the others are.
    ///
    /// # Errors
    /// [`ErrorKind::Output`](crate::error::ErrorKind::Output).
    pub(super) fn finish(self) -> Result<FinishedWav, CliError> {
        let Self { reply, transcript_file, trace_file, transcript, trace } = self;
        if let Some((file, format)) = transcript_file {
            write(file, |file| match format {
                TranscriptFormat::Markdown => transcript.write_markdown(file),
                TranscriptFormat::Srt => transcript.write_srt(file),
                TranscriptFormat::Json => transcript.write_json(file),
            })?;
        }
        if let Some(file) = trace_file {
            write(file, |file| trace.write_json(file))?;
        }
        Ok(reply.finish()?)
    }
}

fn write(mut file: AtomicFile, content: impl FnOnce(&mut AtomicFile) -> std::io::Result<()>) -> Result<(), CliError> {
    content(&mut file).map_err(|reason| AudioError::writing(file.path(), reason))?;
    Ok(file.commit()?)
}
