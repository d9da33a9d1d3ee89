//! `nxt_parse.h`: numbers, terms and dates.

use crate::abi::string::nxt_str_t;
use crate::abi::types::{nxt_bool_t, nxt_int_t, nxt_off_t, nxt_time_t};
use crate::base::date;
use crate::base::decimal::{self, DecimalError};
use crate::base::term::{self, TermError, Unit};
use crate::capi::{bytes, guard};

/// What stands for an error where a number is expected: -1 for no number, -2 for one too large.
fn answer(result: Result<u64, DecimalError>) -> i64 {
    match result {
        // The limits of all callers are within i64.
        Ok(number) => number as i64,
        Err(DecimalError::Malformed) => -1,
        Err(DecimalError::Overflow) => -2,
    }
}

/// The whole text as a number.
///
/// # Safety
/// `p` is NULL or points at `length` readable bytes.
unsafe fn parse(p: *const u8, length: usize, max: u64) -> i64 {
    // SAFETY: the caller's promise is the same.
    answer(decimal::parse(unsafe { bytes(p, length) }, max))
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

/// Reads `length` digits at `p` as a number up to 2^63 - 1; -1 if they are no number, -2 if it is too large.
///
/// # Safety
/// `p` is NULL or points at `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_size_t_parse(p: *const u8, length: usize) -> isize {
    // SAFETY: the caller's promise is the same.
    guard("nxt_size_t_parse", -1, || unsafe {
        parse(p, length, isize::MAX as u64) as isize
    })
}

/// As [`nxt_size_t_parse`], with an optional unit `K`, `M` or `G` in either case.
///
/// # Safety
/// `p` is NULL or points at `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_size_parse(p: *const u8, length: usize) -> isize {
    guard("nxt_size_parse", -1, || {
        // SAFETY: the caller's promise is the same.
        let text = unsafe { bytes(p, length) };
        answer(decimal::parse_size(text, isize::MAX as u64)) as isize
    })
}

/// Reads the digits that `s` begins with as a number up to 2^31 - 1, and takes them off `s`; -1 if
/// there are none, -2 if the number is too large.
///
/// # Safety
/// `s` is NULL or a valid string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_str_int_parse(s: *mut nxt_str_t) -> nxt_int_t {
    guard("nxt_str_int_parse", -1, || {
        // SAFETY: NULL or valid, by the caller's promise.
        let Some(s) = (unsafe { s.as_mut() }) else {
            return -1;
        };
        // SAFETY: the string is valid.
        let text = unsafe { bytes(s.start, s.length) };
        match decimal::parse_prefix(text, nxt_int_t::MAX as u64) {
            Ok((number, digits)) => {
                s.start = s.start.wrapping_add(digits);
                s.length -= digits;
                number as nxt_int_t
            }
            Err(error) => answer(Err(error)) as nxt_int_t,
        }
    })
}

/// Reads the number, maybe with decimals, that stands at `*start` before `end`, and moves `*start`
/// behind it; -1 if there is none, -2 if it is too large or has too many decimals.
///
/// # Safety
/// `start` is NULL or names readable bytes up to `end`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_number_parse(start: *mut *const u8, end: *const u8) -> f64 {
    guard("nxt_number_parse", -1.0, || {
        // SAFETY: NULL or valid, by the caller's promise.
        let Some(start) = (unsafe { start.as_mut() }) else {
            return -1.0;
        };
        // SAFETY: the bytes up to `end` are readable.
        let text = unsafe { bytes(*start, end.addr().saturating_sub(start.addr())) };
        match decimal::parse_fraction(text, nxt_int_t::MAX as u64) {
            Ok((number, length)) => {
                *start = start.wrapping_add(length);
                number
            }
            Err(error) => answer(Err(error)) as f64,
        }
    })
}

/// Reads a date of one of HTTP's three forms: seconds since the epoch, or -1.
///
/// # Safety
/// `p` is NULL or points at `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_time_parse(p: *const u8, length: usize) -> nxt_time_t {
    guard("nxt_time_parse", -1, || {
        // SAFETY: the caller's promise is the same.
        let text = unsafe { bytes(p, length) };
        date::parse(text)
            .filter(|seconds| *seconds >= 0)
            .unwrap_or(-1)
    })
}

/// Reads a term such as `1d 6h`, in seconds or in milliseconds; -1 if it is none, -2 if it is too long.
///
/// # Safety
/// `p` is NULL or points at `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_term_parse(
    p: *const u8,
    length: usize,
    seconds: nxt_bool_t,
) -> nxt_int_t {
    let unit = if seconds != 0 {
        Unit::Seconds
    } else {
        Unit::Milliseconds
    };
    guard("nxt_term_parse", -1, || {
        // SAFETY: the caller's promise is the same.
        match term::parse(unsafe { bytes(p, length) }, unit) {
            // At most 2^31 - 1.
            Ok(length) => length as nxt_int_t,
            Err(TermError::Malformed) => -1,
            Err(TermError::TooLong) => -2,
        }
    })
}
