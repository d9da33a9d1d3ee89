//! The intrusive doubly linked list of `nxt_queue.h`: links lie inside the objects they chain, and
//! an empty list's head points at itself both ways.

use libc::c_void;

use crate::abi::types::nxt_int_t;

/// A link of a list, or its head.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_queue_link_t {
    /// The link before.
    pub prev: *mut nxt_queue_link_t,
    /// The link after.
    pub next: *mut nxt_queue_link_t,
}

/// The list; `head.next` is its first link, `head.prev` its last.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_queue_t {
    /// The head, which belongs to no object.
    pub head: nxt_queue_link_t,
}

/// Compares two links: positive if the first one belongs after the second one.
pub type nxt_queue_compare_t = Option<
    unsafe extern "C" fn(
        data: *const c_void,
        one: *const nxt_queue_link_t,
        two: *const nxt_queue_link_t,
    ) -> nxt_int_t,
>;

super::assert_layout!(nxt_queue_link_t, size 16, align 8, prev @ 0, next @ 8);
super::assert_layout!(nxt_queue_t, size 16, align 8, head @ 0);
