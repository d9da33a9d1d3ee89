//! The library's state, shared by all contexts of a process.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock, Weak};

use super::log::report;
use super::port::{Port, Queue};
use super::receive::Received;
use super::{Context, Failed, lock};
use crate::abi::unit::*;
use crate::ipc::message::{Header, kind};
use crate::ipc::segment::{DATA_SIZE, OnRelease, SegmentError};
use crate::ipc::{
    ChunkRef, IncomingSegments, OutgoingSegments, Pid, PortId, SHARED_PORT_ID, SharedChunk,
};

/// Segments that one process may send: the router has 64 for each application.
const MAX_INCOMING: usize = 4096;

/// A message that names a segment which has not arrived.
struct Parked {
    pid: Pid,
    segment: u32,
    ctx: *const Context,
    message: Received,
}

#[derive(Default)]
struct Ports {
    by_id: HashMap<PortId, Arc<Port>>,
    /// The next free port id of this process.
    next_id: u16,
}

/// The library's state. It starts with what C sees.
#[repr(C)]
pub struct Library {
    unit: nxt_unit_t,
    callbacks: nxt_unit_callbacks_t,
    pid: Pid,
    log_fd: c_int,
    request_data_size: usize,
    request_limit: u32,
    request_count: AtomicU32,
    ports: Mutex<Ports>,
    router_port: OnceLock<Arc<Port>>,
    shared_port: OnceLock<Arc<Port>>,
    main_ctx: AtomicPtr<Context>,
    contexts: Mutex<Vec<*const Context>>,
    incoming: RwLock<Vec<(Pid, IncomingSegments)>>,
    outgoing: Arc<OutgoingSegments>,
    parked: Mutex<Vec<Parked>>,
    this: Weak<Library>,
}

// SAFETY: `unit.data` is the application's to guard; the context pointers are removed before their
// context is freed, under the same lock that readers hold.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

/// What a library is made with.
pub(super) struct Settings {
    pub(super) data: *mut c_void,
    pub(super) callbacks: nxt_unit_callbacks_t,
    pub(super) pid: Pid,
    pub(super) router_pid: Pid,
    pub(super) log_fd: c_int,
    pub(super) request_data_size: u32,
    pub(super) request_limit: u32,
    pub(super) shm_limit: u32,
}

impl Library {
    pub(super) fn new(settings: &Settings) -> Arc<Self> {
        let segments = (settings.shm_limit as usize).div_ceil(DATA_SIZE).max(1);
        Arc::new_cyclic(|this| Library {
            unit: nxt_unit_t {
                data: settings.data.into(),
            },
            callbacks: settings.callbacks,
            pid: settings.pid,
            log_fd: settings.log_fd,
            request_data_size: settings.request_data_size as usize,
            request_limit: settings.request_limit,
            request_count: AtomicU32::new(0),
            ports: Mutex::default(),
            router_port: OnceLock::new(),
            shared_port: OnceLock::new(),
            main_ctx: AtomicPtr::default(),
            contexts: Mutex::default(),
            incoming: RwLock::default(),
            outgoing: Arc::new(OutgoingSegments::new(
                settings.pid,
                settings.router_pid,
                segments,
            )),
            parked: Mutex::default(),
            this: this.clone(),
        })
    }

    pub(super) fn as_ptr(&self) -> *mut nxt_unit_t {
        (&raw const self.unit).cast_mut()
    }

    pub(super) fn callbacks(&self) -> &nxt_unit_callbacks_t {
        &self.callbacks
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    pub(super) fn log_fd(&self) -> c_int {
        self.log_fd
    }

    pub(super) fn request_data_size(&self) -> usize {
        self.request_data_size
    }

    pub(super) fn outgoing(&self) -> &Arc<OutgoingSegments> {
        &self.outgoing
    }

    /// The port to the router; set by `init` before anything can ask.
    pub(super) fn router_port(&self) -> Result<&Arc<Port>, Failed> {
        self.router_port.get().ok_or(Failed)
    }

    /// The port shared by the processes of the application.
    pub(super) fn shared_port(&self) -> Result<&Arc<Port>, Failed> {
        self.shared_port.get().ok_or(Failed)
    }

    pub(super) fn set_router_port(&self, port: Arc<Port>) {
        // `init` runs once for a library.
        let _ = self.router_port.set(port);
    }

    pub(super) fn set_shared_port(&self, port: Arc<Port>) {
        let _ = self.shared_port.set(port);
    }

    pub(super) fn set_main_context(&self, ctx: &Context) {
        self.main_ctx
            .store((&raw const *ctx).cast_mut(), Ordering::Release);
    }

    /// The main context, as long as it exists.
    pub(super) fn main_context(&self) -> Option<&Context> {
        // SAFETY: the main context clears the pointer when it is freed; contexts of other threads
        // are, by the interface's contract, done with before the main one is.
        unsafe { self.main_ctx.load(Ordering::Acquire).as_ref() }
    }

    pub(super) fn is_main(&self, ctx: &Context) -> bool {
        std::ptr::eq(self.main_ctx.load(Ordering::Acquire), ctx)
    }

    pub(super) fn add_context(&self, ctx: &Context) {
        lock(&self.contexts).push(ctx);
    }

    pub(super) fn remove_context(&self, ctx: &Context) {
        lock(&self.contexts).retain(|&c| !std::ptr::eq(c, ctx));
        let raw = (&raw const *ctx).cast_mut();
        let null = std::ptr::null_mut();
        let _ = self
            .main_ctx
            .compare_exchange(raw, null, Ordering::AcqRel, Ordering::Relaxed);
        lock(&self.parked).retain(|p| !std::ptr::eq(p.ctx, ctx));
        for port in lock(&self.ports).by_id.values() {
            port.forget_context(ctx);
        }
    }

    pub(super) fn contexts_left(&self) -> usize {
        lock(&self.contexts).len()
    }

    /// The ports of the other contexts.
    pub(super) fn other_read_ports(&self, ctx: &Context) -> Vec<Arc<Port>> {
        lock(&self.contexts)
            .iter()
            .filter(|&&other| !std::ptr::eq(other, ctx))
            // SAFETY: a context leaves the list, under its lock, before it is freed.
            .filter_map(|&other| unsafe { &*other }.read_port().cloned())
            .collect()
    }

    /// Whether the request limit allows no further request.
    pub(super) fn limit_reached(&self) -> bool {
        self.request_limit != 0 && self.request_count.load(Ordering::Relaxed) >= self.request_limit
    }

    pub(super) fn has_request_limit(&self) -> bool {
        self.request_limit != 0
    }

    /// Counts a request; whether it is the one that reaches the limit, or one beyond.
    pub(super) fn count_request(&self) -> bool {
        self.request_limit != 0
            && self.request_count.fetch_add(1, Ordering::Relaxed) + 1 >= self.request_limit
    }

    pub(super) fn next_port_id(&self) -> u16 {
        let mut ports = lock(&self.ports);
        let id = ports.next_id;
        ports.next_id = ports.next_id.wrapping_add(1) % SHARED_PORT_ID;
        id
    }

    pub(super) fn find_port(&self, id: PortId) -> Option<Arc<Port>> {
        lock(&self.ports).by_id.get(&id).cloned()
    }

    /// The port of that name; a new one that has nothing yet if it is unknown (then `true`).
    pub(super) fn find_or_expect_port(&self, id: PortId) -> (Arc<Port>, bool) {
        let mut ports = lock(&self.ports);
        let mut new = false;
        let port = ports.by_id.entry(id).or_insert_with(|| {
            new = true;
            Port::new(id, -1, -1, None)
        });
        (port.clone(), new)
    }

    /// Adds a port, or completes the known one of that name with what it lacks. Requests that
    /// waited for it become ready.
    pub(super) fn add_port(&self, ctx: &Context, new: Arc<Port>) -> Arc<Port> {
        let id = new.id();
        let port = {
            let mut ports = lock(&self.ports);
            if id.pid == self.pid && id.id != SHARED_PORT_ID && id.id >= ports.next_id {
                ports.next_id = (id.id + 1) % SHARED_PORT_ID;
            }
            match ports.by_id.get(&id).cloned() {
                None => {
                    ports.by_id.insert(id, new.clone());
                    new
                }
                Some(known) => {
                    let (to, from) = (known.info(), new.info());
                    // What the known one has already stays in `new`, which closes it.
                    for (to, from) in [(&to.in_fd, &from.in_fd), (&to.out_fd, &from.out_fd)] {
                        if to.get() < 0 {
                            to.swap(from);
                        }
                    }
                    if to.data.get().is_null() {
                        to.data.swap(&from.data);
                    }
                    if let Ok(new) = Arc::try_unwrap(new).map(|mut new| new.queue.take())
                        && let Some(queue) = new
                    {
                        // The first queue counts.
                        let _ = known.queue.set(queue);
                    }
                    known
                }
            }
        };
        if port.in_fd() >= 0 || port.out_fd() >= 0 {
            // The application hears of the port before any request can use it.
            if let Some(add_port) = self.callbacks.add_port {
                // SAFETY: both are valid for the call; the callback is the application's.
                unsafe { add_port(ctx.as_ptr(), port.as_ptr()) };
            }
            self.wake_requests(ctx, port.make_ready());
        }
        port
    }

    fn wake_requests(&self, ctx: &Context, requests: Vec<*const super::Request>) {
        for request in requests {
            // SAFETY: requests leave a port's list before their context is freed.
            let request = unsafe { &*request };
            request.context().request_ready(request);
            request.context().wake_from(ctx);
        }
    }

    /// Forgets a port and tells the application.
    pub(super) fn remove_port(&self, ctx: Option<&Context>, id: PortId) {
        let removed = lock(&self.ports).by_id.remove(&id);
        if let Some(port) = removed {
            self.report_removed(ctx, &port);
        }
    }

    fn report_removed(&self, ctx: Option<&Context>, port: &Port) {
        if let Some(remove_port) = self.callbacks.remove_port {
            let ctx = ctx.map_or(std::ptr::null_mut(), Context::as_ptr);
            // SAFETY: all are valid for the call; the callback is the application's.
            unsafe { remove_port(self.as_ptr(), ctx, port.as_ptr()) };
        }
    }

    /// Forgets the ports of a process that is gone.
    pub(super) fn remove_pid(&self, ctx: &Context, pid: Pid) {
        let removed: Vec<Arc<Port>> = {
            let mut ports = lock(&self.ports);
            let ids: Vec<PortId> = ports
                .by_id
                .keys()
                .filter(|id| id.pid == pid)
                .copied()
                .collect();
            ids.iter().filter_map(|id| ports.by_id.remove(id)).collect()
        };
        if removed.is_empty() {
            return;
        }
        for port in &removed {
            self.report_removed(None, port);
            // They will find that they cannot be answered, and end.
            self.wake_requests(ctx, port.take_awaiting());
        }
        lock(&self.parked).retain(|p| p.pid != pid);
        // Chunks in use keep their segment.
        self.incoming
            .write()
            .unwrap_or_else(|e| e.into_inner())
            .retain(|(p, _)| *p != pid);
        if let Some(remove_pid) = self.callbacks.remove_pid {
            // SAFETY: the callback is the application's.
            unsafe { remove_pid(self.as_ptr(), pid) };
        }
    }

    /// Forgets all ports, when the library ends.
    pub(super) fn remove_all_ports(&self) {
        let ports: Vec<_> = lock(&self.ports)
            .by_id
            .drain()
            .map(|(_, port)| port)
            .collect();
        ports
            .iter()
            .for_each(|port| self.report_removed(None, port));
    }

    /// Maps a segment that a process sent. Messages that waited for it go back to their contexts.
    pub(super) fn add_segment(
        &self,
        ctx: &Context,
        pid: Pid,
        fd: BorrowedFd<'_>,
    ) -> Result<(), SegmentError> {
        let id = {
            let mut incoming = self.incoming.write().unwrap_or_else(|e| e.into_inner());
            if !incoming.iter().any(|(p, _)| *p == pid) {
                incoming.push((
                    pid,
                    IncomingSegments::new(self.pid, pid, MAX_INCOMING, self.on_release()),
                ));
            }
            let (_, segments) = incoming
                .iter()
                .find(|(p, _)| *p == pid)
                .ok_or(SegmentError::Unknown(0))?;
            segments.add(fd)?
        };
        let waiting: Vec<Parked> = {
            let mut parked = lock(&self.parked);
            let (ready, rest) = parked
                .drain(..)
                .partition(|p| p.pid == pid && p.segment == id);
            *parked = rest;
            ready
        };
        for parked in waiting {
            // SAFETY: messages of a context are removed from the list before it is freed.
            let target = unsafe { &*parked.ctx };
            target.message_ready(parked.message);
            target.wake_from(ctx);
        }
        Ok(())
    }

    /// A release of memory for which the sender waits is acknowledged through the router's port.
    fn on_release(&self) -> OnRelease {
        let this = self.this.clone();
        Arc::new(move || {
            let Some(lib) = this.upgrade() else { return };
            if let (Some(ctx), Ok(port)) = (lib.main_context(), lib.router_port()) {
                let header = Header::new(lib.pid, kind::SHM_ACK, 0).with_last(false);
                // A failure has been logged; the router looks again by itself.
                let _ = port.send(ctx, &header, &[], &[]);
            }
        })
    }

    /// The bytes that a message of a process names.
    pub(super) fn chunk(&self, pid: Pid, chunk: ChunkRef) -> Result<SharedChunk, SegmentError> {
        let incoming = self.incoming.read().unwrap_or_else(|e| e.into_inner());
        match incoming.iter().find(|(p, _)| *p == pid) {
            Some((_, segments)) => segments.chunk(chunk),
            None => Err(SegmentError::Unknown(chunk.segment)),
        }
    }

    /// Whether a segment of a process has arrived.
    pub(super) fn knows_segment(&self, pid: Pid, id: u32) -> bool {
        let incoming = self.incoming.read().unwrap_or_else(|e| e.into_inner());
        incoming
            .iter()
            .any(|(p, segments)| *p == pid && segments.segment(id).is_some())
    }

    /// Keeps a message until its segment arrives, and asks for the segment.
    pub(super) fn park(
        &self,
        ctx: &Context,
        pid: Pid,
        segment: u32,
        message: Received,
    ) -> Result<(), Failed> {
        let first = {
            let mut parked = lock(&self.parked);
            let first = !parked.iter().any(|p| p.pid == pid && p.segment == segment);
            parked.push(Parked {
                pid,
                segment,
                ctx,
                message,
            });
            ctx.expect_item();
            first
        };
        if !first {
            return Ok(());
        }
        let header = Header::new(self.pid, kind::GET_MMAP, 0)
            .with_last(false)
            .reply_to(ctx.read_port().ok_or(Failed)?.id().id);
        let sent = self
            .router_port()?
            .send(ctx, &header, &segment.to_ne_bytes(), &[]);
        if sent.is_err() {
            report!(
                Some(self),
                ALERT,
                "cannot ask for shared memory segment {segment}"
            );
        }
        sent
    }

    /// The queue of requests.
    pub(super) fn shared_queue(&self) -> Option<&crate::ipc::AppQueue> {
        self.shared_port.get()?.app_queue()
    }
}

impl Port {
    /// A port with the queue of an application.
    pub(super) fn shared(pid: Pid, in_fd: c_int, queue: crate::ipc::AppQueue) -> Arc<Port> {
        Port::new(
            PortId {
                pid,
                id: SHARED_PORT_ID,
            },
            in_fd,
            -1,
            Some(Queue::App(queue)),
        )
    }
}
