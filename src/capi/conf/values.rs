//! Values that C code makes itself.
//!
//! A value is a [`Value`] that belongs to a pool. Setting a value into another one copies it, so
//! that it has to be complete by then.

use std::ptr;

use libc::c_void;

use super::{footprint, text_of, value_of};
use crate::abi::array::nxt_mp_t;
use crate::abi::conf::{nxt_conf_compare_t, nxt_conf_value_t};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_int_t, nxt_uint_t};
use crate::capi::mp::nxt_mp_cleanup;
use crate::capi::room::has_room;
use crate::capi::{guard, str_bytes};
use crate::conf::json::Value;

/// Drops what a pool owns.
unsafe extern "C" fn drop_owned<T>(_task: *mut nxt_task_t, obj: *mut c_void, _data: *mut c_void) {
    // SAFETY: registered by `give`, once, with the address of a box of this type.
    drop(unsafe { Box::from_raw(obj.cast::<T>()) });
}

/// Gives an object to a pool: its address, or NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool; the address is not used after the pool's end.
pub(super) unsafe fn give<T>(mp: *mut nxt_mp_t, object: T) -> *mut T {
    let object = Box::into_raw(Box::new(object));
    // SAFETY: the object is ours until the pool has it.
    unsafe {
        let handler = Some(drop_owned::<T> as _);
        if nxt_mp_cleanup(mp, handler, ptr::null_mut(), object.cast(), ptr::null_mut()) == NXT_OK {
            return object;
        }
        drop(Box::from_raw(object));
    }
    ptr::null_mut()
}

/// So many times the same; `None` when there is no memory.
fn repeated<T: Clone>(item: T, count: nxt_uint_t) -> Option<Vec<T>> {
    if !has_room(0) {
        return None;
    }
    let mut items = Vec::new();
    items.try_reserve_exact(count as usize).ok()?;
    items.resize(count as usize, item);
    Some(items)
}

/// An array of `count` nulls; NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool, which outlives the value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_create_array(
    mp: *mut nxt_mp_t,
    count: nxt_uint_t,
) -> *mut nxt_conf_value_t {
    guard("nxt_conf_create_array", ptr::null_mut(), || {
        let Some(elements) = repeated(Value::Null, count) else {
            return ptr::null_mut();
        };
        // SAFETY: the caller's promise is the same.
        unsafe { give(mp, Value::Array(elements)).cast() }
    })
}

/// An object of `count` members without names and with nulls; NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool, which outlives the value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_create_object(
    mp: *mut nxt_mp_t,
    count: nxt_uint_t,
) -> *mut nxt_conf_value_t {
    guard("nxt_conf_create_object", ptr::null_mut(), || {
        let Some(members) = repeated((Box::from(""), Value::Null), count) else {
            return ptr::null_mut();
        };
        // SAFETY: the caller's promise is the same.
        unsafe { give(mp, Value::Object(members)).cast() }
    })
}

/// Replaces the member at `index` of an object; anything else stays as it is.
///
/// # Safety
/// `object` is NULL or a value that nobody else uses; `name` is NULL or valid.
unsafe fn set_member(
    object: *mut nxt_conf_value_t,
    name: *const nxt_str_t,
    value: Option<Value>,
    index: u32,
) -> nxt_int_t {
    // SAFETY: the caller's promise is the same.
    if unsafe { !has_room(size_of_text(name)) } {
        return NXT_ERROR;
    }
    // SAFETY: NULL or valid, by the caller's promise.
    let (object, name) = unsafe { (object.cast::<Value>().as_mut(), text_of(name)) };
    let place = match object {
        Some(Value::Object(members)) => members.get_mut(index as usize),
        _ => None,
    };
    match (place, value) {
        (Some(place), Some(value)) => {
            *place = (name.into(), value);
            NXT_OK
        }
        _ => NXT_ERROR,
    }
}

/// The value to be set: a copy; nothing is null. `None` when there is no memory.
///
/// # Safety
/// `value` is NULL or a live value.
unsafe fn copy_of(value: *const nxt_conf_value_t) -> Option<Value> {
    // SAFETY: the caller's promise is the same.
    match unsafe { value_of(value) } {
        None => Some(Value::Null),
        Some(value) => has_room(footprint::of_copy(value)).then(|| value.clone()),
    }
}

/// A string to be set; `None` when there is no memory.
///
/// # Safety
/// `text` is NULL or valid.
unsafe fn string_of(text: *const nxt_str_t) -> Option<Value> {
    // SAFETY: the caller's promise is the same.
    unsafe { has_room(size_of_text(text)).then(|| Value::string(text_of(text))) }
}

/// Bytes of memory that a copy of a text takes: what is not UTF-8 becomes up to three times as long, and
/// is made longer piece by piece.
///
/// # Safety
/// `text` is NULL or valid.
unsafe fn size_of_text(text: *const nxt_str_t) -> usize {
    // SAFETY: the caller's promise is the same.
    unsafe { str_bytes(text) }.len().saturating_mul(9)
}

/// Sets name and value of the member at `index`.
///
/// # Safety
/// `object` is NULL or a value that nobody else uses; `name` is NULL or valid, `value` NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_member(
    object: *mut nxt_conf_value_t,
    name: *const nxt_str_t,
    value: *const nxt_conf_value_t,
    index: u32,
) {
    guard("nxt_conf_set_member", (), || {
        // SAFETY: the caller's promise is the same; the copy is made first.
        unsafe {
            let value = copy_of(value);
            set_member(object, name, value, index);
        }
    });
}

/// As [`nxt_conf_set_member`]; `NXT_ERROR` if there is no such member.
///
/// # Safety
/// As [`nxt_conf_set_member`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_member_dup(
    object: *mut nxt_conf_value_t,
    mp: *mut nxt_mp_t,
    name: *const nxt_str_t,
    value: *const nxt_conf_value_t,
    index: u32,
) -> nxt_int_t {
    // Names and values are copied in any case.
    let _ = mp;
    guard("nxt_conf_set_member_dup", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same; the copy is made first.
        unsafe {
            let value = copy_of(value);
            set_member(object, name, value, index)
        }
    })
}

/// Sets the member at `index` to a string.
///
/// # Safety
/// As [`nxt_conf_set_member`], with a string that is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_member_string(
    object: *mut nxt_conf_value_t,
    name: *const nxt_str_t,
    value: *const nxt_str_t,
    index: u32,
) {
    guard("nxt_conf_set_member_string", (), || {
        // SAFETY: the caller's promise is the same.
        unsafe { set_member(object, name, string_of(value), index) };
    });
}

/// As [`nxt_conf_set_member_string`]; `NXT_ERROR` if there is no such member.
///
/// # Safety
/// As [`nxt_conf_set_member_string`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_member_string_dup(
    object: *mut nxt_conf_value_t,
    mp: *mut nxt_mp_t,
    name: *const nxt_str_t,
    value: *const nxt_str_t,
    index: u32,
) -> nxt_int_t {
    let _ = mp;
    guard("nxt_conf_set_member_string_dup", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        unsafe { set_member(object, name, string_of(value), index) }
    })
}

/// Sets the member at `index` to a number.
///
/// # Safety
/// As [`nxt_conf_set_member`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_member_integer(
    object: *mut nxt_conf_value_t,
    name: *const nxt_str_t,
    value: i64,
    index: u32,
) {
    guard("nxt_conf_set_member_integer", (), || {
        // SAFETY: the caller's promise is the same.
        unsafe { set_member(object, name, Some(Value::integer(value)), index) };
    });
}

/// Sets the member at `index` to null.
///
/// # Safety
/// As [`nxt_conf_set_member`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_member_null(
    object: *mut nxt_conf_value_t,
    name: *const nxt_str_t,
    index: u32,
) {
    guard("nxt_conf_set_member_null", (), || {
        // SAFETY: the caller's promise is the same.
        unsafe { set_member(object, name, Some(Value::Null), index) };
    });
}

/// Replaces the element at `index` of an array.
///
/// # Safety
/// `array` is NULL or a value that nobody else uses.
unsafe fn set_element(array: *mut nxt_conf_value_t, index: u32, value: Option<Value>) -> nxt_int_t {
    // SAFETY: NULL or valid, by the caller's promise.
    let place = match unsafe { array.cast::<Value>().as_mut() } {
        Some(Value::Array(elements)) => elements.get_mut(index as usize),
        _ => None,
    };
    match (place, value) {
        (Some(place), Some(value)) => {
            *place = value;
            NXT_OK
        }
        _ => NXT_ERROR,
    }
}

/// Sets the element at `index`.
///
/// # Safety
/// `array` is NULL or a value that nobody else uses; `value` is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_element(
    array: *mut nxt_conf_value_t,
    index: nxt_uint_t,
    value: *const nxt_conf_value_t,
) {
    guard("nxt_conf_set_element", (), || {
        // SAFETY: the caller's promise is the same; the copy is made first.
        unsafe {
            let value = copy_of(value);
            set_element(array, index, value);
        }
    });
}

/// Sets the element at `index` to a string; `NXT_ERROR` if there is no such element.
///
/// # Safety
/// `array` is NULL or a value that nobody else uses; `value` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_element_string_dup(
    array: *mut nxt_conf_value_t,
    mp: *mut nxt_mp_t,
    index: nxt_uint_t,
    value: *const nxt_str_t,
) -> nxt_int_t {
    let _ = mp;
    guard("nxt_conf_set_element_string_dup", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        unsafe { set_element(array, index, string_of(value)) }
    })
}

/// Makes a value a string.
///
/// # Safety
/// `value` is NULL or a value that nobody else uses; `str` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_string(value: *mut nxt_conf_value_t, str: *const nxt_str_t) {
    // SAFETY: the caller's promise is the same.
    unsafe { nxt_conf_set_string_dup(value, ptr::null_mut(), str) };
}

/// As [`nxt_conf_set_string`]; `NXT_ERROR` if there is no value.
///
/// # Safety
/// As [`nxt_conf_set_string`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_set_string_dup(
    value: *mut nxt_conf_value_t,
    mp: *mut nxt_mp_t,
    str: *const nxt_str_t,
) -> nxt_int_t {
    let _ = mp;
    guard("nxt_conf_set_string", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise; the copy is made first.
        unsafe {
            match (value.cast::<Value>().as_mut(), string_of(str)) {
                (Some(value), Some(text)) => {
                    *value = text;
                    NXT_OK
                }
                _ => NXT_ERROR,
            }
        }
    })
}

/// Sorts the elements of an array.
///
/// # Safety
/// `value` is NULL or a value that nobody else uses; `compare` takes addresses of values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_array_qsort(
    value: *const nxt_conf_value_t,
    compare: nxt_conf_compare_t,
) {
    guard("nxt_conf_array_qsort", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        let array = unsafe { value.cast_mut().cast::<Value>().as_mut() };
        if let (Some(Value::Array(elements)), Some(compare)) = (array, compare) {
            elements.sort_by(|one, two| {
                let (one, two) = (ptr::from_ref(one), ptr::from_ref(two));
                // SAFETY: both are elements of the array.
                unsafe { compare(one.cast(), two.cast()) }.cmp(&0)
            });
        }
    });
}
