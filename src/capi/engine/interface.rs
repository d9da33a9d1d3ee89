//! The interfaces `epoll` and `epoll_level` of an engine, on the event loop of `sys::events`.
//!
//! Signals come through the loop's signalfd; another thread wakes the engine through an eventfd.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::time::{Duration, Instant};

use libc::c_void;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::Signal;

use super::{nxt_event_engine_t, private, work_queues};
use crate::abi::engine::{
    NXT_EVENT_ACTIVE, NXT_EVENT_BLOCKED, NXT_EVENT_DISABLED, NXT_EVENT_INACTIVE, NXT_EVENT_ONESHOT,
    nxt_event_interface_t, nxt_fd_event_t, nxt_file_event_t,
};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::task::{nxt_task_t, nxt_work_handler_t};
use crate::abi::types::{nxt_bool_t, nxt_int_t, nxt_msec_t, nxt_uint_t};
use crate::base::log::Level;
use crate::capi::engine::work_queue::nxt_work_queue_add;
use crate::capi::globals::Global;
use crate::capi::guard;
use crate::capi::log::task_record;
use crate::capi::room::has_room;
use crate::capi::thread_time::nxt_thread_time_update;
use crate::sys::events::{Event, EventLoop, Interest};

/// The token of the eventfd; no address of an event is odd.
const WAKE: u64 = 1;

/// What follows an engine.
pub(super) struct Private {
    events: EventLoop,
    wake: EventFd,
    woken: nxt_work_handler_t,
    edge: bool,
    /// Kept between two rounds for its memory.
    happened: Vec<Event>,
}

/// A direction is waited for.
fn active(state: u8) -> bool {
    u32::from(state) >= NXT_EVENT_ONESHOT
}

/// # Safety
/// `engine` is an engine with this interface.
unsafe fn create(engine: *mut nxt_event_engine_t, edge: bool) -> nxt_int_t {
    guard("epoll", NXT_ERROR, || {
        // SAFETY: by the caller's promise; the signals' array ends with 0.
        unsafe {
            let mut signals = Vec::new();
            if let Some(known) = (*engine).signals.as_ref() {
                let mut event = known.sigev;
                while !event.is_null() && (*event).signo != 0 {
                    match Signal::try_from((*event).signo) {
                        Ok(signal) => signals.push(signal),
                        Err(_) => {
                            let text = format!("signal {} cannot be handled", (*event).signo);
                            task_record(&raw const (*engine).task, Level::Alert, &text);
                        }
                    }
                    event = event.add(1);
                }
            }
            if !has_room(0) {
                return NXT_ERROR;
            }
            let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
            let made = EventFd::from_flags(flags)
                .map_err(std::io::Error::from)
                .and_then(|wake| {
                    let events = EventLoop::new(&signals)?;
                    events.add(&wake, WAKE)?;
                    Ok((events, wake))
                });
            match made {
                Ok((events, wake)) => {
                    *private(engine) = Box::into_raw(Box::new(Private {
                        events,
                        wake,
                        woken: None,
                        edge,
                        happened: Vec::new(),
                    }));
                    NXT_OK
                }
                Err(error) => {
                    let text = format!("epoll cannot be used: {error}");
                    task_record(&raw const (*engine).task, Level::Alert, &text);
                    NXT_ERROR
                }
            }
        }
    })
}

unsafe extern "C" fn create_edge(
    engine: *mut nxt_event_engine_t,
    mchanges: nxt_uint_t,
    mevents: nxt_uint_t,
) -> nxt_int_t {
    let _ = (mchanges, mevents);
    // SAFETY: the engine calls this for itself.
    unsafe { create(engine, true) }
}

unsafe extern "C" fn create_level(
    engine: *mut nxt_event_engine_t,
    mchanges: nxt_uint_t,
    mevents: nxt_uint_t,
) -> nxt_int_t {
    let _ = (mchanges, mevents);
    // SAFETY: the engine calls this for itself.
    unsafe { create(engine, false) }
}

unsafe extern "C" fn free(engine: *mut nxt_event_engine_t) {
    guard("epoll", (), || {
        // SAFETY: the private part is NULL or from `create`, and not used afterwards.
        unsafe {
            let place = private(engine);
            if !place.read().is_null() {
                drop(Box::from_raw(place.replace(ptr::null_mut())));
            }
        }
    });
}

/// Tells the kernel what the states of an event ask for.
///
/// # Safety
/// Both are valid and belong together.
unsafe fn apply(engine: *mut nxt_event_engine_t, ev: *mut nxt_fd_event_t) {
    guard("epoll", (), || {
        // SAFETY: by the caller's promise; the descriptor is the event's own.
        unsafe {
            let Some(own) = private(engine).read().as_ref() else {
                return;
            };
            if (*ev).fd < 0 {
                return;
            }
            let fd = BorrowedFd::borrow_raw((*ev).fd);
            let known = |state: u8| u32::from(state) >= NXT_EVENT_BLOCKED;
            let once = |state: u8| u32::from(state) == NXT_EVENT_ONESHOT;
            let interest = Interest {
                read: known((*ev).read),
                write: known((*ev).write),
                edge: own.edge,
                once: once((*ev).read) || once((*ev).write),
            };
            let result = if interest.read || interest.write {
                own.events
                    .watch(fd, ev.expose_provenance() as u64, interest)
            } else {
                own.events.remove(fd)
            };
            if let Err(error) = result {
                let text = format!("epoll_ctl({}) failed: {error}", (*ev).fd);
                task_record(&raw const (*engine).task, Level::Alert, &text);
                if let Some(handler) = (*ev).error_handler {
                    let queue = &raw mut (*engine).fast_work_queue;
                    nxt_work_queue_add(queue, Some(handler), (*ev).task, ev.cast(), (*ev).data);
                }
            }
        }
    });
}

/// Makes a function of the interface that changes the states of an event.
macro_rules! change {
    ($name:ident, $ev:ident $(, $member:ident = $state:expr)* $(; $apply:ident)?) => {
        unsafe extern "C" fn $name(engine: *mut nxt_event_engine_t, $ev: *mut nxt_fd_event_t) {
            // SAFETY: the program calls this with an engine and an event of it.
            unsafe {
                $((*$ev).$member = $state as u8;)*
                $($apply(engine, $ev);)?
                let _ = engine;
            }
        }
    };
}

change!(enable, ev, read = NXT_EVENT_ACTIVE, write = NXT_EVENT_ACTIVE; apply);
change!(disable, ev, read = NXT_EVENT_INACTIVE, write = NXT_EVENT_INACTIVE; apply);
change!(enable_read, ev, read = NXT_EVENT_ACTIVE; apply);
change!(enable_write, ev, write = NXT_EVENT_ACTIVE; apply);
change!(disable_read, ev, read = NXT_EVENT_INACTIVE; apply);
change!(disable_write, ev, write = NXT_EVENT_INACTIVE; apply);
change!(oneshot_read, ev, read = NXT_EVENT_ONESHOT; apply);
change!(oneshot_write, ev, write = NXT_EVENT_ONESHOT; apply);
change!(block_read, ev, read = NXT_EVENT_BLOCKED);
change!(block_write, ev, write = NXT_EVENT_BLOCKED);

unsafe extern "C" fn delete(engine: *mut nxt_event_engine_t, ev: *mut nxt_fd_event_t) {
    // SAFETY: the caller's promise is the same.
    unsafe { close(engine, ev) };
}

/// Forgets an event, also what has happened to it already.
unsafe extern "C" fn close(engine: *mut nxt_event_engine_t, ev: *mut nxt_fd_event_t) -> nxt_bool_t {
    // SAFETY: the program calls this with an engine and an event of it; works of the queues are
    // valid.
    unsafe {
        disable(engine, ev);
        for queue in work_queues(engine) {
            let mut work = (*queue).head;
            while !work.is_null() {
                if (*work).obj == ev.cast() {
                    (*work).handler = Some(nothing);
                }
                work = (*work).next;
            }
        }
    }
    0
}

unsafe extern "C" fn nothing(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (task, obj, data);
}

/// Listening sockets are watched level-triggered: a handler may leave connections in the backlog.
unsafe extern "C" fn enable_accept(engine: *mut nxt_event_engine_t, ev: *mut nxt_fd_event_t) {
    guard("epoll", (), || {
        // SAFETY: the program calls this with an engine and an event of it.
        unsafe {
            (*ev).read = NXT_EVENT_ACTIVE as u8;
            let interest = Interest {
                read: true,
                write: false,
                edge: false,
                once: false,
            };
            if let Some(own) = private(engine).read().as_ref()
                && (*ev).fd >= 0
                && let Err(error) = own.events.watch(
                    BorrowedFd::borrow_raw((*ev).fd),
                    ev.expose_provenance() as u64,
                    interest,
                )
            {
                let text = format!("epoll_ctl({}) failed: {error}", (*ev).fd);
                task_record(&raw const (*engine).task, Level::Alert, &text);
            }
        }
    });
}

/// Files cannot be watched; `file_support` says so.
unsafe extern "C" fn no_file(engine: *mut nxt_event_engine_t, ev: *mut nxt_file_event_t) {
    let _ = (engine, ev);
}

unsafe extern "C" fn enable_post(
    engine: *mut nxt_event_engine_t,
    handler: nxt_work_handler_t,
) -> nxt_int_t {
    // SAFETY: the engine calls this for itself.
    match unsafe { private(engine).read().as_mut() } {
        Some(own) => {
            own.woken = handler;
            NXT_OK
        }
        None => NXT_ERROR,
    }
}

unsafe extern "C" fn signal(engine: *mut nxt_event_engine_t, signo: nxt_uint_t) {
    let _ = signo;
    // SAFETY: any thread may call this as long as the engine lives. write(2) may be called in a
    // signal handler.
    unsafe {
        if let Some(own) = private(engine).read().as_ref() {
            let one = 1u64.to_ne_bytes();
            libc::write(own.wake.as_raw_fd(), one.as_ptr().cast(), one.len());
        }
    }
}

unsafe extern "C" fn poll(engine: *mut nxt_event_engine_t, timeout: nxt_msec_t) {
    guard("epoll", (), || {
        // SAFETY: the engine calls this for itself. An event stays valid as long as it is watched,
        // and its handlers run later.
        unsafe {
            let Some(own) = private(engine).read().as_mut() else {
                return;
            };
            let deadline = (timeout != nxt_msec_t::MAX)
                .then(|| Instant::now() + Duration::from_millis(timeout.into()));
            let mut happened = std::mem::take(&mut own.happened);
            let result = own.events.wait(deadline, &mut happened);
            nxt_thread_time_update((*engine).task.thread);
            if let Err(error) = result {
                let text = format!("epoll_wait() failed: {error}");
                task_record(&raw const (*engine).task, Level::Alert, &text);
            }
            for event in happened.drain(..) {
                match event {
                    Event::Signal(signal) => queue_signal(engine, signal),
                    Event::Ready { token: WAKE, .. } => {
                        // Only its being readable counts.
                        let _ = own.wake.read();
                        if let Some(woken) = own.woken {
                            woken(&raw mut (*engine).task, ptr::null_mut(), ptr::null_mut());
                        }
                    }
                    Event::Ready {
                        token,
                        readable,
                        writable,
                    } => {
                        let ev = ptr::with_exposed_provenance_mut::<nxt_fd_event_t>(token as usize);
                        queue_handlers(engine, ev, readable, writable);
                    }
                }
            }
            own.happened = happened;
        }
    });
}

/// # Safety
/// `engine` is an engine.
unsafe fn queue_signal(engine: *mut nxt_event_engine_t, signal: Signal) {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(signals) = (*engine).signals.as_ref() {
            nxt_work_queue_add(
                &raw mut (*engine).fast_work_queue,
                signals.handler,
                &raw mut (*engine).task,
                ptr::without_provenance_mut(signal as usize),
                ptr::null_mut(),
            );
        }
    }
}

/// # Safety
/// `ev` is an event that `engine` watches.
unsafe fn queue_handlers(
    engine: *mut nxt_event_engine_t,
    ev: *mut nxt_fd_event_t,
    readable: bool,
    writable: bool,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut changed = false;
        let direction = |state: &mut u8, ready: &mut u8, changed: &mut bool| {
            *ready = 1;
            if !active(*state) {
                // Level-triggered it would be told for ever.
                *changed = u32::from(*state) == NXT_EVENT_BLOCKED;
                return false;
            }
            if u32::from(*state) == NXT_EVENT_ONESHOT {
                *state = NXT_EVENT_DISABLED as u8;
            }
            true
        };
        let event = &mut *ev;
        if readable && direction(&mut event.read, &mut event.read_ready, &mut changed) {
            let queue = event.read_work_queue;
            nxt_work_queue_add(queue, event.read_handler, event.task, ev.cast(), event.data);
        }
        if writable && direction(&mut event.write, &mut event.write_ready, &mut changed) {
            let queue = event.write_work_queue;
            nxt_work_queue_add(
                queue,
                event.write_handler,
                event.task,
                ev.cast(),
                event.data,
            );
        }
        if changed && private(engine).read().as_ref().is_some_and(|own| !own.edge) {
            if event.read_ready != 0 && u32::from(event.read) == NXT_EVENT_BLOCKED {
                event.read = NXT_EVENT_DISABLED as u8;
            }
            if event.write_ready != 0 && u32::from(event.write) == NXT_EVENT_BLOCKED {
                event.write = NXT_EVENT_DISABLED as u8;
            }
            apply(engine, ev);
        }
    }
}

const fn interface(
    name: &'static std::ffi::CStr,
    create: unsafe extern "C" fn(*mut nxt_event_engine_t, nxt_uint_t, nxt_uint_t) -> nxt_int_t,
) -> nxt_event_interface_t {
    nxt_event_interface_t {
        name: name.as_ptr(),
        create: Some(create),
        free: Some(free),
        enable: Some(enable),
        disable: Some(disable),
        delete: Some(delete),
        close: Some(close),
        enable_read: Some(enable_read),
        enable_write: Some(enable_write),
        disable_read: Some(disable_read),
        disable_write: Some(disable_write),
        block_read: Some(block_read),
        block_write: Some(block_write),
        oneshot_read: Some(oneshot_read),
        oneshot_write: Some(oneshot_write),
        enable_accept: Some(enable_accept),
        enable_file: Some(no_file),
        close_file: Some(no_file),
        enable_post: Some(enable_post),
        signal: Some(signal),
        poll: Some(poll),
        io: ptr::null_mut(),
        file_support: 0,
        signal_support: 1,
    }
}

/// Each change is told once.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_epoll_edge_engine: Global<nxt_event_interface_t> =
    Global::new(interface(c"epoll_edge", create_edge));

/// The state is told until it changes.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_epoll_level_engine: Global<nxt_event_interface_t> =
    Global::new(interface(c"epoll_level", create_level));

/// The interface of a name; without a name the usual one. NULL if there is none.
pub(crate) fn by_name(name: &[u8]) -> *const nxt_event_interface_t {
    match name {
        b"" | b"epoll" | b"epoll_edge" => nxt_epoll_edge_engine.get(),
        b"epoll_level" => nxt_epoll_level_engine.get(),
        _ => ptr::null(),
    }
}
