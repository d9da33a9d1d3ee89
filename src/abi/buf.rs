//! The buffer of `nxt_buf.h`.
//!
//! Which members an object has depends on how it was allocated: a synchronisation buffer ends after
//! `mem.pos`, a memory buffer after `mem`.

use libc::c_void;

use crate::abi::file::nxt_file_t;
use crate::abi::task::nxt_work_handler_t;
use crate::abi::types::{nxt_off_t, nxt_uint_t};

/// A stretch of memory that is filled and read: `start <= pos <= free <= end`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_buf_mem_t {
    /// The first byte that was not read yet.
    pub pos: *mut u8,
    /// The first byte that was not filled yet.
    pub free: *mut u8,
    /// The first byte.
    pub start: *mut u8,
    /// After the last byte.
    pub end: *mut u8,
}

/// A buffer, in a chain of them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_buf_t {
    /// The pool it came from, or the user's own.
    pub data: *mut c_void,
    /// What is done when it was sent.
    pub completion_handler: nxt_work_handler_t,
    /// The buffer this one is a part of.
    pub parent: *mut c_void,
    /// The next in the chain.
    pub next: *mut nxt_buf_t,
    /// How many hold it.
    pub retain: u32,
    /// Which cache it came from.
    pub cache_hint: u8,
    /// Bits: file, mapped, in shared memory, synchronisation, no buffer, flush, last, announced.
    pub flags: u8,
    /// Bit 0: it may be completed on another thread.
    pub thread_flags: u8,
    /// The memory; `pos` is NULL if there is none.
    pub mem: nxt_buf_mem_t,
    /// The file.
    pub file: *mut nxt_file_t,
    /// The first byte of the file that was not read yet.
    pub file_pos: nxt_off_t,
    /// After the last byte of the file.
    pub file_end: nxt_off_t,
}

/// `flags`: the content is in `file`.
pub(crate) const IS_FILE: u8 = 1 << 0;
/// `flags`: the content is mapped.
pub(crate) const IS_MMAP: u8 = 1 << 1;
/// `flags`: the content is in shared memory.
pub(crate) const IS_PORT_MMAP: u8 = 1 << 2;
/// `flags`: it carries no bytes but a mark.
pub(crate) const IS_SYNC: u8 = 1 << 3;
/// `flags`: a mark that there is no buffer.
pub(crate) const IS_NOBUF: u8 = 1 << 4;
/// `flags`: a mark to send what there is.
pub(crate) const IS_FLUSH: u8 = 1 << 5;
/// `flags`: a mark of the end.
pub(crate) const IS_LAST: u8 = 1 << 6;

/// `flags`: the receiver releases the shared memory.
pub(crate) const IS_PORT_MMAP_SENT: u8 = 1 << 7;

/// Allocate a mark that there is no buffer.
pub const NXT_BUF_SYNC_NOBUF: nxt_uint_t = 1;
/// Allocate a mark to send what there is.
pub const NXT_BUF_SYNC_FLUSH: nxt_uint_t = 2;
/// Allocate a mark of the end.
pub const NXT_BUF_SYNC_LAST: nxt_uint_t = 4;

super::assert_layout!(nxt_buf_mem_t, size 32, align 8, pos @ 0, free @ 8, start @ 16, end @ 24);
super::assert_layout!(nxt_buf_t, size 96, align 8, data @ 0, completion_handler @ 8, parent @ 16, next @ 24,
    retain @ 32, cache_hint @ 36, flags @ 37, thread_flags @ 38, mem @ 40, file @ 72, file_pos @ 80, file_end @ 88);
