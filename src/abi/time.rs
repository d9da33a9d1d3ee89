//! The times of `nxt_time.h` and the cached times of `nxt_thread_time.h`.

use libc::{c_char, tm};

use crate::abi::string::nxt_str_t;
#[cfg(feature = "debug")]
use crate::abi::types::nxt_msec_t;
use crate::abi::types::{nxt_atomic_int_t, nxt_atomic_uint_t, nxt_nsec_t, nxt_time_t, nxt_uint_t};

/// A time since the epoch.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_realtime_t {
    /// Whole seconds.
    pub sec: nxt_time_t,
    /// The nanoseconds beyond.
    pub nsec: nxt_uint_t,
}

/// A moment by two clocks.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_monotonic_time_t {
    /// By the clock on the wall, as far as it was asked for.
    pub realtime: nxt_realtime_t,
    /// By the clock that never goes back, in nanoseconds.
    pub monotonic: nxt_nsec_t,
    /// When `realtime` has to be read anew, by the clock that never goes back.
    pub update: nxt_nsec_t,
}

/// Prints a time; answers the end of the text.
pub type nxt_time_string_handler_t = Option<
    unsafe extern "C" fn(
        buf: *mut u8,
        now: *mut nxt_realtime_t,
        tm: *mut tm,
        size: usize,
        format: *const c_char,
    ) -> *mut u8,
>;

/// A text made of the time, which each thread keeps for a second.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_time_string_t {
    /// Its place among the texts that threads keep; -1 before its first use.
    pub slot: nxt_atomic_uint_t,
    /// Prints it.
    pub handler: nxt_time_string_handler_t,
    /// The last argument of `handler`.
    pub format: *const c_char,
    /// The most bytes it takes.
    pub size: usize,
    /// `NXT_THREAD_TIME_LOCAL` or `NXT_THREAD_TIME_GMT`.
    pub timezone: u8,
    /// `NXT_THREAD_TIME_SEC` or `NXT_THREAD_TIME_MSEC`.
    pub msec: u8,
}

/// `timezone` of a text in local time.
pub const NXT_THREAD_TIME_LOCAL: u8 = 0;
/// `timezone` of a text in UTC.
pub const NXT_THREAD_TIME_GMT: u8 = 1;
/// `msec` of a text that changes with the second.
pub const NXT_THREAD_TIME_SEC: u8 = 0;
/// `msec` of a text that changes with the millisecond.
pub const NXT_THREAD_TIME_MSEC: u8 = 1;

/// A text that a thread keeps.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_time_string_cache_t {
    /// The second it is of.
    pub last: nxt_time_t,
    /// The millisecond it is of.
    #[cfg(feature = "debug")]
    pub last_msec: nxt_msec_t,
    /// The text.
    pub string: nxt_str_t,
}

/// The times that a thread keeps.
#[repr(C)]
#[expect(missing_debug_implementations, reason = "struct tm has none")]
pub struct nxt_thread_time_t {
    /// The last time that was read.
    pub now: nxt_monotonic_time_t,
    /// The second of `gmtime`.
    pub last_gmtime: nxt_time_t,
    /// The second of `localtime`.
    pub last_localtime: nxt_time_t,
    /// In UTC.
    pub gmtime: tm,
    /// In local time.
    pub localtime: tm,
    /// Whether texts are printed anew each time.
    pub no_cache: u32,
    /// Negative on a thread that never runs a signal handler.
    pub signal: nxt_atomic_int_t,
    /// How many texts there are.
    pub nstrings: nxt_atomic_uint_t,
    /// The texts.
    pub strings: *mut nxt_time_string_cache_t,
}

super::assert_layout!(nxt_realtime_t, size 16, align 8, sec @ 0, nsec @ 8);
super::assert_layout!(nxt_monotonic_time_t, size 32, align 8, realtime @ 0, monotonic @ 16, update @ 24);
super::assert_layout!(nxt_time_string_t, size 40, align 8, slot @ 0, handler @ 8, format @ 16, size @ 24,
    timezone @ 32, msec @ 33);
#[cfg(not(feature = "debug"))]
super::assert_layout!(nxt_time_string_cache_t, size 24, align 8, last @ 0, string @ 8);
#[cfg(feature = "debug")]
super::assert_layout!(nxt_time_string_cache_t, size 32, align 8, last @ 0, last_msec @ 8, string @ 16);
super::assert_layout!(nxt_thread_time_t, size 192, align 8, now @ 0, last_gmtime @ 32, last_localtime @ 40,
    gmtime @ 48, localtime @ 104, no_cache @ 160, signal @ 168, nstrings @ 176, strings @ 184);
