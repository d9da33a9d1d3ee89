//! The integer types of `nxt_types.h` and `nxt_process.h`, as they are on 64-bit Linux.

use libc::{c_int, c_uint};

/// A signed integer of the machine's cheapest width: 32 bits here, also on 64-bit Linux.
pub type nxt_int_t = c_int;
/// The unsigned companion of [`nxt_int_t`].
pub type nxt_uint_t = c_uint;
/// A truth value; any non-zero number is true.
pub type nxt_bool_t = nxt_uint_t;
/// A file offset or size.
pub type nxt_off_t = i64;
/// A time in seconds since the epoch.
pub type nxt_time_t = i64;
/// An interval or a moment in milliseconds; wraps.
pub type nxt_msec_t = u32;
/// An interval in nanoseconds.
pub type nxt_nsec_t = u64;
/// A process identifier.
pub type nxt_pid_t = libc::pid_t;
/// A thread identifier of the kernel.
pub type nxt_tid_t = libc::pid_t;
/// A user identifier.
pub type nxt_uid_t = libc::uid_t;
/// A group identifier.
pub type nxt_gid_t = libc::gid_t;
/// A word that two threads may change at once.
pub type nxt_atomic_uint_t = u64;
/// The same with a sign.
pub type nxt_atomic_int_t = i64;
/// The same as C sees it: volatile.
pub type nxt_atomic_t = nxt_atomic_uint_t;

const _: () = {
    assert!(size_of::<nxt_int_t>() == 4 && size_of::<nxt_uint_t>() == 4);
    assert!(size_of::<nxt_bool_t>() == 4 && size_of::<nxt_off_t>() == 8);
    assert!(size_of::<nxt_pid_t>() == 4 && size_of::<nxt_msec_t>() == 4);
    assert!(size_of::<usize>() == 8);
};
