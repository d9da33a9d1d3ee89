//! `nxt_djb_hash.h`.

use libc::c_void;

use crate::base::djb;
use crate::capi::{bytes, guard};

/// The hash of `len` bytes at `data`.
///
/// # Safety
/// `data` is NULL or points at `len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_djb_hash(data: *const c_void, len: usize) -> u32 {
    guard("nxt_djb_hash", 0, || {
        // SAFETY: the caller's promise is the same.
        djb::hash(unsafe { bytes(data.cast(), len) })
    })
}

/// The hash of `len` bytes at `data` with ASCII letters in lower case.
///
/// # Safety
/// `data` is NULL or points at `len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_djb_hash_lowcase(data: *const c_void, len: usize) -> u32 {
    guard("nxt_djb_hash_lowcase", 0, || {
        // SAFETY: the caller's promise is the same.
        djb::hash_lowcase(unsafe { bytes(data.cast(), len) })
    })
}
