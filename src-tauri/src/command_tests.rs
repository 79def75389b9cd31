//! Commands as windows send them, in a runtime without windows: right ones, wrong ones, and noise.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use moshibar_audio::{Clock, SimulatedDevice, SimulatedHost, VirtualClock};
use moshibar_store::{Network, StoreOptions};
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, Channel, InvokeBody, InvokeResponseBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder, mock_context, noop_assets};
use tauri::webview::InvokeRequest;
use tauri::{Manager, WebviewWindow, WebviewWindowBuilder};

use crate::app::{App, AppParts};
use crate::command_names::NAMES;
use crate::hub::Hub;
use crate::outlets::Outlets;
use crate::system::{self, MicrophoneGate, SystemEvent};
use crate::view::{Permission, UiEvent};
use crate::windows::TrayPlace;

/// What a runtime without windows cannot do: show the system's dialog, and end. Neither takes an argument.
const NOT_HERE: [&str; 2] = ["choose_folder", "quit"];

struct Bench {
    app: tauri::App<MockRuntime>,
    window: WebviewWindow<MockRuntime>,
    folder: Arc<tempfile::TempDir>,
    /// Whether the user makes a noise.
    user_speaks: Arc<AtomicBool>,
}

/// As the program does when it ends: a thread that still computed would outlive MLX, which takes itself apart at the end of the
/// process.
impl Drop for Bench {
    fn drop(&mut self) {
        self.app.state::<App>().shut_down();
    }
}

impl Bench {
    fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap().into())
    }

    fn in_folder(folder: Arc<tempfile::TempDir>) -> Self {
        Self::with_microphone(folder, system::MICROPHONE)
    }

    fn with_microphone(folder: Arc<tempfile::TempDir>, microphone: MicrophoneGate) -> Self {
        let user_speaks = Arc::<AtomicBool>::default();
        let app = crate::with_commands(mock_builder()).build(mock_context(noop_assets())).unwrap();
        let hub = Hub::default();
        app.manage(hub.clone());
        app.manage(TrayPlace::default());
        let parts = AppParts { microphone, ..parts(folder.path(), hub, &user_speaks) };
        app.manage(App::start(parts).unwrap());
        let window = WebviewWindowBuilder::new(&app, "popover", tauri::WebviewUrl::default()).build().unwrap();
        Self { app, window, folder, user_speaks }
    }

    fn call(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        let request = InvokeRequest {
            cmd: command.to_owned(),
            callback: CallbackFn(0),
            error: CallbackFn(1),
            url: "tauri://localhost".parse().unwrap(),
            body: InvokeBody::Json(arguments),
            headers: tauri::http::HeaderMap::default(),
            invoke_key: INVOKE_KEY.to_owned(),
        };
        get_ipc_response(&self.window, request).map(|body| body.deserialize().unwrap())
    }

    /// Follows the app as a window does.
    fn events(&self) -> Receiver<Value> {
        let (sender, receiver) = channel();
        let take = move |body| {
            if let InvokeResponseBody::Json(text) = body {
                sender.send(serde_json::from_str(&text).unwrap()).ok();
            }
            Ok(())
        };
        let state = self.app.state::<App>();
        let hub = self.app.state::<Hub>();
        hub.expect("popover", true);
        state.with_snapshot(|snapshot| {
            hub.admit("popover", Channel::new(take), UiEvent::Snapshot { snapshot: Box::new(snapshot) });
        });
        receiver
    }
}

/// Only a failing test waits so long, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(5);

/// What the devices' clock goes on by at a time.
const TICK: Duration = Duration::from_millis(10);

/// An app with scripted devices, whose clock goes on by itself: as fast as the machine's where it
/// has time for this thread, and slower where it has none, for the talk would have none either, and
/// be late.
fn parts(folder: &Path, hub: Hub, user_speaks: &Arc<AtomicBool>) -> AppParts {
    let clock = Arc::<VirtualClock>::default();
    let host = SimulatedHost::new(Arc::clone(&clock));
    let speaks = Arc::clone(user_speaks);
    let voice = move |at: f64| if speaks.load(Ordering::Relaxed) { 0.3 * (at * 1_400.0).sin() as f32 } else { 1e-4 };
    host.plug(SimulatedDevice::microphone("Table").hears(voice));
    host.plug(SimulatedDevice::speaker("Shelf"));
    let (devices, time) = (host.clone(), Arc::clone(&clock));
    std::thread::spawn(move || {
        loop {
            std::thread::park_timeout(TICK);
            devices.advance(time.now() + TICK);
        }
    });
    AppParts {
        settings_file: folder.join("settings.json"),
        recordings: folder.join("recordings"),
        store: StoreOptions {
            library: Some(folder.join("library")),
            hugging_face_cache: Some(folder.join("cache")),
            network: Network::Offline,
            ..StoreOptions::default()
        },
        sound: Arc::new(move || Ok(Box::new(host.backend()))),
        microphone: system::MICROPHONE,
        clock,
        outlets: Outlets { hub, others: Arc::new([]) },
    }
}

fn wait_for(events: &Receiver<Value>, what: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    while let Ok(event) = events.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
        if what(&event) {
            return event;
        }
    }
    panic!("it did not come in {PATIENCE:?}");
}

#[test]
fn the_names_are_those_that_windows_know() {
    let typed = std::fs::read_to_string("../ui/src/commands.ts").unwrap();
    let known: Vec<&str> =
        typed.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": [")).map(|(name, _)| name).collect();
    let mut names = NAMES.to_vec();
    names.sort_unstable();
    let mut sorted = known.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, names);
}

#[test]
fn every_name_is_a_command() {
    let bench = Bench::new();
    for name in NAMES.iter().filter(|name| !NOT_HERE.contains(name)) {
        if let Err(refusal) = bench.call(name, json!({})) {
            assert!(refusal.get("code").is_some() || *name == "subscribe", "{name}: {refusal}");
        }
    }
    let unknown = bench.call("no_such_command", json!({})).unwrap_err();
    assert!(unknown.to_string().contains("not found"), "{unknown}");
}

#[test]
fn garbage_is_refused_with_a_code_and_a_sentence() {
    let bench = Bench::new();
    let mut noise = Noise(7);
    let keys = ["on", "down", "name", "settings", "window", "tab", "height", "channel", "id", ""];
    for round in 0..1_500 {
        let name = NAMES[noise.below(NAMES.len())];
        if NOT_HERE.contains(&name) || ["start_talk", "start_sound_check"].contains(&name) {
            continue; // they take no argument
        }
        let arguments: serde_json::Map<String, Value> =
            (0..noise.below(4)).map(|_| (keys[noise.below(keys.len())].to_owned(), noise.value(3))).collect();
        let arguments = Value::Object(arguments);
        if let Err(refusal) = bench.call(name, arguments.clone()) {
            let is_typed = refusal["code"].is_string() && refusal["message"].is_string();
            // `channel` is Tauri's own argument, and its refusal a string.
            assert!(is_typed || name == "subscribe", "round {round}: {name} {arguments}: {refusal}");
        }
    }
    assert!(bench.call("end_talk", json!({})).is_ok(), "it lives");
}

#[test]
fn a_missing_argument_is_named() {
    let refusal = Bench::new().call("set_muted", json!({})).unwrap_err();
    assert_eq!(refusal["code"], "bad_argument");
    assert!(refusal["message"].as_str().unwrap().contains("set_muted"), "{refusal}");
    assert!(refusal["message"].as_str().unwrap().contains("on"), "{refusal}");
}

#[test]
fn settings_that_cannot_be_are_refused_and_not_kept() {
    let bench = Bench::new();
    let mut settings = serde_json::to_value(bench.app.state::<App>().settings()).unwrap();
    settings["temperature"] = json!(9);
    let refusal = bench.call("save_settings", json!({ "settings": settings })).unwrap_err();
    assert_eq!(refusal["code"], "bad_setting");
    settings["temperature"] = json!(0.5);
    assert_eq!(bench.call("save_settings", json!({ "settings": settings })).unwrap()["temperature"], 0.5);
    let folder = bench.folder.clone();
    drop(bench);
    let again = Bench::in_folder(folder);
    assert_eq!(again.app.state::<App>().settings().temperature, Some(0.5));
}

#[test]
fn a_model_that_is_not_here_is_a_problem_with_a_button() {
    let bench = Bench::new();
    bench.app.state::<App>().change(|settings| settings.model = "moshiko-q4".to_owned()).unwrap();
    let events = bench.events();
    bench.call("start_talk", json!({})).unwrap();
    let told = wait_for(&events, |event| !event["talk"]["problem"].is_null());
    assert_eq!(told["talk"]["problem"]["code"], "model_missing");
    assert_eq!(told["talk"]["problem"]["action"], "download");
}

#[test]
fn a_window_learns_everything_at_once() {
    let bench = Bench::new();
    let snapshot = bench.events().try_recv().unwrap();
    assert_eq!(snapshot["kind"], "snapshot");
    let snapshot = &snapshot["snapshot"];
    assert_eq!(snapshot["talk"]["state"], "idle");
    let names: Vec<&str> =
        snapshot["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names[0], "nano");
    assert!(names.contains(&"moshiko-q4") && names.contains(&"moshika-q8"), "{names:?}");
    assert_eq!(snapshot["settings"]["record"], false, "nothing is recorded unless somebody wants it");
}

#[test]
fn a_talk_begins_tells_of_its_frames_and_ends() {
    let bench = Bench::new();
    let events = bench.events();
    bench.call("start_talk", json!({})).unwrap();
    wait_for(&events, |event| event["talk"]["state"] == "loading");
    wait_for(&events, |event| event["talk"]["state"] == "listening");
    wait_for(&events, |event| event["kind"] == "frame");
    bench.call("set_muted", json!({ "on": true })).unwrap();
    wait_for(&events, |event| event["talk"]["state"] == "muted");
    bench.call("end_talk", json!({})).unwrap();
    let end = wait_for(&events, |event| event["talk"]["state"] == "idle");
    assert_eq!(end["talk"]["loaded"], true, "it is there for the next talk");
    bench.call("unload_model", json!({})).unwrap();
    wait_for(&events, |event| event["talk"]["loaded"] == false);
}

#[test]
fn a_microphone_that_was_refused_is_a_problem_with_the_way_to_the_settings() {
    let refused = || Permission::Denied;
    let gate = MicrophoneGate { state: refused, ask: refused };
    let bench = Bench::with_microphone(tempfile::tempdir().unwrap().into(), gate);
    let events = bench.events();
    bench.call("start_talk", json!({})).unwrap();
    let told = wait_for(&events, |event| !event["talk"]["problem"].is_null());
    assert_eq!(told["talk"]["problem"]["code"], "microphone_denied");
    assert_eq!(told["talk"]["problem"]["action"], "open_microphone_settings");
    assert_eq!(told["talk"]["state"], "idle", "no device was opened");
}

#[test]
fn a_locked_screen_mutes_and_an_unlocked_one_undoes_only_that() {
    let bench = Bench::new();
    let (app, events) = (bench.app.state::<App>(), bench.events());
    let goes_to = |state: &str| wait_for(&events, |event| event["talk"]["state"] == state);
    bench.call("start_talk", json!({})).unwrap();
    goes_to("listening");
    app.take_system_event(SystemEvent::Locked).unwrap();
    goes_to("muted");
    app.take_system_event(SystemEvent::Unlocked).unwrap();
    goes_to("listening");
    bench.call("set_muted", json!({ "on": true })).unwrap();
    goes_to("muted");
    app.take_system_event(SystemEvent::Locked).unwrap();
    app.take_system_event(SystemEvent::Unlocked).unwrap();
    assert!(app.is_muted(), "the user's own mute stays");
    app.take_system_event(SystemEvent::MuteGesture { mutes: false }).unwrap();
    goes_to("listening");
}

#[test]
fn sleep_ends_a_talk_without_a_word_and_short_memory_with_a_reason() {
    let bench = Bench::new();
    let (app, events) = (bench.app.state::<App>(), bench.events());
    bench.call("start_talk", json!({})).unwrap();
    wait_for(&events, |event| event["talk"]["state"] == "listening");
    app.take_system_event(SystemEvent::MemoryIsShort { is_crisis: false }).unwrap();
    wait_for(&events, |event| event["kind"] == "frame");
    app.take_system_event(SystemEvent::Sleeps).unwrap();
    let end = wait_for(&events, |event| event["talk"]["state"] == "idle");
    assert!(end["talk"]["problem"].is_null(), "{end}");
    bench.call("start_talk", json!({})).unwrap();
    wait_for(&events, |event| event["talk"]["state"] == "listening");
    app.take_system_event(SystemEvent::MemoryIsShort { is_crisis: true }).unwrap();
    let end = wait_for(&events, |event| !event["talk"]["problem"].is_null());
    assert_eq!(end["talk"]["problem"]["code"], "memory_short");
}

#[test]
fn a_greeting_is_skipped_until_the_user_speaks() {
    let bench = Bench::new();
    bench.app.state::<App>().change(|settings| settings.skip_greeting = true).unwrap();
    let events = bench.events();
    bench.call("start_talk", json!({})).unwrap();
    wait_for(&events, |event| event["talk"]["hushed"] == true);
    wait_for(&events, |event| event["kind"] == "frame" && event["index"].as_u64() > Some(10));
    assert!(bench.app.state::<App>().snapshot().talk.hushed, "nobody has spoken");
    bench.user_speaks.store(true, Ordering::Relaxed);
    wait_for(&events, |event| event["talk"]["hushed"] == false);
}

/// Numbers and values that repeat: Lehmer's generator.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(0xda94_2042_e4dd_58b5) | 1;
        (self.0 >> 33) as usize % bound
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(1_000_000) as i64 - 500_000),
            3 => json!(f64::from_bits((self.0 << 12) ^ 0x7fe0_0000_0000_0000)),
            4 => json!("nano"),
            5 => json!("../../\u{0}💥{}\"\\ hf:a/b@c"),
            6 => json!("x".repeat(self.below(10_000))),
            7 => (0..self.below(5)).map(|_| self.value(depth - 1)).collect(),
            _ => Value::Object((0..self.below(5)).map(|n| (format!("k{n}"), self.value(depth - 1))).collect()),
        }
    }
}
