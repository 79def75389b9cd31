//! The engine of a talk: Mimi hears, Moshi answers, Mimi speaks, as one graph with one synchronisation per frame.

use std::time::Instant;

use mlx_rs::{Array, transforms};
use moshibar_session::{Engine, EngineError, Frame, FrameReply, MemoryUse, Stage, StageTimes};

use crate::codec::{read_frame, read_tokens};
use crate::error::ModelError;
use crate::ffi;
use crate::files::ModelFiles;
use crate::graph::GraphOperations;
use crate::loading::{LoadOptions, LoadProgress, Loader};
use crate::mimi::Mimi;
use crate::moshi::sampler::Sampling;
use crate::moshi::text::TextPieces;
use crate::moshi::{Moshi, UserCodes};
use crate::quality::Quality;
use crate::runtime::{self, DeviceKind, Runtime};

/// When the host waits for the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronisation {
    /// Once per frame: how a talk runs.
    #[default]
    PerFrame,
    /// After each stage, so that each can be timed: slower, same results.
    PerStage,
}

/// Moshi with its ears and mouth. Belongs to the thread that loaded it.
#[derive(Debug)]
pub struct MoshiEngine {
    runtime: Runtime,
    mimi: Mimi,
    moshi: Moshi,
    pieces: TextPieces,
    synchronisation: Synchronisation,
    description: ModelDescription,
    synchronisations: u64,
}

/// What was loaded.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ModelDescription {
    /// Which weights.
    pub quality: Quality,
    /// What computes.
    pub device: DeviceKind,
    /// Bytes of weights, the codec's included, as they are in the files.
    pub weight_bytes: u64,
    /// Bytes of the KV rings, the codec's included.
    pub ring_bytes: usize,
    /// Steps that Moshi remembers.
    pub context: usize,
    /// How tokens are drawn.
    pub sampling: Sampling,
}

/// A frame's graph, built but not computed.
struct Pending {
    tokens: Array,
    codes: Array,
    pcm: Option<Array>,
}

impl MoshiEngine {
    /// Loads a whole model.
    ///
    /// # Errors
    /// Any [`ModelError`] of reading its configs, weights and tokenizer.
    pub fn load(
        files: &ModelFiles,
        options: &LoadOptions,
        synchronisation: Synchronisation,
        on_progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, ModelError> {
        let pieces = files.text_pieces()?;
        let runtime = Runtime::open(options.device)?;
        let mut loader = Loader::new(files, options, on_progress);
        loader.expect(&files.mimi())?;
        loader.expect(&files.weights(options.quality)?.1)?;
        let mimi = loader.mimi(&runtime)?;
        let form = files.matrix_form(options.quality, runtime.device())?;
        let (moshi, quality) = loader.moshi(&runtime, form)?;
        let description = ModelDescription {
            quality,
            device: runtime.device(),
            weight_bytes: loader.progress.done_bytes,
            ring_bytes: mimi.ring_bytes() + moshi.ring_bytes(),
            context: moshi.sizes().context,
            sampling: loader.sampling(),
        };
        runtime.fit_memory(runtime::memory_use().active_bytes.max(description.weight_bytes as usize))?;
        Ok(Self { runtime, mimi, moshi, pieces, synchronisation, description, synchronisations: 0 })
    }

    /// What was loaded.
    pub fn description(&self) -> &ModelDescription {
        &self.description
    }

    /// Waits for the device as told, from the next frame on.
    pub fn wait(&mut self, synchronisation: Synchronisation) {
        self.synchronisation = synchronisation;
    }

    /// How often the host waited for the device so far.
    pub fn synchronisations(&self) -> u64 {
        self.synchronisations
    }

    /// Takes one step like [`Engine::step`], and counts the operations of its graph.
    ///
    /// # Errors
    /// As [`Engine::step`].
    pub fn count_operations(&mut self, user: &Frame) -> Result<GraphOperations, ModelError> {
        let pending = self.build(user, &mut None)?;
        let outputs: Vec<_> = [&pending.tokens, &pending.codes].into_iter().chain(&pending.pcm).collect();
        let operations = GraphOperations::of(&outputs)?;
        self.finish(&pending)?;
        Ok(operations)
    }

    fn try_step(&mut self, user: &Frame) -> Result<FrameReply, ModelError> {
        let mut stages = StageTimes::default();
        let started = Instant::now();
        let per_stage = self.synchronisation == Synchronisation::PerStage;
        let pending = self.build(user, &mut per_stage.then_some((&mut stages, started)))?;
        if !per_stage {
            stages.record(Stage::Build, started.elapsed());
        }
        let waited = Instant::now();
        let (text, speech) = self.finish(&pending)?;
        if !per_stage {
            stages.record(Stage::Evaluate, waited.elapsed());
        }
        Ok(FrameReply { speech, text, stages })
    }

    /// Builds the frame's graph; with `watch`, computes and times it stage by stage.
    fn build(&mut self, user: &Frame, watch: &mut Option<(&mut StageTimes, Instant)>) -> Result<Pending, ModelError> {
        let Self { runtime, mimi, moshi, synchronisations, .. } = self;
        let mut stage_done = |stage: Stage, output: &Array| -> Result<(), ModelError> {
            if let Some((stages, since)) = watch {
                transforms::eval([output])?;
                *synchronisations += 1;
                stages.record(stage, since.elapsed());
                *since = Instant::now();
            }
            Ok(())
        };
        runtime.run(|| {
            let codes = mimi.encode(user)?;
            if moshi.delays().offset() == 0 {
                // To the model the first frame lies in the past: its codes are never read. The encoder starts anew, so that
                // the next frame carries the padding that a first one has, as PyTorch's server does it.
                mimi.reset_encoder();
            }
            stage_done(Stage::Encode, &codes)?;
            let completes = moshi.delays().completes_frame();
            let known: Vec<_> = moshi.delays().frame_before_step().collect();
            let tokens = moshi.step(&UserCodes::Pending(&codes))?;
            stage_done(Stage::Step, &tokens)?;
            let pcm = if completes { Some(mimi.decode(&frame_codes(&known, &tokens)?)?) } else { None };
            if let Some(pcm) = &pcm {
                stage_done(Stage::Decode, pcm)?;
            }
            Ok(Pending { tokens, codes, pcm })
        })
    }

    /// Waits for the frame and reads it.
    fn finish(&mut self, pending: &Pending) -> Result<(Option<String>, Option<Box<Frame>>), ModelError> {
        let Pending { tokens, codes, pcm } = pending;
        if self.synchronisation == Synchronisation::PerFrame {
            transforms::eval([tokens, codes].into_iter().chain(pcm))?;
            self.synchronisations += 1;
        }
        let user = read_tokens(codes)?;
        let user = user.get(..self.moshi.sizes().user_codebooks).unwrap_or(user);
        let frame = self.moshi.advance(user, read_tokens(tokens)?);
        let text = frame.as_deref().and_then(<[i32]>::first).and_then(|token| self.pieces.piece(*token));
        let speech = pcm.as_ref().map(read_frame).transpose()?;
        Ok((text.map(str::to_owned), speech))
    }
}

impl Engine for MoshiEngine {
    fn step(&mut self, user: &Frame) -> Result<FrameReply, EngineError> {
        Ok(self.try_step(user)?)
    }

    fn reset(&mut self) -> Result<(), EngineError> {
        self.mimi.reset();
        self.moshi.reset();
        Ok(())
    }

    fn save_memory(&mut self) -> Result<(), EngineError> {
        Ok(runtime::clear_cache()?)
    }

    fn memory(&self) -> MemoryUse {
        runtime::memory_use()
    }
}

/// The codes of the frame that this step completes: older ones from the host, the step's own from the graph.
///
/// **Shapes** `known`: `[moshi_codebooks]`; `tokens`: i32 `[1 + moshi_codebooks]`. Returns i32 `[moshi_codebooks]`.
fn frame_codes(known: &[Option<i32>], tokens: &Array) -> Result<Array, ModelError> {
    let mut parts = Vec::new();
    let mut index = 0;
    for run in known.chunk_by(|left, right| left.is_some() == right.is_some()) {
        let end = index + run.len();
        let values: Vec<i32> = run.iter().copied().flatten().collect();
        parts.push(if values.is_empty() {
            ffi::slice(tokens, [index as i32 + 1], [end as i32 + 1])?
        } else {
            Array::from_slice(&values, &[values.len() as i32])
        });
        index = end;
    }
    Ok(mlx_rs::ops::concatenate(&parts, 0)?)
}
