//! What a person sees: captions as they are spoken, and below them one line of state, levels and pace.
//!
//! The line exists only on a terminal. Into a pipe go the captions, a line each, and nothing else.

use std::fmt::Write as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use moshibar_audio::FRAME_DURATION;
use moshibar_session::live::{FrameInfo, LiveEvent, State, Warning};

use crate::caption_line::CaptionLine;
use crate::commands::live::Show;
use crate::console::Console;
use crate::error::CliError;
use crate::machine::readable_bytes;

const METER_CELLS: usize = 8;

/// The quietest level that moves a meter, in dBFS.
const QUIETEST: f32 = -48.0;

/// The screen of a talk.
pub(super) struct Screen<'a> {
    console: &'a Console,
    bar: ProgressBar,
    captions: CaptionLine,
    state: State,
    keys: Option<&'static str>,
    /// The slowest frame of the last second, and of the one that is running.
    slowest: [std::time::Duration; 2],
    frames: u64,
}

impl<'a> Screen<'a> {
    pub(super) fn new(console: &'a Console, keys: Option<&'static str>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        if console.is_live() {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(13)); // hides itself where it is no terminal
        }
        Self {
            console,
            bar,
            captions: CaptionLine::default(),
            state: State::Idle,
            keys,
            slowest: Default::default(),
            frames: 0,
        }
    }

    fn print(&self, lines: Vec<String>) -> Result<(), CliError> {
        lines.into_iter().try_for_each(|line| self.bar.suspend(|| self.console.live(&line)))
    }

    fn note(&self, sentence: &str) {
        self.bar.suspend(|| self.console.note(sentence));
    }

    fn frame(&mut self, frame: &FrameInfo) -> Result<(), CliError> {
        let over = self.captions.push(frame.index, frame.text.as_deref());
        self.print(over)?;
        self.frames += 1;
        if self.frames.is_multiple_of(12) {
            self.slowest = [std::time::Duration::ZERO, self.slowest[0]];
        }
        self.slowest[0] = self.slowest[0].max(frame.took);
        let slowest = self.slowest[0].max(self.slowest[1]);
        let mut text = String::new();
        if !self.captions.text().is_empty() {
            writeln!(text, "           {}", self.captions.text()).ok();
        }
        write!(
            text,
            "{:<9}  you {}  moshi {}  {:>3.0}/{:.0} ms",
            self.state.name(),
            meter(frame.user_level),
            meter(frame.moshi_level),
            slowest.as_secs_f64() * 1e3,
            FRAME_DURATION.as_secs_f64() * 1e3,
        )
        .ok();
        if frame.backlog_frames > 0 {
            write!(text, "  {} waiting", frame.backlog_frames).ok();
        }
        if let Some(keys) = self.keys {
            write!(text, "   {keys}").ok();
        }
        self.bar.set_message(text);
        Ok(())
    }
}

impl Show for Screen<'_> {
    fn show(&mut self, event: &LiveEvent) -> Result<(), CliError> {
        match event {
            LiveEvent::State(state) => {
                self.state = *state;
                let keys = self.keys.map(|keys| format!("   {keys}")).unwrap_or_default();
                self.bar.set_message(format!("{}{keys}", state.name()));
            }
            LiveEvent::Loading(so_far) if so_far.total_bytes > 0 => {
                let percent = so_far.done_bytes * 100 / so_far.total_bytes;
                self.bar.set_message(format!("loading    {percent} % of {}", readable_bytes(so_far.total_bytes)));
            }
            LiveEvent::Frame(frame) => self.frame(frame)?,
            LiveEvent::Audio(event) => self.note(&event.to_string()),
            // What is over in a moment is counted, and shown in the end.
            LiveEvent::Warning(Warning::Dropped { .. } | Warning::InvalidSpeech) => {}
            LiveEvent::Warning(warning) => self.note(&warning.to_string()),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), CliError> {
        let rest = self.captions.finish();
        self.print(rest)?;
        self.bar.finish_and_clear();
        Ok(())
    }
}

fn meter(level: f32) -> String {
    let decibels = 20.0 * level.max(1e-9).log10();
    let share = ((decibels - QUIETEST) / -QUIETEST).clamp(0.0, 1.0);
    let lit = (share * METER_CELLS as f32).round() as usize;
    format!("{}{}", "▮".repeat(lit), "▯".repeat(METER_CELLS - lit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_shows_decibels() {
        let lit = |level| meter(level).chars().filter(|cell| *cell == '▮').count();
        assert_eq!([lit(0.0), lit(0.001), lit(0.0631), lit(1.0), lit(4.0)], [0, 0, 4, 8, 8]);
    }
}
