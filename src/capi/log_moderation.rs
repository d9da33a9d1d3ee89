//! `nxt_log_moderation.h`: of records that come often only some are written, and then how many were not.

use std::mem::offset_of;

use libc::c_void;

use crate::abi::log::nxt_log_moderation_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_bool_t, nxt_uint_t};
use crate::capi::engine::timer::nxt_timer_add;
use crate::capi::globals::{self, nxt_main_log, nxt_main_task};
use crate::capi::log::{level_of, record};
use crate::capi::spinlock::{nxt_thread_spin_lock, nxt_thread_spin_unlock};
use crate::capi::thread_time::nxt_thread_time;
use crate::capi::{c_string, guard};

/// `pid`: no timer runs; as `NXT_LOG_MODERATION` sets it.
const NOBODY: libc::pid_t = -1;

/// When the engine tells how many records were left out, in milliseconds after the first of them.
const DELAY: u32 = 1000;

/// After how many seconds an engine that has not told it never will: it was stopped.
const PATIENCE: i64 = 3;

/// Whether one more record of a failure that comes often may be written this second. How many were left
/// out is told a second later by a timer of the thread's engine; on a thread without one, before the
/// next record.
///
/// # Safety
/// `mod` is NULL or valid, and stays until a second after the last call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_log_moderate_allow(r#mod: *mut nxt_log_moderation_t) -> nxt_bool_t {
    guard("nxt_log_moderate_allow", 0, || {
        let moderation = r#mod;
        if moderation.is_null() {
            return 0;
        }
        // SAFETY: not NULL, and by the caller's promise; the members are only used under the lock,
        // but for the timer, which is that of the one thread that has set `pid`. The state is the
        // calling thread's own.
        unsafe {
            let thread = globals::thread();
            let now = nxt_thread_time(thread);
            let pid = libc::getpid();
            nxt_thread_spin_lock(&raw mut (*moderation).lock);
            let waits =
                (*moderation).pid == pid && now.wrapping_sub((*moderation).last) <= PATIENCE;
            let mut left_out = 0;
            if (*moderation).last != now && !waits {
                left_out = (*moderation).count.saturating_sub((*moderation).limit);
                (*moderation).last = now;
                (*moderation).count = 0;
                (*moderation).pid = NOBODY;
            }
            let allowed = (*moderation).count < (*moderation).limit.max(1);
            (*moderation).count = (*moderation).count.saturating_add(1);
            let engine = (*thread).engine;
            // A timer that is in a tree still is that of an engine that never told.
            let timer = &raw mut (*moderation).timer;
            let start = !allowed && !waits && !engine.is_null() && (*timer).node.parent.is_null();
            if start {
                (*moderation).pid = pid;
            }
            nxt_thread_spin_unlock(&raw mut (*moderation).lock);
            if start {
                (*timer).work_queue = &raw mut (*engine).fast_work_queue;
                (*timer).handler = Some(tell);
                (*timer).log = nxt_main_log.get();
                (*timer).task = nxt_main_task.get();
                nxt_timer_add(engine, timer, DELAY);
            }
            tell_left_out(moderation, left_out);
            allowed.into()
        }
    })
}

/// Writes how many records were left out.
///
/// # Safety
/// `moderation` is valid.
unsafe fn tell_left_out(moderation: *const nxt_log_moderation_t, left_out: nxt_uint_t) {
    if left_out == 0 {
        return;
    }
    // SAFETY: by the caller's promise; these members never change.
    unsafe {
        let text = String::from_utf8_lossy(c_string((*moderation).msg.cast()));
        let text = format!("{text} {left_out} times");
        record(nxt_main_log.get(), level_of((*moderation).level), &text);
    }
}

/// The timer's handler.
unsafe extern "C" fn tell(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (task, data);
    guard("nxt_log_moderate_allow", (), || {
        // SAFETY: the engine gives the timer that was started, which is part of a moderation.
        unsafe {
            let moderation = obj
                .byte_sub(offset_of!(nxt_log_moderation_t, timer))
                .cast::<nxt_log_moderation_t>();
            nxt_thread_spin_lock(&raw mut (*moderation).lock);
            let mut left_out = 0;
            // Of a process that forked meanwhile only the parent tells.
            if (*moderation).pid == libc::getpid() {
                left_out = (*moderation).count.saturating_sub((*moderation).limit);
                (*moderation).last = nxt_thread_time(globals::thread());
                (*moderation).count = 0;
                (*moderation).pid = NOBODY;
            }
            nxt_thread_spin_unlock(&raw mut (*moderation).lock);
            tell_left_out(moderation, left_out);
        }
    });
}
