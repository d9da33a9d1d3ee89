//! `nxt_log.h`: the log that modules write to.
//!
//! Modules call `task->log->handler(level, log, format, …)`. Rust cannot define a variadic function,
//! so the C shim `log_variadic.c` defines `nxt_log_handler`, keeps the `va_list`, and calls
//! [`nxt_log_vhandler`], which formats with the one formatter of `base` and fetches each argument
//! through the shim.

use std::ffi::CStr;

use libc::{c_char, c_double, c_int, c_void};

use crate::abi::log::{nxt_log_handler, nxt_log_handler_t, nxt_log_t};
use crate::abi::string::nxt_str_t;
use crate::abi::types::nxt_uint_t;
use crate::base::log::{self, Level, MAX_RECORD};
use crate::base::sprintf::{self, Source};
use crate::capi::guard;

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

/// What `handler` of a log points at: the shim.
pub const HANDLER: nxt_log_handler_t = Some(nxt_log_handler);

/// The arguments of one call.
///
/// What makes the fetches sound is the caller's promise that the arguments fit the format, which
/// C's variadic functions cannot check.
struct VaList(*mut nxt_va_source_t);

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

/// Writes one record; called by the shim, not exported.
///
/// # Safety
/// `log` is NULL or valid, `fmt` is NULL or ends with a NUL, and the arguments of `source` are those
/// that `fmt` announces.
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_log_vhandler(
    level: nxt_uint_t,
    log: *mut nxt_log_t,
    fmt: *const c_char,
    source: *mut nxt_va_source_t,
) {
    guard("nxt_log_handler", (), || {
        if fmt.is_null() {
            return;
        }
        // SAFETY: not NULL, and the caller's format ends with a NUL.
        let format = unsafe { CStr::from_ptr(fmt) }.to_bytes();
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
        log::write_bytes(level_of(level), connection, &text);
    });
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
fn level_of(number: nxt_uint_t) -> Level {
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
