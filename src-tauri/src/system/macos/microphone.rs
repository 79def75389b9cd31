//! The microphone: whether it may be used, and the earphones' own mute button. Without a grant Core Audio opens the device and
//! delivers silence, so it is asked before.

use std::sync::mpsc::{Sender, sync_channel};

use block2::RcBlock;
use objc2::runtime::Bool;
use objc2_avf_audio::{AVAudioApplication, AVAudioApplicationRecordPermission};

use crate::system::SystemEvent;
use crate::view::Permission;

pub(crate) fn permission() -> Permission {
    // SAFETY: the shared instance is thread-safe (it is Send and Sync), and the call only reads.
    let answer = unsafe { AVAudioApplication::sharedInstance().recordPermission() };
    match answer {
        AVAudioApplicationRecordPermission::Granted => Permission::Granted,
        AVAudioApplicationRecordPermission::Denied => Permission::Denied,
        _ => Permission::Undetermined,
    }
}

pub(crate) fn ask_permission() -> Permission {
    if permission() != Permission::Undetermined {
        return permission();
    }
    let (answer, answered) = sync_channel(1);
    let response = RcBlock::new(move |_granted: Bool| {
        answer.try_send(()).ok();
    });
    // SAFETY: the block may be called on another thread, and holds only a channel's sender.
    unsafe { AVAudioApplication::requestRecordPermissionWithCompletionHandler(&response) };
    answered.recv().ok();
    permission()
}

/// Lets a press on AirPods mute and unmute the talk.
pub(super) fn watch_mute_gesture(happens: &Sender<SystemEvent>) {
    let happens = happens.clone();
    let handler = RcBlock::new(move |should_mute: Bool| {
        happens.send(SystemEvent::MuteGesture { mutes: should_mute.as_bool() }).ok();
        Bool::YES
    });
    // SAFETY: the block is copied, and may be called on any thread: what it holds may go there.
    let set = unsafe { AVAudioApplication::sharedInstance().setInputMuteStateChangeHandler_error(Some(&handler)) };
    if let Err(error) = set {
        tracing::info!(%error, "earphones cannot mute the talk");
    }
}

/// Tells the system that the user was muted otherwise, so that the next press undoes it.
pub(crate) fn tell_muted(muted: bool) {
    // SAFETY: the shared instance is thread-safe.
    let told = unsafe { AVAudioApplication::sharedInstance().setInputMuted_error(muted) };
    if let Err(error) = told {
        tracing::debug!(%error, "the system does not take the mute state");
    }
}
