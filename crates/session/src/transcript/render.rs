//! A transcript as Markdown, SRT or JSON.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::transcript::{Caption, Speaker, Transcript, Word};

#[derive(Serialize)]
struct TranscriptFile<'a> {
    words: &'a [Word],
    captions: Vec<Caption>,
}

impl Transcript {
    /// Writes a page for people: a paragraph per caption, with its speaker and time.
    ///
    /// # Errors
    /// That of `writer`.
    pub fn write_markdown(&self, mut writer: impl Write) -> io::Result<()> {
        writeln!(writer, "# Transcript")?;
        let captions = self.captions();
        if captions.is_empty() {
            writeln!(writer, "\n*Nobody said a word.*")?;
        }
        for Caption { speaker, text, start, .. } in captions {
            let (minutes, seconds) = (start.as_secs() / 60, start.as_secs() % 60);
            writeln!(writer, "\n**{}** ({minutes}:{seconds:02}) {}", speaker.name(), escaped(&text))?;
        }
        Ok(())
    }

    /// Writes subtitles in SubRip's format; empty if nobody said a word. Two speakers are told apart by name.
    ///
    /// # Errors
    /// That of `writer`.
    pub fn write_srt(&self, mut writer: impl Write) -> io::Result<()> {
        let has_both = Speaker::ALL.iter().all(|speaker| self.words().iter().any(|word| word.speaker == *speaker));
        for (index, Caption { speaker, text, start, end }) in self.captions().into_iter().enumerate() {
            let who = if has_both { format!("{}: ", speaker.name()) } else { String::new() };
            writeln!(writer, "{}\n{} --> {}\n{who}{text}\n", index + 1, srt_time(start), srt_time(end))?;
        }
        Ok(())
    }

    /// Writes `{"words": [...], "captions": [...]}`, each with `speaker`, `text`, `start_seconds` and `end_seconds`.
    ///
    /// # Errors
    /// That of `writer`.
    pub fn write_json(&self, mut writer: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut writer, &TranscriptFile { words: self.words(), captions: self.captions() })?;
        writeln!(writer)
    }
}

/// `hours:minutes:seconds,milliseconds`, two digits each and three at the end.
fn srt_time(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02},{:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60, time.subsec_millis())
}

/// Shields what Markdown would take for formatting. Words stand behind a speaker's name, never at a line's beginning.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '~' | '&') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(pieces: &[(Speaker, u64, &str)]) -> Transcript {
        let mut transcript = Transcript::default();
        for (speaker, frame, piece) in pieces {
            transcript.push(*speaker, *frame, piece);
        }
        transcript
    }

    fn hello() -> Transcript {
        talk(&[
            (Speaker::Moshi, 13, " Hé"),
            (Speaker::Moshi, 14, "llo"),
            (Speaker::Moshi, 15, " *you*"),
            (Speaker::Moshi, 1_000, " 再见"),
        ])
    }

    fn markdown(transcript: &Transcript) -> String {
        let mut bytes = Vec::new();
        transcript.write_markdown(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn srt(transcript: &Transcript) -> String {
        let mut bytes = Vec::new();
        transcript.write_srt(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn json(transcript: &Transcript) -> serde_json::Value {
        let mut bytes = Vec::new();
        transcript.write_json(&mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn srt_is_as_players_expect_it() {
        assert_eq!(
            srt(&hello()),
            "1\n00:00:01,040 --> 00:00:01,280\nHéllo *you*\n\n2\n00:01:20,000 --> 00:01:20,080\n再见\n\n"
        );
    }

    #[test]
    fn srt_times_carry_into_minutes_and_hours() {
        for (milliseconds, expected) in [
            (0, "00:00:00,000"),
            (80, "00:00:00,080"),
            (59_999, "00:00:59,999"),
            (60_000, "00:01:00,000"),
            (3_599_920, "00:59:59,920"),
            (3_600_000, "01:00:00,000"),
            (360_061_001, "100:01:01,001"),
        ] {
            assert_eq!(srt_time(Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn srt_names_the_speakers_when_there_are_two() {
        let both = talk(&[(Speaker::Moshi, 0, " Hi"), (Speaker::User, 5, " Hey")]);
        assert_eq!(
            srt(&both),
            "1\n00:00:00,000 --> 00:00:00,080\nMoshi: Hi\n\n2\n00:00:00,400 --> 00:00:00,480\nUser: Hey\n\n"
        );
    }

    #[test]
    fn markdown_is_a_paragraph_per_caption_without_formatting_from_speech() {
        assert_eq!(markdown(&hello()), "# Transcript\n\n**Moshi** (0:01) Héllo \\*you\\*\n\n**Moshi** (1:20) 再见\n");
    }

    #[test]
    fn json_has_words_and_captions_in_seconds() {
        let json = json(&hello());
        let word =
            serde_json::json!({ "speaker": "moshi", "text": "Héllo", "start_seconds": 1.04, "end_seconds": 1.2 });
        assert_eq!(json["words"][0], word);
        let caption = serde_json::json!(
            { "speaker": "moshi", "text": "Héllo *you*", "start_seconds": 1.04, "end_seconds": 1.28 }
        );
        assert_eq!(json["captions"][0], caption);
        assert_eq!((json["words"].as_array().unwrap().len(), json["captions"].as_array().unwrap().len()), (3, 2));
    }

    #[test]
    fn a_talk_without_words_renders() {
        let silence = Transcript::default();
        assert_eq!(markdown(&silence), "# Transcript\n\n*Nobody said a word.*\n");
        assert_eq!(srt(&silence), "");
        assert_eq!(json(&silence), serde_json::json!({ "words": [], "captions": [] }));
    }

    #[test]
    fn the_sentence_of_a_failing_file_comes_through() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full; free some space"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let transcript = hello();
        for error in [transcript.write_markdown(Full), transcript.write_srt(Full), transcript.write_json(Full)] {
            assert_eq!(error.unwrap_err().to_string(), "the disk is full; free some space");
        }
    }
}
