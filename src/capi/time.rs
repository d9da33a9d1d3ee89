//! `nxt_time.h`: clocks and local time.

use std::mem::MaybeUninit;

use libc::{clockid_t, timespec, tm};

use crate::abi::time::{nxt_monotonic_time_t, nxt_realtime_t};
use crate::abi::types::{nxt_nsec_t, nxt_time_t, nxt_uint_t};
use crate::capi::guard;

/// Reads a clock; the coarse ones have the kernel's tick as their precision and cost next to nothing.
fn read(clock: clockid_t) -> timespec {
    let mut now = timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the place is ours; these clocks always exist.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    now
}

/// The time since the epoch.
pub(crate) fn realtime() -> nxt_realtime_t {
    let now = read(libc::CLOCK_REALTIME_COARSE);
    nxt_realtime_t {
        sec: now.tv_sec,
        // Less than a thousand million.
        nsec: now.tv_nsec as nxt_uint_t,
    }
}

/// Nanoseconds by the clock that never goes back.
pub(crate) fn monotonic() -> nxt_nsec_t {
    let now = read(libc::CLOCK_MONOTONIC_COARSE);
    now.tv_sec as nxt_nsec_t * 1_000_000_000 + now.tv_nsec as nxt_nsec_t
}

/// Reads the clock on the wall.
///
/// # Safety
/// `now` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_realtime(now: *mut nxt_realtime_t) {
    guard("nxt_realtime", (), || {
        if !now.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe { now.write(realtime()) };
        }
    });
}

/// Reads the clock that never goes back into `monotonic`; the other members stay as they are.
///
/// # Safety
/// `now` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_monotonic_time(now: *mut nxt_monotonic_time_t) {
    guard("nxt_monotonic_time", (), || {
        if !now.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe { (&raw mut (*now).monotonic).write(monotonic()) };
        }
    });
}

/// Splits a time into the parts of local time.
///
/// # Safety
/// `tm` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_localtime(s: nxt_time_t, tm: *mut tm) {
    guard("nxt_localtime", (), || {
        if tm.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise. A time beyond all years leaves zeroes.
        unsafe {
            if libc::localtime_r(&raw const s, tm).is_null() {
                tm.write(MaybeUninit::zeroed().assume_init());
            }
        }
    });
}

unsafe extern "C" {
    fn tzset();
}

/// Has the C library look at the time zone of the system again.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_timezone_update() {
    // SAFETY: the call takes and answers nothing; the C library guards its own state.
    unsafe { tzset() };
}
