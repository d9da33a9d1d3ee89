//! The timer of `nxt_timer.h`.

use libc::c_uint;

use crate::abi::log::nxt_log_t;
use crate::abi::rbtree::{nxt_rbtree_part_t, nxt_rbtree_t};
use crate::abi::task::{nxt_task_t, nxt_work_handler_t, nxt_work_queue_t};
use crate::abi::types::{nxt_msec_t, nxt_uint_t};

/// A timer. All zero but for `bias` is one that does not run.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_timer_t {
    /// Its node in the engine's tree.
    pub node: nxt_rbtree_part_t,
    /// The node's colour.
    pub node_color: u8,
    /// How many milliseconds it may be late to spare a change.
    pub bias: u8,
    /// Bits 0 to 13: its pending change; bit 14: whether it runs; bit 15: whether it is queued.
    pub state: u16,
    /// When it expires.
    pub time: nxt_msec_t,
    /// The queue that its handler is put into.
    pub work_queue: *mut nxt_work_queue_t,
    /// What is done when it expires.
    pub handler: nxt_work_handler_t,
    /// The task of the handler.
    pub task: *mut nxt_task_t,
    /// The log of the handler.
    pub log: *mut nxt_log_t,
}

/// What is to happen to a timer: one of the numbers below.
pub type nxt_timer_operation_t = c_uint;
/// Nothing.
pub const NXT_TIMER_NOPE: nxt_timer_operation_t = 0;
/// It is to run.
pub const NXT_TIMER_ADD: nxt_timer_operation_t = 1;
/// It is to stop.
pub const NXT_TIMER_DELETE: nxt_timer_operation_t = 2;

/// The usual `bias`.
pub const NXT_TIMER_DEFAULT_BIAS: u8 = 50;

/// A pending change.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_timer_change_t {
    /// The lowest 8 bits: what is to happen.
    pub change: nxt_timer_operation_t,
    /// The new time.
    pub time: nxt_msec_t,
    /// The timer.
    pub timer: *mut nxt_timer_t,
}

/// The timers of an engine.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_timers_t {
    /// Those that run, by time.
    pub tree: nxt_rbtree_t,
    /// The time.
    pub now: nxt_msec_t,
    /// The time of the first.
    pub minimum: nxt_msec_t,
    /// For how many changes there is room.
    pub mchanges: nxt_uint_t,
    /// How many changes are pending.
    pub nchanges: nxt_uint_t,
    /// The changes.
    pub changes: *mut nxt_timer_change_t,
}

super::assert_layout!(nxt_timer_t, size 64, align 8, node @ 0, node_color @ 24, bias @ 25, state @ 26, time @ 28,
    work_queue @ 32, handler @ 40, task @ 48, log @ 56);
super::assert_layout!(nxt_timer_change_t, size 16, align 8, change @ 0, time @ 4, timer @ 8);
super::assert_layout!(nxt_timers_t, size 56, align 8, tree @ 0, now @ 32, minimum @ 36, mchanges @ 40, nchanges @ 44,
    changes @ 48);
