//! `nxt_clone.h`: the maps of users and groups of a user namespace.

use libc::pid_t;
use nix::unistd::{Gid, Uid};

use crate::abi::clone::{nxt_clone_credential_map_t, nxt_clone_t};
use crate::abi::credential::nxt_credential_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::capi::credential::credentials_of;
use crate::capi::globals::{nxt_egid, nxt_euid};
use crate::capi::guard;
use crate::capi::log::task_record;
use crate::process::isolation::id_map::{
    Daemon, IdMap, IdRange, MapError, check_gid_map, check_uid_map, write_maps,
};
use crate::sys::credentials::Credentials;

/// A C map.
///
/// # Safety
/// The map is NULL or has as many ranges as it says.
unsafe fn map_of(map: *const nxt_clone_credential_map_t) -> IdMap {
    // SAFETY: NULL or valid, as the caller promises, with as many ranges as it says.
    unsafe {
        match map.as_ref() {
            Some(map) if !map.map.is_null() => IdMap(
                (0..map.size as usize)
                    .map(|index| {
                        let range = map.map.add(index).read();
                        IdRange {
                            container: range.container,
                            host: range.host,
                            size: range.size,
                        }
                    })
                    .collect(),
            ),
            _ => IdMap::default(),
        }
    }
}

/// What the program is and may do, as its runtime and the library have noted it.
///
/// # Safety
/// `task` is NULL or valid, with its thread and the runtime of that.
pub(crate) unsafe fn daemon_of(task: *const nxt_task_t) -> Daemon {
    // SAFETY: each of the three is NULL or valid, as the caller promises; the two numbers are set
    // once, when the process starts.
    unsafe {
        let runtime = task
            .as_ref()
            .and_then(|task| task.thread.as_ref())
            .and_then(|thread| thread.runtime.as_ref());
        Daemon {
            setid: runtime.is_some_and(|runtime| runtime.capabilities.setid != 0),
            uid: Uid::from_raw(nxt_euid.get().read()),
            gid: Gid::from_raw(nxt_egid.get().read()),
        }
    }
}

/// Runs a check or an action; what is wrong is a record of the task.
///
/// # Safety
/// As the exported functions.
unsafe fn with_user(
    name: &'static str,
    task: *mut nxt_task_t,
    creds: *const nxt_credential_t,
    body: impl FnOnce(&Credentials, &Daemon) -> Result<(), MapError>,
) -> nxt_int_t {
    guard(name, NXT_ERROR, || {
        // SAFETY: NULL or valid, as the callers of the exported functions promise.
        unsafe {
            let Some(creds) = creds.as_ref() else {
                return NXT_ERROR;
            };
            match body(&credentials_of(creds), &daemon_of(task)) {
                Ok(()) => NXT_OK,
                Err(error) => {
                    task_record(task, error.level(), &error.to_string());
                    NXT_ERROR
                }
            }
        }
    })
}

/// Checks a map of users for a user.
///
/// # Safety
/// `task` is NULL or valid with its thread and runtime; `map` and `creds` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_clone_vldt_credential_uidmap(
    task: *mut nxt_task_t,
    map: *mut nxt_clone_credential_map_t,
    creds: *mut nxt_credential_t,
) -> nxt_int_t {
    // SAFETY: the caller's promise is the same.
    unsafe {
        with_user(
            "nxt_clone_vldt_credential_uidmap",
            task,
            creds,
            |user, daemon| check_uid_map(&map_of(map), user, daemon),
        )
    }
}

/// Checks a map of groups for a user.
///
/// # Safety
/// As [`nxt_clone_vldt_credential_uidmap`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_clone_vldt_credential_gidmap(
    task: *mut nxt_task_t,
    map: *mut nxt_clone_credential_map_t,
    creds: *mut nxt_credential_t,
) -> nxt_int_t {
    // SAFETY: the caller's promise is the same.
    unsafe {
        with_user(
            "nxt_clone_vldt_credential_gidmap",
            task,
            creds,
            |user, daemon| check_gid_map(&map_of(map), user, daemon),
        )
    }
}

/// Writes both maps of a process that is in a user namespace of its own.
///
/// # Safety
/// As [`nxt_clone_vldt_credential_uidmap`], with `clone` in the place of `map`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_clone_credential_map(
    task: *mut nxt_task_t,
    pid: pid_t,
    creds: *mut nxt_credential_t,
    clone: *mut nxt_clone_t,
) -> nxt_int_t {
    if clone.is_null() {
        return NXT_ERROR;
    }
    // SAFETY: not NULL, and the caller's promise is the same.
    unsafe {
        let (uid_map, gid_map) = (&raw const (*clone).uidmap, &raw const (*clone).gidmap);
        with_user("nxt_clone_credential_map", task, creds, |user, daemon| {
            write_maps(pid, &map_of(uid_map), &map_of(gid_map), user, daemon)
        })
    }
}
