//! `nxt_timer.h`: timers of an engine, in a tree by their time.
//!
//! A change takes effect at once, so that a timer that was deleted is in nobody's hands unless its
//! handler is queued already.

use crate::abi::engine::nxt_event_engine_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::rbtree::nxt_rbtree_node_t;
use crate::abi::task::nxt_task_t;
use crate::abi::timer::{nxt_timer_change_t, nxt_timer_t, nxt_timers_t};
use crate::abi::types::{nxt_bool_t, nxt_int_t, nxt_msec_t, nxt_uint_t};
use crate::capi::engine::work_queue::nxt_work_queue_add;
use crate::capi::guard;
use crate::capi::malloc::nxt_malloc;
use crate::capi::rbtree::{nxt_rbtree_delete, nxt_rbtree_init, nxt_rbtree_insert};

use libc::c_void;

/// `state`: it runs.
const ENABLED: u16 = 1 << 14;
/// `state`: its handler is queued.
const QUEUED: u16 = 1 << 15;
/// The most changes there is room for.
const MAX_CHANGES: nxt_uint_t = 16383;
/// No timer runs.
const INFINITE: nxt_msec_t = nxt_msec_t::MAX;
/// How far ahead the next look is when no timer runs.
const DAY: nxt_msec_t = 24 * 60 * 60 * 1000;

/// Orders times, which wrap after 49 days.
fn difference(one: nxt_msec_t, two: nxt_msec_t) -> i32 {
    one.wrapping_sub(two) as i32
}

unsafe extern "C" fn compare(one: *mut nxt_rbtree_node_t, two: *mut nxt_rbtree_node_t) -> isize {
    // SAFETY: the tree only has nodes of timers, which are their first members.
    unsafe {
        difference(
            (*one.cast::<nxt_timer_t>()).time,
            (*two.cast::<nxt_timer_t>()).time,
        ) as isize
    }
}

/// Prepares the timers of an engine, with room for `mchanges` changes.
///
/// # Safety
/// `timers` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_timers_init(
    timers: *mut nxt_timers_t,
    mchanges: nxt_uint_t,
) -> nxt_int_t {
    guard("nxt_timers_init", NXT_ERROR, || {
        if timers.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            nxt_rbtree_init(&raw mut (*timers).tree, Some(compare));
            let room = mchanges.clamp(1, MAX_CHANGES);
            (*timers).mchanges = room;
            (*timers).nchanges = 0;
            (*timers).changes = nxt_malloc(room as usize * size_of::<nxt_timer_change_t>()).cast();
            if (*timers).changes.is_null() {
                return NXT_ERROR;
            }
            NXT_OK
        }
    })
}

/// Whether a timer is in the tree.
///
/// # Safety
/// `timer` is valid.
unsafe fn in_tree(timer: *const nxt_timer_t) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { !(*timer).node.parent.is_null() }
}

/// Takes a timer out of the tree, if it is there.
///
/// # Safety
/// Both are valid and belong together.
unsafe fn take_out(engine: *mut nxt_event_engine_t, timer: *mut nxt_timer_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        if in_tree(timer) {
            nxt_rbtree_delete(&raw mut (*engine).timers.tree, &raw mut (*timer).node);
            (*timer).node.parent = std::ptr::null_mut();
        }
    }
}

/// Starts a timer, or sets one that runs anew: it expires `timeout` milliseconds from now. One that
/// would change by no more than its `bias` stays.
///
/// # Safety
/// The addresses are NULL or valid; the timer stays until it expires or is deleted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_timer_add(
    engine: *mut nxt_event_engine_t,
    timer: *mut nxt_timer_t,
    timeout: nxt_msec_t,
) {
    guard("nxt_timer_add", (), || {
        if engine.is_null() || timer.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let time = (*engine).timers.now.wrapping_add(timeout);
            (*timer).state |= ENABLED;
            if in_tree(timer)
                && difference(time, (*timer).time).unsigned_abs() <= u32::from((*timer).bias)
            {
                return;
            }
            take_out(engine, timer);
            (*timer).time = time;
            nxt_rbtree_insert(&raw mut (*engine).timers.tree, &raw mut (*timer).node);
        }
    });
}

/// Stops a timer: 1 if it was running or its handler is queued, else 0. The handler is not called
/// in either case.
///
/// # Safety
/// The addresses are NULL or valid. A timer whose handler is queued must stay until then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_timer_delete(
    engine: *mut nxt_event_engine_t,
    timer: *mut nxt_timer_t,
) -> nxt_bool_t {
    guard("nxt_timer_delete", 0, || {
        if engine.is_null() || timer.is_null() {
            return 0;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            (*timer).state &= !ENABLED;
            let was = in_tree(timer) || (*timer).state & QUEUED != 0;
            take_out(engine, timer);
            was.into()
        }
    })
}

/// The timer that expires first.
///
/// # Safety
/// `engine` is valid.
unsafe fn first(engine: *mut nxt_event_engine_t) -> *mut nxt_timer_t {
    // SAFETY: the sentinel's left one is the root, and stands for missing children.
    unsafe {
        let sentinel = &raw mut (*engine).timers.tree.sentinel;
        let mut node = (*sentinel).left;
        if node == sentinel {
            return std::ptr::null_mut();
        }
        while (*node).left != sentinel {
            node = (*node).left;
        }
        node.cast()
    }
}

/// How many milliseconds it is until a timer expires; `NXT_INFINITE_MSEC` if none runs.
///
/// # Safety
/// `engine` is NULL or an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_timer_find(engine: *mut nxt_event_engine_t) -> nxt_msec_t {
    guard("nxt_timer_find", INFINITE, || {
        if engine.is_null() {
            return INFINITE;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let now = (*engine).timers.now;
            // A program may have disabled timers without deleting them.
            loop {
                let timer = first(engine);
                if timer.is_null() {
                    (*engine).timers.minimum = now.wrapping_add(DAY);
                    return INFINITE;
                }
                if (*timer).state & ENABLED == 0 {
                    take_out(engine, timer);
                    continue;
                }
                let time = (*timer).time;
                (*engine).timers.minimum = time.wrapping_sub((*timer).bias.into());
                return difference(time, now).max(0) as nxt_msec_t;
            }
        }
    })
}

/// Sets the time, and queues the handlers of the timers that have expired.
///
/// # Safety
/// `engine` is NULL or an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_timer_expire(engine: *mut nxt_event_engine_t, now: nxt_msec_t) {
    guard("nxt_timer_expire", (), || {
        if engine.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            (*engine).timers.now = now;
            loop {
                let timer = first(engine);
                if timer.is_null() || difference((*timer).time, now) > i32::from((*timer).bias) {
                    return;
                }
                take_out(engine, timer);
                if (*timer).state & (ENABLED | QUEUED) == ENABLED {
                    (*timer).state |= QUEUED;
                    nxt_work_queue_add(
                        (*timer).work_queue,
                        Some(expired),
                        (*timer).task,
                        timer.cast(),
                        std::ptr::null_mut(),
                    );
                }
            }
        }
    });
}

/// Calls the handler of a timer, unless it was deleted or set anew meanwhile.
unsafe extern "C" fn expired(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = data;
    let timer = obj.cast::<nxt_timer_t>();
    // SAFETY: a timer whose handler is queued stays valid.
    unsafe {
        (*timer).state &= !QUEUED;
        if (*timer).state & ENABLED == 0 || in_tree(timer) {
            return;
        }
        (*timer).state &= !ENABLED;
        if let Some(handler) = (*timer).handler {
            handler(task, obj, std::ptr::null_mut());
        }
    }
}
