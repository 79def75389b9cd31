//! The sound system of one test, and what runs in it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a stream may take to appear. Real time, but only a failure takes that long, however
/// busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

/// A sound system that lasts as long as this value.
pub(crate) struct Rig {
    script: Child,
    variables: Vec<(String, String)>,
}

/// Ends when it is dropped.
pub(crate) struct Running(Child);

/// A talk through the devices of a rig. Ends when it is dropped.
pub(crate) struct Talking {
    program: Running,
    lines: mpsc::Receiver<String>,
    reader: JoinHandle<Result<(), mpsc::SendError<String>>>,
}

impl Rig {
    /// Starts one with so many samples per block at 48 kHz; `None`, said aloud, where this machine cannot have one. CI must.
    pub(crate) fn start(quantum: Option<u32>) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/virtual-audio.sh");
        let inside = "env; echo ready; cat";
        let mut command = Command::new(script);
        if let Some(quantum) = quantum {
            command.args(["--quantum", &quantum.to_string()]);
        }
        command.args(["--", "sh", "-c", inside]);
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(script.stdout.take().unwrap());
        let lines: Vec<String> = output.lines().map(Result::unwrap).take_while(|line| line != "ready").collect();
        let is_ready = lines.iter().any(|line| line.starts_with("XDG_RUNTIME_DIR="));
        if !is_ready {
            let mut reason = String::new();
            script.stderr.take().unwrap().read_to_string(&mut reason).unwrap();
            script.wait().unwrap();
            assert!(std::env::var_os("CI").is_none(), "CI must test this: {reason}");
            println!("not tested: no virtual microphone and speaker here: {reason}");
            return None;
        }
        let names = ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "MOSHIBAR_VIRTUAL_AUDIO"];
        let variables = lines
            .iter()
            .filter_map(|line| line.split_once('='))
            .filter(|(name, _)| names.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Some(Self { script, variables })
    }

    /// Whether everything runs at real-time priority; else a busy machine may damage sound, here as in anybody's room.
    pub(crate) fn is_realtime(&self) -> bool {
        self.variables.iter().any(|(_, value)| value == "realtime")
    }

    /// A command beside this sound system, at the same priority.
    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let is_realtime = self.is_realtime();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        if is_realtime {
            command.args(["chrt", "-f", "20"]);
        }
        command.arg(program).args(arguments).envs(self.variables.iter().cloned());
        command.env_remove("PIPEWIRE_REMOTE").env_remove("PIPEWIRE_RUNTIME_DIR").env_remove("PULSE_SERVER");
        command
    }

    pub(crate) fn spawn<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Running {
        Running(self.command(program, arguments).stdin(Stdio::null()).spawn().unwrap())
    }

    /// Starts `moshibar live --json` with these arguments besides, and waits until it listens.
    pub(crate) fn start_talk<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Talking {
        let talk =
            self.start_live(["--json".into()].into_iter().chain(arguments.into_iter().map(|a| a.as_ref().to_owned())));
        while !talk.lines.recv_timeout(PATIENCE).unwrap().contains(r#""state":"listening""#) {}
        talk
    }

    /// Starts `moshibar live` with these arguments, as people do: what it prints are captions.
    pub(crate) fn start_live<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Talking {
        let mut command = self.command(env!("CARGO_BIN_EXE_moshibar"), ["live"]);
        command.args(arguments).env("MOSHIBAR_ASSETS", Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets"));
        let mut program = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(program.stdout.take().unwrap());
        let reader =
            std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Talking { program: Running(program), lines, reader }
    }

    /// Connects a port that speaks with one that hears, as soon as both are there.
    pub(crate) fn link(&self, from: &str, to: &str) {
        until(&format!("{from} can be linked to {to}"), || {
            self.command("pw-link", [from, to]).stderr(Stdio::null()).status().unwrap().success()
        });
    }

    /// Waits until something hears the microphone and something feeds the speaker.
    pub(crate) fn until_somebody_talks(&self) {
        let is_linked = |port: &str, arrow: &str| {
            let output = self.command("pw-link", ["-l"]).output().unwrap();
            let links = String::from_utf8(output.stdout).unwrap();
            let mut lines =
                links.lines().skip_while(|line| *line != port).skip(1).take_while(|line| line.starts_with(' '));
            lines.any(|line| line.contains(arrow) && !line.contains("probe:"))
        };
        until("the program hears and speaks", || {
            is_linked("moshibar-microphone:capture_MONO", "|->") && is_linked("moshibar-speaker:playback_FL", "|<-")
        });
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.script.stdin.take()); // ends the command in it, and the script cleans up
        self.script.wait().unwrap();
    }
}

impl Running {
    /// Waits until it ends by itself.
    pub(crate) fn finish(mut self) {
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    pub(crate) fn interrupt(mut self) {
        let kill = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap();
        assert!(kill.success(), "it is over already: {:?}", self.0.try_wait());
        self.0.wait().unwrap();
    }
}

impl Talking {
    /// Asks it to end, as Ctrl-C does; what it printed and nobody has read.
    pub(crate) fn end(self) -> Vec<String> {
        self.program.interrupt();
        self.reader.join().unwrap().unwrap();
        self.lines.try_iter().collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Lets real time pass.
pub(crate) fn pause(duration: Duration) {
    let until = Instant::now() + duration;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let beginning = Instant::now();
    while !is_so() {
        assert!(beginning.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain until {what}");
        pause(Duration::from_millis(20));
    }
}
