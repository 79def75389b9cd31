//! One direction: what was chosen, what is open, and what to do when that ends.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::event::{AudioEvent, CloseReason};
use super::find::find_device;
use super::live::Live;
use crate::device::{DeviceChoice, DeviceId, DeviceInfo, DeviceKind, Direction, StreamFormat};
use crate::device_error::{DeviceError, DeviceErrorKind};

/// Between the end of a stream and the next: devices change in bursts.
const DEBOUNCE: Duration = Duration::from_millis(500);

/// A device opens only after its format has stood still for so long.
const STEADY: Duration = Duration::from_millis(300);

/// After waking, the states of devices are stale for a while (openclaw/openclaw#132004, tom-seddon/b2#615).
const AFTER_SLEEP: Duration = Duration::from_secs(1);

/// How soon a device is tried again that is not there.
const RETRY_ABSENT: Duration = Duration::from_millis(500);

/// How soon one is tried again that refuses.
const RETRY_REFUSED: Duration = Duration::from_secs(2);

/// So many rebuilds in [`WINDOW`], then it is given up: something is broken that we cannot mend.
const MOST_REBUILDS: usize = 5;
const WINDOW: Duration = Duration::from_secs(30);

/// How often the list of devices is read for one that is awaited.
const LIST_EVERY: Duration = Duration::from_secs(1);

/// The microphone's zeros are noticed within 3 s with polls every 100 ms.
const NO_SOUND: Duration = Duration::from_millis(2_850);

/// One direction of a talk.
pub(super) struct Line {
    direction: Direction,
    choice: DeviceChoice,
    stage: Stage,
    /// When it was opened again lately, and how often at all.
    rebuilt_at: VecDeque<Duration>,
    rebuilds: u64,
    /// What people were told and is still true.
    said_error: Option<DeviceError>,
    said_silent: Option<DeviceId>,
    said_fell_back: bool,
    /// Whether the chosen device was ever there: one that comes and goes is another thing than a typing error.
    wanted_was_seen: bool,
}

enum Stage {
    Waiting(Waiting),
    Live(Box<Live>),
    /// Broken off too often. Goes on when somebody asks, or when the list of devices has changed.
    GivenUp {
        devices: Vec<DeviceId>,
        looked_at: Duration,
    },
    Asleep,
}

/// On the way to open something.
struct Waiting {
    not_before: Duration,
    /// From when it is looked for; its format must stand still meanwhile.
    look_from: Duration,
    /// Whether opening counts against [`MOST_REBUILDS`].
    is_rebuild: bool,
    steady_for: Duration,
    /// What would be opened, and since when it has looked the same.
    steady: Option<(DeviceId, StreamFormat, Duration)>,
}

impl Waiting {
    fn at_once() -> Self {
        let (not_before, look_from, steady_for) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        Self { not_before, look_from, is_rebuild: false, steady_for, steady: None }
    }

    fn after(reason: CloseReason, now: Duration) -> Self {
        let not_before = match reason {
            // It has been quiet for longer than the debouncing already.
            CloseReason::NoCallbacks => now,
            _ => now + DEBOUNCE,
        };
        Self { not_before, look_from: now, is_rebuild: true, steady_for: STEADY, steady: None }
    }
}

impl Line {
    pub(super) fn new(direction: Direction, choice: DeviceChoice) -> Self {
        Self {
            direction,
            choice,
            stage: Stage::Waiting(Waiting::at_once()),
            rebuilt_at: VecDeque::new(),
            rebuilds: 0,
            said_error: None,
            said_silent: None,
            said_fell_back: false,
            wanted_was_seen: false,
        }
    }

    pub(super) fn poll(&mut self, shared: &mut Shared, now: Duration) {
        match &mut self.stage {
            Stage::Waiting(waiting) if now < waiting.look_from => {}
            Stage::Waiting(_) => self.try_to_open(shared, now),
            Stage::Live(_) => self.watch(shared, now),
            Stage::GivenUp { devices, looked_at } => {
                if now.saturating_sub(*looked_at) >= LIST_EVERY {
                    *looked_at = now;
                    if ids(shared, self.direction).is_some_and(|present| present != *devices) {
                        self.retry();
                    }
                }
            }
            Stage::Asleep => {}
        }
    }

    pub(super) fn running(&self) -> Option<(&DeviceInfo, StreamFormat)> {
        match &self.stage {
            Stage::Live(live) if live.is_wired() => Some((&live.device, live.format)),
            _ => None,
        }
    }

    pub(super) fn rebuilds(&self) -> u64 {
        self.rebuilds
    }

    pub(super) fn choose(&mut self, shared: &mut Shared, choice: DeviceChoice, now: Duration) {
        self.choice = choice;
        self.wanted_was_seen = false;
        self.said_fell_back = false;
        if let Stage::Live(live) = &mut self.stage {
            let is_same = match &self.choice {
                DeviceChoice::FollowDefault => {
                    shared.backend.default_device(self.direction).as_ref() == Some(&live.device.id)
                }
                DeviceChoice::Named(wanted) => shared
                    .backend
                    .devices()
                    .is_ok_and(|all| find_device(&all, self.direction, wanted).is_ok_and(|it| it.id == live.device.id)),
            };
            if is_same {
                live.stands_in = false;
                self.wanted_was_seen = true;
                return;
            }
            self.end(shared, CloseReason::Chosen, now);
        }
        self.retry();
    }

    pub(super) fn retry(&mut self) {
        if matches!(self.stage, Stage::Waiting(_) | Stage::GivenUp { .. }) {
            self.rebuilt_at.clear();
            self.said_error = None;
            self.stage = Stage::Waiting(Waiting::at_once());
        }
    }

    pub(super) fn sleep(&mut self, shared: &mut Shared) {
        let now = shared.clock.now();
        self.end(shared, CloseReason::Sleep, now);
        self.stage = Stage::Asleep;
    }

    pub(super) fn wake(&mut self, now: Duration) {
        if matches!(self.stage, Stage::Asleep) {
            // What was broken before is another matter after.
            self.rebuilt_at.clear();
            let not_before = now + AFTER_SLEEP;
            let look_from = not_before.saturating_sub(STEADY);
            self.stage = Stage::Waiting(Waiting { not_before, look_from, steady_for: STEADY, ..Waiting::at_once() });
        }
    }

    /// Closes the stream for good and says nothing.
    pub(super) fn close(&mut self, shared: &mut Shared) {
        if let Stage::Live(live) = std::mem::replace(&mut self.stage, Stage::Asleep) {
            live.close(shared);
        }
    }

    /// Closes the stream, if there is one, and prepares the next.
    fn end(&mut self, shared: &mut Shared, reason: CloseReason, now: Duration) {
        if !matches!(self.stage, Stage::Live(_)) {
            return;
        }
        let next = Stage::Waiting(Waiting::after(reason, now));
        if let Stage::Live(live) = std::mem::replace(&mut self.stage, next) {
            let device = live.device.clone();
            live.close(shared);
            shared.events.say(AudioEvent::Closed { direction: self.direction, device, reason });
        }
    }

    /// Looks after an open device.
    fn watch(&mut self, shared: &mut Shared, now: Duration) {
        let Stage::Live(live) = &mut self.stage else { return };
        let mut reason = live.trouble(shared, now);
        if reason.is_none() {
            reason = live.prove(shared, now).err();
        }
        if reason.is_none() && live.is_due(now) {
            reason = self.better_device(shared);
        }
        match reason {
            Some(reason) => self.end(shared, reason, now),
            None => self.listen_for_zeros(shared, now),
        }
    }

    /// Whether another device should run now.
    fn better_device(&self, shared: &mut Shared) -> Option<CloseReason> {
        let Stage::Live(live) = &self.stage else { return None };
        if let DeviceChoice::Named(wanted) = &self.choice {
            if !live.stands_in {
                return None;
            }
            let devices = shared.backend.devices().ok()?;
            if find_device(&devices, self.direction, wanted).is_ok() {
                return Some(CloseReason::WantedIsBack);
            }
        }
        let default = shared.backend.default_device(self.direction)?;
        (default != live.device.id).then_some(CloseReason::DefaultChanged)
    }

    /// A microphone that is blocked, muted in hardware or behind a closed lid delivers exact zeros and no error.
    fn listen_for_zeros(&mut self, shared: &mut Shared, now: Duration) {
        let Stage::Live(live) = &self.stage else { return };
        if self.direction != Direction::Input || !live.is_wired() {
            return;
        }
        let last_sound = Duration::from_nanos(live.counters.last_sound_ns.load(Ordering::Relaxed));
        let is_silent = now.saturating_sub(last_sound.max(live.opened_at)) >= NO_SOUND;
        let was_said = self.said_silent.as_ref() == Some(&live.device.id);
        if is_silent && !was_said {
            self.said_silent = Some(live.device.id.clone());
            shared.events.say(AudioEvent::NoSignal { device: live.device.clone() });
        } else if was_said && last_sound > Duration::ZERO && !is_silent {
            self.said_silent = None;
            shared.events.say(AudioEvent::SignalIsBack { device: live.device.clone() });
        }
    }

    /// Opens what should be open, once it is there and stands still.
    fn try_to_open(&mut self, shared: &mut Shared, now: Duration) {
        let found = self.target(shared).and_then(|(device, stands_in)| {
            let format = shared.backend.current_format(&device.id, self.direction)?;
            Ok((device, stands_in, format))
        });
        let Stage::Waiting(waiting) = &mut self.stage else { return };
        let (device, stands_in, format) = match found {
            Ok(found) => found,
            Err(_) if now < waiting.not_before => return,
            Err(error) => return self.fail(shared, error),
        };
        let since = match &waiting.steady {
            Some((id, known, since)) if *id == device.id && same_format(known, &format) => *since,
            _ => now,
        };
        waiting.steady = Some((device.id.clone(), format, since));
        if now < waiting.not_before || now.saturating_sub(since) < waiting.steady_for {
            return;
        }
        let is_rebuild = waiting.is_rebuild;
        if is_rebuild {
            while self.rebuilt_at.front().is_some_and(|at| now.saturating_sub(*at) > WINDOW) {
                self.rebuilt_at.pop_front();
            }
            if self.rebuilt_at.len() >= MOST_REBUILDS {
                return self.give_up(shared, &device, now);
            }
        }
        match Live::open(shared, device, format, stands_in) {
            Ok(live) => {
                if is_rebuild {
                    self.rebuilt_at.push_back(now);
                    self.rebuilds += 1;
                }
                self.said_error = None;
                self.announce_stand_in(shared, stands_in);
                self.stage = Stage::Live(Box::new(live));
            }
            Err(error) => self.fail(shared, error),
        }
    }

    fn announce_stand_in(&mut self, shared: &mut Shared, stands_in: bool) {
        if let DeviceChoice::Named(wanted) = &self.choice
            && stands_in
            && !self.said_fell_back
        {
            shared.events.say(AudioEvent::FellBack { direction: self.direction, wanted: wanted.clone() });
        }
        self.said_fell_back = stands_in;
    }

    /// The device that should run, and whether it only stands in.
    fn target(&mut self, shared: &mut Shared) -> Result<(DeviceInfo, bool), DeviceError> {
        let devices = shared.backend.devices()?;
        let mut stands_in = false;
        if let DeviceChoice::Named(wanted) = &self.choice {
            match find_device(&devices, self.direction, wanted) {
                Ok(device) => {
                    self.wanted_was_seen = true;
                    return Ok((device.clone(), false));
                }
                Err(unknown) if !self.wanted_was_seen => return Err(unknown),
                Err(_) => stands_in = true,
            }
        }
        let direction = self.direction;
        let id = shared.backend.default_device(direction).ok_or_else(|| DeviceError::no_device(direction))?;
        let listed = devices.into_iter().find(|device| device.direction == direction && device.id == id);
        let unlisted =
            || DeviceInfo { name: id.0.clone(), id: id.clone(), direction, is_default: true, kind: DeviceKind::Open };
        Ok((listed.unwrap_or_else(unlisted), stands_in))
    }

    /// Says what is wrong, once, and tries again later.
    fn fail(&mut self, shared: &mut Shared, error: DeviceError) {
        let pause = match error.kind {
            DeviceErrorKind::NoDevice | DeviceErrorKind::UnknownName | DeviceErrorKind::Lost => RETRY_ABSENT,
            _ => RETRY_REFUSED,
        };
        if let Stage::Waiting(waiting) = &mut self.stage {
            waiting.not_before = shared.clock.now() + pause;
            waiting.look_from = waiting.not_before;
            waiting.steady = None;
        }
        if self.said_error.as_ref() != Some(&error) {
            self.said_error = Some(error.clone());
            shared.events.say(AudioEvent::Failed { direction: self.direction, error });
        }
    }

    fn give_up(&mut self, shared: &mut Shared, device: &DeviceInfo, now: Duration) {
        let error = DeviceError::about(DeviceErrorKind::Unstable, self.direction, &device.name);
        shared.events.say(AudioEvent::Failed { direction: self.direction, error });
        let devices = ids(shared, self.direction).unwrap_or_default();
        self.stage = Stage::GivenUp { devices, looked_at: now };
    }
}

fn same_format(one: &StreamFormat, other: &StreamFormat) -> bool {
    one.rate_hz == other.rate_hz && one.channels == other.channels
}

/// What is connected now, in an order that does not depend on the system.
fn ids(shared: &mut Shared, direction: Direction) -> Option<Vec<DeviceId>> {
    let devices = shared.backend.devices().ok()?;
    let mut ids: Vec<DeviceId> =
        devices.into_iter().filter(|device| device.direction == direction).map(|device| device.id).collect();
    ids.sort();
    Some(ids)
}
