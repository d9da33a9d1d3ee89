//! Members of an object as members of a C structure.

use libc::{c_char, c_int, c_void, off_t};

use super::{address, text, value_of};
use crate::abi::array::nxt_mp_t;
use crate::abi::conf::{
    NXT_CONF_MAP_CSTRZ, NXT_CONF_MAP_DOUBLE, NXT_CONF_MAP_INT, NXT_CONF_MAP_INT8,
    NXT_CONF_MAP_INT32, NXT_CONF_MAP_INT64, NXT_CONF_MAP_MSEC, NXT_CONF_MAP_OFF, NXT_CONF_MAP_PTR,
    NXT_CONF_MAP_SIZE, NXT_CONF_MAP_STR, NXT_CONF_MAP_STR_COPY, nxt_conf_map_t,
    nxt_conf_map_type_t, nxt_conf_value_t,
};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::string::nxt_str_t;
use crate::abi::types::{nxt_int_t, nxt_msec_t, nxt_uint_t};
use crate::capi::string::{nxt_str_cstrz, nxt_str_dup};
use crate::capi::{guard, str_bytes};
use crate::conf::json::Value;

/// Writes a number of the C type that a map names; other types are not numbers.
///
/// # Safety
/// `place` is writable for that type.
unsafe fn write_integer(place: *mut u8, kind: nxt_conf_map_type_t, number: i64) {
    // Numbers that do not fit are cut, as C cuts them; the validation has refused them before.
    // SAFETY: the caller promises that the place is one of this kind, and so large and aligned for
    // it.
    unsafe {
        match kind {
            NXT_CONF_MAP_INT32 => place.cast::<i32>().write(number as i32),
            NXT_CONF_MAP_INT64 => place.cast::<i64>().write(number),
            NXT_CONF_MAP_INT => place.cast::<c_int>().write(number as c_int),
            NXT_CONF_MAP_SIZE => place.cast::<isize>().write(number as isize),
            NXT_CONF_MAP_OFF => place.cast::<off_t>().write(number),
            NXT_CONF_MAP_MSEC => place
                .cast::<nxt_msec_t>()
                .write((number as nxt_msec_t).wrapping_mul(1000)),
            _ => {}
        }
    }
}

/// Stores one member; a value of another kind than the map names is left out. `None`: no memory.
///
/// # Safety
/// `mp` is NULL or a pool; `place` is writable for the type that the map names.
unsafe fn store(
    mp: *mut nxt_mp_t,
    value: &Value,
    kind: nxt_conf_map_type_t,
    place: *mut u8,
) -> Option<()> {
    // SAFETY: the caller promises that the place is one of this kind, and so large and aligned for
    // it.
    unsafe {
        match (kind, value) {
            (NXT_CONF_MAP_PTR, value) => place
                .cast::<*mut nxt_conf_value_t>()
                .write(address(Some(value))),
            (NXT_CONF_MAP_INT8, Value::Bool(truth)) => place.write((*truth).into()),
            (NXT_CONF_MAP_DOUBLE, Value::Number(_)) if !value.is_integer() => {
                place.cast::<f64>().write(value.as_f64()?);
            }
            (_, Value::Number(_)) => {
                if let Some(number) = value.as_integer() {
                    write_integer(place, kind, number);
                }
            }
            (NXT_CONF_MAP_STR, Value::String(string)) => {
                place.cast::<nxt_str_t>().write(text(string));
            }
            (NXT_CONF_MAP_STR_COPY, Value::String(string)) => {
                let string = text(string);
                if nxt_str_dup(mp, place.cast(), &string).is_null() {
                    return None;
                }
            }
            (NXT_CONF_MAP_CSTRZ, Value::String(string)) => {
                let copy = nxt_str_cstrz(mp, &text(string));
                if copy.is_null() {
                    return None;
                }
                place.cast::<*mut c_char>().write(copy);
            }
            _ => {}
        }
    }
    Some(())
}

/// Stores members of an object in a structure, each where and as its map says. A member that is
/// missing, null, or of another kind leaves its place as it is. `NXT_ERROR` when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool, `value` NULL or alive; `map` has `n` entries, which fit the structure `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_map_object(
    mp: *mut nxt_mp_t,
    value: *const nxt_conf_value_t,
    map: *const nxt_conf_map_t,
    n: nxt_uint_t,
    data: *mut c_void,
) -> nxt_int_t {
    guard("nxt_conf_map_object", NXT_ERROR, || {
        if map.is_null() || data.is_null() {
            return NXT_ERROR;
        }
        for index in 0..n as usize {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe {
                let entry = &*map.add(index);
                let name = str_bytes(&raw const entry.name);
                let Some(object) = value_of(value) else {
                    return NXT_OK;
                };
                let found = object
                    .members()
                    .find(|(key, value)| key.as_bytes() == name && **value != Value::Null);
                if let Some((_, member)) = found {
                    let place = data.cast::<u8>().add(entry.offset);
                    if store(mp, member, entry.r#type, place).is_none() {
                        return NXT_ERROR;
                    }
                }
            }
        }
        NXT_OK
    })
}
