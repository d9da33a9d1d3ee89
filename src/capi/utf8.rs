//! `nxt_utf8.h`.

use std::ptr;

use crate::abi::types::{nxt_bool_t, nxt_int_t};
use crate::base::case_folding::fold;
use crate::base::utf8::{self, INVALID};
use crate::capi::{bytes, guard};

/// What [`nxt_utf8_casecmp`] answers for a text that is not UTF-8.
pub const NXT_UTF8_SORT_INVALID: nxt_int_t = 0x0EEE_0EEE;

/// Writes the one to four bytes of the character `u` to `p`: the end of them, or NULL if there is no
/// such character.
///
/// # Safety
/// `p` is NULL or has room for four bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_utf8_encode(p: *mut u8, u: u32) -> *mut u8 {
    guard("nxt_utf8_encode", ptr::null_mut(), || {
        match utf8::encode(u) {
            Some((bytes, length)) if !p.is_null() => {
                // SAFETY: not NULL, and there is room for four bytes.
                unsafe {
                    p.copy_from_nonoverlapping(bytes.as_ptr(), length);
                    p.add(length)
                }
            }
            _ => ptr::null_mut(),
        }
    })
}

/// The character at `*start`, which is moved behind it; `0xFFFFFFFF` if there is none.
///
/// # Safety
/// `start` is NULL or names readable bytes up to `end`.
unsafe fn next(start: *mut *const u8, end: *const u8) -> u32 {
    // SAFETY: NULL or valid, by the caller's promise.
    let Some(start) = (unsafe { start.as_mut() }) else {
        return INVALID;
    };
    // SAFETY: the bytes up to `end` are readable; four are enough for a character.
    let text = unsafe { bytes(*start, end.addr().saturating_sub(start.addr()).min(4)) };
    match utf8::decode(text) {
        Some((character, length)) => {
            *start = start.wrapping_add(length);
            character
        }
        None => INVALID,
    }
}

/// The character at `*start`, which is moved behind it; `0xFFFFFFFF` if there is none.
///
/// # Safety
/// `start` is NULL or names readable bytes up to `end`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_utf8_decode(start: *mut *const u8, end: *const u8) -> u32 {
    // SAFETY: the caller's promise is the same.
    guard("nxt_utf8_decode", INVALID, || unsafe { next(start, end) })
}

/// As [`nxt_utf8_decode`], for characters of two bytes and more.
///
/// # Safety
/// As [`nxt_utf8_decode`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_utf8_decode2(start: *mut *const u8, end: *const u8) -> u32 {
    guard("nxt_utf8_decode2", INVALID, || {
        // SAFETY: NULL or valid, by the caller's promise.
        let Some(first) = (unsafe { start.as_ref() }).copied() else {
            return INVALID;
        };
        // SAFETY: the caller's promise is the same.
        let character = unsafe { next(start, end) };
        if character < 0x80 {
            // SAFETY: not NULL, as there was a first byte.
            unsafe { start.write(first) };
            return INVALID;
        }
        character
    })
}

/// As [`nxt_utf8_decode`], with the character in lower case.
///
/// # Safety
/// As [`nxt_utf8_decode`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_utf8_lowcase(start: *mut *const u8, end: *const u8) -> u32 {
    guard("nxt_utf8_lowcase", INVALID, || {
        // SAFETY: the caller's promise is the same.
        fold(unsafe { next(start, end) })
    })
}

/// Compares two texts up to the end of the shorter one, regardless of case; `NXT_UTF8_SORT_INVALID`
/// if one of them is not UTF-8.
///
/// # Safety
/// Each text is NULL or has the given number of readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_utf8_casecmp(
    start1: *const u8,
    start2: *const u8,
    len1: usize,
    len2: usize,
) -> nxt_int_t {
    guard("nxt_utf8_casecmp", NXT_UTF8_SORT_INVALID, || {
        // SAFETY: the caller's promise is the same.
        let (one, two) = unsafe { (bytes(start1, len1), bytes(start2, len2)) };
        utf8::compare_folded(one, two).unwrap_or(NXT_UTF8_SORT_INVALID)
    })
}

/// How many characters there are in `len` bytes; -1 if they are not UTF-8.
///
/// # Safety
/// `p` is NULL or has `len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_utf8_length(p: *const u8, len: usize) -> isize {
    guard("nxt_utf8_length", -1, || {
        // SAFETY: the caller's promise is the same; a text has at most isize::MAX bytes.
        utf8::length(unsafe { bytes(p, len) }).map_or(-1, |length| length as isize)
    })
}

/// Whether `len` bytes are UTF-8.
///
/// # Safety
/// `p` is NULL or has `len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_utf8_is_valid(p: *const u8, len: usize) -> nxt_bool_t {
    guard("nxt_utf8_is_valid", 0, || {
        // SAFETY: the caller's promise is the same.
        utf8::length(unsafe { bytes(p, len) }).is_some().into()
    })
}
