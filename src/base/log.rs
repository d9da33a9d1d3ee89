//! The log of every process: one line a record, written to standard error.
//!
//! Main points descriptor 2 at the log file before it forks, so that a record from any process,
//! from an application's own output, and from a module ends up in the same file. The line format
//! is that of Unit 1.35.0: `YYYY/MM/DD HH:MM:SS [level] PID#TID *CONN text`, local time.

use std::fmt;
use std::io::Write;

use chrono::Local;

/// The longest record, in bytes, its final newline included (as in Unit 1.35.0).
pub const MAX_RECORD: usize = 2048;

/// How much a record matters. The numbers are those of `nxt_log.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something is broken that needs a person.
    Alert = 0,
    /// An operation failed.
    Error = 1,
    /// Something is suspicious.
    Warn = 2,
    /// A significant normal event.
    Notice = 3,
    /// A normal event.
    Info = 4,
    /// Detail for developers; written only by builds with debug assertions.
    Debug = 5,
}

impl Level {
    /// The word between the brackets.
    pub fn name(self) -> &'static str {
        match self {
            Level::Alert => "alert",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Notice => "notice",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}

/// Writes one record. `conn` is the connection number of records that concern a client.
pub fn write(level: Level, conn: Option<u64>, text: fmt::Arguments<'_>) {
    let mut line = head(level, conn);
    // Writing to a Vec cannot fail.
    let _ = line.write_fmt(text);
    finish(line);
}

/// Writes one record whose text comes from C and need not be UTF-8.
pub fn write_bytes(level: Level, conn: Option<u64>, text: &[u8]) {
    let mut line = head(level, conn);
    line.extend_from_slice(text);
    finish(line);
}

/// Writes one record without the time, as a program does before it has a log of its own: the
/// program's name, if it has told it, then the level.
pub fn write_plain(name: &[u8], level: Level, conn: Option<u64>, text: &[u8]) {
    let mut line = Vec::with_capacity(160);
    if !name.is_empty() {
        line.extend_from_slice(name);
        line.extend_from_slice(b": ");
    }
    // Writing to a Vec cannot fail.
    let _ = write!(line, "[{}] ", level.name());
    if let Some(conn) = conn {
        let _ = write!(line, "*{conn} ");
    }
    line.extend_from_slice(text);
    finish(line);
}

fn head(level: Level, conn: Option<u64>) -> Vec<u8> {
    let mut line = Vec::with_capacity(160);
    let now = Local::now().format("%Y/%m/%d %H:%M:%S");
    let (pid, tid) = (std::process::id(), nix::unistd::gettid());
    let _ = write!(line, "{now} [{}] {pid}#{tid} ", level.name());
    if let Some(conn) = conn {
        let _ = write!(line, "*{conn} ");
    }
    line
}

fn finish(mut line: Vec<u8>) {
    line.truncate(MAX_RECORD - 1);
    line.push(b'\n');
    // There is nowhere to report that the log itself cannot be written.
    let _ = std::io::stderr().write_all(&line);
}

/// Logs at alert level: `alert!("text {}", x)` or, for a client's connection, `alert!(conn: 7, "text")`.
#[macro_export]
macro_rules! alert {
    (conn: $c:expr, $($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Alert, Some($c), format_args!($($a)+)) };
    ($($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Alert, None, format_args!($($a)+)) };
}

/// Logs at error level; see [`alert!`](crate::alert).
#[macro_export]
macro_rules! error {
    (conn: $c:expr, $($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Error, Some($c), format_args!($($a)+)) };
    ($($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Error, None, format_args!($($a)+)) };
}

/// Logs at warn level; see [`alert!`](crate::alert).
#[macro_export]
macro_rules! warning {
    (conn: $c:expr, $($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Warn, Some($c), format_args!($($a)+)) };
    ($($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Warn, None, format_args!($($a)+)) };
}

/// Logs at notice level; see [`alert!`](crate::alert).
#[macro_export]
macro_rules! notice {
    (conn: $c:expr, $($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Notice, Some($c), format_args!($($a)+)) };
    ($($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Notice, None, format_args!($($a)+)) };
}

/// Logs at info level; see [`alert!`](crate::alert).
#[macro_export]
macro_rules! info {
    (conn: $c:expr, $($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Info, Some($c), format_args!($($a)+)) };
    ($($a:tt)+) => { $crate::base::log::write($crate::base::log::Level::Info, None, format_args!($($a)+)) };
}
