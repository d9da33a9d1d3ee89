//! The pool of threads of `nxt_thread_pool.h`.

use libc::sem_t;

use crate::abi::engine::nxt_event_engine_t;
use crate::abi::task::{nxt_locked_work_queue_t, nxt_task_t, nxt_work_handler_t, nxt_work_t};
use crate::abi::thread::nxt_thread_handle_t;
use crate::abi::types::{nxt_atomic_t, nxt_nsec_t, nxt_uint_t};

/// Prepares a thread of a pool.
pub type nxt_thread_pool_init_t = Option<unsafe extern "C" fn()>;

/// A semaphore.
pub type nxt_sem_t = sem_t;

/// Threads that do what an engine must not wait for.
#[repr(C)]
#[expect(missing_debug_implementations, reason = "sem_t has none")]
pub struct nxt_thread_pool_t {
    /// Whether there are threads.
    pub ready: nxt_atomic_t,
    /// How many wait for work.
    pub waiting: nxt_atomic_t,
    /// How many there are.
    pub threads: nxt_atomic_t,
    /// How many there may be; 0 in a pool that is being destroyed.
    pub max_threads: nxt_uint_t,
    /// Counts the works.
    pub sem: nxt_sem_t,
    /// After which time a thread without work ends.
    pub timeout: nxt_nsec_t,
    /// The end of the pool.
    pub work: nxt_work_t,
    /// The task of that work.
    pub task: nxt_task_t,
    /// The works.
    pub work_queue: nxt_locked_work_queue_t,
    /// The first thread.
    pub main: nxt_thread_handle_t,
    /// The engine that learns of the pool's end.
    pub engine: *mut nxt_event_engine_t,
    /// What prepares each thread.
    pub init: nxt_thread_pool_init_t,
    /// What the engine does when the pool has no thread any more.
    pub exit: nxt_work_handler_t,
}

super::assert_layout!(nxt_thread_pool_t, size 232, align 8, ready @ 0, waiting @ 8, threads @ 16, max_threads @ 24,
    sem @ 32, timeout @ 64, work @ 72, task @ 112, work_queue @ 144, main @ 200, engine @ 208, init @ 216,
    exit @ 224);
