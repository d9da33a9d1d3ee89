//! accept4(2): one call makes a client's socket non-blocking and close-on-exec.

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// Who is at the other end of an accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A TCP client.
    Inet(SocketAddr),
    /// A client of a unix socket, which has no address.
    Unix,
}

/// Takes one connection from the queue of a listening socket.
///
/// The error is `WouldBlock` when the queue is empty.
pub fn accept(listener: impl AsFd) -> io::Result<(OwnedFd, Peer)> {
    let mut storage = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut len = mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the descriptor is kept open by `listener`; `storage` has room for `len` bytes, and
    // the kernel writes no more than that.
    let fd = unsafe {
        libc::accept4(
            listener.as_fd().as_raw_fd(),
            storage.as_mut_ptr().cast(),
            &mut len,
            libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: accept4 has just made this descriptor, and nothing else knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: zeroed before the call, and every bit pattern is a valid `sockaddr_storage`.
    let storage = unsafe { storage.assume_init() };
    Ok((fd, peer(&storage)))
}

fn peer(storage: &libc::sockaddr_storage) -> Peer {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which of the socket address types this is; each is smaller
            // than `sockaddr_storage` and no stricter aligned.
            let addr = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(addr.sin_addr.s_addr));
            Peer::Inet(SocketAddrV4::new(ip, u16::from_be(addr.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let addr = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(addr.sin6_addr.s6_addr);
            let port = u16::from_be(addr.sin6_port);
            Peer::Inet(SocketAddrV6::new(ip, port, 0, addr.sin6_scope_id).into())
        }
        _ => Peer::Unix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    #[test]
    fn tcp_clients_have_an_address() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue; // a machine without IPv6
            };
            listener.set_nonblocking(true).unwrap();
            assert_eq!(
                accept(&listener).unwrap_err().kind(),
                io::ErrorKind::WouldBlock
            );
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (fd, peer) = accept(&listener).unwrap();
            assert_eq!(peer, Peer::Inet(client.local_addr().unwrap()));
            let accepted = TcpStream::from(fd);
            let mut byte = [0];
            let error = std::io::Read::read(&mut &accepted, &mut byte).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        }
    }

    #[test]
    fn unix_clients_have_none() {
        let path = std::env::temp_dir().join(format!("nxt-accept-{}", std::process::id()));
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let _client = UnixStream::connect(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(accept(&listener).unwrap().1, Peer::Unix);
    }
}
