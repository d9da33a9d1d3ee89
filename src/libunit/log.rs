//! The log of an application: one line a record, to the descriptor that the daemon gave.

use std::ffi::c_int;
use std::fmt;
use std::io::Write;
use std::mem::MaybeUninit;

use super::Library;
use crate::abi::unit::*;

/// The longest record (`NXT_MAX_ERROR_STR`).
const MAX_RECORD: usize = 2048;
const CUT: &[u8] = b"[...]";

/// Logs with format arguments: `report!(lib, ALERT, "text {}", x)`, `lib` being `Option<&Library>`.
macro_rules! report {
    ($lib:expr, ALERT, $($text:tt)+) => {
        $crate::libunit::log::write_log($lib, $crate::abi::unit::NXT_UNIT_LOG_ALERT, None, format_args!($($text)+))
    };
    ($lib:expr, WARN, $($text:tt)+) => {
        $crate::libunit::log::write_log($lib, $crate::abi::unit::NXT_UNIT_LOG_WARN, None, format_args!($($text)+))
    };
}
pub(super) use report;

/// Logs with the request's stream in front.
macro_rules! report_request {
    ($request:expr, $level:ident, $($text:tt)+) => {
        $crate::libunit::log::write_request_log($request, $crate::libunit::log::$level, format_args!($($text)+))
    };
}
pub(super) use report_request;

pub(super) const ALERT: c_int = NXT_UNIT_LOG_ALERT;
pub(super) const ERROR: c_int = NXT_UNIT_LOG_ERR;
pub(super) const WARN: c_int = NXT_UNIT_LOG_WARN;

/// Writes a record that concerns a request.
pub(super) fn write_request_log(request: &super::Request, level: c_int, text: fmt::Arguments<'_>) {
    write_log(
        Some(request.context().library()),
        level,
        Some(request.stream()),
        text,
    );
}

/// Writes a record. Without a library it goes to standard error.
pub fn write_log(
    lib: Option<&Library>,
    level: c_int,
    stream: Option<u32>,
    text: fmt::Arguments<'_>,
) {
    // Writing to a Vec cannot fail.
    record(lib, level, stream, |line| drop(line.write_fmt(text)));
}

/// Writes a record with a text that need not be UTF-8.
pub fn write_log_bytes(lib: Option<&Library>, level: c_int, stream: Option<u32>, text: &[u8]) {
    record(lib, level, stream, |line| line.extend_from_slice(text));
}

fn record(
    lib: Option<&Library>,
    level: c_int,
    stream: Option<u32>,
    text: impl FnOnce(&mut Vec<u8>),
) {
    let mut line = Vec::with_capacity(256);
    // SAFETY: an all-zero tm is valid; localtime_r fills it from a time that time() returned.
    let tm = unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut tm = MaybeUninit::<libc::tm>::zeroed();
        libc::localtime_r(&now, tm.as_mut_ptr());
        tm.assume_init()
    };
    let level = ["alert", "error", "warn", "notice", "info", "debug"]
        .get(level as usize)
        .unwrap_or(&"debug");
    let pid = lib.map_or_else(|| std::process::id() as i32, Library::pid);
    // SAFETY: gettid has no preconditions.
    let tid = unsafe { libc::gettid() };
    // Writing to a Vec cannot fail.
    let _ = write!(
        line,
        "{:4}/{:02}/{:02} {:02}:{:02}:{:02} [{level}] {pid}#{tid} [unit] ",
        tm.tm_year + 1900,
        tm.tm_mon + 1,
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec,
    );
    if let Some(stream) = stream {
        let _ = write!(line, "#{stream}: ");
    }
    text(&mut line);
    if line.len() >= MAX_RECORD {
        line.truncate(MAX_RECORD - 1 - CUT.len());
        line.extend_from_slice(CUT);
    }
    line.push(b'\n');
    let fd = lib.map_or(libc::STDERR_FILENO, Library::log_fd);
    // SAFETY: the buffer is as long as said. A failure has nowhere to be reported.
    unsafe { libc::write(fd, line.as_ptr().cast(), line.len()) };
}
