//! The result numbers of `nxt_errno.h`.

use libc::c_int;

use crate::abi::types::nxt_int_t;

/// A number of `errno`.
pub type nxt_err_t = c_int;

/// Success.
pub const NXT_OK: nxt_int_t = 0;
/// Failure.
pub const NXT_ERROR: nxt_int_t = -1;
/// Try again later.
pub const NXT_AGAIN: nxt_int_t = -2;
/// Not found, or not this callee's business.
pub const NXT_DECLINED: nxt_int_t = -3;
/// Nothing more to do.
pub const NXT_DONE: nxt_int_t = -4;

/// Writes the text of an error number, at most `size` bytes and without a NUL; answers its end.
pub type nxt_strerror_t =
    Option<unsafe extern "C" fn(err: nxt_err_t, errstr: *mut u8, size: usize) -> *mut u8>;
