//! Memory pressure, by libdispatch.

use std::ptr::{addr_of, from_ref};
use std::sync::mpsc::Sender;

use block2::RcBlock;
use dispatch2::{
    _dispatch_source_type_memorypressure, DispatchObject, DispatchQoS, DispatchQueue, DispatchSource,
    GlobalQueueIdentifier, dispatch_source_memorypressure_flags_t,
};

use crate::system::SystemEvent;

const WARNING: usize = dispatch_source_memorypressure_flags_t::DISPATCH_MEMORYPRESSURE_WARN.0 as usize;
const CRISIS: usize = dispatch_source_memorypressure_flags_t::DISPATCH_MEMORYPRESSURE_CRITICAL.0 as usize;

/// Watches for as long as the process lives.
pub(super) fn watch(happens: &Sender<SystemEvent>) {
    let queue = DispatchQueue::global_queue(GlobalQueueIdentifier::QualityOfService(DispatchQoS::Utility));
    // SAFETY: the type is libdispatch's own; this one takes no handle, and a mask of its flags.
    let source = unsafe {
        let memory = addr_of!(_dispatch_source_type_memorypressure).cast_mut();
        DispatchSource::new(memory, 0, WARNING | CRISIS, Some(&queue))
    };
    let (happens, asked) = (happens.clone(), source.clone());
    let handler = RcBlock::new(move || {
        happens.send(SystemEvent::MemoryIsShort { is_crisis: asked.data() & CRISIS != 0 }).ok();
    });
    // SAFETY: libdispatch copies the block, and may run it on any thread: what it holds may go there.
    unsafe { source.set_event_handler_with_block(from_ref(&*handler).cast_mut()) };
    source.activate();
    // Its handler holds it as well: neither goes before the process does.
    std::mem::forget(source);
}
