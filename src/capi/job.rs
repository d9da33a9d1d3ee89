//! `nxt_job.h`: jobs, which start on an engine, may be done by a thread pool, and return to the engine.
//!
//! A handler is the program's own code; it is called with the job's task, the job and the job's data.

use std::ptr;

use libc::c_void;

use crate::abi::array::nxt_mp_t;
use crate::abi::errno::NXT_OK;
use crate::abi::job::nxt_job_t;
use crate::abi::task::{nxt_task_t, nxt_work_handler_t, nxt_work_t};
use crate::capi::engine::nxt_event_engine_post;
use crate::capi::engine::work_queue::nxt_work_queue_add;
use crate::capi::guard;
use crate::capi::mp::{nxt_mp_create, nxt_mp_destroy, nxt_mp_free, nxt_mp_zalloc, nxt_mp_zget};
use crate::capi::thread_pool::nxt_thread_pool_post;

/// The name of a job until the program gives it one.
#[cfg(feature = "debug")]
const NAME: &std::ffi::CStr = c"job";

/// Prepares the members of a job that are not zero.
///
/// # Safety
/// `job` is writable, and stays where it is.
unsafe fn prepare(job: *mut nxt_job_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        // Alone in a list, so that it can be removed in any case.
        let link = &raw mut (*job).link;
        (*link).next = link;
        (*link).prev = link;
        #[cfg(feature = "debug")]
        {
            (*job).name = NAME.as_ptr();
        }
    }
}

/// A job of `size` bytes, `nxt_job_t` at its head: out of `mp`, or, if that is NULL, with a pool of
/// its own. NULL when there is no memory, or `size` is less than the head.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_job_create(mp: *mut nxt_mp_t, size: usize) -> *mut c_void {
    guard("nxt_job_create", ptr::null_mut(), || {
        // The size is kept in 16 bits.
        if size < size_of::<nxt_job_t>() || (!mp.is_null() && size > usize::from(u16::MAX)) {
            return ptr::null_mut();
        }
        // SAFETY: the pool is the caller's or new; the job is ours until it is returned.
        unsafe {
            let own = mp.is_null();
            let pool = if own {
                nxt_mp_create(1024, 128, 256, 32)
            } else {
                mp
            };
            let job = if own {
                nxt_mp_zget(pool, size)
            } else {
                nxt_mp_zalloc(pool, size)
            }
            .cast::<nxt_job_t>();
            if job.is_null() {
                if own {
                    nxt_mp_destroy(pool);
                }
                return ptr::null_mut();
            }
            (*job).cache_size = if own { 0 } else { size as u16 };
            (*job).mem_pool = pool;
            prepare(job);
            job.cast()
        }
    })
}

/// Prepares memory of the caller's as a job of `size` bytes.
///
/// # Safety
/// `job` is NULL or has `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_job_init(job: *mut nxt_job_t, size: usize) {
    guard("nxt_job_init", (), || {
        if job.is_null() || size < size_of::<nxt_job_t>() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            job.cast::<u8>().write_bytes(0, size);
            prepare(job);
        }
    });
}

/// Takes a job out of its list and frees it, with its pool if that is its own. Fits as a handler that
/// aborts, with the job as `data`.
///
/// # Safety
/// `data` is NULL or a job that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_job_destroy(task: *mut nxt_task_t, data: *mut c_void) {
    let _ = task;
    guard("nxt_job_destroy", (), || {
        let job = data.cast::<nxt_job_t>();
        if job.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the neighbours of the link are the job
        // itself or in the program's list.
        unsafe {
            let link = (*job).link;
            if !link.next.is_null() && !link.prev.is_null() {
                (*link.next).prev = link.prev;
                (*link.prev).next = link.next;
            }
            let pool = (*job).mem_pool;
            if (*job).cache_size != 0 {
                nxt_mp_free(pool, job.cast());
            } else if !pool.is_null() {
                nxt_mp_destroy(pool);
            }
        }
    });
}

/// The handler that a work carries as its data.
///
/// # Safety
/// `data` was made of a handler by [`carry`].
unsafe fn carried(data: *mut c_void) -> nxt_work_handler_t {
    // SAFETY: by the caller's promise; NULL is no handler.
    unsafe { std::mem::transmute(data) }
}

/// A handler as the data of a work.
fn carry(handler: nxt_work_handler_t) -> *mut c_void {
    handler.map_or(ptr::null_mut(), |handler| handler as *mut c_void)
}

/// Calls a handler of a job.
///
/// # Safety
/// `job` is a job that may be in the handler's hands.
unsafe fn call(job: *mut nxt_job_t, handler: nxt_work_handler_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(handler) = handler {
            handler((*job).task, job.cast(), (*job).data);
        }
    }
}

/// Starts a job: `handler` is called by a thread of the job's pool, or at once by the caller if it has
/// none. If the pool has no thread, the job is aborted.
///
/// # Safety
/// The addresses are NULL or valid; the task is that of the calling thread; the job's work is in no
/// queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_job_start(
    task: *mut nxt_task_t,
    job: *mut nxt_job_t,
    handler: nxt_work_handler_t,
) {
    let handler = guard("nxt_job_start", None, || {
        if job.is_null() {
            return None;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            debug(task, job, c"start");
            if (*job).thread_pool.is_null() {
                return handler;
            }
            if let Some(thread) = task.as_ref().and_then(|task| task.thread.as_ref()) {
                (*job).engine = thread.engine;
            }
            set_work(job, on_thread, carry(handler));
            if nxt_thread_pool_post((*job).thread_pool, &raw mut (*job).work) == NXT_OK {
                return None;
            }
            (*job).abort_handler
        }
    });
    // SAFETY: there is a handler only of a job; it is called outside of the boundary of panics, for
    // it is the program's.
    unsafe { call(job, handler) };
}

/// Makes the job's work one of `handler`.
///
/// # Safety
/// `job` is a job whose work is in no queue.
unsafe fn set_work(
    job: *mut nxt_job_t,
    handler: unsafe extern "C" fn(*mut nxt_task_t, *mut c_void, *mut c_void),
    data: *mut c_void,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        (*job).work = nxt_work_t {
            next: ptr::null_mut(),
            handler: Some(handler),
            task: (*job).task,
            obj: job.cast(),
            data,
        };
    }
}

/// What a thread of the pool does with a job.
unsafe extern "C" fn on_thread(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let job = obj.cast::<nxt_job_t>();
    // SAFETY: the work is that of a job, which the thread has for itself.
    unsafe {
        debug(task, job, c"thread");
        if (*job).cancel != 0 {
            nxt_job_return(task, job, (*job).abort_handler);
        } else {
            call(job, carried(data));
        }
    }
}

/// Ends the work on a job: `handler`, or that which aborts if the job was cancelled, is called on the
/// engine that the job came from, or on that of `task`.
///
/// # Safety
/// The addresses are NULL or valid; the task is that of the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_job_return(
    task: *mut nxt_task_t,
    job: *mut nxt_job_t,
    handler: nxt_work_handler_t,
) {
    guard("nxt_job_return", (), || {
        if job.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            debug(task, job, c"return");
            if !(*job).engine.is_null() {
                set_work(job, on_engine, carry(handler));
                nxt_event_engine_post((*job).engine, &raw mut (*job).work);
                return;
            }
            let thread = task.as_ref().map_or(ptr::null_mut(), |task| task.thread);
            let engine = thread
                .as_ref()
                .map_or(ptr::null_mut(), |thread| thread.engine);
            if !engine.is_null() {
                let queue = &raw mut (*engine).fast_work_queue;
                let (task, data) = ((*job).task, (*job).data);
                nxt_work_queue_add(queue, wanted(job, handler), task, job.cast(), data);
            }
        }
    });
}

/// What is called of a job that has returned.
///
/// # Safety
/// `job` is a job.
unsafe fn wanted(job: *mut nxt_job_t, handler: nxt_work_handler_t) -> nxt_work_handler_t {
    // SAFETY: by the caller's promise.
    unsafe {
        if (*job).cancel == 0 {
            return handler;
        }
        (*job).abort_handler
    }
}

/// What the engine does with a job that has returned.
unsafe extern "C" fn on_engine(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let job = obj.cast::<nxt_job_t>();
    // SAFETY: the work is that of a job, which the engine's thread has for itself.
    unsafe {
        if let (Some(own), Some(task)) = ((*job).task.as_mut(), task.as_ref()) {
            own.thread = task.thread;
        }
        call(job, wanted(job, carried(data)));
    }
}

/// Tells at debug level, in the debug ABI, what happens to a job.
///
/// # Safety
/// `task` is NULL or valid; `job` is a job whose name ends with a NUL.
#[cfg(feature = "debug")]
unsafe fn debug(task: *mut nxt_task_t, job: *mut nxt_job_t, what: &std::ffi::CStr) {
    // SAFETY: by the caller's promise; NULL is no name.
    let name = unsafe { crate::capi::c_string((*job).name.cast()) };
    let (name, what) = (String::from_utf8_lossy(name), what.to_string_lossy());
    // SAFETY: by the caller's promise.
    unsafe { crate::capi::log::task_debug(task, || format!("{name} {what}")) };
}

#[cfg(not(feature = "debug"))]
unsafe fn debug(_: *mut nxt_task_t, _: *mut nxt_job_t, _: &std::ffi::CStr) {}
