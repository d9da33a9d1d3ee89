//! The out-of-band data of `nxt_socket_msg.h`: passed descriptors and credentials.

use libc::c_int;

/// A socket's descriptor.
pub type nxt_socket_t = c_int;
/// A piece of a scattered buffer.
pub type nxt_iobuf_t = libc::iovec;

/// Room for two passed descriptors.
pub const NXT_OOB_SEND_SIZE: usize = 24;
/// Room for two passed descriptors and the sender's credentials.
pub const NXT_OOB_RECV_SIZE: usize = 56;

/// Control messages to send.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_send_oob_t {
    /// How many bytes of `buf` count; 0 sends none.
    pub size: usize,
    /// The control messages as the kernel wants them.
    pub buf: [u8; 24],
}

/// Control messages received.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_recv_oob_t {
    /// How many bytes of `buf` count.
    pub size: usize,
    /// The control messages as the kernel gave them.
    pub buf: [u8; 56],
}

super::assert_layout!(nxt_send_oob_t, size 32, align 8, size @ 0, buf @ 8);
super::assert_layout!(nxt_recv_oob_t, size 64, align 8, size @ 0, buf @ 8);
