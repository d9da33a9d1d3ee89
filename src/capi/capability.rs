//! `nxt_capability.h`: what this process may do.

use crate::abi::capability::nxt_capabilities_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::capi::guard;
use crate::sys::credentials::Capabilities;

/// Notes what this process may do beyond an ordinary user; what it may not do stays as it is.
///
/// # Safety
/// `cap` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_capability_set(
    task: *mut nxt_task_t,
    cap: *mut nxt_capabilities_t,
) -> nxt_int_t {
    let _ = task;
    guard("nxt_capability_set", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        let Some(cap) = (unsafe { cap.as_mut() }) else {
            return NXT_ERROR;
        };
        let found = Capabilities::current();
        if found.setid {
            cap.setid = 1;
        }
        if found.chroot {
            cap.chroot = 1;
        }
        NXT_OK
    })
}
