//! The application side of the port protocol (libunit), synchronous.
//!
//! The exported functions of `nxt_unit.h` are thin shims over this module (`capi/unit/`). It is
//! also cut out as `libunit.a`, which language modules and applications embed: it starts no thread,
//! uses no async runtime, and takes nothing from the daemon.
//!
//! # Objects that C code holds
//! [`Library`], [`Context`], [`Port`], [`Request`], [`Buffer`] and [`Frame`] start with the
//! structure that C sees, so a pointer to one is a pointer to the other. C code changes these
//! structures at any time, so they consist of `Cell`s, and are only ever borrowed shared.
//!
//! # Threads
//! The library and its ports may be used by all threads. A context receives in one thread at a
//! time, but its requests may be finished by others: what they share is behind the context's lock.
//! One request is used by one thread at a time; that is the application's duty.

mod buffer;
mod context;
mod control;
mod dispatch;
mod fields;
mod library;
mod log;
mod memory;
mod port;
mod quit;
mod receive;
mod request;
mod response;
mod run;
mod startup;
#[cfg(test)]
mod tests;
mod websocket;

pub use buffer::Buffer;
pub use context::Context;
pub use fields::{field_hash, group_duplicate_fields};
pub use library::Library;
pub use log::{write_log, write_log_bytes};
pub use port::{Port, port_id};
pub use request::Request;
pub use startup::init;
pub use websocket::Frame;

/// What went wrong has been logged; the caller gets `NXT_UNIT_ERROR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// The longest message body that is not put into shared memory for its size alone.
const MAX_PLAIN: usize = 1024;

/// Locks, also after a panic in another thread: the state behind the locks of this library is valid
/// between any two statements.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
