//! `nxt_thread_pool.h`: threads that do what an engine must not wait for.

use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use libc::c_void;

use crate::abi::engine::nxt_event_engine_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::task::{nxt_task_t, nxt_work_handler_t, nxt_work_t};
use crate::abi::thread::nxt_thread_link_t;
use crate::abi::thread_pool::{nxt_thread_pool_init_t, nxt_thread_pool_t};
use crate::abi::types::{nxt_atomic_t, nxt_int_t, nxt_nsec_t, nxt_uint_t};
use crate::capi::engine::nxt_event_engine_post;
use crate::capi::engine::work_queue::{
    nxt_locked_work_queue_add, nxt_locked_work_queue_pop, nxt_work_queue_add,
};
use crate::capi::globals::{self, nxt_main_log};
use crate::capi::guard;
use crate::capi::malloc::nxt_zalloc;
use crate::capi::spinlock::{nxt_thread_spin_lock, nxt_thread_spin_unlock};
use crate::capi::thread::{nxt_thread_create, nxt_thread_wait};

/// # Safety
/// `number` is aligned and lives as long as the result; C code uses it atomically too.
unsafe fn atomic<'a>(number: *mut nxt_atomic_t) -> &'a AtomicU64 {
    // SAFETY: by the caller's promise.
    unsafe { AtomicU64::from_ptr(number) }
}

/// A pool of at most `max_threads` threads; one that waits for work longer than `timeout` ends, but
/// for the last. `init` is called in each thread, `exit` on `engine` when the pool has ended, and must
/// free it. NULL when there is no memory. Threads start with the first work.
///
/// # Safety
/// `engine` is NULL or an engine that outlives the pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_pool_create(
    max_threads: nxt_uint_t,
    timeout: nxt_nsec_t,
    init: nxt_thread_pool_init_t,
    engine: *mut nxt_event_engine_t,
    exit: nxt_work_handler_t,
) -> *mut nxt_thread_pool_t {
    guard("nxt_thread_pool_create", ptr::null_mut(), || {
        if engine.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise; the pool is ours until it is returned.
        unsafe {
            let pool = nxt_zalloc(size_of::<nxt_thread_pool_t>()).cast::<nxt_thread_pool_t>();
            if pool.is_null() {
                return pool;
            }
            (*pool).max_threads = max_threads;
            (*pool).timeout = timeout;
            (*pool).engine = engine;
            (*pool).task.thread = (*engine).task.thread;
            (*pool).task.log = (*engine).task.log;
            (*pool).init = init;
            (*pool).exit = exit;
            pool
        }
    })
}

/// Starts a thread of a pool, which is counted already; whether it runs.
///
/// # Safety
/// `pool` is a pool.
unsafe fn start(pool: *mut nxt_thread_pool_t) -> bool {
    // SAFETY: by the caller's promise; the link is the thread's.
    unsafe {
        let link = nxt_zalloc(size_of::<nxt_thread_link_t>()).cast::<nxt_thread_link_t>();
        if link.is_null() {
            return false;
        }
        (*link).start = Some(run);
        (*link).work.data = pool.cast();
        let mut handle = 0;
        nxt_thread_create(&raw mut handle, link) == NXT_OK
    }
}

/// Makes sure that a pool has a thread.
///
/// # Safety
/// `pool` is a pool.
unsafe fn prepare(pool: *mut nxt_thread_pool_t) -> nxt_int_t {
    // SAFETY: by the caller's promise; the members are only set under the lock.
    unsafe {
        if atomic(&raw mut (*pool).ready).load(Ordering::Acquire) != 0 {
            return NXT_OK;
        }
        if (*pool).max_threads == 0 {
            return NXT_ERROR;
        }
        let lock = &raw mut (*pool).work_queue.lock;
        nxt_thread_spin_lock(lock);
        let ready = atomic(&raw mut (*pool).ready);
        let mut result = NXT_OK;
        if ready.load(Ordering::Acquire) == 0 {
            let threads = atomic(&raw mut (*pool).threads);
            threads.fetch_add(1, Ordering::AcqRel);
            let counted = libc::sem_init(&raw mut (*pool).sem, 0, 0) == 0;
            if counted && start(pool) {
                ready.store(1, Ordering::Release);
            } else {
                if counted {
                    libc::sem_destroy(&raw mut (*pool).sem);
                }
                threads.fetch_sub(1, Ordering::AcqRel);
                result = NXT_ERROR;
            }
        }
        nxt_thread_spin_unlock(lock);
        result
    }
}

/// Gives a pool work. The work is the pool's until it is done.
///
/// # Safety
/// `tp` is NULL or a pool; `work` is NULL or valid with a task of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_pool_post(
    tp: *mut nxt_thread_pool_t,
    work: *mut nxt_work_t,
) -> nxt_int_t {
    guard("nxt_thread_pool_post", NXT_ERROR, || {
        if tp.is_null() || work.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: both are checked above; the work is the queue's until a thread takes it.
        unsafe {
            if prepare(tp) != NXT_OK {
                return NXT_ERROR;
            }
            (*work).next = ptr::null_mut();
            nxt_locked_work_queue_add(&raw mut (*tp).work_queue, work);
            libc::sem_post(&raw mut (*tp).sem);
            NXT_OK
        }
    })
}

/// Waits for work at most the pool's timeout; whether there is any.
///
/// # Safety
/// `pool` is a pool with threads.
unsafe fn wait(pool: *mut nxt_thread_pool_t) -> bool {
    // SAFETY: the caller promises a pool with threads, which has its semaphore until the last of
    // them ends.
    unsafe {
        let sem = &raw mut (*pool).sem;
        loop {
            let result = if (*pool).timeout == nxt_nsec_t::MAX {
                libc::sem_wait(sem)
            } else {
                let mut until = std::mem::zeroed::<libc::timespec>();
                libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut until);
                let nanos = until.tv_nsec as u64 + (*pool).timeout % 1_000_000_000;
                until.tv_sec += ((*pool).timeout / 1_000_000_000 + nanos / 1_000_000_000) as i64;
                until.tv_nsec = (nanos % 1_000_000_000) as i64;
                libc::sem_timedwait(sem, &raw const until)
            };
            if result == 0 {
                return true;
            }
            if nix::errno::Errno::last() != nix::errno::Errno::EINTR {
                return false;
            }
        }
    }
}

/// A thread of a pool.
unsafe extern "C" fn run(data: *mut c_void) {
    let pool = data.cast::<nxt_thread_pool_t>();
    // SAFETY: the pool lives as long as it has threads. A work is valid until it is done.
    unsafe {
        let thread = globals::thread();
        if let Some(init) = (*pool).init {
            init();
        }
        let threads = atomic(&raw mut (*pool).threads);
        let waiting = atomic(&raw mut (*pool).waiting);
        loop {
            waiting.fetch_add(1, Ordering::AcqRel);
            let woken = wait(pool);
            let waited = waiting.fetch_sub(1, Ordering::AcqRel);
            if !woken {
                // The last thread stays.
                let more = threads.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
                    (count > 1).then(|| count - 1)
                });
                if more.is_ok() {
                    detach(thread);
                    return;
                }
                continue;
            }
            if waited == 1 {
                // Nobody waits any more.
                let room = u64::from((*pool).max_threads);
                let another = threads.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
                    (count < room).then(|| count + 1)
                });
                if another.is_ok() && !start(pool) {
                    threads.fetch_sub(1, Ordering::AcqRel);
                }
            }
            let (mut task, mut obj, mut argument) = (
                ptr::null_mut::<nxt_task_t>(),
                ptr::null_mut(),
                ptr::null_mut(),
            );
            let handler = nxt_locked_work_queue_pop(
                &raw mut (*pool).work_queue,
                &raw mut task,
                &raw mut obj,
                &raw mut argument,
            );
            if obj == pool.cast() && handler.is_some_and(is_end) {
                finish(pool, argument);
                return;
            }
            if let Some(handler) = handler {
                if let Some(task) = task.as_mut() {
                    task.thread = thread;
                }
                handler(task, obj, argument);
            }
            (*thread).log = nxt_main_log.get();
        }
    }
}

/// A thread that ends by itself is waited for by nobody.
///
/// # Safety
/// `thread` is the calling thread's state.
unsafe fn detach(thread: *mut crate::abi::thread::nxt_thread_t) {
    // SAFETY: by the caller's promise.
    unsafe { libc::pthread_detach((*thread).handle) };
}

/// Marks the work that ends a thread; it is never called.
unsafe extern "C" fn end(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (task, obj, data);
}

/// Whether a work is that mark.
fn is_end(handler: unsafe extern "C" fn(*mut nxt_task_t, *mut c_void, *mut c_void)) -> bool {
    handler as *const () == end as *const ()
}

/// Ends the calling thread of a pool: `before` is the thread that ended before it, or 0.
///
/// # Safety
/// `pool` is a pool that is being destroyed.
unsafe fn finish(pool: *mut nxt_thread_pool_t, before: *mut c_void) {
    // SAFETY: by the caller's promise; the pool's own work is in no queue now.
    unsafe {
        if !before.is_null() {
            nxt_thread_wait(before.addr() as libc::pthread_t);
        }
        let handle = (*globals::thread()).handle;
        let this: *mut c_void = ptr::without_provenance_mut(handle as usize);
        let last = atomic(&raw mut (*pool).threads).fetch_sub(1, Ordering::AcqRel) == 1;
        let engine = (*pool).engine;
        let work = &raw mut (*pool).work;
        work.write(nxt_work_t {
            next: ptr::null_mut(),
            handler: if last { (*pool).exit } else { Some(end) },
            task: if last {
                &raw mut (*engine).task
            } else {
                &raw mut (*pool).task
            },
            obj: pool.cast(),
            data: this,
        });
        if last {
            libc::sem_destroy(&raw mut (*pool).sem);
            nxt_event_engine_post(engine, work);
        } else {
            nxt_locked_work_queue_add(&raw mut (*pool).work_queue, work);
            libc::sem_post(&raw mut (*pool).sem);
        }
    }
}

/// Ends a pool: its threads do the work that was posted before, then `exit` is called on the engine.
///
/// # Safety
/// `tp` is NULL or a pool that gets no work any more; the caller runs the pool's engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_pool_destroy(tp: *mut nxt_thread_pool_t) {
    guard("nxt_thread_pool_destroy", (), || {
        if tp.is_null() {
            return;
        }
        // SAFETY: checked above; the caller promises that no work comes any more, and that this
        // thread is the engine's.
        unsafe {
            let engine = (*tp).engine;
            if atomic(&raw mut (*tp).ready).load(Ordering::Acquire) == 0 {
                (*tp).max_threads = 0;
                let (queue, task) = (&raw mut (*engine).fast_work_queue, &raw mut (*engine).task);
                nxt_work_queue_add(queue, (*tp).exit, task, tp.cast(), ptr::null_mut());
            } else if (*tp).max_threads != 0 {
                (*tp).max_threads = 0;
                (*tp).work.handler = Some(end);
                (*tp).work.task = &raw mut (*tp).task;
                (*tp).work.obj = tp.cast();
                (*tp).work.data = ptr::null_mut();
                let work = &raw mut (*tp).work;
                (*work).next = ptr::null_mut();
                nxt_locked_work_queue_add(&raw mut (*tp).work_queue, work);
                libc::sem_post(&raw mut (*tp).sem);
            }
        }
    });
}
