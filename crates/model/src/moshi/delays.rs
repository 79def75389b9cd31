//! Delays between the streams: what the model reads in each step, and which frame of speech is complete.
//!
//! Acoustic codebooks lag the semantic one, for both speakers. As in PyTorch's `LMGen._step`, a user code without delay is
//! read in the step that receives it; moshi_mlx reads it one frame, 80 ms, later. History is a ring of `max_delay + 2`
//! columns, so a talk has no end.
//!
//! Pure arithmetic on token ids, no MLX. Source: `LMGen._step` in `moshi/models/lm.py`, moshi 0.2.13.

/// Where a token of this step comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Known before the step.
    Known(i32),
    /// The user's code of this very frame, by codebook.
    UserNow(usize),
}

/// Token history of one talk: text, Moshi's codebooks, the user's codebooks.
#[derive(Debug, Clone)]
pub(crate) struct Delays {
    /// **Units** frames, by stream.
    by_stream: Vec<usize>,
    /// Streams that the model generates: text and Moshi's codebooks.
    generated: usize,
    /// What each stream reads before its first own token.
    initial: Vec<i32>,
    /// **Shapes** `[columns][streams]`.
    columns: Vec<Vec<i32>>,
    offset: u64,
}

impl Delays {
    /// **Units** `delays`: frames, the text's first; `generated` counts text and Moshi's codebooks.
    pub(crate) fn new(delays: &[usize], generated: usize, text_initial: i32, audio_initial: i32) -> Self {
        let columns = delays.iter().copied().max().unwrap_or(0) + 2;
        let mut initial = vec![audio_initial; delays.len()];
        if let Some(text) = initial.first_mut() {
            *text = text_initial;
        }
        Self { by_stream: delays.to_vec(), generated, columns: vec![initial.clone(); columns], initial, offset: 0 }
    }

    /// Steps taken.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// What every stream reads in the coming step.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = Source> + '_ {
        self.by_stream.iter().zip(&self.initial).enumerate().map(|(stream, (delay, initial))| {
            if self.offset <= *delay as u64 {
                Source::Known(*initial)
            } else if *delay == 0 && stream >= self.generated {
                Source::UserNow(stream - self.generated)
            } else {
                Source::Known(self.at(stream, self.offset))
            }
        })
    }

    /// Whether the coming step completes a frame of speech.
    pub(crate) fn completes_frame(&self) -> bool {
        self.offset + 1 > self.max_delay() as u64
    }

    /// For each of Moshi's codebooks, the code of the frame that the coming step completes: `None` where the step itself
    /// samples it. Meaningful only when [`completes_frame`](Self::completes_frame).
    pub(crate) fn frame_before_step(&self) -> impl Iterator<Item = Option<i32>> + '_ {
        let max_delay = self.max_delay();
        self.by_stream.iter().enumerate().take(self.generated).skip(1).map(move |(stream, delay)| {
            (*delay < max_delay)
                .then(|| self.at(stream, (self.offset + 1 + *delay as u64).saturating_sub(max_delay as u64)))
        })
    }

    /// Ends the step: notes what the user said in it and what the model sampled.
    ///
    /// **Shapes** `user`: the user's codebooks; `sampled`: text, then Moshi's codebooks. Returns text and Moshi's codes of
    /// the frame that is now complete.
    pub(crate) fn advance(&mut self, user: &[i32], sampled: &[i32]) -> Option<Vec<i32>> {
        for (codebook, code) in user.iter().enumerate() {
            let stream = self.generated + codebook;
            let delay = self.by_stream.get(stream).copied().unwrap_or(0) as u64;
            self.set(stream, self.offset + delay, *code);
        }
        self.offset += 1;
        for (stream, token) in sampled.iter().enumerate() {
            self.set(stream, self.offset, *token);
        }
        let max_delay = self.max_delay() as u64;
        if self.offset <= max_delay {
            return None;
        }
        let frame = self.by_stream.iter().enumerate().take(self.generated);
        Some(frame.map(|(stream, delay)| self.at(stream, self.offset - max_delay + *delay as u64)).collect())
    }

    /// Forgets the talk.
    pub(crate) fn reset(&mut self) {
        let Self { by_stream: _, generated: _, initial, columns, offset } = self;
        for column in columns {
            column.clone_from(initial);
        }
        *offset = 0;
    }

    fn max_delay(&self) -> usize {
        self.columns.len() - 2
    }

    fn at(&self, stream: usize, position: u64) -> i32 {
        let column = (position % self.columns.len() as u64) as usize;
        self.columns.get(column).and_then(|tokens| tokens.get(stream)).copied().unwrap_or_default()
    }

    fn set(&mut self, stream: usize, position: u64, token: i32) {
        let column = (position % self.columns.len() as u64) as usize;
        if let Some(slot) = self.columns.get_mut(column).and_then(|tokens| tokens.get_mut(stream)) {
            *slot = token;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASED: [usize; 5] = [0, 0, 1, 0, 1];

    /// Text, two codebooks of Moshi, two of the user.
    fn released() -> Delays {
        Delays::new(&RELEASED, 3, 100, 200)
    }

    #[test]
    fn first_step_reads_only_start_tokens() {
        let inputs: Vec<_> = released().inputs().collect();
        assert_eq!(inputs, [100, 200, 200, 200, 200].map(Source::Known));
    }

    #[test]
    fn user_code_without_delay_is_read_in_its_own_step() {
        let mut delays = released();
        delays.advance(&[10, 11], &[1, 2, 3]);
        let inputs: Vec<_> = delays.inputs().collect();
        assert_eq!(inputs.get(3), Some(&Source::UserNow(0)));
        // The delayed codebook of the very first frame is never read (PyTorch's `is_init`).
        assert_eq!(inputs.get(4), Some(&Source::Known(200)));
        delays.advance(&[20, 21], &[4, 5, 6]);
        let inputs: Vec<_> = delays.inputs().collect();
        assert_eq!(inputs.get(4), Some(&Source::Known(21)));
        assert_eq!(inputs.first(), Some(&Source::Known(4)));
    }

    #[test]
    fn frame_is_complete_after_the_longest_delay() {
        let mut delays = released();
        assert!(!delays.completes_frame());
        assert_eq!(delays.advance(&[0, 0], &[1, 2, 3]), None);
        assert!(delays.completes_frame());
        assert_eq!(delays.frame_before_step().collect::<Vec<_>>(), [Some(2), None]);
        assert_eq!(delays.advance(&[0, 0], &[4, 5, 6]), Some(vec![1, 2, 6]));
    }

    #[test]
    fn history_never_grows_and_never_ends() {
        let mut delays = released();
        for step in 0..100_000 {
            delays.advance(&[step, step + 1], &[step, step, step]);
        }
        assert_eq!(delays.columns.len(), 3);
        assert_eq!(delays.advance(&[0, 0], &[7, 7, 7]), Some(vec![99_999, 99_999, 7]));
    }

    #[test]
    fn reset_starts_anew() {
        let mut delays = released();
        delays.advance(&[10, 11], &[1, 2, 3]);
        delays.reset();
        assert_eq!(delays.inputs().collect::<Vec<_>>(), released().inputs().collect::<Vec<_>>());
        assert_eq!(delays.offset(), 0);
    }
}
