//! The log of `nxt_log.h` as modules see it.
//!
//! Modules reach `handler` directly through macros (`nxt_alert(task, …)` is
//! `task->log->handler(NXT_LOG_ALERT, task->log, …)`), so the variadic pointer is part of the ABI.

use libc::{c_char, c_void};

use crate::abi::thread::nxt_thread_spinlock_t;
use crate::abi::timer::nxt_timer_t;
use crate::abi::types::{nxt_pid_t, nxt_time_t, nxt_uint_t};

/// Something is broken that needs a person.
pub const NXT_LOG_ALERT: nxt_uint_t = 0;
/// An operation failed.
pub const NXT_LOG_ERR: nxt_uint_t = 1;
/// Something is suspicious.
pub const NXT_LOG_WARN: nxt_uint_t = 2;
/// A significant normal event.
pub const NXT_LOG_NOTICE: nxt_uint_t = 3;
/// A normal event.
pub const NXT_LOG_INFO: nxt_uint_t = 4;
/// Detail for developers.
pub const NXT_LOG_DEBUG: nxt_uint_t = 5;
/// The longest record in bytes, its newline included.
pub const NXT_MAX_ERROR_STR: usize = 2048;

/// Writes one record of `level`; `fmt` is in the format language of `nxt_sprintf.h`.
pub type nxt_log_handler_t =
    Option<unsafe extern "C" fn(level: nxt_uint_t, log: *mut nxt_log_t, fmt: *const c_char, ...)>;
/// Adds the context of a record at `pos`, never past `end`; answers the new end of the text.
pub type nxt_log_ctx_handler_t =
    Option<unsafe extern "C" fn(ctx: *mut c_void, pos: *mut u8, end: *mut u8) -> *mut u8>;

/// A log: where records go, and which are written at all.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_log_t {
    /// The least important level that is still written.
    pub level: u32,
    /// The number that follows `*` in a record; 0 is none.
    pub ident: u32,
    /// The writer.
    pub handler: nxt_log_handler_t,
    /// What appends the context, or none.
    pub ctx_handler: nxt_log_ctx_handler_t,
    /// The argument of `ctx_handler`.
    pub ctx: *mut c_void,
}

super::assert_layout!(nxt_log_t, size 32, align 8, level @ 0, ident @ 4, handler @ 8, ctx_handler @ 16, ctx @ 24);

unsafe extern "C" {
    /// Writes one record to standard error: the program's name, the level, the text (defined in
    /// `src/capi/format_variadic.c`).
    ///
    /// # Safety
    /// `log` is NULL or valid; `fmt` ends with a NUL and the arguments are those that it announces.
    pub unsafe fn nxt_log_handler(level: nxt_uint_t, log: *mut nxt_log_t, fmt: *const c_char, ...);
    /// Writes one record to the process's log, with the time, the process and the thread; the
    /// daemon's `handler` (defined in the same file).
    ///
    /// # Safety
    /// As [`nxt_log_handler`].
    pub unsafe fn nxt_log_time_handler(
        level: nxt_uint_t,
        log: *mut nxt_log_t,
        fmt: *const c_char,
        ...
    );
}

/// What tells of a failure that comes often, without filling the log.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_log_moderation_t {
    /// The level of the record that tells how many were left out.
    pub level: u32,
    /// How many records a second may be written.
    pub limit: u32,
    /// What that record tells of.
    pub msg: *const c_char,
    /// Guards the rest.
    pub lock: nxt_thread_spinlock_t,
    /// The process that the timer runs in.
    pub pid: nxt_pid_t,
    /// How many there were in the current second.
    pub count: nxt_uint_t,
    /// The current second.
    pub last: nxt_time_t,
    /// When it runs out, the record is written.
    pub timer: nxt_timer_t,
}

super::assert_layout!(nxt_log_moderation_t, size 104, align 8, level @ 0, limit @ 4, msg @ 8, lock @ 16, pid @ 24,
    count @ 28, last @ 32, timer @ 40);
