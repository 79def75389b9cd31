//! Keys during a live talk: read one by one, without Enter, where somebody sits at a terminal.
//!
//! Only the line editor of the terminal is switched off: Ctrl-C still interrupts, and what is printed stays as it is.

use std::io::{self, IsTerminal, Read};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};

use moshibar_session::live::Command;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};

use crate::args::LiveArgs;
use crate::console::Console;

/// How the terminal was before, for whoever leaves last.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// What the keys do, for the last line of the screen.
pub(super) const HELP: &str = "m mute · h hush · p pause · q quit";
/// The same with push-to-talk.
pub(super) const HELP_PUSH: &str = "space talk · h hush · p pause · q quit";

/// The keys, and what they have switched.
#[allow(clippy::struct_excessive_bools)] // Switches are what they are.
pub(super) struct Keys {
    pressed: Option<Receiver<u8>>,
    muted: bool,
    hushed: bool,
    paused: bool,
    push_to_talk: bool,
    talks: bool,
}

impl Keys {
    /// Listens, if standard input is a terminal and somebody watches.
    pub(super) fn listen(console: &Console, args: &LiveArgs) -> Self {
        let pressed = (console.is_live() && io::stdin().is_terminal() && read_single_keys()).then(|| {
            let (sender, receiver) = mpsc::channel();
            // Nothing can wake a thread that reads a terminal: it ends with the next key, or with the process.
            let thread = std::thread::Builder::new().name("moshibar-keys".to_owned()).spawn(move || {
                for byte in io::stdin().lock().bytes().map_while(Result::ok) {
                    if sender.send(byte).is_err() {
                        break;
                    }
                }
            });
            drop(thread);
            receiver
        });
        Self { pressed, muted: args.muted, hushed: false, paused: false, push_to_talk: args.push_to_talk, talks: false }
    }

    /// What the keys do, if there is somebody to press them.
    pub(super) fn help(&self) -> Option<&'static str> {
        self.pressed.as_ref().map(|_| if self.push_to_talk { HELP_PUSH } else { HELP })
    }

    /// What was asked since the last call.
    pub(super) fn commands(&mut self) -> Vec<Command> {
        let Some(pressed) = &self.pressed else { return Vec::new() };
        let keys: Vec<u8> = pressed.try_iter().collect();
        keys.into_iter().filter_map(|key| self.command(key)).collect()
    }

    fn command(&mut self, key: u8) -> Option<Command> {
        let toggled = |switch: &mut bool| {
            *switch = !*switch;
            *switch
        };
        Some(match key.to_ascii_lowercase() {
            b'm' => Command::SetMuted(toggled(&mut self.muted)),
            b'h' => Command::SetHushed(toggled(&mut self.hushed)),
            b'p' => Command::SetPaused(toggled(&mut self.paused)),
            // A terminal does not tell when a key is let go: the first press talks, the second one stops.
            b' ' if self.push_to_talk => Command::HoldTalkKey(toggled(&mut self.talks)),
            b'q' | 4 | 27 => Command::Stop, // q, Ctrl-D, Escape
            _ => return None,
        })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore_terminal();
    }
}

/// Gives the terminal back its line editor. Called on every way out, the second Ctrl-C included.
pub(crate) fn restore_terminal() {
    let before = BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some(before) = before {
        // If the terminal is gone there is nothing to restore.
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &before).ok();
    }
}

fn read_single_keys() -> bool {
    let Ok(before) = termios::tcgetattr(io::stdin()) else { return false };
    let mut single = before.clone();
    single.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    if termios::tcsetattr(io::stdin(), OptionalActions::Now, &single).is_err() {
        return false;
    }
    *BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(before);
    true
}
