//! Captions while people talk: each word as soon as it is complete, and where a new caption begins.
//!
//! A word is complete when the next begins, or 400 ms after its last piece. What comes later still goes on with it: shown
//! words joined as [`Join`] says are the [`Transcript`](crate::Transcript)'s, always. Called once per frame.

use std::time::Duration;

use crate::transcript::{Caption, Speaker, Word, time_of};

/// A word with no new piece for so long is taken for complete. Moshi's pieces of one word come in frames side by side,
/// or a few apart.
const SETTLING: Duration = Duration::from_millis(400);

/// How a word goes on from what was shown of its speaker before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// It begins a caption.
    NewCaption,
    /// It follows the words before it, after a space.
    Space,
    /// It is the rest of a word that seemed complete: no space.
    Nothing,
}

/// A word to be shown now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveWord {
    /// The word.
    pub word: Word,
    /// What comes before it.
    pub join: Join,
}

/// Words of a talk that goes on.
///
/// **State** a word of each speaker at most, and how long the caption is; does not grow with the talk.
#[derive(Debug, Default)]
pub struct LiveCaptions {
    user: Voice,
    moshi: Voice,
}

impl LiveCaptions {
    /// Takes what a speaker said in frame `frame_index`, `None` where that is nothing, and returns the words that are
    /// complete now. To be called with every frame, because time completes words too.
    ///
    /// **State** a speaker's frames must come in order; several pieces of one frame are fine.
    pub fn push(&mut self, speaker: Speaker, frame_index: u64, piece: Option<&str>) -> Vec<LiveWord> {
        let voice = match speaker {
            Speaker::User => &mut self.user,
            Speaker::Moshi => &mut self.moshi,
        };
        let mut complete = Vec::new();
        let start = time_of(frame_index);
        let end = time_of(frame_index + 1);
        for (part_index, part) in piece.unwrap_or_default().split(char::is_whitespace).enumerate() {
            if part_index > 0 {
                complete.extend(voice.complete());
                voice.is_within_word = false;
            }
            if !part.is_empty() {
                voice.take(speaker, part, start, end);
            }
        }
        if voice.word.as_ref().is_some_and(|word| end.saturating_sub(word.end) >= SETTLING) {
            complete.extend(voice.complete());
        }
        complete
    }

    /// Returns the words that are not shown yet: the talk is over.
    pub fn finish(&mut self) -> Vec<LiveWord> {
        let mut rest: Vec<LiveWord> =
            [&mut self.user, &mut self.moshi].into_iter().filter_map(Voice::complete).collect();
        rest.sort_by_key(|shown| shown.word.start);
        rest
    }
}

/// One speaker's.
#[derive(Debug, Default)]
struct Voice {
    /// The word that is being said, or the part of it that is not shown yet.
    word: Option<Word>,
    /// Whether the next piece without a space goes on with the last word, shown or not.
    is_within_word: bool,
    /// Whether the beginning of the word is shown already.
    is_rest: bool,
    caption: Option<Caption>,
    words_in_caption: usize,
}

impl Voice {
    fn take(&mut self, speaker: Speaker, part: &str, start: Duration, end: Duration) {
        if let Some(word) = &mut self.word {
            word.text.push_str(part);
            word.end = end;
        } else {
            self.is_rest = self.is_within_word;
            self.word = Some(Word { speaker, text: part.to_owned(), start, end });
        }
        self.is_within_word = true;
    }

    fn complete(&mut self) -> Option<LiveWord> {
        let word = self.word.take()?;
        let join = match &mut self.caption {
            Some(caption) if self.is_rest => {
                caption.end = word.end;
                Join::Nothing
            }
            Some(caption) if caption.takes(&word, self.words_in_caption) => {
                caption.end = word.end;
                self.words_in_caption += 1;
                Join::Space
            }
            _ => {
                let Word { speaker, start, end, .. } = word;
                self.caption = Some(Caption { speaker, text: String::new(), start, end });
                self.words_in_caption = 1;
                Join::NewCaption
            }
        };
        Some(LiveWord { word, join })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Transcript;

    /// What is shown as `frame: word`, a caption's first word after `|`, the rest of one after `+`.
    fn shown(pieces: &[(u64, &str)], frames: u64) -> Vec<String> {
        let mut captions = LiveCaptions::default();
        let mut shown = Vec::new();
        for frame in 0..frames {
            let piece = pieces.iter().find(|(at, _)| *at == frame).map(|(_, piece)| *piece);
            for LiveWord { word, join } in captions.push(Speaker::Moshi, frame, piece) {
                let mark = match join {
                    Join::NewCaption => "|",
                    Join::Space => "",
                    Join::Nothing => "+",
                };
                shown.push(format!("{frame}: {mark}{}", word.text));
            }
        }
        shown
    }

    #[test]
    fn a_word_is_shown_when_the_next_begins() {
        assert_eq!(shown(&[(0, " Hel"), (1, "lo"), (2, " you"), (3, "!")], 4), ["2: |Hello"]);
    }

    #[test]
    fn a_word_is_shown_when_nothing_follows_for_400_ms() {
        let pieces = [(0, " Hel"), (2, "lo")];
        assert!(shown(&pieces, 7).is_empty(), "frame 6 ends 320 ms after the word");
        assert_eq!(shown(&pieces, 8), ["7: |Hello"], "frame 7 ends 400 ms after it");
    }

    #[test]
    fn what_comes_after_all_is_joined_without_a_space() {
        assert_eq!(shown(&[(0, " Hello"), (9, "!"), (10, " you")], 30), ["5: |Hello", "10: +!", "15: you"]);
    }

    #[test]
    fn a_space_alone_completes_a_word() {
        assert_eq!(shown(&[(0, " a"), (1, " "), (2, "b c")], 3), ["1: |a", "2: b"]);
    }

    #[test]
    fn the_end_of_the_talk_completes_what_is_left() {
        let mut captions = LiveCaptions::default();
        assert!(captions.push(Speaker::Moshi, 1, Some(" late")).is_empty());
        assert!(captions.push(Speaker::User, 0, Some("early")).is_empty());
        let texts: Vec<String> = captions.finish().into_iter().map(|shown| shown.word.text).collect();
        assert_eq!(texts, ["early", "late"]);
        assert!(captions.finish().is_empty());
    }

    /// Numbers that repeat: Lehmer's generator.
    fn draws(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed * 2 + 1;
        move |below| {
            state = state.wrapping_mul(0xda94_2042_e4dd_58b5);
            (state >> 33) % below
        }
    }

    #[test]
    fn all_that_is_shown_joined_is_the_transcript() {
        for seed in 0..200 {
            let mut draw = draws(seed);
            // Half of the talks have pieces of one word far apart: there, captions may end elsewhere than in hindsight.
            let most_silence = if seed % 2 == 0 { 5 } else { 14 };
            let pieces = [" a", "b", ".", " ", " c d", "e f", "\u{3000}日", ""];
            let (mut live, mut transcript) = (LiveCaptions::default(), Transcript::default());
            let mut shown: Vec<LiveWord> = Vec::new();
            let mut silence = 0;
            for frame in 0..600 {
                let piece = if silence == 0 { pieces.get(draw(8) as usize).copied() } else { None };
                silence = if silence == 0 { draw(most_silence) } else { silence - 1 };
                if let Some(piece) = piece {
                    transcript.push(Speaker::Moshi, frame, piece);
                }
                shown.extend(live.push(Speaker::Moshi, frame, piece));
                let known: usize = shown.iter().filter(|shown| shown.join != Join::Nothing).count();
                let settled =
                    transcript.words().iter().filter(|word| word.end + SETTLING <= time_of(frame + 1)).count();
                assert!(known >= settled, "seed {seed}: a word of 400 ms ago is not shown in frame {frame}");
            }
            shown.extend(live.finish());
            let mut words: Vec<String> = Vec::new();
            let mut captions: Vec<String> = Vec::new();
            for LiveWord { word, join } in &shown {
                match (join, words.last_mut(), captions.last_mut()) {
                    (Join::Nothing, Some(last), Some(caption)) => {
                        last.push_str(&word.text);
                        caption.push_str(&word.text);
                        continue;
                    }
                    (Join::Space, Some(_), Some(caption)) => caption.extend([" ", &*word.text]),
                    (Join::NewCaption, ..) => captions.push(word.text.clone()),
                    _ => panic!("seed {seed}: nothing to join with"),
                }
                words.push(word.text.clone());
            }
            let expected: Vec<&str> = transcript.words().iter().map(|word| word.text.as_str()).collect();
            assert_eq!(words, expected, "seed {seed}");
            if shown.iter().all(|shown| shown.join != Join::Nothing) {
                let expected: Vec<String> = transcript.captions().into_iter().map(|caption| caption.text).collect();
                assert_eq!(captions, expected, "seed {seed}");
            }
        }
    }
}
