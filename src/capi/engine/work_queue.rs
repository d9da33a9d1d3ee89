//! `nxt_work_queue.h`: work that waits in order.

use std::ptr;

use libc::c_void;

use crate::abi::task::{
    nxt_locked_work_queue_t, nxt_task_t, nxt_work_handler_t, nxt_work_queue_cache_t,
    nxt_work_queue_chunk_t, nxt_work_queue_t, nxt_work_t,
};
use crate::abi::thread::nxt_thread_t;
use crate::capi::guard;
use crate::capi::malloc::nxt_malloc;
use crate::capi::spinlock::{nxt_thread_spin_lock, nxt_thread_spin_unlock};

#[cfg(feature = "debug")]
pub mod debug_abi;

/// Works of a block, unless the program says how many.
const CHUNK: usize = 409;

/// Prepares memory for works in blocks of `chunk_size`, or of the usual size for 0.
///
/// # Safety
/// `cache` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_work_queue_cache_create(
    cache: *mut nxt_work_queue_cache_t,
    chunk_size: usize,
) {
    guard("nxt_work_queue_cache_create", (), || {
        if cache.is_null() {
            return;
        }
        let size = if chunk_size == 0 { CHUNK } else { chunk_size };
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            cache.write(nxt_work_queue_cache_t {
                next: ptr::null_mut(),
                spare: ptr::null_mut(),
                chunk: ptr::null_mut(),
                // A block has one work in any case.
                chunk_size: size - 1,
            });
            grow(cache);
        }
    });
}

/// Adds a block of works that are not in use.
///
/// # Safety
/// `cache` is valid.
unsafe fn grow(cache: *mut nxt_work_queue_cache_t) {
    // SAFETY: by the caller's promise; all that is written lies inside of the block.
    unsafe {
        let more = (*cache).chunk_size;
        let size = size_of::<nxt_work_t>()
            .saturating_mul(more)
            .saturating_add(size_of::<nxt_work_queue_chunk_t>());
        let chunk = nxt_malloc(size).cast::<nxt_work_queue_chunk_t>();
        if chunk.is_null() {
            return;
        }
        (*chunk).next = (*cache).chunk;
        (*cache).chunk = chunk;
        let works = &raw mut (*chunk).work;
        for index in 0..=more {
            let work = works.add(index);
            (*work).next = (*cache).next;
            (*cache).next = work;
        }
    }
}

/// Frees the memory of works, none of which may be in use.
///
/// # Safety
/// `cache` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_work_queue_cache_destroy(cache: *mut nxt_work_queue_cache_t) {
    guard("nxt_work_queue_cache_destroy", (), || {
        if cache.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the blocks are from the C library's heap.
        unsafe {
            let mut chunk = (*cache).chunk;
            while !chunk.is_null() {
                let next = (*chunk).next;
                libc::free(chunk.cast());
                chunk = next;
            }
            (*cache).chunk = ptr::null_mut();
            (*cache).next = ptr::null_mut();
        }
    });
}

/// Adds work to the end of a queue. If there is no memory it waits until there is: work is never
/// lost.
///
/// # Safety
/// `wq` is NULL or a queue of the calling thread; the rest is what `handler` takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_work_queue_add(
    wq: *mut nxt_work_queue_t,
    handler: nxt_work_handler_t,
    task: *mut nxt_task_t,
    obj: *mut c_void,
    data: *mut c_void,
) {
    guard("nxt_work_queue_add", (), || {
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            if wq.is_null() || (*wq).cache.is_null() {
                return;
            }
            #[cfg(feature = "debug")]
            debug_abi::check(wq);
            let cache = (*wq).cache;
            while (*cache).next.is_null() {
                grow(cache);
                if (*cache).next.is_null() {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
            let work = (*cache).next;
            (*cache).next = (*work).next;
            work.write(nxt_work_t {
                next: ptr::null_mut(),
                handler,
                task,
                obj,
                data,
            });
            if (*wq).tail.is_null() {
                (*wq).head = work;
            } else {
                (*(*wq).tail).next = work;
            }
            (*wq).tail = work;
        }
    });
}

/// Takes the first work of a queue: its handler, or NULL of an empty queue.
///
/// # Safety
/// `wq` is NULL or a queue of the calling thread; the other addresses are writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_work_queue_pop(
    wq: *mut nxt_work_queue_t,
    task: *mut *mut nxt_task_t,
    obj: *mut *mut c_void,
    data: *mut *mut c_void,
) -> nxt_work_handler_t {
    // SAFETY: by the caller's promise; a work of the queue is valid.
    unsafe {
        let work = wq.as_ref().map_or(ptr::null_mut(), |queue| queue.head);
        if work.is_null() {
            return None;
        }
        #[cfg(feature = "debug")]
        debug_abi::check(wq);
        (*wq).head = (*work).next;
        if (*wq).head.is_null() {
            (*wq).tail = ptr::null_mut();
        }
        task.write((*work).task);
        obj.write((*work).obj);
        data.write((*work).data);
        (*work).next = (*(*wq).cache).next;
        (*(*wq).cache).next = work;
        (*work).handler
    }
}

/// Adds work to the end of a queue of any thread.
///
/// # Safety
/// `lwq` is NULL or valid; `work` is NULL or valid until it is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_locked_work_queue_add(
    lwq: *mut nxt_locked_work_queue_t,
    work: *mut nxt_work_t,
) {
    guard("nxt_locked_work_queue_add", (), || {
        if lwq.is_null() || work.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the members are only used under the lock.
        unsafe {
            // Several works may be chained.
            let mut last = work;
            while !(*last).next.is_null() {
                last = (*last).next;
            }
            nxt_thread_spin_lock(&raw mut (*lwq).lock);
            if (*lwq).tail.is_null() {
                (*lwq).head = work;
            } else {
                (*(*lwq).tail).next = work;
            }
            (*lwq).tail = last;
            nxt_thread_spin_unlock(&raw mut (*lwq).lock);
        }
    });
}

/// Takes the first work of a queue of any thread: its handler, or NULL of an empty queue.
///
/// # Safety
/// `lwq` is NULL or valid; the other addresses are writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_locked_work_queue_pop(
    lwq: *mut nxt_locked_work_queue_t,
    task: *mut *mut nxt_task_t,
    obj: *mut *mut c_void,
    data: *mut *mut c_void,
) -> nxt_work_handler_t {
    if lwq.is_null() {
        return None;
    }
    // SAFETY: not NULL, and by the caller's promise; the members are only used under the lock.
    unsafe {
        nxt_thread_spin_lock(&raw mut (*lwq).lock);
        let mut handler = None;
        if let Some(work) = (*lwq).head.as_ref() {
            (*lwq).head = work.next;
            if work.next.is_null() {
                (*lwq).tail = ptr::null_mut();
            }
            task.write(work.task);
            obj.write(work.obj);
            data.write(work.data);
            handler = work.handler;
        }
        nxt_thread_spin_unlock(&raw mut (*lwq).lock);
        handler
    }
}

/// Moves all works of a queue of any thread to one of the calling thread, which is `thr`.
///
/// # Safety
/// The addresses are NULL or valid, and so are the works.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_locked_work_queue_move(
    thr: *mut nxt_thread_t,
    lwq: *mut nxt_locked_work_queue_t,
    wq: *mut nxt_work_queue_t,
) {
    guard("nxt_locked_work_queue_move", (), || {
        if lwq.is_null() || wq.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the chain that was taken is ours.
        unsafe {
            nxt_thread_spin_lock(&raw mut (*lwq).lock);
            let mut work = (*lwq).head;
            (*lwq).head = ptr::null_mut();
            (*lwq).tail = ptr::null_mut();
            nxt_thread_spin_unlock(&raw mut (*lwq).lock);
            while !work.is_null() {
                let this = *work;
                if let Some(task) = this.task.as_mut() {
                    task.thread = thr;
                }
                // From now on its owner may use it again.
                (*work).next = ptr::null_mut();
                nxt_work_queue_add(wq, this.handler, this.task, this.obj, this.data);
                work = this.next;
            }
        }
    });
}
