//! Receiving: one message from a context's port or from the application's shared queue.

use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use super::control::{RECEIVE_SIZE, take_fds};
use super::log::report;
use super::port::{Port, wait_for};
use super::{Context, Failed, lock};
use crate::ipc::message::{Descriptors, HEADER_SIZE, Header, MAX_BODY, QUIT_GRACEFUL, kind};
use crate::ipc::queue::QueueMessage;
use crate::ipc::{ReceiveError, socket};

/// Socket messages that may wait for their place in the queue.
const MAX_SUSPENDED: usize = 64;

enum Bytes {
    /// From a queue.
    Item(QueueMessage),
    /// From a socket: a buffer and the length of the message in it.
    Datagram(Box<[u8]>, usize),
}

/// A received message. An empty one says that the port is closed.
pub(super) struct Received {
    bytes: Bytes,
    pub(super) fds: Descriptors,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes().len())
    }
}

/// A buffer for the longest datagram.
pub(super) fn read_buffer() -> Box<[u8]> {
    vec![0; HEADER_SIZE + MAX_BODY].into_boxed_slice()
}

impl Received {
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Item(item) => item.bytes(),
            Bytes::Datagram(buffer, len) => &buffer[..*len],
        }
    }

    pub(super) fn header(&self) -> Option<Header> {
        Header::decode(self.bytes())
    }

    /// What follows the header.
    pub(super) fn body(&self) -> &[u8] {
        self.bytes().get(HEADER_SIZE..).unwrap_or_default()
    }

    fn is(&self, kind: u8) -> bool {
        self.bytes().len() == HEADER_SIZE && self.header().is_some_and(|h| h.kind == kind)
    }
}

impl From<QueueMessage> for Received {
    fn from(item: QueueMessage) -> Self {
        Received {
            bytes: Bytes::Item(item),
            fds: Descriptors::default(),
        }
    }
}

impl Context {
    /// Takes back the memory of a message that has been processed.
    pub(super) fn recycle(&self, message: Received) {
        if let Bytes::Datagram(buffer, _) = message.bytes {
            self.recycle_read_buffer(buffer);
        }
    }

    /// A message of this port that needs no system call.
    fn receive_queued(&self, port: &Port) -> Option<Received> {
        let queue = port.port_queue()?;
        let mut read = lock(&port.read);
        loop {
            if read.from_socket > 0 {
                let message = read.suspended.pop_front()?;
                read.from_socket -= 1;
                return Some(message);
            }
            match queue.receive() {
                Ok(Some(item)) if item.bytes() == [kind::READ_SOCKET] => read.from_socket += 1,
                Ok(Some(item)) => return Some(item.into()),
                Ok(None) => return None,
                Err(error) => {
                    report!(Some(self.library()), ALERT, "port {:?}: {error}", port.id());
                    return None;
                }
            }
        }
    }

    /// A message of this port; `None` if it only had a wake-up, or nothing. Blocks if the socket
    /// does.
    pub(super) fn receive_from(&self, port: &Port) -> Result<Option<Received>, Failed> {
        let mut has_read = false;
        loop {
            if let Some(message) = self.receive_queued(port) {
                return Ok(Some(message));
            }
            if has_read {
                return Ok(None);
            }
            let Some(message) = self.receive_datagram(port)? else {
                return Ok(None);
            };
            has_read = true;
            if message.is(kind::READ_QUEUE) {
                self.recycle(message);
                continue;
            }
            let mut read = lock(&port.read);
            // A port without a queue, or a closed one, has no places to wait for.
            if port.port_queue().is_none() || message.bytes().is_empty() {
                return Ok(Some(message));
            }
            if read.from_socket > 0 {
                read.from_socket -= 1;
                return Ok(Some(message));
            }
            if read.suspended.len() >= MAX_SUSPENDED {
                report!(Some(self.library()), ALERT, "too many port socket messages");
                return Err(Failed);
            }
            read.suspended.push_back(message);
        }
    }

    /// The next message of this port; waits for it.
    pub(super) fn receive_waiting(&self, port: &Port) -> Result<Received, Failed> {
        loop {
            if let Some(message) = self.receive_from(port)? {
                return Ok(message);
            }
            // A nonblocking socket, or only a wake-up.
            if let Some(message) = self.receive_queued(port) {
                return Ok(message);
            }
            wait_for(port.in_fd(), libc::POLLIN);
        }
    }

    /// A request from the shared queue.
    pub(super) fn receive_request(&self) -> Option<Received> {
        let lib = self.library();
        let item = match lib.shared_queue()?.receive() {
            Ok(item) => item?,
            Err(error) => {
                report!(Some(lib), ALERT, "the application's queue: {error}");
                return None;
            }
        };
        if lib.count_request() {
            // The limit is reached: the main context shall leave when it has done what it has.
            let header = Header::new(lib.pid(), kind::QUIT, 0).with_last(false);
            if let Some(port) = lib.main_context().and_then(Context::read_port) {
                // A failure has been logged; the next request tries again.
                let _ = port.send(self, &header, &[QUIT_GRACEFUL], &[]);
            }
        }
        Some(item.into())
    }

    /// A message from the shared port; `None` if another process was faster.
    pub(super) fn receive_shared(&self) -> Result<Option<Received>, Failed> {
        loop {
            if let Some(message) = self.receive_request() {
                return Ok(Some(message));
            }
            let port = self.library().shared_port()?;
            let Some(message) = self.receive_datagram(port)? else {
                return Ok(None);
            };
            if !message.is(kind::READ_QUEUE) {
                return Ok(Some(message));
            }
            self.recycle(message);
            if let Some(queue) = self.library().shared_queue() {
                queue.woken();
            }
        }
    }

    /// The next message for this context, from its own port or, if it takes requests, the shared
    /// one; `None` after a wake-up that was for nothing.
    pub(super) fn receive_any(&self) -> Result<Option<Received>, Failed> {
        let port = self.read_port().ok_or(Failed)?;
        if self.expects_items() || !self.takes_requests() {
            return self.receive_from(port);
        }
        loop {
            if let Some(message) = self.receive_queued(port) {
                return Ok(Some(message));
            }
            let mut fds = [port.in_fd(), -1].map(|fd| libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            });
            if self.takes_requests() {
                if let Some(message) = self.receive_request() {
                    return Ok(Some(message));
                }
                fds[1].fd = self.library().shared_port()?.in_fd();
            }
            // SAFETY: the array is as long as said; poll ignores negative descriptors.
            if unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, -1) } < 0 {
                match nix::errno::Errno::last() {
                    nix::errno::Errno::EINTR => continue,
                    error => {
                        let lib = self.library();
                        report!(
                            Some(lib),
                            ALERT,
                            "poll({},{}): {error}",
                            fds[0].fd,
                            fds[1].fd
                        );
                        return Err(Failed);
                    }
                }
            }
            const READABLE: libc::c_short = libc::POLLIN | libc::POLLHUP;
            let message = if fds[0].revents & READABLE != 0 {
                self.receive_from(port)?
            } else if fds[1].revents & READABLE != 0 {
                self.receive_shared()?
            } else {
                let [own, shared] = fds.map(|fd| fd.revents);
                report!(
                    Some(self.library()),
                    ALERT,
                    "unexpected poll events {own:x} {shared:x}"
                );
                return Err(Failed);
            };
            if message.is_some() {
                return Ok(message);
            }
        }
    }

    /// One datagram from a port's socket; `None` if there is none now.
    fn receive_datagram(&self, port: &Port) -> Result<Option<Received>, Failed> {
        let lib = self.library();
        let mut buffer = self.new_read_buffer();
        if let Some(port_recv) = lib.callbacks().port_recv {
            let mut control = [0u64; RECEIVE_SIZE / 8];
            let mut control_len = RECEIVE_SIZE;
            // SAFETY: the pointers are valid for as many bytes as said; the callback is the
            // application's.
            let n = unsafe {
                port_recv(
                    self.as_ptr(),
                    port.as_ptr(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    control.as_mut_ptr().cast(),
                    &mut control_len,
                )
            };
            let Ok(len) = usize::try_from(n) else {
                self.recycle_read_buffer(buffer);
                return Err(Failed);
            };
            // SAFETY: the array is RECEIVE_SIZE bytes long; the application received into it.
            let fds = unsafe {
                let bytes = control.as_ptr().cast::<u8>();
                take_fds(std::slice::from_raw_parts(
                    bytes,
                    control_len.min(RECEIVE_SIZE),
                ))
            };
            let len = len.min(buffer.len());
            return Ok(Some(Received {
                bytes: Bytes::Datagram(buffer, len),
                fds,
            }));
        }
        let fd = port.in_fd();
        if fd < 0 {
            self.recycle_read_buffer(buffer);
            report!(Some(lib), ALERT, "recvmsg({fd}) failed: closed");
            return Err(Failed);
        }
        // SAFETY: initialized bytes are valid as possibly uninitialized ones, and receive_into
        // only writes bytes that the kernel gave.
        let room: &mut [MaybeUninit<u8>] =
            unsafe { &mut *(&raw mut *buffer as *mut [MaybeUninit<u8>]) };
        // SAFETY: the port owns the descriptor and outlives the call.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        match socket::receive_into(fd, room) {
            Ok(Some(datagram)) => Ok(Some(Received {
                bytes: Bytes::Datagram(buffer, datagram.len),
                fds: datagram.fds,
            })),
            Ok(None) => {
                self.recycle_read_buffer(buffer);
                Ok(None)
            }
            Err(ReceiveError::Closed) => Ok(Some(Received {
                bytes: Bytes::Datagram(buffer, 0),
                fds: Descriptors::default(),
            })),
            Err(error) => {
                self.recycle_read_buffer(buffer);
                report!(Some(lib), ALERT, "port {:?}: {error}", port.id());
                match error {
                    // The message is lost, later ones may be good.
                    ReceiveError::Malformed(_) => Ok(None),
                    _ => Err(Failed),
                }
            }
        }
    }
}
