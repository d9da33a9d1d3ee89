//! `nxt_cgroup.h`: the control group of a prototype.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::process::{NXT_PROCESS_MAIN, NXT_PROCESS_PROTOTYPE, nxt_process_t};
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::base::log::Level;
use crate::capi::log::task_record;
use crate::capi::process::{nxt_process_type, runtime_of};
use crate::capi::{c_string, guard};
use crate::sys::cgroups::{self, CgroupError, Cgroups};

/// What this program has made.
fn made() -> MutexGuard<'static, Cgroups> {
    static MADE: Mutex<Cgroups> = Mutex::new(Cgroups::new());
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The configured path of a process's control group.
///
/// # Safety
/// `process` is NULL or valid, with a path that is NULL or ends with a NUL.
unsafe fn path_of<'a>(process: *const nxt_process_t) -> Option<&'a Path> {
    // SAFETY: NULL or valid, by the caller's promise.
    unsafe {
        let path = process.as_ref()?.isolation.cgroup.path;
        let path = (!path.is_null()).then(|| c_string(path.cast()))?;
        Some(Path::new(OsStr::from_bytes(path)))
    }
}

/// Moves a prototype into its control group, which is made if it is missing. In another process than
/// the main process, and for a process of another kind or without a path, there is nothing to do.
///
/// # Safety
/// `task` is NULL or valid; `process` is NULL or valid, and was forked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_cgroup_proc_add(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) -> nxt_int_t {
    guard("nxt_cgroup_proc_add", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(rt) = runtime_of(task).as_ref().filter(|_| !process.is_null()) else {
                return NXT_ERROR;
            };
            let (Some(path), NXT_PROCESS_MAIN, NXT_PROCESS_PROTOTYPE) =
                (path_of(process), rt.r#type, nxt_process_type(process))
            else {
                return NXT_OK;
            };
            let joined = made()
                .open(path)
                .and_then(|cgroup| cgroup.add((*process).pid));
            match joined {
                Ok(()) => NXT_OK,
                Err(error) => {
                    task_record(task, Level::Alert, &error.to_string());
                    NXT_ERROR
                }
            }
        }
    })
}

/// Removes the control group of a process and those above it, as far as this program has made them
/// and nobody is in them.
///
/// # Safety
/// `task` and `process` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_cgroup_cleanup(task: *mut nxt_task_t, process: *const nxt_process_t) {
    guard("nxt_cgroup_cleanup", (), || {
        // SAFETY: the caller's promise is the same.
        unsafe {
            let Some(path) = path_of(process) else {
                return;
            };
            match cgroups::directory(path) {
                Ok((path, _)) => {
                    made().remove(&path);
                }
                // Nothing was made there.
                Err(CgroupError::NotMounted | CgroupError::Path(_)) => {}
                Err(error) => task_record(task, Level::Alert, &error.to_string()),
            }
        }
    });
}
