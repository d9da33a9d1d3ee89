//! JSON in and out.

use std::ptr;

use super::values::give;
use super::{footprint, value_of};
use crate::abi::array::nxt_mp_t;
use crate::abi::conf::{nxt_conf_json_error_t, nxt_conf_json_pretty_t, nxt_conf_value_t};
use crate::abi::string::nxt_str_t;
use crate::abi::types::nxt_uint_t;
use crate::capi::room::has_room;
use crate::capi::string::nxt_str_cstrz;
use crate::capi::{bytes, guard};
use crate::conf::json::{self, JsonError, Value};

/// Reads the JSON text between two addresses. NULL if it is none, with place and sentence in `error`,
/// unless that is NULL, or when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool, which outlives the value; `start` is NULL or names readable bytes up to
/// `end`; `error` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_json_parse(
    mp: *mut nxt_mp_t,
    start: *mut u8,
    end: *mut u8,
    error: *mut nxt_conf_json_error_t,
) -> *mut nxt_conf_value_t {
    guard("nxt_conf_json_parse", ptr::null_mut(), || {
        // SAFETY: the caller promises so many readable bytes and a pool that outlives the value;
        // `error` is checked before it is written.
        unsafe {
            let text = bytes(start, end.addr().saturating_sub(start.addr()));
            if !has_room(footprint::of_parsing(text.len())) {
                return ptr::null_mut();
            }
            match json::parse(text) {
                Ok(value) => give(mp, value).cast(),
                Err(mistake) => {
                    if !error.is_null() {
                        let detail = nxt_str_t {
                            length: mistake.detail.len(),
                            start: mistake.detail.as_ptr().cast_mut(),
                        };
                        error.write(nxt_conf_json_error_t {
                            pos: start.wrapping_add(mistake.offset),
                            detail: nxt_str_cstrz(mp, &detail).cast(),
                        });
                    }
                    ptr::null_mut()
                }
            }
        }
    })
}

/// Line and column of a place in a text, both from 1. They stay as they are if the line is not UTF-8.
///
/// # Safety
/// `start` is NULL or names readable bytes up to `pos`; the places are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_json_position(
    start: *mut u8,
    pos: *const u8,
    line: *mut nxt_uint_t,
    column: *mut nxt_uint_t,
) {
    guard("nxt_conf_json_position", (), || {
        if line.is_null() || column.is_null() {
            return;
        }
        let mistake = JsonError {
            detail: "",
            offset: pos.addr().saturating_sub(start.addr()),
        };
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let Some(position) = mistake.position(bytes(start, mistake.offset)) else {
                return;
            };
            line.write(nxt_uint_t::try_from(position.line).unwrap_or(nxt_uint_t::MAX));
            column.write(nxt_uint_t::try_from(position.column).unwrap_or(nxt_uint_t::MAX));
        }
    });
}

/// The text of a value: in lines for a layout, on one without.
///
/// # Safety
/// `value` is NULL or alive; `pretty` is NULL or valid.
unsafe fn print(
    value: *const nxt_conf_value_t,
    pretty: *mut nxt_conf_json_pretty_t,
) -> Option<String> {
    // SAFETY: NULL or alive, as the caller promises; `pretty` is nobody else's meanwhile.
    unsafe {
        let value = value_of(value)?;
        let depth = pretty.as_ref().map_or(0, |pretty| pretty.level as usize);
        if !has_room(footprint::of_text(value, depth)) {
            return None;
        }
        Some(match pretty.as_mut() {
            None => json::compact(value),
            Some(pretty) => {
                let is_container = matches!(value, Value::Array(_) | Value::Object(_));
                pretty.more_space = (is_container && !value.is_empty()).into();
                json::pretty_at(value, pretty.level as usize)
            }
        })
    }
}

/// How many bytes [`nxt_conf_json_print`] writes.
///
/// # Safety
/// `value` is NULL or alive; `pretty` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_json_length(
    value: *const nxt_conf_value_t,
    pretty: *mut nxt_conf_json_pretty_t,
) -> usize {
    guard("nxt_conf_json_length", 0, || {
        // SAFETY: the caller's promise is the same.
        unsafe { print(value, pretty) }.map_or(0, |text| text.len())
    })
}

/// Writes a value as JSON: the end of the text. With `pretty` NULL it has no white space, else it is laid
/// out in lines, as deep as `level` says.
///
/// # Safety
/// `p` is NULL or has room for the text; `value` is NULL or alive; `pretty` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_json_print(
    p: *mut u8,
    value: *const nxt_conf_value_t,
    pretty: *mut nxt_conf_json_pretty_t,
) -> *mut u8 {
    guard("nxt_conf_json_print", p, || {
        // SAFETY: NULL or valid, as the caller promises, with room for the text, whose length
        // `nxt_conf_json_length` tells.
        unsafe {
            match print(value, pretty) {
                Some(text) if !p.is_null() => {
                    p.copy_from_nonoverlapping(text.as_ptr(), text.len());
                    p.add(text.len())
                }
                _ => p,
            }
        }
    })
}
