//! What was said and when: pieces of words become words, and words become captions. Rendered by `transcript/render.rs`.
//!
//! Only Moshi's words are known today; the user's fit in beside them.

mod captions;
mod render;

use std::time::Duration;

use moshibar_audio::FRAME_DURATION;
use serde::{Deserialize, Serialize, Serializer};

pub use captions::Caption;

/// Who says a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The person at the microphone.
    User,
    /// The model.
    Moshi,
}

impl Speaker {
    const ALL: [Self; 2] = [Self::User, Self::Moshi];

    /// The name that people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Moshi => "Moshi",
        }
    }
}

/// One word of a talk.
///
/// **Units** times since the beginning of the talk, in steps of 80 ms; seconds in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Word {
    /// Who says it.
    pub speaker: Speaker,
    /// The word, with its punctuation and without spaces.
    pub text: String,
    /// The beginning of the frame with its first piece.
    #[serde(rename = "start_seconds", serialize_with = "as_seconds")]
    pub start: Duration,
    /// The end of the frame with its last piece.
    #[serde(rename = "end_seconds", serialize_with = "as_seconds")]
    pub end: Duration,
}

/// The words of a talk, in the order in which they began.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    words: Vec<Word>,
    user_is_within_word: bool,
    moshi_is_within_word: bool,
}

impl Transcript {
    /// Adds a piece of a word, said in frame `frame_index`. White space begins a new word; a piece without it goes on.
    ///
    /// **State** frames must come in order.
    pub fn push(&mut self, speaker: Speaker, frame_index: u64, piece: &str) {
        let start = time_of(frame_index);
        let end = time_of(frame_index + 1);
        for (part_index, part) in piece.split(char::is_whitespace).enumerate() {
            if part_index > 0 {
                *self.is_within_word(speaker) = false;
            }
            if part.is_empty() {
                continue;
            }
            let goes_on = std::mem::replace(self.is_within_word(speaker), true);
            match self.words.iter_mut().rfind(|word| word.speaker == speaker) {
                Some(word) if goes_on => {
                    word.text.push_str(part);
                    word.end = end;
                }
                _ => self.words.push(Word { speaker, text: part.to_owned(), start, end }),
            }
        }
    }

    /// The words so far.
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    fn is_within_word(&mut self, speaker: Speaker) -> &mut bool {
        match speaker {
            Speaker::User => &mut self.user_is_within_word,
            Speaker::Moshi => &mut self.moshi_is_within_word,
        }
    }
}

pub(crate) fn time_of(frame_index: u64) -> Duration {
    FRAME_DURATION.saturating_mul(u32::try_from(frame_index).unwrap_or(u32::MAX)) // u32::MAX frames are ten years
}

pub(crate) fn as_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words as `text@first..end`, in frames.
    fn words(transcript: &Transcript) -> Vec<String> {
        let frames = |time: Duration| time.as_millis() / 80;
        transcript
            .words()
            .iter()
            .map(|word| format!("{}@{}..{}", word.text, frames(word.start), frames(word.end)))
            .collect()
    }

    fn heard(pieces: &[(u64, &str)]) -> Transcript {
        let mut transcript = Transcript::default();
        for (frame, piece) in pieces {
            transcript.push(Speaker::Moshi, *frame, piece);
        }
        transcript
    }

    #[test]
    fn pieces_without_a_space_continue_the_word() {
        let transcript = heard(&[(3, " Hel"), (4, "lo"), (5, ","), (9, " there"), (10, ".")]);
        assert_eq!(words(&transcript), ["Hello,@3..6", "there.@9..11"]);
        assert_eq!(transcript.words()[0].start, Duration::from_millis(240));
        assert_eq!(transcript.words()[0].end, Duration::from_millis(480));
    }

    #[test]
    fn the_first_piece_begins_a_word_even_without_a_space() {
        assert_eq!(words(&heard(&[(7, "Hi"), (8, "!")])), ["Hi!@7..9"]);
    }

    #[test]
    fn a_space_alone_ends_a_word_and_begins_none() {
        assert_eq!(words(&heard(&[(0, " a"), (1, " "), (2, "b"), (3, " "), (4, " "), (5, "")])), ["a@0..1", "b@2..3"]);
    }

    #[test]
    fn one_piece_may_hold_several_words() {
        assert_eq!(
            words(&heard(&[(0, "one two"), (1, "s three "), (2, "four")])),
            ["one@0..1", "twos@0..2", "three@1..2", "four@2..3"]
        );
    }

    #[test]
    fn letters_of_every_alphabet_stay_whole() {
        let transcript = heard(&[(0, " na"), (1, "ï"), (2, "ve"), (3, " 日本"), (4, "語"), (5, "\u{3000}👋🏽")]);
        assert_eq!(words(&transcript), ["naïve@0..3", "日本語@3..5", "👋🏽@5..6"]);
    }

    #[test]
    fn two_speakers_never_finish_each_others_words() {
        let mut transcript = Transcript::default();
        for (frame, speaker, piece) in
            [(0, Speaker::Moshi, " hel"), (1, Speaker::User, "wa"), (2, Speaker::Moshi, "lo"), (2, Speaker::User, "it")]
        {
            transcript.push(speaker, frame, piece);
        }
        assert_eq!(words(&transcript), ["hello@0..3", "wait@1..3"]);
        assert_eq!(transcript.words()[1].speaker, Speaker::User);
    }
}
