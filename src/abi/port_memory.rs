//! Shared memory of ports: `nxt_port_memory.h` and `nxt_port_memory_int.h`.

use libc::c_uint;

use crate::abi::buf::nxt_buf_t;
use crate::abi::file::nxt_fd_t;
use crate::abi::port::nxt_port_id_t;
use crate::abi::socket_msg::nxt_iobuf_t;
use crate::abi::types::{nxt_atomic_t, nxt_atomic_uint_t, nxt_pid_t, nxt_uint_t};

/// The number of a chunk in its segment.
pub type nxt_chunk_id_t = u32;
/// One bit for each of 64 chunks, set if it is free.
pub type nxt_free_map_t = nxt_atomic_uint_t;

/// The start of a segment. The last array is longer than the place before chunk 0; nothing uses it.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_port_mmap_header_t {
    /// Its number among those of its creator.
    pub id: u32,
    /// Its creator.
    pub src_pid: nxt_pid_t,
    /// Its receiver.
    pub dst_pid: nxt_pid_t,
    /// The port that it was announced over; 0xFFFF is any.
    pub sent_over: nxt_port_id_t,
    /// Whether the creator waits for room.
    pub oosm: nxt_atomic_t,
    /// Free chunks.
    pub free_map: [nxt_free_map_t; 10],
    /// None of them is free.
    pub free_map_padding: nxt_free_map_t,
    /// Not used.
    pub free_tracking_map: [nxt_free_map_t; 10],
    /// Not used.
    pub free_tracking_map_padding: nxt_free_map_t,
    /// Not used.
    pub tracking: [nxt_atomic_t; 640],
}

/// A segment that this process has mapped.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_port_mmap_handler_t {
    /// Its start.
    pub hdr: *mut nxt_port_mmap_header_t,
    /// How many hold it.
    pub use_count: nxt_atomic_t,
    /// Its memory; -1 if another process has made it.
    pub fd: nxt_fd_t,
}

/// A place for a segment.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_port_mmap_t {
    /// The segment.
    pub mmap_handler: *mut nxt_port_mmap_handler_t,
}

/// Chunks, as a message names them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_port_mmap_msg_t {
    /// The segment.
    pub mmap_id: u32,
    /// The first chunk.
    pub chunk_id: nxt_chunk_id_t,
    /// Bytes of data.
    pub size: u32,
}

/// How content travels: one of the `NXT_PORT_METHOD_*` numbers.
pub type nxt_port_method_t = c_uint;
/// There is none.
pub const NXT_PORT_METHOD_ANY: nxt_port_method_t = 0;
/// With the message.
pub const NXT_PORT_METHOD_PLAIN: nxt_port_method_t = 1;
/// In shared memory.
pub const NXT_PORT_METHOD_MMAP: nxt_port_method_t = 2;

/// A chain of buffers on its way into an array of stretches (`nxt_sendbuf.h`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_sendbuf_coalesce_t {
    /// The next buffer.
    pub buf: *mut nxt_buf_t,
    /// The stretches.
    pub iobuf: *mut nxt_iobuf_t,
    /// How many are in use.
    pub niov: nxt_uint_t,
    /// For how many there is room.
    pub nmax: u32,
    /// A mark was met.
    pub sync: u8,
    /// The mark of the end was met.
    pub last: u8,
    /// There is more than `limit`.
    pub limit_reached: u8,
    /// There are more than `nmax`.
    pub nmax_reached: u8,
    /// How many bytes.
    pub size: usize,
    /// How many there may be.
    pub limit: usize,
}

super::assert_layout!(nxt_port_mmap_header_t, size 5320, align 8, id @ 0, src_pid @ 4, dst_pid @ 8, sent_over @ 12,
    oosm @ 16, free_map @ 24, free_map_padding @ 104, free_tracking_map @ 112, free_tracking_map_padding @ 192,
    tracking @ 200);
super::assert_layout!(nxt_port_mmap_handler_t, size 24, align 8, hdr @ 0, use_count @ 8, fd @ 16);
super::assert_layout!(nxt_port_mmap_t, size 8, align 8, mmap_handler @ 0);
super::assert_layout!(nxt_port_mmap_msg_t, size 12, align 4, mmap_id @ 0, chunk_id @ 4, size @ 8);
super::assert_layout!(nxt_sendbuf_coalesce_t, size 48, align 8, buf @ 0, iobuf @ 8, niov @ 16, nmax @ 20, sync @ 24,
    last @ 25, limit_reached @ 26, nmax_reached @ 27, size @ 32, limit @ 40);
