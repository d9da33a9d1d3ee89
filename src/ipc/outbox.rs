//! Datagrams that wait until a port's socket takes more.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::message::{HEADER_SIZE, Header};
use super::socket::{self, SendError};

/// Bytes that may wait for one port.
const MAX_BYTES: usize = 64 << 20;
/// Datagrams that may wait for one port; each may hold two descriptors.
const MAX_DATAGRAMS: usize = 16384;

#[derive(Debug)]
struct Datagram {
    header: Header,
    body: Vec<u8>,
    fds: Vec<OwnedFd>,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Datagram>,
    bytes: usize,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Keeps a datagram; descriptors are duplicated.
    pub(super) fn push(
        &mut self,
        header: &Header,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), SendError> {
        if self.waiting.len() >= MAX_DATAGRAMS || self.bytes + body.len() > MAX_BYTES {
            return Err(SendError::Full);
        }
        let fds = fds
            .iter()
            .map(|fd| fd.try_clone_to_owned())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| {
                SendError::Os(nix::errno::Errno::from_raw(e.raw_os_error().unwrap_or(0)))
            })?;
        self.bytes += body.len() + HEADER_SIZE;
        self.waiting.push_back(Datagram {
            header: *header,
            body: body.to_vec(),
            fds,
        });
        Ok(())
    }

    /// Sends what the socket takes; whether nothing is left.
    pub(super) fn flush(&mut self, socket: BorrowedFd<'_>) -> Result<bool, SendError> {
        while let Some(first) = self.waiting.front() {
            let fds: Vec<_> = first.fds.iter().map(|fd| fd.as_fd()).collect();
            match socket::send(socket, &first.header, &first.body, &fds) {
                Ok(()) => {
                    self.bytes -= first.body.len() + HEADER_SIZE;
                    self.waiting.pop_front();
                }
                Err(SendError::Full) => return Ok(false),
                Err(SendError::Closed) => {
                    self.waiting.clear();
                    self.bytes = 0;
                    return Err(SendError::Closed);
                }
                Err(error) => {
                    // This one cannot be sent; the next ones may.
                    self.bytes -= first.body.len() + HEADER_SIZE;
                    self.waiting.pop_front();
                    return Err(error);
                }
            }
        }
        Ok(true)
    }
}
