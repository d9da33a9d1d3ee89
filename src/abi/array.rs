//! The growing array of `nxt_array.h`.

use libc::c_void;

/// A memory pool (`nxt_mp.h`); opaque to C.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_mp_t {
    _opaque: [u8; 0],
}

/// `nelts` elements of `size` bytes each, one after the other.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_array_t {
    /// The first element.
    pub elts: *mut c_void,
    /// How many elements are in use.
    pub nelts: u32,
    /// The size of one element in bytes.
    pub size: u16,
    /// How many elements there is room for.
    pub nalloc: u16,
    /// The pool the elements were taken from.
    pub mem_pool: *mut nxt_mp_t,
}

super::assert_layout!(nxt_array_t, size 24, align 8, elts @ 0, nelts @ 8, size @ 12, nalloc @ 14, mem_pool @ 16);
