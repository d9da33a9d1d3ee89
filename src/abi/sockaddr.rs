//! The socket address of `nxt_sockaddr.h`.
//!
//! An object may be shorter than its type: it ends after `socklen` bytes of the address and `length`
//! bytes of its text.

use libc::{sockaddr, sockaddr_in, sockaddr_in6, sockaddr_un};

/// The address as the kernel reads it.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "a union does not know its member"
)]
pub union nxt_sockaddr_u {
    /// What all have: the family.
    pub sockaddr: sockaddr,
    /// IPv4.
    pub sockaddr_in: sockaddr_in,
    /// IPv6.
    pub sockaddr_in6: sockaddr_in6,
    /// A file or an abstract name.
    pub sockaddr_un: sockaddr_un,
}

/// A socket address and its text. The places of texts count from the start of the object.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds a union")]
pub struct nxt_sockaddr_t {
    /// `SOCK_STREAM` or another kind of socket.
    pub r#type: u8,
    /// How many bytes of the address the kernel reads.
    pub socklen: u8,
    /// Where the text starts: `127.0.0.1:80`, `[::1]:80`, `unix:/path`.
    pub start: u8,
    /// Its length; before it was written, what there is room for.
    pub length: u8,
    /// Where the text of the address without its port starts.
    pub address_start: u8,
    /// Its length.
    pub address_length: u8,
    /// Where the text of the port starts.
    pub port_start: u8,
    /// Which cache it came from.
    pub cache_hint: u8,
    /// The address.
    pub u: nxt_sockaddr_u,
}

super::assert_layout!(nxt_sockaddr_t, size 120, align 4, r#type @ 0, socklen @ 1, start @ 2, length @ 3,
    address_start @ 4, address_length @ 5, port_start @ 6, cache_hint @ 7, u @ 8);
