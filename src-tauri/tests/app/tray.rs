//! The tray as the desktop sees it: over D-Bus, where an icon is a file and a menu a tree.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use zbus::blocking::{Connection, Proxy, connection, proxy};
use zbus::message::Header;
use zbus::proxy::CacheProperties;
use zbus::zvariant::{ObjectPath, OwnedValue, Structure, Value};

use crate::rig::{PATIENCE, Rig, until};

/// The desktop's side: whoever has an icon registers here.
struct Watcher(Sender<(String, String)>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        self.0.send((sender, service.to_owned())).unwrap();
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// An icon and its menu.
pub(crate) struct Icon {
    item: Proxy<'static>,
    menu: Proxy<'static>,
}

/// A line of the menu.
#[derive(Debug)]
pub(crate) struct Line {
    id: i32,
    label: String,
    is_enabled: bool,
    is_on: bool,
    lines: Vec<Line>,
}

/// Takes the desktop's place on the bus of a rig.
pub(crate) fn watch(rig: &Rig, sender: Sender<(String, String)>) -> Connection {
    let bus = connection::Builder::address(rig.bus_address()).unwrap().name("org.kde.StatusNotifierWatcher").unwrap();
    bus.serve_at("/StatusNotifierWatcher", Watcher(sender)).unwrap().build().unwrap()
}

impl Icon {
    pub(crate) fn registered(bus: &Connection, items: &Receiver<(String, String)>) -> Self {
        let (sender, service) = items.recv_timeout(PATIENCE).expect("an icon registers");
        let (name, path) =
            if service.starts_with('/') { (sender, service) } else { (service, "/StatusNotifierItem".to_owned()) };
        // An icon says that it is another one, but not by the signal that a cache listens to.
        let item = proxy::Builder::new(bus).destination(name.clone()).unwrap().path(path).unwrap();
        let item = item.interface("org.kde.StatusNotifierItem").unwrap().cache_properties(CacheProperties::No);
        let item: Proxy<'static> = item.build().unwrap();
        let menu: ObjectPath<'_> = item.get_property::<OwnedValue>("Menu").unwrap().try_into().unwrap();
        let menu = Proxy::new(bus, name, menu.to_string(), "com.canonical.dbusmenu").unwrap();
        Self { item, menu }
    }

    fn lines(&self) -> Vec<Line> {
        type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);
        let (_, root): (u32, Node) = self.menu.call("GetLayout", &(0i32, -1i32, Vec::<&str>::new())).unwrap();
        root.2.into_iter().map(Line::read).collect()
    }

    pub(crate) fn line(&self, label: &str) -> Option<Line> {
        self.lines().into_iter().find(|line| line.label == label)
    }

    pub(crate) fn click(&self, label: &str) {
        until(&format!("{label:?} can be clicked"), || {
            let line = self.line(label).filter(|line| line.is_enabled)?;
            // Refused where the menu has become another one in between: its lines have new numbers then.
            self.menu.call::<_, _, ()>("Event", &(line.id, "clicked", Value::from(""), 0u32)).ok()
        });
    }

    /// Which of the app's pictures is shown.
    pub(crate) fn face(&self) -> Option<&'static str> {
        let path: String = self.item.get_property("IconName").ok()?;
        let shown = tauri::image::Image::from_path(PathBuf::from(path)).ok()?;
        ["idle", "loading", "listening", "speaking", "muted", "warning", "failed"].into_iter().find(|face| {
            let picture = format!("{}/../assets/tray/{face}.png", env!("CARGO_MANIFEST_DIR"));
            tauri::image::Image::from_path(picture).unwrap().rgba() == shown.rgba()
        })
    }
}

impl Line {
    fn read(value: OwnedValue) -> Self {
        let mut fields = Structure::try_from(value).unwrap().into_fields().into_iter();
        let id = i32::try_from(fields.next().unwrap()).unwrap();
        let properties = HashMap::<String, OwnedValue>::try_from(fields.next().unwrap()).unwrap();
        let lines = Vec::<OwnedValue>::try_from(fields.next().unwrap()).unwrap();
        let text = |name: &str| properties.get(name).and_then(|value| String::try_from(value.clone()).ok());
        let is = |name: &str| properties.get(name).and_then(|value| bool::try_from(value.clone()).ok());
        Self {
            id,
            label: text("label").unwrap_or_default().replace("__", "_"),
            is_enabled: is("enabled").unwrap_or(true),
            is_on: properties.get("toggle-state").and_then(|value| i32::try_from(value.clone()).ok()) == Some(1),
            lines: lines.into_iter().map(Self::read).collect(),
        }
    }
}

#[test]
fn the_tray_shows_the_talk_and_its_menu_leads_it() {
    let Some(rig) = Rig::start() else { return };
    let (sender, items) = channel();
    let bus = watch(&rig, sender);
    let _room = rig.room();
    let home = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut app = rig.start_app(home.path());
    let icon = Icon::registered(&bus, &items);
    println!("from the start to the icon: {} ms", began.elapsed().as_millis());

    until("the icon rests", || (icon.face() == Some("idle")).then_some(()));
    let microphones = until("the microphones are listed", || {
        icon.line("Microphone").filter(|line| line.lines.len() > 1).map(|line| line.lines)
    });
    let labels: Vec<&str> = microphones.iter().map(|line| line.label.as_str()).collect();
    assert!(labels[0] == "System default" && microphones[0].is_on, "{microphones:?}");
    assert!(labels.contains(&"Virtual microphone"), "{labels:?}");
    until("nano is the chosen model", || {
        icon.line("Model")?.lines.into_iter().find(|line| line.label == "nano" && line.is_on)
    });
    assert!(!icon.line("Mute me").unwrap().is_enabled);

    icon.click("Talk with Moshi");
    until("a talk goes on", || icon.face().filter(|face| ["listening", "speaking"].contains(face)));
    until("it can be ended", || icon.line("End the talk"));
    until("it speaks", || icon.face().filter(|face| *face == "speaking"));
    icon.click("Mute me");
    until("the icon says that the user is muted", || icon.face().filter(|face| *face == "muted"));
    until("its menu says so too", || icon.line("Mute me").filter(|line| line.is_on));
    icon.click("End the talk");
    until("the icon rests", || icon.face().filter(|face| *face == "idle"));
    icon.click("Unload the model");
    until("there is nothing to unload", || icon.line("Unload the model").filter(|line| !line.is_enabled));
    icon.click("Quit Moshibar");
    assert_eq!(app.ended(), Some(0));
}

#[test]
fn a_second_start_shows_the_first_and_ends() {
    let Some(rig) = Rig::start() else { return };
    let (sender, items) = channel();
    let bus = watch(&rig, sender);
    let home = tempfile::tempdir().unwrap();
    let mut first = rig.start_app(home.path());
    let icon = Icon::registered(&bus, &items);
    assert!(!rig.shows_window("Moshibar"), "who has taken the first steps sees nothing but the icon");
    assert_eq!(rig.start_app(home.path()).ended(), Some(0));
    until("the popover is shown", || rig.shows_window("Moshibar").then_some(()));
    assert!(items.try_recv().is_err(), "there is one icon");
    icon.click("Quit Moshibar");
    assert_eq!(first.ended(), Some(0));
}
