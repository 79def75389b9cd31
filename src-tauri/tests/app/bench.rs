//! What the app costs, measured from outside: `make bench-app`. Figures of this machine; nothing here fails for being slow.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::rig::{PATIENCE, Rig, until};
use crate::tray::{Icon, watch};
use crate::windows::in_the_webview;

const STARTS: usize = 7;
const IDLE: Duration = Duration::from_mins(1);
const TALK: Duration = Duration::from_mins(1);

/// Threads that are the model: MLX's own bear the name of the one that began them.
const OF_THE_MODEL: &str = "moshibar-core";

#[test]
#[ignore = "a benchmark: make bench-app"]
fn what_the_app_costs() {
    let Some(rig) = Rig::start_as_people_have_it() else { return };
    let (sender, items) = channel();
    let bus = watch(&rig, sender);
    let _room = rig.room();
    let mut starts = Vec::new();
    let mut shows = Vec::new();
    for round in 0..STARTS {
        let home = tempfile::tempdir().unwrap();
        let began = Instant::now();
        let mut app = rig.start_app(home.path());
        let icon = Icon::registered(&bus, &items);
        starts.push(began.elapsed());
        std::thread::park_timeout(Duration::from_secs(3)); // the popover is made in the meantime, hidden
        if round == STARTS - 1 {
            what_it_uses(app.0.id(), &icon);
        }
        shows.push(time_to_popover(&rig, &icon));
        if round == STARTS - 1 {
            what_a_talk_uses(app.0.id(), &icon);
        }
        icon.click("Quit Moshibar");
        app.ended();
    }
    for (what, mut times) in [("start to icon", starts), ("menu's click to popover on the screen", shows)] {
        times.sort_unstable();
        let [median, longest] = [times[STARTS / 2], times[STARTS - 1]].map(|time| time.as_millis());
        row(&format!("{what}, median of {STARTS}, longest"), &format!("{median} ms, {longest} ms"));
    }
    in_the_webview(&rig, &["events"], &[("MOSHIBAR_BENCH", "1")]);
}

fn what_it_uses(app: u32, icon: &Icon) {
    until("the icon rests", || (icon.face() == Some("idle")).then_some(()));
    row("memory without a model, our own process (PSS)", &format!("{:.0} MB", pss_mb(app)));
    let pages = children(app);
    let total: f64 = pages.iter().copied().map(pss_mb).sum();
    row(&format!("memory of WebKit's {} processes beside it (PSS)", pages.len()), &format!("{total:.0} MB"));
    let before = cpu_with_children(app);
    std::thread::park_timeout(IDLE);
    row("processor, idle, WebKit's processes included", &share(cpu_with_children(app).saturating_sub(before), IDLE));
}

fn what_a_talk_uses(app: u32, icon: &Icon) {
    icon.click("Talk with Moshi");
    until("a talk goes on", || icon.line("End the talk"));
    std::thread::park_timeout(Duration::from_secs(5));
    let (before, all_before) = (cpu(app), cpu_with_children(app));
    std::thread::park_timeout(TALK);
    let (after, all_after) = (cpu(app), cpu_with_children(app));
    let of = |times: &HashMap<String, Duration>| times.get(OF_THE_MODEL).copied().unwrap_or_default();
    let model = of(&after).saturating_sub(of(&before));
    let ours = sum(&after).saturating_sub(sum(&before)).saturating_sub(model);
    let pages = all_after.saturating_sub(all_before).saturating_sub(ours + model);
    row("processor in a talk with the popover shown: the model", &share(model, TALK));
    row("the same: everything else of our process", &share(ours, TALK));
    let mut threads: Vec<_> = after.iter().filter(|(name, _)| name.as_str() != OF_THE_MODEL).collect();
    threads.sort_by_key(|(name, time)| time.saturating_sub(before.get(*name).copied().unwrap_or_default()));
    for (name, time) in threads.iter().rev().take(4) {
        row(
            &format!("&nbsp; of which `{name}`"),
            &share(time.saturating_sub(before.get(*name).copied().unwrap_or_default()), TALK),
        );
    }
    row("the same: WebKit's processes, which draw without a GPU here", &share(pages, TALK));
    icon.click("End the talk");
}

fn row(what: &str, figure: &str) {
    println!("| {what} | {figure} |");
}

/// From the click in the menu until the screen has the window.
fn time_to_popover(rig: &Rig, icon: &Icon) -> Duration {
    let clicked = Instant::now();
    icon.click("Show Moshibar");
    while !rig.shows_window("Moshibar") {
        assert!(clicked.elapsed() < PATIENCE, "no popover");
    }
    clicked.elapsed()
}

/// Proportional: pages that other processes share count in part.
fn pss_mb(process: u32) -> f64 {
    let Ok(rollup) = std::fs::read_to_string(proc(process).join("smaps_rollup")) else { return 0.0 };
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1e3
}

/// The name of a process or thread, and its numbers from the third on.
fn stat(folder: &Path) -> Option<(String, Vec<String>)> {
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    let (begin, end) = (stat.find('(')?, stat.rfind(')')?);
    Some((stat[begin + 1..end].to_owned(), stat[end + 2..].split(' ').map(str::to_owned).collect()))
}

fn time_of(fields: &[String]) -> Duration {
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10) // 100 ticks a second
}

/// Processor time of each thread, by its name.
fn cpu(process: u32) -> HashMap<String, Duration> {
    let mut times: HashMap<String, Duration> = HashMap::new();
    for task in std::fs::read_dir(proc(process).join("task")).unwrap().flatten() {
        let Some((name, fields)) = stat(&task.path()) else { continue };
        *times.entry(name).or_default() += time_of(&fields);
    }
    times
}

fn cpu_with_children(process: u32) -> Duration {
    let of_children = children(process).into_iter().filter_map(|child| Some(time_of(&stat(&proc(child))?.1)));
    sum(&cpu(process)) + of_children.sum::<Duration>()
}

/// All processes below one.
fn children(process: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|child: u32| Some((child, stat(&proc(child))?.1[1].parse().ok()?)))
        .collect();
    let mut below = vec![process];
    let mut index = 0;
    while let Some(parent) = below.get(index).copied() {
        below.extend(all.iter().filter(|(_, of)| *of == parent).map(|(child, _)| child));
        index += 1;
    }
    below.split_off(1)
}

fn sum(times: &HashMap<String, Duration>) -> Duration {
    times.values().sum()
}

fn share(used: Duration, of: Duration) -> String {
    format!("{:.1} % of a core", 100.0 * used.as_secs_f64() / of.as_secs_f64())
}

fn proc(process: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{process}"))
}
