//! The check of a whole document.

use super::{footprint, value_of};
use crate::abi::conf::nxt_conf_validation_t;
use crate::abi::errno::{NXT_DECLINED, NXT_ERROR, NXT_OK};
use crate::abi::string::nxt_str_t;
use crate::abi::types::nxt_int_t;
use crate::capi::guard;
use crate::capi::room::has_room;
use crate::capi::string::nxt_str_dup;
use crate::conf::validate::validate;

/// Checks the document `vldt->conf`. `NXT_DECLINED` if it is not valid, with the reason in `vldt->error`;
/// `NXT_ERROR` when there is no memory. No language modules are known to it, so that the type of an
/// application can only be `external`.
///
/// # Safety
/// `vldt` is NULL, or its document is alive and its pool is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conf_validate(vldt: *mut nxt_conf_validation_t) -> nxt_int_t {
    guard("nxt_conf_validate", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(vldt) = vldt.as_mut() else {
                return NXT_ERROR;
            };
            let Some(document) = value_of(vldt.conf) else {
                return NXT_ERROR;
            };
            // What is checked is looked at in pieces, each of which may be copied.
            if !has_room(footprint::of_copy(document).saturating_mul(2)) {
                return NXT_ERROR;
            }
            let Err(reason) = validate(document, &[]) else {
                return NXT_OK;
            };
            let reason = nxt_str_t {
                length: reason.0.len(),
                start: reason.0.as_ptr().cast_mut(),
            };
            if nxt_str_dup(vldt.pool, &raw mut vldt.error, &reason).is_null() {
                return NXT_ERROR;
            }
            NXT_DECLINED
        }
    })
}
