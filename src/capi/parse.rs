//! `nxt_parse.h`: decimal numbers.

use crate::abi::types::{nxt_int_t, nxt_off_t};
use crate::base::decimal::{self, DecimalError};
use crate::capi::guard;

/// The number, or -1 for no number, or -2 for one that is too large.
///
/// # Safety
/// `p` is NULL or points at `length` readable bytes.
unsafe fn parse(p: *const u8, length: usize, max: u64) -> i64 {
    if p.is_null() {
        return -1;
    }
    // SAFETY: not NULL, and the caller of the exported function passes `length` readable bytes.
    let text = unsafe { std::slice::from_raw_parts(p, length) };
    match decimal::parse(text, max) {
        // `max` is within i64 in both callers.
        Ok(number) => number as i64,
        Err(DecimalError::Malformed) => -1,
        Err(DecimalError::Overflow) => -2,
    }
}

/// Reads `length` digits at `p` as a number up to 2^31 - 1; -1 if they are no number, -2 if it is too large.
///
/// # Safety
/// `p` is NULL or points at `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_int_parse(p: *const u8, length: usize) -> nxt_int_t {
    guard("nxt_int_parse", -1, || {
        // SAFETY: the caller's promise is the same; the result fits, as `max` does.
        unsafe { parse(p, length, nxt_int_t::MAX as u64) as nxt_int_t }
    })
}

/// Reads `length` digits at `p` as a number up to 2^63 - 1; -1 if they are no number, -2 if it is too large.
///
/// # Safety
/// `p` is NULL or points at `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_off_t_parse(p: *const u8, length: usize) -> nxt_off_t {
    // SAFETY: the caller's promise is the same.
    guard("nxt_off_t_parse", -1, || unsafe {
        parse(p, length, nxt_off_t::MAX as u64)
    })
}
