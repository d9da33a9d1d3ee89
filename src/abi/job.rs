//! A job of `nxt_job.h`: work with memory of its own, which a thread pool may do.

#[cfg(feature = "debug")]
use libc::c_char;
use libc::c_void;

use crate::abi::array::nxt_mp_t;
use crate::abi::engine::nxt_event_engine_t;
use crate::abi::log::nxt_log_t;
use crate::abi::queue::nxt_queue_link_t;
use crate::abi::task::{nxt_task_t, nxt_work_handler_t, nxt_work_t};
use crate::abi::thread_pool::nxt_thread_pool_t;

/// The head of a job; what is the program's own follows.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_job_t {
    /// The handlers' third argument.
    pub data: *mut c_void,
    /// The handlers' task.
    pub task: *mut nxt_task_t,
    /// What is called instead when the job cannot start, or was cancelled.
    pub abort_handler: nxt_work_handler_t,
    /// The size of a job in another's pool; 0 if the pool is its own.
    pub cache_size: u16,
    /// Whether it was cancelled.
    pub cancel: u8,
    /// Its pool.
    pub mem_pool: *mut nxt_mp_t,
    /// A link of the program's.
    pub link: nxt_queue_link_t,
    /// The threads that do it; NULL if the caller does.
    pub thread_pool: *mut nxt_thread_pool_t,
    /// The engine that it returns to.
    pub engine: *mut nxt_event_engine_t,
    /// Its log.
    pub log: *mut nxt_log_t,
    /// How it waits.
    pub work: nxt_work_t,
    /// What it is called.
    #[cfg(feature = "debug")]
    pub name: *const c_char,
}

#[cfg(not(feature = "debug"))]
super::assert_layout!(nxt_job_t, size 120, align 8, data @ 0, task @ 8, abort_handler @ 16, cache_size @ 24,
    cancel @ 26, mem_pool @ 32, link @ 40, thread_pool @ 56, engine @ 64, log @ 72, work @ 80);
#[cfg(feature = "debug")]
super::assert_layout!(nxt_job_t, size 128, align 8, data @ 0, task @ 8, abort_handler @ 16, cache_size @ 24,
    cancel @ 26, mem_pool @ 32, link @ 40, thread_pool @ 56, engine @ 64, log @ 72, work @ 80, name @ 120);
