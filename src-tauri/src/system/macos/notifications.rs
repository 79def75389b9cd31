//! Sleep, screen lock and heat: notifications of three centres. A centre keeps an observer until it is removed, and these stay.

use std::ptr::NonNull;
use std::sync::mpsc::Sender;

use block2::RcBlock;
use objc2_app_kit::{NSWorkspace, NSWorkspaceWillSleepNotification};
use objc2_foundation::{
    NSDistributedNotificationCenter, NSNotification, NSNotificationCenter, NSNotificationName, NSProcessInfo,
    NSProcessInfoThermalState, NSProcessInfoThermalStateDidChangeNotification, NSString,
};

use crate::system::SystemEvent;

pub(super) fn watch(happens: &Sender<SystemEvent>) {
    let workspace = NSWorkspace::sharedWorkspace().notificationCenter();
    // SAFETY: names of notifications are constants.
    let (sleeps, heat) = unsafe { (NSWorkspaceWillSleepNotification, NSProcessInfoThermalStateDidChangeNotification) };
    on(&workspace, sleeps, happens, || Some(SystemEvent::Sleeps));
    on(&NSNotificationCenter::defaultCenter(), heat, happens, || is_hot().then_some(SystemEvent::Hot));
    // Not documented by Apple, and in use since 10.7.
    let session = NSDistributedNotificationCenter::defaultCenter();
    on(&session, &NSString::from_str("com.apple.screenIsLocked"), happens, || Some(SystemEvent::Locked));
    on(&session, &NSString::from_str("com.apple.screenIsUnlocked"), happens, || Some(SystemEvent::Unlocked));
}

fn on(
    centre: &NSNotificationCenter,
    name: &NSNotificationName,
    happens: &Sender<SystemEvent>,
    event: impl Fn() -> Option<SystemEvent> + 'static,
) {
    let happens = happens.clone();
    let block = RcBlock::new(move |_: NonNull<NSNotification>| {
        if let Some(event) = event() {
            happens.send(event).ok(); // nobody listens while the app ends
        }
    });
    // SAFETY: without a queue the block runs where the notification is posted; what it holds may be used on any thread.
    unsafe { centre.addObserverForName_object_queue_usingBlock(Some(name), None, None, &block) };
}

fn is_hot() -> bool {
    let state = NSProcessInfo::processInfo().thermalState();
    [NSProcessInfoThermalState::Serious, NSProcessInfoThermalState::Critical].contains(&state)
}
