//! The list of `nxt_list.h`: a chain of parts, each with room for the same number of elements.

use libc::c_char;

use crate::abi::array::nxt_mp_t;

/// A part; the elements follow.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_list_part_t {
    /// The next part.
    pub next: *mut nxt_list_part_t,
    /// How many elements are in use.
    pub nelts: usize,
    /// The elements.
    pub data: [c_char; 0],
}

/// A list.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_list_t {
    /// The part that grows.
    pub last: *mut nxt_list_part_t,
    /// The size of an element in bytes.
    pub size: u32,
    /// The elements of a part.
    pub nalloc: u32,
    /// The pool that parts come from.
    pub mem_pool: *mut nxt_mp_t,
    /// The first part.
    pub part: nxt_list_part_t,
}

/// Where a walk over a list stands; all zero at the start.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_list_next_t {
    /// The part.
    pub part: *mut nxt_list_part_t,
    /// The element's number in it.
    pub elt: usize,
}

super::assert_layout!(nxt_list_part_t, size 16, align 8, next @ 0, nelts @ 8, data @ 16);
super::assert_layout!(nxt_list_t, size 40, align 8, last @ 0, size @ 8, nalloc @ 12, mem_pool @ 16, part @ 24);
super::assert_layout!(nxt_list_next_t, size 16, align 8, part @ 0, elt @ 8);
