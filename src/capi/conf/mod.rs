//! `nxt_conf.h`: the configuration.
//!
//! A `nxt_conf_value_t` is a [`Value`]. The host hands out addresses inside a tree that it keeps
//! unchanged as long as a module may look at it (in an application process: for ever), so that what
//! these functions answer points into the same tree. NULL, and a value of another kind, read as
//! having nothing.

use std::borrow::Cow;

use crate::abi::array::nxt_mp_t;
use crate::abi::conf::{
    NXT_CONF_ARRAY, NXT_CONF_BOOLEAN, NXT_CONF_INTEGER, NXT_CONF_NULL, NXT_CONF_NUMBER,
    NXT_CONF_OBJECT, NXT_CONF_STRING, nxt_conf_value_t,
};
use crate::abi::string::nxt_str_t;
use crate::abi::types::nxt_uint_t;
use crate::capi::string::nxt_str_dup;
use crate::capi::{guard, str_bytes};
use crate::conf::json::Value;

pub mod change;
mod footprint;
pub mod json;
pub mod map;
pub mod validation;
pub mod values;

/// The value behind a C pointer.
///
/// # Safety
/// `value` is NULL or came from the host or from one of these functions, and its tree is alive.
pub(crate) unsafe fn value_of<'a>(value: *const nxt_conf_value_t) -> Option<&'a Value> {
    // SAFETY: by the caller's promise; the tree is never changed after C has seen it.
    unsafe { value.cast::<Value>().as_ref() }
}

fn address(value: Option<&Value>) -> *mut nxt_conf_value_t {
    value.map_or(std::ptr::null_mut(), |value| {
        std::ptr::from_ref(value).cast_mut().cast()
    })
}

fn text(text: &str) -> nxt_str_t {
    nxt_str_t {
        length: text.len(),
        start: text.as_ptr().cast_mut(),
    }
}

/// The text of a C string; what of it is not UTF-8 is replaced.
///
/// # Safety
/// `string` is NULL or valid, and its bytes live as long as the result.
unsafe fn text_of<'a>(string: *const nxt_str_t) -> Cow<'a, str> {
    // SAFETY: the caller's promise is the same.
    String::from_utf8_lossy(unsafe { str_bytes(string) })
}

/// The kind of a value: one of `NXT_CONF_*`.
///
/// # Safety
/// `value` is NULL or a live configuration value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_type(value: *const nxt_conf_value_t) -> nxt_uint_t {
    guard("nxt_conf_type", NXT_CONF_NULL, || {
        // SAFETY: the caller passes NULL or a live value.
        match unsafe { value_of(value) } {
            None | Some(Value::Null) => NXT_CONF_NULL,
            Some(Value::Bool(_)) => NXT_CONF_BOOLEAN,
            Some(number @ Value::Number(_)) if number.is_integer() => NXT_CONF_INTEGER,
            Some(Value::Number(_)) => NXT_CONF_NUMBER,
            Some(Value::String(_)) => NXT_CONF_STRING,
            Some(Value::Array(_)) => NXT_CONF_ARRAY,
            Some(Value::Object(_)) => NXT_CONF_OBJECT,
        }
    })
}

/// A number; 0 for anything else.
///
/// # Safety
/// `value` is NULL or a live configuration value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_get_number(value: *mut nxt_conf_value_t) -> f64 {
    guard("nxt_conf_get_number", 0.0, || {
        // SAFETY: the caller passes NULL or a live value.
        unsafe { value_of(value) }
            .and_then(Value::as_f64)
            .unwrap_or(0.0)
    })
}

/// A copy of the text of a string value, as nxt_str_dup makes it.
///
/// # Safety
/// `value` is NULL or a live configuration value, `mp` NULL or a pool, `str` NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_get_string_dup(
    value: *const nxt_conf_value_t,
    mp: *mut nxt_mp_t,
    str: *mut nxt_str_t,
) -> *mut nxt_str_t {
    let mut text = nxt_str_t::NULL;
    // SAFETY: the caller's promise is the same.
    unsafe {
        nxt_conf_get_string(value, &raw mut text);
        nxt_str_dup(mp, str, &text)
    }
}

/// Tells the text of a string value; anything else is the string that points nowhere.
///
/// # Safety
/// `value` is NULL or a live configuration value, `str` NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_get_string(value: *const nxt_conf_value_t, str: *mut nxt_str_t) {
    guard("nxt_conf_get_string", (), || {
        // SAFETY: the caller passes NULL or a live value.
        let value = unsafe { value_of(value) };
        if !str.is_null() {
            // SAFETY: not NULL, and the caller passes a place of its own.
            unsafe { str.write(value.and_then(Value::as_str).map_or(nxt_str_t::NULL, text)) };
        }
    });
}

/// 1 for `true`; 0 for `false` and for anything else.
///
/// # Safety
/// `value` is NULL or a live configuration value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_get_boolean(value: *mut nxt_conf_value_t) -> u8 {
    guard("nxt_conf_get_boolean", 0, || {
        // SAFETY: the caller passes NULL or a live value.
        unsafe { value_of(value) }
            .and_then(Value::as_bool)
            .unwrap_or(false)
            .into()
    })
}

/// How many members an object has.
///
/// # Safety
/// `value` is NULL or a live configuration value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_object_members_count(
    value: *const nxt_conf_value_t,
) -> nxt_uint_t {
    guard("nxt_conf_object_members_count", 0, || {
        // SAFETY: the caller passes NULL or a live value.
        match unsafe { value_of(value) } {
            Some(object @ Value::Object(_)) => object.len() as nxt_uint_t,
            _ => 0,
        }
    })
}

/// How many elements an array has.
///
/// # Safety
/// `value` is NULL or a live configuration value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_array_elements_count(
    value: *const nxt_conf_value_t,
) -> nxt_uint_t {
    guard("nxt_conf_array_elements_count", 0, || {
        // SAFETY: the caller passes NULL or a live value.
        match unsafe { value_of(value) } {
            Some(array @ Value::Array(_)) => array.len() as nxt_uint_t,
            _ => 0,
        }
    })
}

/// How many elements an array has; any other value counts as one.
///
/// # Safety
/// `value` is NULL or a live configuration value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_array_elements_count_or_1(
    value: *const nxt_conf_value_t,
) -> nxt_uint_t {
    guard("nxt_conf_array_elements_count_or_1", 0, || {
        // SAFETY: the caller passes NULL or a live value.
        unsafe { value_of(value) }.map_or(0, |value| value.elements_or_itself().len() as nxt_uint_t)
    })
}

/// The member `name` of an object, or NULL; its position goes to `index`, unless that is NULL.
///
/// # Safety
/// `value` is NULL or a live configuration value, `name` NULL or readable, `index` NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_get_object_member(
    value: *const nxt_conf_value_t,
    name: *const nxt_str_t,
    index: *mut u32,
) -> *mut nxt_conf_value_t {
    guard("nxt_conf_get_object_member", std::ptr::null_mut(), || {
        // SAFETY: the caller passes NULL or a live value, NULL or a readable name.
        let (Some(value), Some(name)) = (unsafe { value_of(value) }, unsafe { name.as_ref() })
        else {
            return std::ptr::null_mut();
        };
        let name: &[u8] = if name.start.is_null() {
            &[]
        } else {
            // SAFETY: not NULL, and the name has `length` readable bytes by the caller's promise.
            unsafe { std::slice::from_raw_parts(name.start, name.length) }
        };
        let found = value
            .members()
            .enumerate()
            .find(|(_, (key, _))| key.as_bytes() == name);
        let Some((position, (_, member))) = found else {
            return std::ptr::null_mut();
        };
        if !index.is_null() {
            // SAFETY: not NULL, and the caller passes a place of its own.
            unsafe { index.write(position as u32) };
        }
        address(Some(member))
    })
}

/// The next member of an object, or NULL after the last. `next` is where the walk stands: 0 at the
/// start. The member's name goes to `name`.
///
/// # Safety
/// `value` is NULL or a live configuration value, `name` NULL or writable, `next` NULL or both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_next_object_member(
    value: *const nxt_conf_value_t,
    name: *mut nxt_str_t,
    next: *mut u32,
) -> *mut nxt_conf_value_t {
    guard("nxt_conf_next_object_member", std::ptr::null_mut(), || {
        // SAFETY: the caller passes NULL or a live value, NULL or an initialised position.
        let (Some(value), Some(next)) = (unsafe { value_of(value) }, unsafe { next.as_mut() })
        else {
            return std::ptr::null_mut();
        };
        let Some((key, member)) = value.member_at(*next as usize) else {
            return std::ptr::null_mut();
        };
        *next += 1;
        if !name.is_null() {
            // SAFETY: not NULL, and the caller passes a place of its own.
            unsafe { name.write(text(key)) };
        }
        address(Some(member))
    })
}

/// The element at `index` of an array, or NULL.
///
/// # Safety
/// `value` is NULL or a live configuration value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_get_array_element(
    value: *const nxt_conf_value_t,
    index: u32,
) -> *mut nxt_conf_value_t {
    guard("nxt_conf_get_array_element", std::ptr::null_mut(), || {
        // SAFETY: the caller passes NULL or a live value.
        address(unsafe { value_of(value) }.and_then(|value| value.element(index as usize)))
    })
}

/// The element at `index` of an array, or NULL; any other value is its own element 0.
///
/// # Safety
/// `value` is NULL or a live configuration value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_get_array_element_or_itself(
    value: *mut nxt_conf_value_t,
    index: u32,
) -> *mut nxt_conf_value_t {
    guard(
        "nxt_conf_get_array_element_or_itself",
        std::ptr::null_mut(),
        || {
            // SAFETY: the caller passes NULL or a live value.
            address(
                unsafe { value_of(value) }
                    .and_then(|value| value.element_or_itself(index as usize)),
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::json::parse;

    const DOCUMENT: &str = r#"{"name": "caf\u00e9", "on": true, "off": false, "list": ["a", 2, null],
        "empty": {}, "nested": {"x": "y"}}"#;

    fn document() -> Value {
        parse(DOCUMENT.as_bytes()).unwrap()
    }

    fn name(text: &'static str) -> nxt_str_t {
        super::text(text)
    }

    /// The text of a value through the C function; `None` for the string that points nowhere.
    fn string(value: *const nxt_conf_value_t) -> Option<String> {
        let mut text = name("stale");
        // SAFETY: both are valid or NULL.
        unsafe {
            nxt_conf_get_string(value, &raw mut text);
            (!text.start.is_null()).then(|| {
                String::from_utf8(std::slice::from_raw_parts(text.start, text.length).to_vec())
                    .unwrap()
            })
        }
    }

    fn member(value: *const nxt_conf_value_t, key: &'static str) -> *mut nxt_conf_value_t {
        // SAFETY: both are valid.
        unsafe { nxt_conf_get_object_member(value, &name(key), std::ptr::null_mut()) }
    }

    #[test]
    fn members_by_name() {
        let root = document();
        let root = address(Some(&root));
        assert_eq!(string(member(root, "name")).as_deref(), Some("café"));
        assert!(member(root, "nam").is_null());
        assert!(member(root, "").is_null());
        assert!(member(member(root, "list"), "name").is_null());
        let mut index = 99;
        // SAFETY: all are valid.
        unsafe {
            assert!(!nxt_conf_get_object_member(root, &name("list"), &raw mut index).is_null());
            assert_eq!(index, 3);
            assert!(nxt_conf_get_object_member(root, &name("none"), &raw mut index).is_null());
            assert_eq!(index, 3);
            assert_eq!(nxt_conf_get_boolean(member(root, "on")), 1);
            assert_eq!(nxt_conf_get_boolean(member(root, "off")), 0);
            assert_eq!(nxt_conf_get_boolean(member(root, "name")), 0);
        }
        assert_eq!(string(member(root, "on")), None);
        assert_eq!(string(member(root, "empty")), None);
    }

    #[test]
    fn members_in_order() {
        let root = document();
        let root = address(Some(&root));
        let (mut next, mut key, mut keys) = (0, nxt_str_t::NULL, Vec::new());
        // SAFETY: all are valid; the names point into the document.
        unsafe {
            assert_eq!(nxt_conf_object_members_count(root), 6);
            assert_eq!(nxt_conf_object_members_count(member(root, "list")), 0);
            while !nxt_conf_next_object_member(root, &raw mut key, &raw mut next).is_null() {
                keys.push(std::slice::from_raw_parts(key.start, key.length).to_vec());
            }
            assert!(
                nxt_conf_next_object_member(member(root, "list"), &raw mut key, &mut 0).is_null()
            );
        }
        assert_eq!(next, 6);
        assert_eq!(
            keys,
            [&b"name"[..], b"on", b"off", b"list", b"empty", b"nested"]
        );
    }

    #[test]
    fn elements() {
        let root = document();
        let root = address(Some(&root));
        let (list, text) = (member(root, "list"), member(root, "name"));
        // SAFETY: all are valid.
        unsafe {
            assert_eq!(nxt_conf_array_elements_count(list), 3);
            assert_eq!(nxt_conf_array_elements_count(text), 0);
            assert_eq!(nxt_conf_array_elements_count(root), 0);
            assert_eq!(nxt_conf_array_elements_count_or_1(list), 3);
            assert_eq!(nxt_conf_array_elements_count_or_1(text), 1);
            assert_eq!(
                string(nxt_conf_get_array_element(list, 0)).as_deref(),
                Some("a")
            );
            assert!(nxt_conf_get_array_element(list, 3).is_null());
            assert!(nxt_conf_get_array_element(list, u32::MAX).is_null());
            assert!(nxt_conf_get_array_element(text, 0).is_null());
            assert_eq!(nxt_conf_get_array_element_or_itself(text, 0), text);
            assert!(nxt_conf_get_array_element_or_itself(text, 1).is_null());
            assert_eq!(
                string(nxt_conf_get_array_element_or_itself(list, 0)).as_deref(),
                Some("a")
            );
        }
    }
}
