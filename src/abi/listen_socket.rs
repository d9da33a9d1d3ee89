//! The listening socket of `nxt_listen_socket.h`.

use libc::c_int;

use crate::abi::sockaddr::nxt_sockaddr_t;
use crate::abi::task::{nxt_work_handler_t, nxt_work_queue_t};

/// A listening socket, or what one is to be like.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_listen_socket_t {
    /// The socket; -1 is none yet.
    pub socket: c_int,
    /// How many connections may wait; negative is as many as the system allows.
    pub backlog: c_int,
    /// Where the work of connections goes.
    pub work_queue: *mut nxt_work_queue_t,
    /// Takes new connections.
    pub handler: nxt_work_handler_t,
    /// Where it listens.
    pub sockaddr: *mut nxt_sockaddr_t,
    /// How many use it.
    pub count: u32,
    /// `NXT_NONBLOCK`.
    pub flags: u8,
    /// Whether connections arrive with their first bytes.
    pub read_after_accept: u8,
    /// Whether connections are encrypted.
    pub tls: u8,
    /// 1: IPv6 only, 2: IPv4, too, 0: as the system wants.
    pub ipv6only: u8,
    /// The size of a client's address.
    pub socklen: u8,
    /// The length of its text.
    pub address_length: u8,
}

/// As many waiting connections as the system allows.
pub const NXT_LISTEN_BACKLOG: c_int = -1;

super::assert_layout!(nxt_listen_socket_t, size 48, align 8, socket @ 0, backlog @ 4, work_queue @ 8, handler @ 16,
    sockaddr @ 24, count @ 32, flags @ 36, read_after_accept @ 37, tls @ 38, ipv6only @ 39, socklen @ 40,
    address_length @ 41);
