//! Ports as libunit knows them.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::io::IoSlice;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::control::OutgoingControl;
use super::log::report;
use super::receive::Received;
use super::{Context, Failed, Request, lock};
use crate::abi::unit::*;
use crate::base::murmur;
use crate::ipc::message::{HEADER_SIZE, Header, kind};
use crate::ipc::queue::MAX_MESSAGE;
use crate::ipc::{AppQueue, PortId, PortQueue, SendError, socket};

/// The queue beside a port's socket.
#[derive(Debug)]
pub(super) enum Queue {
    Port(PortQueue),
    App(AppQueue),
}

/// What the reader of a port has to remember between messages.
#[derive(Debug, Default)]
pub(super) struct ReadState {
    /// `READ_SOCKET` items seen whose messages are still to come.
    pub(super) from_socket: usize,
    /// Socket messages that came before their items.
    pub(super) suspended: VecDeque<Received>,
}

/// A port: where to send to, or where to receive from.
#[repr(C)]
#[derive(Debug)]
pub struct Port {
    port: nxt_unit_port_t,
    pub(super) queue: OnceLock<Queue>,
    ready: AtomicBool,
    awaiting: Mutex<Vec<*const Request>>,
    pub(super) read: Mutex<ReadState>,
}

// SAFETY: the cells of `port` are the C interface's: `in_fd` and `out_fd` are set before the port
// is shared or under the library's port lock, and `data` is the application's to guard. The request
// pointers stay valid until their context is freed, which first empties this list.
unsafe impl Send for Port {}
// SAFETY: as above.
unsafe impl Sync for Port {}

/// The name with its hash (`nxt_unit_port_id_init`).
pub fn port_id(pid: libc::pid_t, id: u16) -> nxt_unit_port_id_t {
    let mut key = [0; 6];
    key[..4].copy_from_slice(&pid.to_ne_bytes());
    key[4..].copy_from_slice(&id.to_ne_bytes());
    nxt_unit_port_id_t {
        pid,
        hash: murmur::hash2(&key),
        id,
    }
}

impl Port {
    /// A port that owns the two descriptors (-1: none).
    pub(super) fn new(id: PortId, in_fd: c_int, out_fd: c_int, queue: Option<Queue>) -> Arc<Self> {
        let port = nxt_unit_port_t {
            id: port_id(id.pid, id.id),
            in_fd: in_fd.into(),
            out_fd: out_fd.into(),
            data: std::ptr::null_mut::<std::ffi::c_void>().into(),
        };
        let place = OnceLock::new();
        if let Some(queue) = queue {
            // A new cell is empty, so this cannot fail.
            let _ = place.set(queue);
        }
        Arc::new(Port {
            port,
            queue: place,
            ready: AtomicBool::new(false),
            awaiting: Mutex::default(),
            read: Mutex::default(),
        })
    }

    pub(super) fn id(&self) -> PortId {
        PortId {
            pid: self.port.id.pid,
            id: self.port.id.id,
        }
    }

    /// As C sees it.
    pub fn as_ptr(&self) -> *mut nxt_unit_port_t {
        (&raw const self.port).cast_mut()
    }

    pub(super) fn info(&self) -> &nxt_unit_port_t {
        &self.port
    }

    pub(super) fn in_fd(&self) -> c_int {
        self.port.in_fd.get()
    }

    pub(super) fn out_fd(&self) -> c_int {
        self.port.out_fd.get()
    }

    pub(super) fn port_queue(&self) -> Option<&PortQueue> {
        match self.queue.get()? {
            Queue::Port(queue) => Some(queue),
            Queue::App(_) => None,
        }
    }

    pub(super) fn app_queue(&self) -> Option<&AppQueue> {
        match self.queue.get()? {
            Queue::App(queue) => Some(queue),
            Queue::Port(_) => None,
        }
    }

    /// Requests can be answered through it.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Marks it ready and returns the requests that waited for that.
    pub(super) fn make_ready(&self) -> Vec<*const Request> {
        let mut awaiting = lock(&self.awaiting);
        self.ready.store(true, Ordering::Release);
        std::mem::take(&mut awaiting)
    }

    /// The requests that wait in vain, when the port's process is gone.
    pub(super) fn take_awaiting(&self) -> Vec<*const Request> {
        std::mem::take(&mut lock(&self.awaiting))
    }

    /// Lets a request wait until the port is ready; false if it is.
    pub(super) fn await_ready(&self, request: &Request) -> bool {
        let mut awaiting = lock(&self.awaiting);
        if self.is_ready() {
            return false;
        }
        awaiting.push(request);
        true
    }

    /// Forgets the waiting requests of a context that ends.
    pub(super) fn forget_context(&self, ctx: &Context) {
        // SAFETY: requests wait here only while their context lives.
        lock(&self.awaiting).retain(|&r| !std::ptr::eq(unsafe { &*r }.context(), ctx));
    }

    /// Forgets a waiting request that ends.
    pub(super) fn forget_request(&self, request: &Request) {
        lock(&self.awaiting).retain(|&r| !std::ptr::eq(r, request));
    }

    /// Sends a message; waits if the socket is full. `body` follows the header.
    pub(super) fn send(
        &self,
        ctx: &Context,
        header: &Header,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), Failed> {
        let head = header.encode();
        if let Some(queue) = self.port_queue() {
            if fds.is_empty() && HEADER_SIZE + body.len() <= MAX_MESSAGE {
                let mut item = [0; MAX_MESSAGE];
                item[..HEADER_SIZE].copy_from_slice(&head);
                item[HEADER_SIZE..HEADER_SIZE + body.len()].copy_from_slice(body);
                if self.enqueue(ctx, queue, &item[..HEADER_SIZE + body.len()])? {
                    let wake = Header {
                        kind: kind::READ_QUEUE,
                        ..*header
                    };
                    // The message is in the queue, whatever becomes of the wake-up.
                    let _ = self.send_datagram(ctx, &wake.encode(), &[], &[]);
                }
                return Ok(());
            }
            self.enqueue(ctx, queue, &[kind::READ_SOCKET])?;
        }
        self.send_datagram(ctx, &head, body, fds)
    }

    fn enqueue(&self, ctx: &Context, queue: &PortQueue, item: &[u8]) -> Result<bool, Failed> {
        queue.send(item).map_err(|error| {
            let id = self.id();
            report!(
                Some(ctx.library()),
                ALERT,
                "port_send: port {},{}: {error}",
                id.pid,
                id.id
            );
            Failed
        })
    }

    fn send_datagram(
        &self,
        ctx: &Context,
        head: &[u8],
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), Failed> {
        let lib = ctx.library();
        if let Some(port_send) = lib.callbacks().port_send {
            let whole = [head, body].concat();
            let raw: Vec<RawFd> = fds.iter().map(|fd| fd.as_raw_fd()).collect();
            let control = OutgoingControl::new(&raw);
            let bytes = control.bytes();
            let oob = if bytes.is_empty() {
                std::ptr::null()
            } else {
                bytes.as_ptr()
            };
            // SAFETY: the pointers are valid for the call; the callback is the application's.
            let sent = unsafe {
                port_send(
                    ctx.as_ptr(),
                    self.as_ptr(),
                    whole.as_ptr().cast(),
                    whole.len(),
                    oob.cast(),
                    bytes.len(),
                )
            };
            return if sent == whole.len() as isize {
                Ok(())
            } else {
                Err(Failed)
            };
        }
        let fd = self.out_fd();
        if fd < 0 {
            report!(
                Some(lib),
                WARN,
                "sendmsg({fd}, {}) failed: closed",
                head.len() + body.len()
            );
            return Err(Failed);
        }
        // SAFETY: the port owns the descriptor and outlives the call.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        send_waiting(fd, &[IoSlice::new(head), IoSlice::new(body)], fds).map_err(|error| {
            report!(
                Some(lib),
                WARN,
                "sendmsg({}, {}) failed: {error}",
                fd.as_raw_fd(),
                head.len() + body.len()
            );
            Failed
        })
    }
}

/// Sends one datagram; waits while the socket is full. The descriptor may be nonblocking, because
/// the daemon's processes share the open socket: its mode is left alone.
pub(super) fn send_waiting(
    fd: BorrowedFd<'_>,
    slices: &[IoSlice<'_>],
    fds: &[BorrowedFd<'_>],
) -> Result<(), SendError> {
    loop {
        match socket::send_slices(fd, slices, fds) {
            Err(SendError::Full) => wait_for(fd.as_raw_fd(), libc::POLLOUT),
            result => return result,
        }
    }
}

/// Waits until the descriptor is ready, or for a second: what else the caller waits for may come
/// from another thread.
pub(super) fn wait_for(fd: RawFd, events: libc::c_short) {
    let mut poll = libc::pollfd {
        fd,
        events,
        revents: 0,
    };
    // SAFETY: one valid pollfd; a failure only makes the caller look earlier.
    unsafe { libc::poll(&mut poll, 1, 1000) };
}

/// Owns a descriptor that came as a number; `None` for negative ones.
///
/// # Safety
/// Nobody else closes the descriptor.
pub(super) unsafe fn own_fd(fd: c_int) -> Option<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: the caller's.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

impl Drop for Port {
    fn drop(&mut self) {
        // SAFETY: the port owns both descriptors.
        unsafe {
            drop(own_fd(self.port.in_fd.get()));
            drop(own_fd(self.port.out_fd.get()));
        }
    }
}
