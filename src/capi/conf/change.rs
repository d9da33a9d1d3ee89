//! Paths into a document, and changes of it.

use std::ptr;

use super::values::give;
use super::{address, footprint, value_of};
use crate::abi::array::nxt_mp_t;
use crate::abi::conf::{
    NXT_CONF_OP_ERROR, NXT_CONF_OP_NOT_ALLOWED, NXT_CONF_OP_NOT_FOUND, NXT_CONF_OP_OK,
    nxt_conf_op_ret_t, nxt_conf_op_t, nxt_conf_value_t,
};
use crate::abi::string::nxt_str_t;
use crate::abi::types::nxt_bool_t;
use crate::capi::room::has_room;
use crate::capi::{guard, str_bytes};
use crate::conf::json::{self, Edit, EditError, Value};
use crate::conf::percent;

/// A change: where, and what.
struct Change {
    path: Vec<String>,
    edit: Edit,
}

/// The names of a path like `/a/b%2Fc/0`; `None` if one of them is malformed.
fn names(path: &[u8]) -> Option<Vec<String>> {
    let path = std::str::from_utf8(path).ok()?;
    path.strip_prefix('/')
        .unwrap_or(path)
        .split('/')
        .map(percent::decode_name)
        .collect()
}

/// The value at a path such as `/a/b/0`, or NULL. A slash at its end does not count; `/` is the value
/// itself.
///
/// # Safety
/// `value` is NULL or alive; `path` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_get_path(
    value: *mut nxt_conf_value_t,
    path: *const nxt_str_t,
) -> *mut nxt_conf_value_t {
    guard("nxt_conf_get_path", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        let (value, path) = unsafe { (value_of(value), str_bytes(path)) };
        if !has_room(path.len().saturating_mul(64)) {
            return ptr::null_mut();
        }
        let (Some(value), Some(mut names)) = (value, names(path)) else {
            return ptr::null_mut();
        };
        if names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        address(json::find(value, &names))
    })
}

/// Prepares a change of `root` at a path: `value` is put there or, with `add`, appended there; NULL
/// removes what is there. [`nxt_conf_clone`] makes it.
///
/// # Safety
/// `mp` is NULL or a pool, which outlives the change; `ops` is NULL or writable, `root` and `value` are
/// NULL or alive, `path` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_op_compile(
    mp: *mut nxt_mp_t,
    ops: *mut *mut nxt_conf_op_t,
    root: *const nxt_conf_value_t,
    path: *const nxt_str_t,
    value: *mut nxt_conf_value_t,
    add: nxt_bool_t,
) -> nxt_conf_op_ret_t {
    guard("nxt_conf_op_compile", NXT_CONF_OP_ERROR, || {
        // SAFETY: each address is NULL or alive, as the caller promises, and checked before it is
        // used; the change is the pool's, which outlives it.
        unsafe {
            let Some(root) = value_of(root).filter(|_| !ops.is_null()) else {
                return NXT_CONF_OP_ERROR;
            };
            // Root and value are copied, and copied again to see whether the change fits.
            let size = footprint::of_copy(root)
                .saturating_add(
                    value_of(value)
                        .map_or(0, footprint::of_copy)
                        .saturating_mul(3),
                )
                .saturating_add(str_bytes(path).len().saturating_mul(64));
            if !has_room(size) {
                return NXT_CONF_OP_ERROR;
            }
            let Some(path) = names(str_bytes(path)) else {
                return NXT_CONF_OP_ERROR;
            };
            let edit = match value_of(value) {
                None => Edit::Delete,
                Some(value) if add != 0 => Edit::Append(value.clone()),
                Some(value) => Edit::Put(value.clone()),
            };
            // Whether it can be made is known when it was made once.
            match json::edit(root, &path, edit.clone()) {
                Err(EditError::NotFound) => NXT_CONF_OP_NOT_FOUND,
                Err(EditError::NotArray) => NXT_CONF_OP_NOT_ALLOWED,
                Ok(_) => {
                    let change = give(mp, Change { path, edit });
                    ops.write(change.cast());
                    if change.is_null() {
                        NXT_CONF_OP_ERROR
                    } else {
                        NXT_CONF_OP_OK
                    }
                }
            }
        }
    })
}

/// A copy of a document, changed if `op` is not NULL; NULL when there is no memory, or the change does not
/// fit the document.
///
/// # Safety
/// `mp` is NULL or a pool, which outlives the copy; `op` is NULL or from [`nxt_conf_op_compile`]; `value` is
/// NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_clone(
    mp: *mut nxt_mp_t,
    op: *mut nxt_conf_op_t,
    value: *const nxt_conf_value_t,
) -> *mut nxt_conf_value_t {
    guard("nxt_conf_clone", ptr::null_mut(), || {
        // SAFETY: NULL or alive, as the caller promises; a change is one of `nxt_conf_op_compile`,
        // and the copy is the pool's, which outlives it.
        unsafe {
            let Some(value) = value_of(value) else {
                return ptr::null_mut();
            };
            let change = op.cast::<Change>().as_ref();
            let more = match change.map(|change| &change.edit) {
                Some(Edit::Put(value) | Edit::Append(value)) => footprint::of_copy(value),
                _ => 0,
            };
            let size = footprint::of_copy(value).saturating_add(more.saturating_mul(2));
            if !has_room(size.saturating_mul(2)) {
                return ptr::null_mut();
            }
            let copy: Option<Value> = match change {
                None => Some(value.clone()),
                Some(change) => json::edit(value, &change.path, change.edit.clone()).ok(),
            };
            copy.map_or(ptr::null_mut(), |copy| give(mp, copy).cast())
        }
    })
}
