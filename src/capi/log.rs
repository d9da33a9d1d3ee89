//! `nxt_log.h`: the log that modules write to.
//!
//! Modules call `task->log->handler(level, log, format, …)`. Rust cannot define a variadic function,
//! so the C shim `format_variadic.c` defines the handlers, keeps the `va_list`, and calls the
//! functions here, which format with the one formatter of `base` and fetch each argument through
//! the shim.

use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{c_char, c_double, c_int, c_void};

#[cfg(feature = "debug")]
use crate::abi::log::NXT_LOG_DEBUG;
use crate::abi::log::{nxt_log_ctx_handler_t, nxt_log_handler_t, nxt_log_t, nxt_log_time_handler};
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_uint_t;
use crate::base::log::{self, Level, MAX_RECORD};
use crate::base::sprintf::{self, Source};
use crate::capi::{c_string, guard};
use crate::capi::{globals, room};

/// The `va_list` that the shim keeps.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_va_source_t {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn nxt_va_int(source: *mut nxt_va_source_t) -> c_int;
    fn nxt_va_long(source: *mut nxt_va_source_t) -> i64;
    fn nxt_va_double(source: *mut nxt_va_source_t) -> c_double;
    fn nxt_va_pointer(source: *mut nxt_va_source_t) -> *mut c_void;
}

/// What `handler` of the daemon's logs points at: the shim.
pub const HANDLER: nxt_log_handler_t = Some(nxt_log_time_handler);

/// The name of the program, which C keeps; NULL before it was told.
static NAME: AtomicPtr<c_char> = AtomicPtr::new(std::ptr::null_mut());

/// The arguments of one call.
///
/// What makes the fetches sound is the caller's promise that the arguments fit the format, which
/// C's variadic functions cannot check.
pub(crate) struct VaList(pub(crate) *mut nxt_va_source_t);

impl Source for VaList {
    fn int(&mut self) -> i32 {
        // SAFETY: the shim's list is alive during the call; the format says that an int follows.
        unsafe { nxt_va_int(self.0) }
    }

    fn long(&mut self) -> i64 {
        // SAFETY: as above, for 64 bits.
        unsafe { nxt_va_long(self.0) }
    }

    fn double(&mut self) -> f64 {
        // SAFETY: as above, for a double.
        unsafe { nxt_va_double(self.0) }
    }

    fn pointer(&mut self) -> usize {
        // SAFETY: as above, for a pointer.
        unsafe { nxt_va_pointer(self.0) }.addr()
    }

    fn c_string(&mut self, max: usize) -> Option<&[u8]> {
        // SAFETY: as above; the caller of the handler passes NULL or bytes that end with a NUL or
        // go on for at least `max`, and strnlen does not look further.
        unsafe {
            let start = nxt_va_pointer(self.0).cast::<c_char>().cast_const();
            (!start.is_null())
                .then(|| std::slice::from_raw_parts(start.cast(), libc::strnlen(start, max)))
        }
    }

    fn bytes(&mut self, length: usize) -> Option<&[u8]> {
        // SAFETY: as above; the format says that `length` bytes are there, unless it is NULL.
        unsafe {
            let start = nxt_va_pointer(self.0).cast::<u8>().cast_const();
            (!start.is_null()).then(|| std::slice::from_raw_parts(start, length))
        }
    }

    fn string(&mut self) -> Option<&[u8]> {
        // SAFETY: as above; the format says that a string with length is there, unless it is NULL.
        unsafe {
            let string = nxt_va_pointer(self.0).cast::<nxt_str_t>().as_ref()?;
            let start = string.start.cast_const();
            (!start.is_null()).then(|| std::slice::from_raw_parts(start, string.length))
        }
    }
}

/// Formats one record and hands it on with its level and connection.
///
/// # Safety
/// `log` is NULL or valid, `fmt` is NULL or ends with a NUL, and the arguments of `source` are those
/// that `fmt` announces.
unsafe fn write(
    level: nxt_uint_t,
    log: *mut nxt_log_t,
    fmt: *const c_char,
    source: *mut nxt_va_source_t,
    record: impl FnOnce(Level, Option<u64>, &[u8]),
) {
    if fmt.is_null() {
        return;
    }
    // SAFETY: not NULL, and the caller's format ends with a NUL.
    let format = unsafe { CStr::from_ptr(fmt) }.to_bytes();
    if !room::for_record(format) {
        return;
    }
    let mut text = Vec::with_capacity(256);
    sprintf::format(&mut text, MAX_RECORD, format, &mut VaList(source));
    // SAFETY: NULL or valid, by the caller's promise.
    let log = unsafe { log.as_ref() };
    if let Some(log) = log {
        // SAFETY: the context belongs to this log.
        unsafe { append_context(log, &mut text) };
    }
    let connection = log
        .map(|log| u64::from(log.ident))
        .filter(|ident| *ident != 0);
    record(level_of(level), connection, &text);
}

/// Writes one record with the program's name; called by the shim, not exported.
///
/// # Safety
/// As [`write`].
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_log_vhandler(
    level: nxt_uint_t,
    log: *mut nxt_log_t,
    fmt: *const c_char,
    source: *mut nxt_va_source_t,
) {
    guard("nxt_log_handler", (), || {
        // SAFETY: NULL, or a string that the program keeps, by the promise of `nxt_log_start`.
        let name = unsafe { c_string(NAME.load(Ordering::Acquire).cast()) };
        // SAFETY: the caller's promise is the same.
        unsafe {
            write(level, log, fmt, source, |level, connection, text| {
                log::write_plain(name, level, connection, text);
            });
        }
    });
}

/// Writes one record with the time; called by the shim, not exported.
///
/// # Safety
/// As [`write`].
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_log_time_vhandler(
    level: nxt_uint_t,
    log: *mut nxt_log_t,
    fmt: *const c_char,
    source: *mut nxt_va_source_t,
) {
    guard("nxt_log_time_handler", (), || {
        // SAFETY: the caller's promise is the same.
        unsafe { write(level, log, fmt, source, log::write_bytes) }
    });
}

/// Gives the program's name to the records of nxt_log_handler; NULL or nothing changes nothing.
///
/// # Safety
/// `name` is NULL or a string that stays as it is as long as the program runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_log_start(name: *const c_char) {
    guard("nxt_log_start", (), || {
        // SAFETY: the caller's promise is the same.
        if !unsafe { c_string(name.cast()) }.is_empty() {
            NAME.store(name.cast_mut(), Ordering::Release);
        }
    });
}

/// Makes `log` the calling thread's log, with level and handler of the present one, and a context of
/// its own; answers the present one.
///
/// # Safety
/// `log` is NULL or writable and outlives its use as the thread's log; `handler` takes `ctx`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_log_set_ctx(
    log: *mut nxt_log_t,
    handler: nxt_log_ctx_handler_t,
    ctx: *mut c_void,
) -> *mut nxt_log_t {
    guard("nxt_log_set_ctx", std::ptr::null_mut(), || {
        let thread = globals::thread();
        // SAFETY: the state is the calling thread's own; its log is NULL or valid.
        unsafe {
            let old = (*thread).log;
            if log.is_null() || old.is_null() {
                return old;
            }
            (&raw mut (*log).level).write((*old).level);
            (&raw mut (*log).handler).write((*old).handler);
            (&raw mut (*log).ctx_handler).write(handler);
            (&raw mut (*log).ctx).write(ctx);
            (*thread).log = log;
            old
        }
    })
}

/// Writes a record to a C log; to the process's own if there is none.
///
/// # Safety
/// `log` is NULL or valid.
pub(crate) unsafe fn record(log: *mut nxt_log_t, level: Level, text: &str) {
    // SAFETY: NULL or valid, by the caller's promise; the format announces a length and bytes.
    unsafe {
        let Some(facts) = log.as_ref() else {
            return log::write_bytes(level, None, text.as_bytes());
        };
        if let Some(handler) = facts.handler.filter(|_| facts.level >= level as u32) {
            handler(
                level as u32,
                log,
                c"%*s".as_ptr(),
                text.len(),
                text.as_ptr(),
            );
        }
    }
}

/// Writes a record to the log of a task.
///
/// # Safety
/// `task` is NULL or valid.
pub(crate) unsafe fn task_record(task: *const nxt_task_t, level: Level, text: &str) {
    // SAFETY: NULL or valid, by the caller's promise.
    unsafe {
        record(
            task.as_ref().map_or(std::ptr::null_mut(), |task| task.log),
            level,
            text,
        )
    }
}

/// Writes a record to the calling thread's log.
pub(crate) fn thread_record(level: Level, text: &str) {
    // SAFETY: the state is the calling thread's own; its log is NULL or valid.
    unsafe { record((*globals::thread()).log, level, text) }
}

/// Writes a record at debug level to a C log, if that or the program asks for it.
///
/// # Safety
/// `log` is NULL or valid.
#[cfg(feature = "debug")]
unsafe fn debug_record(log: *mut nxt_log_t, text: impl FnOnce() -> String) {
    // SAFETY: NULL or valid, by the caller's promise; the object is read as C code does, and the
    // format announces a length and bytes.
    unsafe {
        let Some(facts) = log.as_ref() else {
            return;
        };
        if let Some(handler) = facts.handler
            && (facts.level == NXT_LOG_DEBUG || globals::nxt_debug.get().read() != 0)
        {
            let text = text();
            handler(
                NXT_LOG_DEBUG,
                log,
                c"%*s".as_ptr(),
                text.len(),
                text.as_ptr(),
            );
        }
    }
}

/// Writes a record at debug level to the log of a task.
///
/// # Safety
/// `task` is NULL or valid.
#[cfg(feature = "debug")]
pub(crate) unsafe fn task_debug(task: *const nxt_task_t, text: impl FnOnce() -> String) {
    // SAFETY: NULL or valid, by the caller's promise.
    unsafe {
        let log = task.as_ref().map_or(std::ptr::null_mut(), |task| task.log);
        debug_record(log, text);
    }
}

/// Writes a record at debug level to the calling thread's log.
#[cfg(feature = "debug")]
pub(crate) fn thread_debug(text: impl FnOnce() -> String) {
    // SAFETY: the state is the calling thread's own; its log is NULL or valid.
    unsafe { debug_record((*globals::thread()).log, text) }
}

/// Lets the log's own callback append to a record.
///
/// # Safety
/// The callback of `log`, if any, takes its context.
unsafe fn append_context(log: &nxt_log_t, text: &mut Vec<u8>) {
    let Some(context) = log.ctx_handler else {
        return;
    };
    let length = text.len();
    text.resize(MAX_RECORD.max(length), 0);
    let room = text.as_mut_ptr_range();
    // SAFETY: the callback writes between the two addresses, which is the room just made.
    let end = unsafe { context(log.ctx, room.start.add(length), room.end) };
    let written = end.addr().saturating_sub(room.start.addr());
    text.truncate(written.clamp(length, text.len()));
}

/// The level of a number; a number beyond the last is the last.
pub(crate) fn level_of(number: nxt_uint_t) -> Level {
    const LEVELS: [Level; 6] = [
        Level::Alert,
        Level::Error,
        Level::Warn,
        Level::Notice,
        Level::Info,
        Level::Debug,
    ];
    LEVELS.get(number as usize).copied().unwrap_or(Level::Debug)
}
