//! A screen, a session bus and sound devices of a test's own, and the app on them.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long something may take to appear. Real time, but only a failure takes that long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Longer than any test, and what it takes where it fails.
const ROOM_SECONDS: u32 = 1_800;

/// Lasts as long as this value.
pub(crate) struct Rig {
    script: Child,
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    is_hurried: bool,
}

/// Ends when it is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Rig {
    /// Starts one; `None`, said aloud, where this machine cannot have one. CI must.
    ///
    /// Where the system allows it, all that runs on it has real-time priority, below that of the
    /// sound: other work does not make a talk slow, and what the app does when a talk is slow is
    /// for other tests to say.
    pub(crate) fn start() -> Option<Self> {
        let mut rig = Self::start_as_people_have_it()?;
        rig.is_hurried = rig.variables.iter().any(|(_, value)| value == "realtime");
        Some(rig)
    }

    /// The same at the priority that programs usually have, for figures.
    pub(crate) fn start_as_people_have_it() -> Option<Self> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
        let mut command = Command::new(scripts.join("virtual-audio.sh"));
        command.arg("--").arg(scripts.join("with-screen.sh")).args(["sh", "-c", "env; echo ready; cat"]);
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(script.stdout.take().unwrap());
        let lines: Vec<String> = output.lines().map(Result::unwrap).take_while(|line| line != "ready").collect();
        if !lines.iter().any(|line| line.starts_with("DISPLAY=")) {
            let mut reason = String::new();
            script.stderr.take().unwrap().read_to_string(&mut reason).unwrap();
            script.wait().unwrap();
            assert!(std::env::var_os("CI").is_none(), "CI must test this: {reason}");
            println!("not tested: no screen and no virtual devices here: {reason}");
            return None;
        }
        let names = [
            "XDG_RUNTIME_DIR",
            "DBUS_SESSION_BUS_ADDRESS",
            "DISPLAY",
            "GDK_BACKEND",
            "NO_AT_BRIDGE",
            "MOSHIBAR_VIRTUAL_AUDIO",
        ];
        let variables = lines
            .iter()
            .filter_map(|line| line.split_once('='))
            .filter(|(name, _)| names.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Some(Self { script, folder: tempfile::tempdir().unwrap(), variables, is_hurried: false })
    }

    pub(crate) fn bus_address(&self) -> &str {
        let bus = self.variables.iter().find(|(name, _)| name == "DBUS_SESSION_BUS_ADDRESS");
        &bus.unwrap().1
    }

    /// A command on this screen.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        if self.is_hurried {
            command.args(["chrt", "-r", "5"]);
        }
        command.arg(program).envs(self.variables.iter().cloned());
        command.env_remove("WAYLAND_DISPLAY").env_remove("PIPEWIRE_REMOTE").env_remove("PULSE_SERVER");
        command
    }

    /// Lets the virtual microphone hear a quiet room: one that hears nothing at all counts as switched off.
    pub(crate) fn room(&self) -> Running {
        let file = self.folder.path().join("room.wav");
        std::fs::write(&file, hiss(ROOM_SECONDS)).unwrap();
        let mut command = self.command("pw-cat");
        command.args(["-p", "--target", "0", "-P", "{ node.name = room }"]).arg(file);
        let player = Running(command.spawn().unwrap());
        until("the room is heard", || {
            let mut link = self.command("pw-link");
            let linked = link.args(["room:output_MONO", "moshibar-feed:playback_MONO"]).stderr(Stdio::null()).status();
            linked.unwrap().success().then_some(())
        });
        player
    }

    /// Whether a window of that title is on the screen.
    pub(crate) fn shows_window(&self, title: &str) -> bool {
        let title = format!("^{title}$");
        let found = self.command("xdotool").args(["search", "--onlyvisible", "--name", &title]).output().unwrap();
        !found.stdout.is_empty()
    }

    /// Starts the app with a home of its own, as somebody has it who was here before.
    pub(crate) fn start_app(&self, home: &Path) -> Running {
        let folder = home.join("config/app.moshibar");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("settings.json"), r#"{ "version": 1, "language": "en", "first_run_done": true }"#)
            .unwrap();
        let mut command = self.command(env!("CARGO_BIN_EXE_moshibar-app"));
        command.env("HOME", home).env("HF_HUB_OFFLINE", "1");
        for (variable, folder) in
            [("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")]
        {
            command.env(variable, home.join(folder));
        }
        Running(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

/// A WAV file of very quiet noise: 8 kHz, 16 bit, mono.
fn hiss(seconds: u32) -> Vec<u8> {
    let size = seconds * 16_000;
    let mut file = Vec::new();
    for part in [&b"RIFF"[..], &(36 + size).to_le_bytes(), b"WAVEfmt ", &16u32.to_le_bytes(), &[1, 0, 1, 0]] {
        file.extend(part);
    }
    for part in [&8_000u32.to_le_bytes()[..], &16_000u32.to_le_bytes(), &[2, 0, 16, 0], b"data", &size.to_le_bytes()] {
        file.extend(part);
    }
    let mut random = 1u32;
    file.extend((0..size / 2).flat_map(|_| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((random >> 29) as i16 - 4).to_le_bytes()
    }));
    file
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.script.stdin.take()); // ends `cat`, and with it everything
        self.script.wait().ok();
    }
}

impl Running {
    /// Waits for it to end by itself; its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                println!("the app ended: {status}"); // names the signal, if it was one
                return status.code();
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            pause();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Waits until `look` finds something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        pause();
    }
}

fn pause() {
    std::thread::park_timeout(Duration::from_millis(50));
}
