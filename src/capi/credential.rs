//! `nxt_credential.h`: users with their groups.

use std::ffi::CStr;

use libc::c_char;
use nix::unistd::{Gid, Uid};

use crate::abi::array::nxt_mp_t;
use crate::abi::credential::nxt_credential_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_gid_t, nxt_int_t};
use crate::base::log::Level;
use crate::capi::log::task_record;
use crate::capi::mp::nxt_mp_alloc;
use crate::capi::{c_string, guard};
use crate::sys::credentials::{Capabilities, Credentials, CredentialsError};

/// The record of a failure.
///
/// # Safety
/// `task` is NULL or valid.
unsafe fn failed(task: *const nxt_task_t, error: &CredentialsError) -> nxt_int_t {
    let level = match error {
        CredentialsError::ForeignUser(..)
        | CredentialsError::ForeignGroup(..)
        | CredentialsError::ForeignGroups(..) => Level::Error,
        _ => Level::Alert,
    };
    // SAFETY: the caller's promise is the same.
    unsafe { task_record(task, level, &error.to_string()) };
    NXT_ERROR
}

/// What a C user is.
///
/// # Safety
/// The name is NULL or ends with a NUL; there are as many groups as it says, or `gids` is NULL.
pub(crate) unsafe fn credentials_of(uc: &nxt_credential_t) -> Credentials {
    let count = if uc.gids.is_null() { 0 } else { uc.ngroups };
    // SAFETY: by the caller's promise.
    unsafe {
        Credentials {
            user: String::from_utf8_lossy(c_string(uc.user.cast())).into_owned(),
            uid: Uid::from_raw(uc.uid),
            gid: Gid::from_raw(uc.base_gid),
            groups: (0..count as usize)
                .map(|index| Gid::from_raw(uc.gids.add(index).read()))
                .collect(),
        }
    }
}

/// Looks up the user `uc->user`, with its groups, which go into the pool; `group`, unless it is NULL or
/// empty, replaces the user's main group.
///
/// # Safety
/// `task` is NULL or valid, `mp` is NULL or a pool, `uc` is NULL or has a name; texts end with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_credential_get(
    task: *mut nxt_task_t,
    mp: *mut nxt_mp_t,
    uc: *mut nxt_credential_t,
    group: *const c_char,
) -> nxt_int_t {
    guard("nxt_credential_get", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise; the pool's memory has room for the
        // groups.
        unsafe {
            let Some(uc) = uc.as_mut().filter(|uc| !uc.user.is_null()) else {
                return NXT_ERROR;
            };
            let user = CStr::from_ptr(uc.user).to_string_lossy();
            let group = (!group.is_null()).then(|| CStr::from_ptr(group).to_string_lossy());
            let found = match Credentials::find(&user, group.as_deref()) {
                Ok(found) => found,
                Err(error) => return failed(task, &error),
            };
            let count = found.groups.len();
            let gids = nxt_mp_alloc(mp, count * size_of::<nxt_gid_t>()).cast::<nxt_gid_t>();
            if gids.is_null() {
                return NXT_ERROR;
            }
            for (index, gid) in found.groups.iter().enumerate() {
                gids.add(index).write(gid.as_raw());
            }
            uc.uid = found.uid.as_raw();
            uc.base_gid = found.gid.as_raw();
            // The kernel has a limit far below.
            uc.ngroups = count as u32;
            uc.gids = gids;
            NXT_OK
        }
    })
}

/// Takes a user's groups; the supplementary ones only if this process may take any group.
///
/// # Safety
/// `task` is NULL or valid, `uc` is NULL or was looked up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_credential_setgids(
    task: *mut nxt_task_t,
    uc: *mut nxt_credential_t,
) -> nxt_int_t {
    guard("nxt_credential_setgids", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(uc) = uc.as_ref() else {
                return NXT_ERROR;
            };
            let credentials = credentials_of(uc);
            let groups: &[Gid] = if Capabilities::current().setid {
                &credentials.groups
            } else {
                &[]
            };
            match credentials.take_groups(groups) {
                Ok(()) => NXT_OK,
                Err(error) => failed(task, &error),
            }
        }
    })
}

/// Takes a user.
///
/// # Safety
/// `task` is NULL or valid, `uc` is NULL or was looked up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_credential_setuid(
    task: *mut nxt_task_t,
    uc: *mut nxt_credential_t,
) -> nxt_int_t {
    guard("nxt_credential_setuid", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(uc) = uc.as_ref() else {
                return NXT_ERROR;
            };
            match credentials_of(uc).take_user() {
                Ok(()) => NXT_OK,
                Err(error) => failed(task, &error),
            }
        }
    })
}
