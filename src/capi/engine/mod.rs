//! `nxt_event_engine.h` and `nxt_signal.h`: the loop that a program of the library runs in.
//!
//! An engine is the C object followed by what the program does not see: the event loop of
//! `sys::events`, which is also that of `unitd`. The interface `epoll` works on that loop; the rest
//! of the engine only calls the interface, so that a program may bring one of its own.

use std::mem::MaybeUninit;
use std::ptr;

use libc::{c_int, c_void};

use crate::abi::engine::{
    nxt_event_engine_t, nxt_event_interface_t, nxt_event_signals_t, nxt_sig_event_t,
};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::queue::nxt_queue_t;
use crate::abi::task::{nxt_task_t, nxt_work_handler_t, nxt_work_queue_t, nxt_work_t};
use crate::abi::types::{nxt_int_t, nxt_uint_t};
use crate::base::log::Level;
use crate::capi::globals::{nxt_pid, nxt_task_ident};
use crate::capi::log::{task_record, thread_record};
use crate::capi::malloc::nxt_zalloc;
use crate::capi::thread_time::nxt_thread_time_update;
use crate::capi::{globals, guard};

pub mod interface;
pub mod memory;
pub mod timer;
pub mod work_queue;

use interface::Private;
use timer::{nxt_timer_expire, nxt_timer_find, nxt_timers_init};
use work_queue::{
    nxt_locked_work_queue_add, nxt_locked_work_queue_move, nxt_work_queue_cache_create,
    nxt_work_queue_cache_destroy, nxt_work_queue_pop,
};

/// Events at a time, unless the program says how many.
const BATCH: nxt_uint_t = 32;

/// The C object and what follows it.
#[repr(C)]
struct Engine {
    face: nxt_event_engine_t,
    private: *mut Private,
}

/// The part of an engine that C does not see.
///
/// # Safety
/// `engine` is one of [`nxt_event_engine_create`].
unsafe fn private(engine: *mut nxt_event_engine_t) -> *mut *mut Private {
    // SAFETY: such an engine is followed by its private part.
    unsafe { &raw mut (*engine.cast::<Engine>()).private }
}

/// Makes an empty list.
///
/// # Safety
/// `queue` is writable and does not move.
pub(crate) unsafe fn init_queue(queue: *mut nxt_queue_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        let head = &raw mut (*queue).head;
        (*head).next = head;
        (*head).prev = head;
    }
}

/// What the work queues are called, in the order of their places.
#[cfg(feature = "debug")]
const QUEUE_NAMES: [&std::ffi::CStr; 8] = [
    c"fast",
    c"accept",
    c"read",
    c"socket",
    c"connect",
    c"write",
    c"shutdown",
    c"close",
];

/// The work queues of an engine in the order of their places.
pub(super) fn work_queues(engine: *mut nxt_event_engine_t) -> [*mut nxt_work_queue_t; 8] {
    // SAFETY: only addresses inside of the object are computed.
    unsafe {
        [
            &raw mut (*engine).fast_work_queue,
            &raw mut (*engine).accept_work_queue,
            &raw mut (*engine).read_work_queue,
            &raw mut (*engine).socket_work_queue,
            &raw mut (*engine).connect_work_queue,
            &raw mut (*engine).write_work_queue,
            &raw mut (*engine).shutdown_work_queue,
            &raw mut (*engine).close_work_queue,
        ]
    }
}

/// Makes an engine for the calling thread, with the signals of an array that ends with 0. NULL when
/// there is no memory, or the kernel refuses.
///
/// # Safety
/// `task` is NULL or valid, `interface` too; `signals` is NULL or such an array, and stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_create(
    task: *mut nxt_task_t,
    interface: *const nxt_event_interface_t,
    signals: *const nxt_sig_event_t,
    flags: nxt_uint_t,
    batch: nxt_uint_t,
) -> *mut nxt_event_engine_t {
    let _ = flags;
    guard("nxt_event_engine_create", ptr::null_mut(), || {
        if task.is_null() || interface.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: valid, by the caller's promise; the engine is ours until it is returned.
        unsafe {
            let engine = nxt_zalloc(size_of::<Engine>()).cast::<nxt_event_engine_t>();
            if engine.is_null() || (*task).thread.is_null() {
                libc::free(engine.cast());
                return ptr::null_mut();
            }
            (*engine).task.thread = (*task).thread;
            (*engine).task.log = (*(*task).thread).log;
            (*engine).task.ident = next_ident();
            (*engine).batch = batch;
            (*engine).current_work_queue = &raw mut (*engine).fast_work_queue;
            (*engine).max_connections = u32::MAX;
            let cache = &raw mut (*engine).work_queue_cache;
            nxt_work_queue_cache_create(cache, 0);
            for queue in work_queues(engine) {
                (*queue).cache = cache;
            }
            #[cfg(feature = "debug")]
            for (queue, name) in work_queues(engine).into_iter().zip(QUEUE_NAMES) {
                work_queue::debug_abi::nxt_work_queue_name(queue, name.as_ptr());
            }
            for queue in [
                &raw mut (*engine).joints,
                &raw mut (*engine).listen_connections,
                &raw mut (*engine).idle_connections,
            ] {
                init_queue(queue);
            }
            if !signals.is_null() {
                (*engine).signals = nxt_event_engine_signals(signals);
            }
            let events = if batch == 0 { BATCH } else { batch };
            let ready = (signals.is_null() || !(*engine).signals.is_null())
                && nxt_timers_init(&raw mut (*engine).timers, events.saturating_mul(4)) == NXT_OK
                && start_interface(engine, interface, batch) == NXT_OK;
            if !ready {
                release(engine);
                return ptr::null_mut();
            }
            let thread = (*task).thread;
            nxt_thread_time_update(thread);
            (*engine).timers.now = ((*thread).time.now.monotonic / 1_000_000) as u32;
            engine
        }
    })
}

/// The number of a new task.
pub(crate) fn next_ident() -> u32 {
    // SAFETY: the object is aligned and lives as long as the program; it is only used atomically.
    let ident = unsafe { std::sync::atomic::AtomicU64::from_ptr(nxt_task_ident.get()) };
    ident.fetch_add(1, std::sync::atomic::Ordering::Relaxed) as u32 & 0x3FFF_FFFF
}

/// Gives an engine its interface.
///
/// # Safety
/// `engine` is being made or has no interface any more; `interface` is valid.
unsafe fn start_interface(
    engine: *mut nxt_event_engine_t,
    interface: *const nxt_event_interface_t,
    batch: nxt_uint_t,
) -> nxt_int_t {
    // SAFETY: by the caller's promise; the functions are those of the interface.
    unsafe {
        (*engine).event = *interface;
        let events = if batch == 0 { BATCH } else { batch };
        let made = (*interface).create.map_or(NXT_ERROR, |create| {
            create(engine, events.saturating_mul(4), events)
        });
        if made != NXT_OK {
            (*engine).event.free = None;
            return NXT_ERROR;
        }
        (*interface)
            .enable_post
            .map_or(NXT_ERROR, |enable| enable(engine, Some(move_posted)))
    }
}

/// What wakes an engine: works that other threads have posted.
unsafe extern "C" fn move_posted(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (obj, data);
    // SAFETY: the task is that of the engine, whose thread runs this.
    unsafe {
        let thread = (*task).thread;
        let engine = (*thread).engine;
        if !engine.is_null() {
            nxt_locked_work_queue_move(
                thread,
                &raw mut (*engine).locked_work_queue,
                &raw mut (*engine).fast_work_queue,
            );
        }
    }
}

/// Finds the handler of a signal.
unsafe extern "C" fn deliver_signal(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = data;
    guard("signal", (), || {
        let signo = obj.addr() as c_int;
        // SAFETY: the task is that of an engine with signals; their array ends with 0.
        unsafe {
            let engine = (*(*task).thread).engine;
            let mut event = (*(*engine).signals).sigev;
            while !event.is_null() && (*event).signo != 0 {
                if (*event).signo == signo {
                    if let Some(handler) = (*event).handler {
                        handler(task, obj, (*event).name.cast_mut().cast());
                    }
                    return;
                }
                event = event.add(1);
            }
            let text = format!("signal {signo} handler not found");
            task_record(task, Level::Alert, &text);
        }
    });
}

/// What is to be done with the signals of an array that ends with 0: they are blocked, and SIGPIPE
/// and SIGSYS are ignored. NULL when there is no memory.
///
/// # Safety
/// `sigev` is NULL or such an array, and stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_signals(
    sigev: *const nxt_sig_event_t,
) -> *mut nxt_event_signals_t {
    guard("nxt_event_engine_signals", ptr::null_mut(), || {
        if sigev.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the array ends with 0, by the caller's promise; the object is ours.
        unsafe {
            let signals =
                nxt_zalloc(size_of::<nxt_event_signals_t>()).cast::<nxt_event_signals_t>();
            if signals.is_null() {
                return signals;
            }
            (*signals).sigev = sigev;
            (*signals).handler = Some(deliver_signal);
            update_mask(signals);
            libc::signal(libc::SIGPIPE, libc::SIG_IGN);
            libc::signal(libc::SIGSYS, libc::SIG_IGN);
            if libc::sigprocmask(
                libc::SIG_BLOCK,
                &raw const (*signals).sigmask,
                ptr::null_mut(),
            ) != 0
            {
                libc::free(signals.cast());
                return ptr::null_mut();
            }
            signals
        }
    })
}

/// Notes for which signals there are handlers.
///
/// # Safety
/// `signals` is valid, and its array ends with 0.
pub(crate) unsafe fn update_mask(signals: *mut nxt_event_signals_t) {
    // SAFETY: by the caller's promise; the set is written before it is used.
    unsafe {
        let mut set = MaybeUninit::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        let mut event = (*signals).sigev;
        while !event.is_null() && (*event).signo != 0 {
            libc::sigaddset(set.as_mut_ptr(), (*event).signo);
            event = event.add(1);
        }
        (*signals).sigmask = set.assume_init();
    }
}

/// Takes another interface, or the same one anew, as a process must after a fork.
///
/// # Safety
/// `engine` is NULL or an engine, `interface` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_change(
    engine: *mut nxt_event_engine_t,
    interface: *const nxt_event_interface_t,
    batch: nxt_uint_t,
) -> nxt_int_t {
    guard("nxt_event_engine_change", NXT_ERROR, || {
        if engine.is_null() || interface.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            if let Some(free) = (*engine).event.free {
                free(engine);
            }
            (*engine).batch = batch;
            if !(*engine).signals.is_null() {
                update_mask((*engine).signals);
                (*(*engine).signals).process = 0;
            }
            start_interface(engine, interface, batch)
        }
    })
}

/// Frees an engine that does not run.
///
/// # Safety
/// `engine` is NULL or an engine that nobody uses afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_free(engine: *mut nxt_event_engine_t) {
    guard("nxt_event_engine_free", (), || {
        if !engine.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe { release(engine) };
        }
    });
}

/// # Safety
/// `engine` is an engine, perhaps not whole, that nobody uses afterwards.
unsafe fn release(engine: *mut nxt_event_engine_t) {
    // SAFETY: by the caller's promise; what is not there yet is NULL.
    unsafe {
        if let Some(free) = (*engine).event.free {
            free(engine);
        }
        libc::free((*engine).signals.cast());
        libc::free((*engine).timers.changes.cast());
        nxt_work_queue_cache_destroy(&raw mut (*engine).work_queue_cache);
        libc::free(engine.cast());
    }
}

/// Gives an engine work from any thread. The work is the engine's until it is done.
///
/// # Safety
/// `engine` is NULL or an engine; `work` is NULL or valid with a task of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_post(
    engine: *mut nxt_event_engine_t,
    work: *mut nxt_work_t,
) {
    guard("nxt_event_engine_post", (), || {
        if engine.is_null() || work.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            nxt_locked_work_queue_add(&raw mut (*engine).locked_work_queue, work);
            nxt_event_engine_signal(engine, 0);
        }
    });
}

/// Wakes an engine from any thread or from a signal handler.
///
/// # Safety
/// `engine` is NULL or an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_signal(
    engine: *mut nxt_event_engine_t,
    signo: nxt_uint_t,
) {
    // SAFETY: NULL or an engine, by the caller's promise.
    unsafe {
        if let Some(signal) = engine.as_ref().and_then(|engine| engine.event.signal) {
            signal(engine, signo);
        }
    }
}

/// Takes the next work of an engine, for the loop of `engine_shim.c`. NULL if there is none.
///
/// # Safety
/// `engine` is an engine of the calling thread; the other addresses are writable.
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_event_engine_next(
    engine: *mut nxt_event_engine_t,
    task: *mut *mut nxt_task_t,
    obj: *mut *mut c_void,
    data: *mut *mut c_void,
) -> nxt_work_handler_t {
    // SAFETY: by the caller's promise.
    unsafe {
        let queues = work_queues(engine);
        let current = (*engine).current_work_queue;
        let place = queues
            .iter()
            .position(|queue| *queue == current)
            .unwrap_or(0);
        // What is fast goes first, then the others in turn from where the last work was.
        let order = [current, queues[0]]
            .into_iter()
            .chain((1..=queues.len()).map(|step| queues[(place + step) % queues.len()]));
        for queue in order {
            if !(*queue).head.is_null() {
                if queue != queues[0] {
                    (*engine).current_work_queue = queue;
                }
                let handler = nxt_work_queue_pop(queue, task, obj, data);
                (*globals::thread()).task = task.read();
                return handler;
            }
        }
        (*engine).current_work_queue = queues[0];
        None
    }
}

/// Waits for events and timers, for the loop of `engine_shim.c`.
///
/// # Safety
/// `engine` is an engine of the calling thread.
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_event_engine_wait(engine: *mut nxt_event_engine_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        let timeout = nxt_timer_find(engine);
        if let Some(poll) = (*engine).event.poll {
            poll(engine, timeout);
        }
        let thread = globals::thread();
        nxt_thread_time_update(thread);
        nxt_timer_expire(engine, ((*thread).time.now.monotonic / 1_000_000) as u32);
    }
}

/// The calling thread starts to run an engine, for the loop of `engine_shim.c`.
///
/// # Safety
/// `engine` is an engine of the calling thread.
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_event_engine_enter(engine: *mut nxt_event_engine_t) {
    // SAFETY: by the caller's promise; the state is the calling thread's own.
    unsafe { (*globals::thread()).log = (*engine).task.log };
}

/// Starts a thread that waits for an engine's signals: of use for interfaces to which signals do not
/// come as events, and there is none here. A program's own interface gets the error.
///
/// # Safety
/// `engine` is NULL or an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_signal_thread_start(engine: *mut nxt_event_engine_t) -> nxt_int_t {
    guard("nxt_signal_thread_start", NXT_ERROR, || {
        // SAFETY: NULL or an engine, by the caller's promise.
        unsafe {
            let Some(engine) = engine.as_ref().filter(|engine| !engine.signals.is_null()) else {
                return NXT_ERROR;
            };
            if engine.event.signal_support != 0 || (*engine.signals).process == nxt_pid.get().read()
            {
                return NXT_OK;
            }
            thread_record(
                Level::Alert,
                "the event interface must take signals as events",
            );
            NXT_ERROR
        }
    })
}

/// Ends the thread of [`nxt_signal_thread_start`], of which there is none.
///
/// # Safety
/// `engine` is NULL or an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_signal_thread_stop(engine: *mut nxt_event_engine_t) {
    let _ = engine;
}
