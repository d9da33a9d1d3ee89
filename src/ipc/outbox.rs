//! Datagrams that wait until a port's socket takes more.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::message::{HEADER_SIZE, Header};
use super::socket::{self, SendError};

/// Bytes that may wait for one port; the longest messages are configurations of applications.
const MAX_BYTES: usize = 16 << 20;
/// Datagrams that may wait for one port.
const MAX_DATAGRAMS: usize = 16384;
/// Descriptors that may wait for one port. A peer that asks and never reads gets no more of them.
const MAX_DESCRIPTORS: usize = 64;

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
    descriptors: usize,
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
        if self.waiting.len() >= MAX_DATAGRAMS
            || self.bytes + body.len() > MAX_BYTES
            || (!fds.is_empty() && self.descriptors + fds.len() > MAX_DESCRIPTORS)
        {
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
        self.descriptors += fds.len();
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
                Ok(()) => self.drop_first(),
                Err(SendError::Full) => return Ok(false),
                Err(SendError::Closed) => {
                    self.waiting.clear();
                    (self.bytes, self.descriptors) = (0, 0);
                    return Err(SendError::Closed);
                }
                Err(error) => {
                    // This one cannot be sent; the next ones may.
                    self.drop_first();
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.waiting.pop_front() {
            self.bytes -= first.body.len() + HEADER_SIZE;
            self.descriptors -= first.fds.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::message::kind;

    #[test]
    fn a_peer_that_never_reads_gets_no_more_descriptors() {
        let (read, write) = socket::pair().unwrap();
        let mut outbox = Outbox::default();
        let header = Header::new(1, kind::MMAP, 0);
        for _ in 0..MAX_DESCRIPTORS / 2 {
            outbox
                .push(&header, &[], &[read.as_fd(), write.as_fd()])
                .unwrap();
        }
        let more = outbox.push(&header, &[], &[read.as_fd()]);
        assert!(matches!(more, Err(SendError::Full)));
        outbox.push(&header, b"but bytes", &[]).unwrap();
        assert!(outbox.flush(write.as_fd()).unwrap());
        assert_eq!((outbox.bytes, outbox.descriptors), (0, 0));
        outbox.push(&header, &[], &[read.as_fd()]).unwrap();
    }
}
