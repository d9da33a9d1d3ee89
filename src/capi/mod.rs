//! Every exported `extern "C"` function: thin shims, no logic. One file for each original header.
//!
//! A shim checks its pointers, calls the safe function below, and maps the result. Its body runs
//! inside [`guard`]: a panic is logged and becomes the function's error value, never a crash of the
//! C caller. The declarations of `include/` are generated from these files; the list of names that
//! the daemon exports is `exports/nxt.syms`.

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::abi::string::nxt_str_t;
use crate::alert;

pub mod application;
pub mod array;
pub mod buf;
pub mod buf_pool;
pub mod buf_ts;
pub mod capability;
pub mod cgroup;
pub mod clone;
pub mod conf;
pub mod conn;
pub mod credential;
pub mod djb_hash;
pub mod engine;
pub mod file;
pub mod fs_mount;
pub mod globals;
pub mod host;
pub mod http_chunk_parse;
pub mod http_parse;
pub mod isolation;
pub mod job;
pub mod lib_start;
pub mod list;
pub mod listen_socket;
pub mod log;
pub mod log_moderation;
pub mod lvlhsh;
pub mod malloc;
pub mod mem_map;
pub mod mem_zone;
pub mod mp;
pub mod murmur_hash;
#[cfg(feature = "panic-probe")]
mod panic_probe;
pub mod parse;
pub mod port;
pub mod process;
pub mod queue;
pub mod random;
pub mod rbtree;
mod room;
pub mod runtime;
pub mod server;
pub mod sockaddr;
pub mod socket_msg;
pub mod spinlock;
pub mod sprintf;
pub mod string;
pub mod thread;
pub mod thread_pool;
pub mod thread_time;
pub mod time;
pub mod unit;
pub mod utf8;
pub mod websocket;

/// The bytes behind a C pointer; NULL has none.
///
/// # Safety
/// `start` is NULL or points at `length` bytes that are readable, and nobody changes, as long as the
/// result is used.
pub(crate) unsafe fn bytes<'a>(start: *const u8, length: usize) -> &'a [u8] {
    if start.is_null() || length > isize::MAX as usize {
        return &[];
    }
    // SAFETY: not NULL, and by the caller's promise.
    unsafe { std::slice::from_raw_parts(start, length) }
}

/// The bytes of a C string, without the NUL; NULL has none.
///
/// # Safety
/// `start` is NULL or points at readable bytes that end with a NUL, and that nobody changes as long
/// as the result is used.
pub(crate) unsafe fn c_string<'a>(start: *const u8) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: not NULL, and by the caller's promise.
    unsafe { CStr::from_ptr(start.cast()) }.to_bytes()
}

/// The bytes of a string with length; NULL has none.
///
/// # Safety
/// As [`bytes`], for the string that `string` points at.
pub(crate) unsafe fn str_bytes<'a>(string: *const nxt_str_t) -> &'a [u8] {
    // SAFETY: NULL or valid, by the caller's promise.
    unsafe {
        string
            .as_ref()
            .map_or(&[], |string| bytes(string.start, string.length))
    }
}

/// Runs the body of an exported function; a panic is logged and answered with `failed`.
pub(crate) fn guard<T>(name: &'static str, failed: T, body: impl FnOnce() -> T) -> T {
    // After a panic the caller only sees the error value; whatever the body had half done is
    // reachable by nobody but the C objects the caller passed, which hold no Rust invariants.
    let body = || {
        #[cfg(feature = "panic-probe")]
        panic_probe::panic_in(name);
        body()
    };
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(_) => {
            alert!("{name}() panicked");
            failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::guard;

    #[test]
    fn a_panic_becomes_the_error_value() {
        assert_eq!(guard("test", -1, || 0), 0);
        assert_eq!(guard("test", -1, || panic!("forced")), -1);
    }
}
