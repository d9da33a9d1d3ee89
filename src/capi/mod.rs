//! Every exported `extern "C"` function: thin shims, no logic. One file for each original header.
//!
//! A shim checks its pointers, calls the safe function below, and maps the result. Its body runs
//! inside [`guard`]: a panic is logged and becomes the function's error value, never a crash of the
//! C caller. The declarations of `include/` are generated from these files; the list of names that
//! the daemon exports is `exports/nxt.syms`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::alert;

pub mod application;
pub mod conf;
pub mod log;
pub mod lvlhsh;
pub mod malloc;
pub mod murmur_hash;
pub mod parse;
pub mod server;
pub mod socket_msg;
pub mod unit;
pub mod websocket;

/// Runs the body of an exported function; a panic is logged and answered with `failed`.
pub(crate) fn guard<T>(name: &'static str, failed: T, body: impl FnOnce() -> T) -> T {
    // After a panic the caller only sees the error value; whatever the body had half done is
    // reachable by nobody but the C objects the caller passed, which hold no Rust invariants.
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
