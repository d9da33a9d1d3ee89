//! The thread of `nxt_thread.h`, of which each thread has one in its thread-local
//! `nxt_thread_context`.

use libc::{c_void, pthread_cond_t, pthread_mutex_t, pthread_t};

use crate::abi::engine::nxt_event_engine_t;
use crate::abi::log::nxt_log_t;
use crate::abi::random::nxt_random_t;
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::task::{nxt_task_t, nxt_work_t};
use crate::abi::thread_pool::nxt_thread_pool_t;
use crate::abi::time::nxt_thread_time_t;
use crate::abi::types::{nxt_atomic_t, nxt_tid_t};

/// A thread as the C library names it.
pub type nxt_thread_handle_t = pthread_t;
/// A lock that sleeps.
pub type nxt_thread_mutex_t = pthread_mutex_t;
/// A condition to wait for.
pub type nxt_thread_cond_t = pthread_cond_t;
/// A lock that spins; 0 is open.
pub type nxt_thread_spinlock_t = nxt_atomic_t;

/// What a thread runs.
pub type nxt_thread_start_t = Option<unsafe extern "C" fn(data: *mut c_void)>;

/// How a thread is started.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_thread_link_t {
    /// What it runs, with `work.data`.
    pub start: nxt_thread_start_t,
    /// The engine that learns of its end.
    pub engine: *mut nxt_event_engine_t,
    /// What that engine does then, if there is a handler.
    pub work: nxt_work_t,
}

/// A thread's state.
#[repr(C)]
#[expect(missing_debug_implementations, reason = "struct tm has none")]
pub struct nxt_thread_t {
    /// The log that is written to now.
    pub log: *mut nxt_log_t,
    /// A log of its own.
    pub main_log: nxt_log_t,
    /// The task that runs now.
    pub task: *mut nxt_task_t,
    /// Its number; 0 before it was asked for.
    pub tid: nxt_tid_t,
    /// Its name in the C library.
    pub handle: nxt_thread_handle_t,
    /// How it was started.
    pub link: *mut nxt_thread_link_t,
    /// The pool it belongs to.
    pub thread_pool: *mut nxt_thread_pool_t,
    /// The times it keeps.
    pub time: nxt_thread_time_t,
    /// The runtime it works for.
    pub runtime: *mut nxt_runtime_t,
    /// The engine it runs.
    pub engine: *mut nxt_event_engine_t,
    /// The program's own.
    pub data: *mut c_void,
    /// Its random numbers.
    pub random: nxt_random_t,
}

super::assert_layout!(nxt_thread_link_t, size 56, align 8, start @ 0, engine @ 8, work @ 16);
super::assert_layout!(nxt_thread_t, size 560, align 8, log @ 0, main_log @ 8, task @ 40, tid @ 48, handle @ 56,
    link @ 64, thread_pool @ 72, time @ 80, runtime @ 272, engine @ 280, data @ 288, random @ 296);
