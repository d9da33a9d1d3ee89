//! The byte stream of a connection, over TCP or a unix socket.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use nix::sys::sendfile::sendfile;
use nix::sys::socket::{Shutdown, setsockopt, shutdown, sockopt};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::router::request::Address;
use crate::sys::accept::Peer;

/// See the module head.
pub(super) enum Stream {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
}

macro_rules! each {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($inner) => $call,
            Stream::Unix($inner) => $call,
        }
    };
}

impl Stream {
    /// Takes over a freshly accepted, non-blocking socket.
    pub(super) fn accepted(fd: OwnedFd, peer: &Peer) -> io::Result<Stream> {
        Ok(match peer {
            Peer::Inet(_) => Stream::Tcp(TcpStream::from_std(fd.into())?),
            Peer::Unix => Stream::Unix(UnixStream::from_std(fd.into())?),
        })
    }

    /// Reads into `buf`. A read that does not fill it tells the runtime that the socket is empty,
    /// so that no second read is needed to learn it.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        let result = each!(self, stream => Pin::new(stream).poll_read(cx, &mut buf));
        result.map_ok(|()| buf.filled().len())
    }

    /// Gathers `bufs` into one write.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A plain send costs the kernel less than a gathering one.
        if let [one] = bufs {
            return each!(self, stream => Pin::new(stream).poll_write(cx, one));
        }
        each!(self, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    /// Sends up to `count` bytes of `file` from `offset`, which moves along.
    pub(super) fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        file: BorrowedFd<'_>,
        offset: &mut i64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            match each!(self, stream => stream.poll_write_ready(cx)) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
            let sent = each!(self, stream => stream.try_io(Interest::WRITABLE, || {
                sendfile(stream.as_fd(), file, Some(offset), count).map_err(io::Error::from)
            }));
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return Poll::Ready(result),
            }
        }
    }

    /// Tells the client that no more will come.
    pub(super) fn shutdown_write(&self) -> io::Result<()> {
        let fd = each!(self, stream => stream.as_raw_fd());
        Ok(shutdown(fd, Shutdown::Write)?)
    }

    /// Makes the close to come a reset, also if it comes by the end of the process. It frees at once
    /// what was not sent, and the client sees that something is missing.
    pub(super) fn reset_on_close(&self) {
        self.linger(1);
    }

    /// Takes [`reset_on_close`](Self::reset_on_close) back: what was sent will arrive.
    pub(super) fn close_in_order(&self) {
        self.linger(0);
    }

    fn linger(&self, l_onoff: libc::c_int) {
        if let Stream::Tcp(stream) = self {
            let linger = libc::linger {
                l_onoff,
                l_linger: 0,
            };
            // It fails only for a connection that is broken already.
            let _ = setsockopt(stream, sockopt::Linger, &linger);
        }
    }

    /// Waits until the connection is broken: reset by the client, or by the network. An orderly
    /// end of the client's data is not that: the client may still wait for its answer.
    pub(super) async fn broken(&self) {
        let result = each!(self, stream => stream.ready(Interest::ERROR).await);
        // An error here is one of the runtime going down; the connection goes with it.
        drop(result);
    }

    /// Waits for anything new of the client while its request is answered. `true`: it will send
    /// nothing more; `false`: there are bytes, or an error.
    pub(super) async fn ended(&self) -> bool {
        let interest = Interest::READABLE | Interest::ERROR;
        match each!(self, stream => stream.ready(interest).await) {
            Ok(ready) => ready.is_read_closed() && !ready.is_error(),
            Err(_) => false,
        }
    }

    /// The local end of the connection.
    pub(super) fn local_address(&self) -> Option<Address> {
        match self {
            Stream::Tcp(stream) => stream.local_addr().ok().map(Address::Ip),
            Stream::Unix(_) => None,
        }
    }
}
