//! `nxt_main.h`: the start and the end of a program that uses the library.

use libc::c_char;

use crate::abi::errno::{NXT_ERROR, NXT_OK};
#[cfg(feature = "debug")]
use crate::abi::log::NXT_LOG_DEBUG;
use crate::abi::types::{nxt_int_t, nxt_uint_t};
use crate::capi::file::streams::nxt_stderr_start;
use crate::capi::globals::{self, *};
use crate::capi::guard;
use crate::capi::log::nxt_log_start;
use crate::capi::process::nxt_process_arguments;
use crate::capi::random::nxt_random_init;
use crate::capi::spinlock::nxt_thread_spin_init;
use crate::capi::thread_time::nxt_thread_time_update;

/// How many processors this process may run on.
fn processors() -> nxt_uint_t {
    std::thread::available_parallelism()
        .map_or(1, |count| nxt_uint_t::try_from(count.get()).unwrap_or(1))
}

/// Prepares the library for a program named `app`: its log, the calling thread's state, and the
/// facts of process and machine. `argv`, which may be NULL, and `envp` are those of `main`.
///
/// # Safety
/// To be called once, by the only thread. `app` is NULL or stays as it is as long as the program
/// runs; `argv` is NULL or the arguments of `main`, `envp` the address of the environment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_lib_start(
    app: *const c_char,
    argv: *mut *mut c_char,
    envp: *mut *mut *mut c_char,
) -> nxt_int_t {
    guard("nxt_lib_start", NXT_ERROR, || {
        nxt_stderr_start();
        // SAFETY: nobody else is there to use these objects, by the caller's promise; the arguments
        // end with NULL, and the first one may be missing.
        unsafe {
            nxt_log_start(app);
            #[cfg(feature = "debug")]
            {
                (*nxt_main_log.get()).level = NXT_LOG_DEBUG;
                // Memory that was freed, or not set yet, shows.
                libc::mallopt(libc::M_PERTURB, 0x55);
            }
            describe_process();
            if !argv.is_null() {
                let named_by_arguments = argv.read().cast_const() == app;
                nxt_process_arguments(nxt_main_task.get(), argv, envp);
                if named_by_arguments {
                    nxt_log_start(argv.read());
                }
            }
        }
        NXT_OK
    })
}

/// Fills in the facts of process and machine, and the state of its thread.
///
/// # Safety
/// The process has one thread, and C code does not use the data objects meanwhile.
pub(crate) unsafe fn describe_process() {
    // SAFETY: nobody else is there to use these objects, by the caller's promise.
    unsafe {
        nxt_pid.get().write(libc::getpid());
        nxt_ppid.get().write(libc::getppid());
        nxt_euid.get().write(libc::geteuid());
        nxt_egid.get().write(libc::getegid());

        let thread = globals::thread();
        (*thread).log = nxt_main_log.get();
        (*thread).handle = libc::pthread_self();
        (*thread).time.signal = -1;
        nxt_thread_time_update(thread);
        nxt_random_init(&raw mut (*thread).random);

        let task = nxt_main_task.get();
        (*task).thread = thread;
        (*task).log = (*thread).log;
        (*task).ident = 1;
        nxt_task_ident.get().write(1);

        nxt_ncpu.get().write(processors());
        nxt_thread_spin_init(nxt_ncpu.get().read(), 0);
        // The size of a page fits many times.
        let page = libc::sysconf(libc::_SC_PAGESIZE);
        nxt_pagesize.get().write(page as nxt_uint_t);
    }
}

/// Ends the program with success.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_lib_stop() {
    std::process::exit(0);
}

/// Prepares the texts of error numbers. They are the C library's, which needs no preparation.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_strerror_start() -> nxt_int_t {
    NXT_OK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_one_processor() {
        assert!(processors() >= 1);
    }
}
