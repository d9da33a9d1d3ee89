//! The pool of buffers of `nxt_buf_pool.h`.

use crate::abi::array::nxt_mp_t;
use crate::abi::buf::nxt_buf_t;

/// At most `max` buffers of one kind, which are used again and again.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_buf_pool_t {
    /// The buffer that is being filled.
    pub current: *mut nxt_buf_t,
    /// Buffers that are free.
    pub free: *mut nxt_buf_t,
    /// Where they come from.
    pub mem_pool: *mut nxt_mp_t,
    /// How many there are.
    pub num: u16,
    /// How many there may be.
    pub max: u16,
    /// The size of one in bytes.
    pub size: u32,
    /// What they are allocated with.
    pub flags: u8,
    /// Whether those that become free are given back.
    pub destroy: u8,
    /// Whether they are mapped stretches of files.
    pub mmap: u8,
}

super::assert_layout!(nxt_buf_pool_t, size 40, align 8, current @ 0, free @ 8, mem_pool @ 16, num @ 24, max @ 26,
    size @ 28, flags @ 32, destroy @ 33, mmap @ 34);
