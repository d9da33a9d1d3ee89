//! `nxt_murmur_hash.h`.

use libc::c_void;

use crate::base::murmur;
use crate::capi::guard;

/// The 32-bit MurmurHash2, seed 0, of `len` bytes at `data`.
///
/// # Safety
/// `data` points at `len` readable bytes; with `len` 0 it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_murmur_hash2(data: *const c_void, len: usize) -> u32 {
    guard("nxt_murmur_hash2", 0, || {
        if data.is_null() || len == 0 {
            return murmur::hash2(&[]);
        }
        // SAFETY: not NULL, and the caller passes `len` readable bytes.
        murmur::hash2(unsafe { std::slice::from_raw_parts(data.cast(), len) })
    })
}

/// The same of the four bytes at `data`.
///
/// # Safety
/// `data` is NULL or points at four readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_murmur_hash2_uint32(data: *const c_void) -> u32 {
    // SAFETY: the caller's promise is the same.
    unsafe { nxt_murmur_hash2(data, 4) }
}
