//! `nxt_thread.h` and `nxt_thread_id.h`: threads, mutexes and conditions of the C library.
//!
//! What ends a thread, and what waits where a thread can be cancelled, is in `thread_shim.c`: the C
//! library unwinds the stack then, and that must not meet a frame of Rust. For the same reason a
//! thread must not be cancelled inside of another function of this library.

use std::ptr;

use libc::{c_int, c_void};

use crate::abi::engine::nxt_event_engine_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::thread::{
    nxt_thread_cond_t, nxt_thread_handle_t, nxt_thread_link_t, nxt_thread_mutex_t,
    nxt_thread_start_t, nxt_thread_t,
};
use crate::abi::types::{nxt_bool_t, nxt_int_t, nxt_tid_t};
use crate::base::log::Level;
use crate::capi::engine::nxt_event_engine_post;
use crate::capi::globals::{self, nxt_main_log};
use crate::capi::guard;
use crate::capi::log::thread_record;
use crate::capi::random::nxt_random_init;
use crate::capi::thread_time::{nxt_thread_time_free, nxt_thread_time_update};

unsafe extern "C" {
    /// What a new thread runs; takes the link.
    fn nxt_thread_trampoline(link: *mut c_void) -> *mut c_void;
}

/// Tells of a failure at alert level, and whether there was one.
fn failed(call: &str, error: c_int) -> bool {
    if error != 0 {
        let error = std::io::Error::from_raw_os_error(error);
        thread_record(Level::Alert, &format!("{call}() failed: {error}"));
    }
    error != 0
}

fn result(call: &str, error: c_int) -> nxt_int_t {
    if failed(call, error) {
        NXT_ERROR
    } else {
        NXT_OK
    }
}

/// Starts a thread that runs `link->start` with `link->work.data`. The link, from nxt_malloc, then
/// belongs to the thread, or is freed on failure.
///
/// # Safety
/// `handle` is NULL or writable; `link` is NULL or valid, and what it starts may run on a thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_create(
    handle: *mut nxt_thread_handle_t,
    link: *mut nxt_thread_link_t,
) -> nxt_int_t {
    guard("nxt_thread_create", NXT_ERROR, || {
        if handle.is_null() || link.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: both are valid; the trampoline is a C function made for this.
        unsafe {
            let start: extern "C" fn(*mut c_void) -> *mut c_void = std::mem::transmute(
                nxt_thread_trampoline as unsafe extern "C" fn(*mut c_void) -> *mut c_void,
            );
            let error = libc::pthread_create(handle, ptr::null(), start, link.cast());
            if failed("pthread_create", error) {
                libc::free(link.cast());
                return NXT_ERROR;
            }
        }
        NXT_OK
    })
}

/// The start of a thread, called by the shim: what it runs, and with what.
///
/// # Safety
/// `link` came through [`nxt_thread_create`]; `data` is writable.
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_thread_enter(
    link: *mut nxt_thread_link_t,
    data: *mut *mut c_void,
) -> nxt_thread_start_t {
    guard("nxt_thread_create", None, || {
        let thread = nxt_thread_init();
        // SAFETY: valid, by the caller's promise; the thread's state is its own.
        unsafe {
            let start = (*link).start;
            data.write((*link).work.data);
            if (*link).work.handler.is_some() {
                (*thread).link = link;
            } else {
                libc::free(link.cast());
            }
            start
        }
    })
}

/// The end of a thread, called by the shim: the engine of its link learns of it. The work's object is the
/// thread's handle, to wait for; its handler frees the link.
///
/// # Safety
/// `thr` is NULL or the calling thread's state; the task of a link's work is that of an engine.
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_thread_leave(thr: *mut nxt_thread_t) {
    // SAFETY: the caller's promise is the same.
    unsafe { nxt_thread_time_free(thr) };
    guard("nxt_thread_exit", (), || {
        // SAFETY: NULL or the calling thread's; the link is its own until it is posted. An engine's
        // task is its first member.
        unsafe {
            let Some(thread) = thr.as_mut() else {
                return;
            };
            let link = std::mem::replace(&mut thread.link, ptr::null_mut());
            if link.is_null() {
                return;
            }
            let engine = (*link).work.task.cast::<nxt_event_engine_t>();
            if engine.is_null() {
                libc::free(link.cast());
                return;
            }
            let work = &raw mut (*link).work;
            (*work).next = ptr::null_mut();
            (*work).obj = ptr::without_provenance_mut(thread.handle as usize);
            nxt_event_engine_post(engine, work);
        }
    });
}

/// A failed wait, called by the shim.
#[unsafe(no_mangle)]
extern "C" fn nxt_thread_wait_failed(error: c_int) {
    guard("nxt_thread_cond_wait", (), || {
        failed("pthread_cond_wait", error);
    });
}

/// Prepares the calling thread's state, and answers it.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_thread_init() -> *mut nxt_thread_t {
    let thread = globals::thread();
    // SAFETY: the state is the calling thread's own and lives as long as it.
    unsafe {
        if (*thread).log.is_null() {
            (*thread).log = nxt_main_log.get();
            (*thread).handle = libc::pthread_self();
            // No signal handler runs on threads.
            (*thread).time.signal = -1;
            nxt_thread_time_update(thread);
        }
        nxt_random_init(&raw mut (*thread).random);
    }
    thread
}

/// Asks a thread to end where it waits next.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_thread_cancel(handle: nxt_thread_handle_t) {
    guard("nxt_thread_cancel", (), || {
        // SAFETY: the call only takes a number, which the caller has from nxt_thread_create.
        failed("pthread_cancel", unsafe { libc::pthread_cancel(handle) });
    });
}

/// Waits for a thread to end.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_thread_wait(handle: nxt_thread_handle_t) {
    guard("nxt_thread_wait", (), || {
        // SAFETY: the call only takes a number, and the result of the thread is not wanted.
        failed("pthread_join", unsafe {
            libc::pthread_join(handle, ptr::null_mut())
        });
    });
}

/// The kernel's number of the calling thread, which `thr` keeps.
///
/// # Safety
/// `thr` is NULL or the calling thread's state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_tid(thr: *mut nxt_thread_t) -> nxt_tid_t {
    guard("nxt_thread_tid", 0, || {
        // SAFETY: NULL or the calling thread's own state, as the caller promises.
        match unsafe { thr.as_mut() } {
            Some(thread) if thread.tid != 0 => thread.tid,
            thread => {
                let tid = nix::unistd::gettid().as_raw();
                if let Some(thread) = thread {
                    thread.tid = tid;
                }
                tid
            }
        }
    })
}

/// Makes a mutex that tells mistakes of its user.
///
/// # Safety
/// `mtx` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_mutex_create(mtx: *mut nxt_thread_mutex_t) -> nxt_int_t {
    guard("nxt_thread_mutex_create", NXT_ERROR, || {
        if mtx.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: the attributes are initialised before they are used, the mutex is the caller's.
        unsafe {
            let mut attributes = std::mem::MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
            let attributes = attributes.as_mut_ptr();
            if failed(
                "pthread_mutexattr_init",
                libc::pthread_mutexattr_init(attributes),
            ) {
                return NXT_ERROR;
            }
            let kind = libc::PTHREAD_MUTEX_ERRORCHECK;
            let made = !failed(
                "pthread_mutexattr_settype",
                libc::pthread_mutexattr_settype(attributes, kind),
            ) && !failed(
                "pthread_mutex_init",
                libc::pthread_mutex_init(mtx, attributes),
            );
            libc::pthread_mutexattr_destroy(attributes);
            if made { NXT_OK } else { NXT_ERROR }
        }
    })
}

/// Gives a mutex up.
///
/// # Safety
/// `mtx` is NULL or a mutex that is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_mutex_destroy(mtx: *mut nxt_thread_mutex_t) {
    guard("nxt_thread_mutex_destroy", (), || {
        if !mtx.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            failed("pthread_mutex_destroy", unsafe {
                libc::pthread_mutex_destroy(mtx)
            });
        }
    });
}

/// Waits for a mutex and closes it; `NXT_ERROR` if the thread has closed it already.
///
/// # Safety
/// `mtx` is NULL or a mutex.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_mutex_lock(mtx: *mut nxt_thread_mutex_t) -> nxt_int_t {
    guard("nxt_thread_mutex_lock", NXT_ERROR, || {
        if mtx.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        result("pthread_mutex_lock", unsafe {
            libc::pthread_mutex_lock(mtx)
        })
    })
}

/// Closes a mutex if it is open: 1, or 0 if it was not.
///
/// # Safety
/// `mtx` is NULL or a mutex.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_mutex_trylock(mtx: *mut nxt_thread_mutex_t) -> nxt_bool_t {
    guard("nxt_thread_mutex_trylock", 0, || {
        if mtx.is_null() {
            return 0;
        }
        // SAFETY: not NULL, and by the caller's promise.
        match unsafe { libc::pthread_mutex_trylock(mtx) } {
            libc::EBUSY => 0,
            error => (!failed("pthread_mutex_trylock", error)).into(),
        }
    })
}

/// Opens a mutex; `NXT_ERROR` if the thread has not closed it.
///
/// # Safety
/// `mtx` is NULL or a mutex.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_mutex_unlock(mtx: *mut nxt_thread_mutex_t) -> nxt_int_t {
    guard("nxt_thread_mutex_unlock", NXT_ERROR, || {
        if mtx.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise; the state is the calling thread's.
        unsafe {
            let error = libc::pthread_mutex_unlock(mtx);
            nxt_thread_time_update(globals::thread());
            result("pthread_mutex_unlock", error)
        }
    })
}

/// Makes a condition.
///
/// # Safety
/// `cond` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_cond_create(cond: *mut nxt_thread_cond_t) -> nxt_int_t {
    guard("nxt_thread_cond_create", NXT_ERROR, || {
        if cond.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        result("pthread_cond_init", unsafe {
            libc::pthread_cond_init(cond, ptr::null())
        })
    })
}

/// Gives a condition up.
///
/// # Safety
/// `cond` is NULL or a condition that nobody waits for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_cond_destroy(cond: *mut nxt_thread_cond_t) {
    guard("nxt_thread_cond_destroy", (), || {
        if !cond.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            failed("pthread_cond_destroy", unsafe {
                libc::pthread_cond_destroy(cond)
            });
        }
    });
}

/// Wakes one thread that waits for a condition.
///
/// # Safety
/// `cond` is NULL or a condition.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_cond_signal(cond: *mut nxt_thread_cond_t) -> nxt_int_t {
    guard("nxt_thread_cond_signal", NXT_ERROR, || {
        if cond.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        result("pthread_cond_signal", unsafe {
            libc::pthread_cond_signal(cond)
        })
    })
}
