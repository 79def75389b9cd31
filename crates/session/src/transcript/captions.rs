//! Words grouped so that they can be read under a video: a breath, twelve words or five seconds end a caption.

use std::time::Duration;

use serde::Serialize;

use crate::transcript::{Speaker, Transcript, Word, as_seconds};

/// A silence that ends a caption.
const BREATH: Duration = Duration::from_millis(800);
const MOST_WORDS: usize = 12;
const LONGEST: Duration = Duration::from_secs(5);

/// A few words of one speaker, shown together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caption {
    /// Who says it.
    pub speaker: Speaker,
    /// The words, with spaces between them.
    pub text: String,
    /// When its first word begins.
    #[serde(rename = "start_seconds", serialize_with = "as_seconds")]
    pub start: Duration,
    /// When its last word ends.
    #[serde(rename = "end_seconds", serialize_with = "as_seconds")]
    pub end: Duration,
}

impl Transcript {
    /// The words as captions, ordered by their beginning. Those of two speakers may overlap; one speaker's never do.
    pub fn captions(&self) -> Vec<Caption> {
        let mut captions: Vec<Caption> =
            Speaker::ALL.into_iter().flat_map(|speaker| self.captions_of(speaker)).collect();
        captions.sort_by_key(|caption| caption.start);
        captions
    }

    fn captions_of(&self, speaker: Speaker) -> Vec<Caption> {
        let mut captions: Vec<Caption> = Vec::new();
        let mut words_in_caption = 0;
        for word in self.words.iter().filter(|word| word.speaker == speaker) {
            match captions.last_mut() {
                Some(caption) if caption.takes(word, words_in_caption) => {
                    caption.text.push(' ');
                    caption.text.push_str(&word.text);
                    caption.end = word.end;
                    words_in_caption += 1;
                }
                _ => {
                    let Word { speaker, text, start, end } = word.clone();
                    captions.push(Caption { speaker, text, start, end });
                    words_in_caption = 1;
                }
            }
        }
        captions
    }
}

impl Caption {
    /// Whether a word still belongs here, after `words` others.
    pub(crate) fn takes(&self, word: &Word, words: usize) -> bool {
        words < MOST_WORDS
            && word.start.saturating_sub(self.end) <= BREATH
            && word.end.saturating_sub(self.start) <= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: impl IntoIterator<Item = (u64, &'static str)>) -> Vec<String> {
        let mut transcript = Transcript::default();
        words.into_iter().for_each(|(frame, word)| transcript.push(Speaker::Moshi, frame, &format!(" {word}")));
        transcript.captions().into_iter().map(|caption| caption.text).collect()
    }

    #[test]
    fn a_breath_longer_than_800_ms_begins_a_caption() {
        assert_eq!(texts([(0, "one"), (11, "two")]), ["one two"], "10 frames of silence, 800 ms");
        assert_eq!(texts([(0, "one"), (12, "two")]), ["one", "two"], "11 frames of silence");
    }

    #[test]
    fn a_caption_has_at_most_twelve_words() {
        let captions = texts((0..30).map(|frame| (frame, "la")));
        assert_eq!(captions.iter().map(|text| text.split(' ').count()).collect::<Vec<_>>(), [12, 12, 6]);
    }

    #[test]
    fn a_caption_lasts_at_most_five_seconds() {
        // A word of one frame every 8 frames: after 56 frames 57 have passed, 4.56 s; after 64 it is 5.2 s.
        let captions = texts((0..10).map(|word| (word * 8, "la")));
        assert_eq!(captions.iter().map(|text| text.split(' ').count()).collect::<Vec<_>>(), [8, 2]);
    }

    #[test]
    fn a_word_that_would_end_too_late_begins_a_caption() {
        let mut transcript = Transcript::default();
        for (frame, piece) in [(0, " la"), (8, " la"), (16, " loo"), (62, "oong")] {
            transcript.push(Speaker::Moshi, frame, piece);
        }
        let texts: Vec<_> = transcript.captions().into_iter().map(|caption| caption.text).collect();
        assert_eq!(texts, ["la la", "loooong"], "the last word ends at 5.04 s");
    }

    #[test]
    fn one_endless_word_is_one_caption() {
        let mut transcript = Transcript::default();
        (0..200).for_each(|frame| transcript.push(Speaker::Moshi, frame, "o"));
        assert_eq!(transcript.captions().len(), 1);
    }

    #[test]
    fn two_speakers_have_captions_of_their_own() {
        let mut transcript = Transcript::default();
        for (frame, speaker, piece) in [
            (0, Speaker::Moshi, " I"),
            (1, Speaker::User, " you"),
            (2, Speaker::Moshi, " talk"),
            (3, Speaker::User, " listen"),
        ] {
            transcript.push(speaker, frame, piece);
        }
        let captions: Vec<_> = transcript.captions().into_iter().map(|c| (c.speaker, c.text)).collect();
        assert_eq!(captions, [(Speaker::Moshi, "I talk".to_owned()), (Speaker::User, "you listen".to_owned())]);
    }
}
