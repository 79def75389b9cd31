//! What is measured: a whole engine that hears a voice, or the language model alone that is given random codes.

use std::time::Duration;

use moshibar_model::{Generator, GraphOperations, ModelDescription, MoshiEngine, Synchronisation};
use moshibar_session::{Engine as _, Frame, MemoryUse, SessionError, Stage, StageTimes};

use crate::error::CliError;
use crate::loading::{Loaded, Source};
use crate::speech_like::{Dice, SpeechLike};

/// A loaded model and its input.
pub(super) enum Subject {
    Talk { engine: Box<MoshiEngine>, voice: SpeechLike, frame: Box<Frame>, index: u64 },
    Language { generator: Box<Generator>, dice: Dice, codes: Vec<u32> },
}

impl Subject {
    /// Loads what is to be measured. Returns how long that took, too.
    pub(super) fn load(source: &Source<'_>, lm_only: bool) -> Result<(Self, Duration), CliError> {
        if lm_only {
            let Loaded { model, time } = source.generator()?;
            return Ok((Self::Language { generator: Box::new(model), dice: Dice::new(), codes: Vec::new() }, time));
        }
        let Loaded { model, time } = source.engine(Synchronisation::PerFrame)?;
        let mut voice = SpeechLike::new();
        let frame = Box::new(voice.next_frame());
        Ok((Self::Talk { engine: Box::new(model), voice, frame, index: 0 }, time))
    }

    pub(super) fn description(&self) -> &ModelDescription {
        match self {
            Self::Talk { engine, .. } => engine.description(),
            Self::Language { generator, .. } => generator.description(),
        }
    }

    pub(super) fn memory(&self) -> MemoryUse {
        match self {
            Self::Talk { engine, .. } => engine.memory(),
            Self::Language { generator, .. } => generator.memory(),
        }
    }

    pub(super) fn synchronisations(&self) -> u64 {
        match self {
            Self::Talk { engine, .. } => engine.synchronisations(),
            Self::Language { generator, .. } => generator.synchronisations(),
        }
    }

    /// When the host waits, from the next frame on. The language model alone always waits once.
    pub(super) fn wait(&mut self, synchronisation: Synchronisation) {
        if let Self::Talk { engine, .. } = self {
            engine.wait(synchronisation);
        }
    }

    /// Makes the next frame of input, outside of any clock.
    pub(super) fn prepare(&mut self) {
        match self {
            Self::Talk { voice, frame, .. } => **frame = voice.next_frame(),
            Self::Language { generator, dice, codes } => {
                let sides = generator.audio_cardinality() as u32;
                *codes = (0..generator.user_codebooks()).map(|_| dice.below(sides)).collect();
            }
        }
    }

    /// Takes the step that [`prepare`](Self::prepare) made input for.
    ///
    /// # Errors
    /// [`CliError`] of computing.
    pub(super) fn step_prepared(&mut self) -> Result<StageTimes, CliError> {
        match self {
            Self::Talk { engine, frame, index, .. } => {
                let reply = engine.step(frame).map_err(|reason| SessionError::Engine { frame: *index, reason })?;
                *index += 1;
                Ok(reply.stages)
            }
            Self::Language { generator, codes, .. } => {
                let (_, times) = generator.step(codes)?;
                let mut stages = StageTimes::default();
                stages.record(Stage::Build, times.build);
                stages.record(Stage::Evaluate, times.evaluate);
                Ok(stages)
            }
        }
    }

    /// Takes one step that nobody times.
    ///
    /// # Errors
    /// As [`step_prepared`](Self::step_prepared).
    pub(super) fn step(&mut self) -> Result<(), CliError> {
        self.prepare();
        self.step_prepared().map(drop)
    }

    /// Takes one step and counts the operations of its graph.
    ///
    /// # Errors
    /// As [`step_prepared`](Self::step_prepared).
    pub(super) fn count_operations(&mut self) -> Result<GraphOperations, CliError> {
        self.prepare();
        Ok(match self {
            Self::Talk { engine, frame, .. } => engine.count_operations(frame)?,
            Self::Language { generator, codes, .. } => generator.count_operations(codes)?,
        })
    }
}
