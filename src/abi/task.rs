//! The task of `nxt_work_queue.h`: the context that every callback gets.

use libc::c_void;

use crate::abi::log::nxt_log_t;

/// A thread's state (`nxt_thread.h`); modules only pass its address on.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_thread_t {
    _opaque: [u8; 0],
}

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

super::assert_layout!(nxt_work_t, size 40, align 8, next @ 0, handler @ 8, task @ 16, obj @ 24, data @ 32);
super::assert_layout!(nxt_task_t, size 32, align 8, thread @ 0, log @ 8, ident @ 16, next_work @ 24);
