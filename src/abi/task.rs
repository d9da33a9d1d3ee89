//! The task of `nxt_work_queue.h`: the context that every callback gets.

#[cfg(feature = "debug")]
use libc::c_char;
use libc::c_void;

use crate::abi::log::nxt_log_t;
use crate::abi::thread::nxt_thread_t;
use crate::abi::types::nxt_atomic_t;
#[cfg(feature = "debug")]
use crate::abi::types::nxt_tid_t;

/// A piece of work to be done later.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_work_t {
    /// The next in the queue.
    pub next: *mut nxt_work_t,
    /// What is called.
    pub handler: nxt_work_handler_t,
    /// Its first argument.
    pub task: *mut nxt_task_t,
    /// Its second argument.
    pub obj: *mut c_void,
    /// Its third argument.
    pub data: *mut c_void,
}

/// Does a piece of work.
pub type nxt_work_handler_t =
    Option<unsafe extern "C" fn(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void)>;

/// The context of a call: its thread and its log.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_task_t {
    /// The thread the task runs on.
    pub thread: *mut nxt_thread_t,
    /// The log the task writes to; never NULL.
    pub log: *mut nxt_log_t,
    /// A number for records; 0 is none.
    pub ident: u32,
    /// The work that follows this one.
    pub next_work: *mut nxt_work_t,
}

/// Work of an engine that waits in order.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_work_queue_t {
    /// The first.
    pub head: *mut nxt_work_t,
    /// The last.
    pub tail: *mut nxt_work_t,
    /// Where memory for more comes from.
    pub cache: *mut nxt_work_queue_cache_t,
    /// What it is called.
    #[cfg(feature = "debug")]
    pub name: *const c_char,
    /// The process whose thread uses it.
    #[cfg(feature = "debug")]
    pub pid: i32,
    /// The thread that uses it.
    #[cfg(feature = "debug")]
    pub tid: nxt_tid_t,
}

/// A block of works.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_work_queue_chunk_t {
    /// The next block.
    pub next: *mut nxt_work_queue_chunk_t,
    /// The first work; the others follow.
    pub work: nxt_work_t,
}

/// Works that are not in use.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_work_queue_cache_t {
    /// The next one that was given back.
    pub next: *mut nxt_work_t,
    /// The next one that was never used.
    pub spare: *mut nxt_work_t,
    /// All blocks.
    pub chunk: *mut nxt_work_queue_chunk_t,
    /// How many works a block has.
    pub chunk_size: usize,
}

/// Work that comes from other threads.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_locked_work_queue_t {
    /// Guards the rest.
    pub lock: nxt_atomic_t,
    /// The first.
    pub head: *mut nxt_work_t,
    /// The last.
    pub tail: *mut nxt_work_t,
    /// Where memory for more comes from.
    pub cache: nxt_work_queue_cache_t,
}

super::assert_layout!(nxt_work_t, size 40, align 8, next @ 0, handler @ 8, task @ 16, obj @ 24, data @ 32);
super::assert_layout!(nxt_task_t, size 32, align 8, thread @ 0, log @ 8, ident @ 16, next_work @ 24);
#[cfg(not(feature = "debug"))]
super::assert_layout!(nxt_work_queue_t, size 24, align 8, head @ 0, tail @ 8, cache @ 16);
#[cfg(feature = "debug")]
super::assert_layout!(nxt_work_queue_t, size 40, align 8, head @ 0, tail @ 8, cache @ 16, name @ 24, pid @ 32,
    tid @ 36);
super::assert_layout!(nxt_work_queue_chunk_t, size 48, align 8, next @ 0, work @ 8);
super::assert_layout!(nxt_work_queue_cache_t, size 32, align 8, next @ 0, spare @ 8, chunk @ 16, chunk_size @ 24);
super::assert_layout!(nxt_locked_work_queue_t, size 56, align 8, lock @ 0, head @ 8, tail @ 16, cache @ 24);
