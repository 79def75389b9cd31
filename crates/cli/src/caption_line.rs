//! The caption that is being spoken: grows word by word, and is a line of its own once it is over.

use std::time::Duration;

use moshibar_session::{Join, LiveCaptions, LiveWord, Speaker};

/// A silence after which a caption is over, even if no other has begun: as long as a breath that begins a new one.
const BREATH: Duration = Duration::from_millis(800);

/// Moshi's words of one breath.
#[derive(Default)]
pub(crate) struct CaptionLine {
    words: LiveCaptions,
    text: String,
    start: Duration,
    end: Duration,
}

impl CaptionLine {
    /// Takes what Moshi said in a frame; returns captions that are over.
    pub(crate) fn push(&mut self, frame: u64, piece: Option<&str>) -> Vec<String> {
        let mut over = Vec::new();
        for shown in self.words.push(Speaker::Moshi, frame, piece) {
            over.extend(self.add(shown));
        }
        let now = moshibar_audio::FRAME_DURATION.saturating_mul(u32::try_from(frame + 1).unwrap_or(u32::MAX));
        if now.saturating_sub(self.end) > BREATH {
            over.extend(self.take());
        }
        over
    }

    /// The caption so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The talk is over: what is left.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        let rest = self.words.finish();
        let mut over: Vec<String> = rest.into_iter().filter_map(|shown| self.add(shown)).collect();
        over.extend(self.take());
        over
    }

    fn add(&mut self, LiveWord { word, join }: LiveWord) -> Option<String> {
        let before = if join == Join::NewCaption { self.take() } else { None };
        if self.text.is_empty() {
            self.start = word.start;
        } else if join != Join::Nothing {
            self.text.push(' ');
        }
        self.text.push_str(&word.text);
        self.end = word.end;
        before
    }

    fn take(&mut self) -> Option<String> {
        if self.text.is_empty() {
            return None;
        }
        Some(format!("{:>7.2} s  {}", self.start.as_secs_f64(), std::mem::take(&mut self.text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The captions with the frame in which each was printed.
    fn printed(pieces: &[(u64, &str)], frames: u64) -> Vec<(u64, String)> {
        let mut line = CaptionLine::default();
        let mut printed = Vec::new();
        for frame in 0..frames {
            let piece = pieces.iter().find(|(at, _)| *at == frame).map(|(_, piece)| *piece);
            printed.extend(line.push(frame, piece).into_iter().map(|text| (frame, text.trim().to_owned())));
        }
        printed.extend(line.finish().into_iter().map(|text| (frames, text.trim().to_owned())));
        printed
    }

    #[test]
    fn a_caption_is_printed_a_breath_after_its_last_word_without_waiting_for_the_next() {
        let seen = printed(&[(3, " hello"), (5, " there"), (40, " again")], 45);
        assert_eq!(seen[0].1, "0.24 s  hello there");
        assert!((15..=18).contains(&seen[0].0), "{seen:?}");
        assert_eq!(seen[1], (45, "3.20 s  again".to_owned()));
    }
}
