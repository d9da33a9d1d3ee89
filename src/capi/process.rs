//! `nxt_process.h`: what of it concerns this process alone.

use std::time::Duration;

use libc::c_char;

use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_nsec_t;
use crate::capi::globals::{nxt_process_argv, nxt_process_environ};
use crate::capi::guard;

/// Sleeps for so many nanoseconds.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_nanosleep(ns: nxt_nsec_t) {
    guard("nxt_nanosleep", (), || {
        std::thread::sleep(Duration::from_nanos(ns));
    });
}

/// Notes the arguments and the environment.
///
/// # Safety
/// `orig_argv` is NULL or the arguments of `main`, `orig_envp` NULL or the address of the environment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_arguments(
    task: *mut nxt_task_t,
    orig_argv: *mut *mut c_char,
    orig_envp: *mut *mut *mut c_char,
) {
    let _ = task;
    guard("nxt_process_arguments", (), || {
        // SAFETY: C code leaves these objects alone meanwhile.
        unsafe {
            nxt_process_argv.get().write(orig_argv);
            nxt_process_environ.get().write(orig_envp);
        }
    });
}
