//! Contexts: what one thread needs to receive and process requests.

use std::collections::{HashMap, VecDeque};
use std::ffi::c_void;
use std::os::fd::{AsFd, IntoRawFd};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use super::buffer::Buffer;
use super::log::{report, report_request};
use super::port::{Port, Queue};
use super::receive::Received;
use super::websocket::Frame;
use super::{Failed, Library, Request, lock};
use crate::abi::unit::*;
use crate::ipc::message::{Header, QUIT_GRACEFUL, kind};
use crate::ipc::{NewPort, PortId, PortQueue, ProcessType, socket};

/// Spare buffers that a context keeps.
const MAX_FREE_BUFFERS: usize = 256;
/// Spare receive buffers (16 KiB each) that a context keeps.
const MAX_FREE_READS: usize = 4;

/// What the threads that use a context's requests share.
#[derive(Default)]
pub(super) struct State {
    free_requests: Vec<*const Request>,
    /// In the hands of the application; each knows its place here.
    active: Vec<*const Request>,
    /// Those to which further messages belong.
    streams: HashMap<u32, *const Request>,
    /// Those whose response port has become usable.
    ready_requests: VecDeque<*const Request>,
    /// Messages to be looked at before new ones.
    pending: VecDeque<Received>,
    free_buffers: Vec<*const Buffer>,
    free_frames: Vec<*const Frame>,
    free_reads: Vec<Box<[u8]>>,
}

/// A context. It starts with what C sees.
#[repr(C)]
pub struct Context {
    ctx: nxt_unit_ctx_t,
    lib: Arc<Library>,
    users: AtomicUsize,
    /// Requests and messages that wait for an answer of the router.
    wait_items: AtomicIsize,
    pub(super) online: AtomicBool,
    pub(super) ready: AtomicBool,
    pub(super) quit_param: AtomicU8,
    read_port: OnceLock<Arc<Port>>,
    state: Mutex<State>,
}

impl Context {
    /// Makes a context; it lives until [`Context::release`] has undone each use, this first one
    /// included.
    pub(super) fn create(lib: &Arc<Library>, data: *mut c_void) -> &'static Context {
        let ctx = Box::leak(Box::new(Context {
            ctx: nxt_unit_ctx_t {
                data: data.into(),
                unit: lib.as_ptr().into(),
            },
            lib: lib.clone(),
            users: AtomicUsize::new(1),
            wait_items: AtomicIsize::new(0),
            online: AtomicBool::new(true),
            ready: AtomicBool::new(false),
            quit_param: AtomicU8::new(QUIT_GRACEFUL),
            read_port: OnceLock::new(),
            state: Mutex::default(),
        }));
        lib.add_context(ctx);
        ctx
    }

    /// The context that C names.
    ///
    /// # Safety
    /// The pointer is null or came from this library, and the context is not done with.
    pub unsafe fn from_ptr<'a>(ctx: *mut nxt_unit_ctx_t) -> Option<&'a Context> {
        // SAFETY: the caller's; the structure is the context's first field.
        unsafe { ctx.cast::<Context>().as_ref() }
    }

    /// As C sees it.
    pub fn as_ptr(&self) -> *mut nxt_unit_ctx_t {
        (&raw const self.ctx).cast_mut()
    }

    /// The library.
    pub fn library_ref(&self) -> &Library {
        &self.lib
    }

    pub(super) fn library(&self) -> &Arc<Library> {
        &self.lib
    }

    pub(super) fn read_port(&self) -> Option<&Arc<Port>> {
        self.read_port.get()
    }

    pub(super) fn set_read_port(&self, port: Arc<Port>) {
        // Set once, when the context is made.
        let _ = self.read_port.set(port);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Whether the context may take requests.
    pub(super) fn takes_requests(&self) -> bool {
        self.ready.load(Ordering::Acquire) && !self.lib.limit_reached()
    }

    /// Nothing so far makes the process leave soon.
    pub(super) fn is_staying(&self) -> bool {
        self.ready.load(Ordering::Acquire) && !self.lib.has_request_limit()
    }

    pub(super) fn is_online(&self) -> bool {
        self.online.load(Ordering::Acquire)
    }

    pub(super) fn expect_item(&self) {
        self.wait_items.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn cancel_item(&self) {
        self.wait_items.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn expects_items(&self) -> bool {
        self.wait_items.load(Ordering::Acquire) > 0
    }

    /// Nothing is in hand and nothing is expected.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state();
        state.active.is_empty() && state.pending.is_empty() && !self.expects_items()
    }

    /// A waiting request can go on.
    pub(super) fn request_ready(&self, request: &Request) {
        self.state().ready_requests.push_back(request);
        self.wait_items.fetch_sub(1, Ordering::AcqRel);
    }

    /// A waiting message can be processed; it goes first.
    pub(super) fn message_ready(&self, message: Received) {
        self.state().pending.push_front(message);
        self.wait_items.fetch_sub(1, Ordering::AcqRel);
    }

    /// Keeps a message for later.
    pub(super) fn postpone(&self, message: Received) {
        self.state().pending.push_back(message);
    }

    pub(super) fn take_pending(&self) -> VecDeque<Received> {
        std::mem::take(&mut self.state().pending)
    }

    pub(super) fn take_ready_requests(&self) -> VecDeque<*const Request> {
        std::mem::take(&mut self.state().ready_requests)
    }

    /// Makes this context's thread look at what has become ready, if it is another one.
    pub(super) fn wake_from(&self, current: &Context) {
        if std::ptr::eq(self, current) {
            return;
        }
        match self.read_port() {
            Some(port) if port.out_fd() >= 0 => {
                let header = Header {
                    last: false,
                    ..Header::new(0, kind::RPC_READY, 0)
                };
                // A failure has been logged.
                let _ = port.send(current, &header, &[], &[]);
            }
            _ => report!(
                Some(&self.lib),
                ALERT,
                "cannot wake a context without a port"
            ),
        }
    }

    /// A request object, from the spare ones if possible.
    pub(super) fn new_request(&self) -> &Request {
        let mut state = self.state();
        let request = match state.free_requests.pop() {
            // SAFETY: spare requests live as long as the context.
            Some(request) => unsafe { &*request },
            None => Request::create(self),
        };
        request.place.set(state.active.len());
        state.active.push(request);
        request
    }

    /// Takes a request object back.
    pub(super) fn recycle_request(&self, request: &Request) {
        let mut state = self.state();
        let place = request.place.get();
        if state
            .active
            .get(place)
            .is_some_and(|&r| std::ptr::eq(r, request))
        {
            state.active.swap_remove(place);
            if let Some(&moved) = state.active.get(place) {
                // SAFETY: active requests live as long as the context.
                unsafe { &*moved }.place.set(place);
            }
            state.free_requests.push(request);
        }
    }

    pub(super) fn active_requests(&self) -> Vec<*const Request> {
        self.state().active.clone()
    }

    /// Lets further messages find the request.
    pub(super) fn register(&self, request: &Request) {
        if !request.registered.replace(true) {
            self.state().streams.insert(request.stream(), request);
        }
    }

    pub(super) fn unregister(&self, request: &Request) {
        if request.registered.replace(false) {
            self.state().streams.remove(&request.stream());
        }
    }

    /// The request that a message of this stream belongs to; `last` ends the registration.
    pub(super) fn registered(&self, stream: u32, last: bool) -> Option<&Request> {
        let mut state = self.state();
        let request = if last {
            state.streams.remove(&stream)
        } else {
            state.streams.get(&stream).copied()
        }?;
        // SAFETY: requests leave the map before they are recycled, and live as long as the context.
        let request = unsafe { &*request };
        request.registered.set(!last);
        Some(request)
    }

    /// The request of this stream that the application has.
    pub(super) fn active_request(&self, stream: u32) -> Option<&Request> {
        let state = self.state();
        // SAFETY: active requests live as long as the context.
        let mut active = state.active.iter().map(|&request| unsafe { &*request });
        active.find(|request| request.stream() == stream)
    }

    pub(super) fn new_buffer(&self) -> &Buffer {
        let spare = self.state().free_buffers.pop();
        match spare {
            // SAFETY: spare buffers live until they are taken here or the context is freed.
            Some(buffer) => unsafe { &*buffer },
            None => Box::leak(Buffer::create()),
        }
    }

    pub(super) fn recycle_buffer(&self, buffer: &Buffer) {
        buffer.reset();
        let mut state = self.state();
        if state.free_buffers.len() < MAX_FREE_BUFFERS {
            state.free_buffers.push(buffer);
        } else {
            // SAFETY: all buffers are leaked boxes, and this one is in no list any more.
            drop(unsafe { Box::from_raw((&raw const *buffer).cast_mut()) });
        }
    }

    pub(super) fn new_frame(&self) -> &Frame {
        let spare = self.state().free_frames.pop();
        match spare {
            // SAFETY: spare frames live until they are taken here or the context is freed.
            Some(frame) => unsafe { &*frame },
            None => Box::leak(Frame::create(self)),
        }
    }

    pub(super) fn recycle_frame(&self, frame: &Frame) {
        self.state().free_frames.push(frame);
    }

    pub(super) fn new_read_buffer(&self) -> Box<[u8]> {
        let spare = self.state().free_reads.pop();
        spare.unwrap_or_else(super::receive::read_buffer)
    }

    pub(super) fn recycle_read_buffer(&self, buffer: Box<[u8]>) {
        let mut state = self.state();
        if state.free_reads.len() < MAX_FREE_READS {
            state.free_reads.push(buffer);
        }
    }

    /// Keeps the context alive until the guard is dropped.
    pub fn acquire(&self) -> InUse {
        self.users.fetch_add(1, Ordering::Relaxed);
        InUse(self)
    }

    /// Undoes one use; the last one frees the context.
    ///
    /// # Safety
    /// The context is alive, and the caller gives up one use: its creation's or an acquired one.
    pub unsafe fn release(this: *const Context) {
        // SAFETY: the caller's; after the last use nobody but this call has the pointer.
        unsafe {
            if (*this).users.fetch_sub(1, Ordering::AcqRel) == 1 {
                Context::free(this);
            }
        }
    }

    /// # Safety
    /// Nobody else uses the context.
    unsafe fn free(this: *const Context) {
        // SAFETY: the caller's. The box is only borrowed until it is dropped below.
        let ctx = unsafe { &*this };
        for request in ctx.active_requests() {
            // SAFETY: active requests live as long as the context.
            let request = unsafe { &*request };
            report_request!(request, WARN, "active request on ctx free");
            request.done(NXT_UNIT_ERROR);
        }
        ctx.lib.remove_context(ctx);
        let state = std::mem::take(&mut *ctx.state());
        // SAFETY: all of these are leaked boxes or allocations that only this context knew, each is
        // in one list only, and the application is done with them.
        unsafe {
            for request in state.active.into_iter().chain(state.free_requests) {
                Request::destroy(request);
            }
            for buffer in state.free_buffers {
                drop(Box::from_raw(buffer.cast_mut()));
            }
            for frame in state.free_frames {
                drop(Box::from_raw(frame.cast_mut()));
            }
        }
        let lib = ctx.lib.clone();
        if let Some(port) = ctx.read_port() {
            lib.remove_port(None, port.id());
        }
        // SAFETY: made by Box::leak in `create`; the last user is gone.
        drop(unsafe { Box::from_raw(this.cast_mut()) });
        if lib.contexts_left() == 0 {
            lib.remove_all_ports();
        }
    }

    /// Makes a context for another thread, with a port of its own that the router learns of
    /// (`nxt_unit_ctx_alloc`).
    pub fn create_sibling(&self, data: *mut c_void) -> Result<&'static Context, Failed> {
        let lib = &self.lib;
        let failed = |what: &dyn std::fmt::Display| {
            report!(Some(lib), ALERT, "ctx_alloc: {what}");
            Failed
        };
        let (read, write) = socket::pair().map_err(|e| failed(&format_args!("socketpair: {e}")))?;
        nix::fcntl::fcntl(
            &read,
            nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::empty()),
        )
        .map_err(|e| failed(&format_args!("fcntl: {e}")))?;
        let (queue, memory) = PortQueue::create().map_err(|e| failed(&e))?;
        let id = PortId {
            pid: lib.pid(),
            id: lib.next_port_id(),
        };

        let ctx = Context::create(lib, data);
        let announced = write.try_clone().map_err(|e| failed(&e));
        let new = Port::new(
            id,
            read.into_raw_fd(),
            write.into_raw_fd(),
            Some(Queue::Port(queue)),
        );
        let port = lib.add_port(ctx, new);
        ctx.set_read_port(port);

        let header = Header::new(lib.pid(), kind::NEW_PORT, 0).with_last(false);
        let body = NewPort::new(id, ProcessType::App).encode();
        let sent = announced.and_then(|write| {
            lib.router_port()?
                .send(ctx, &header, &body, &[write.as_fd(), memory.as_fd()])
        });
        if sent.is_err() {
            // SAFETY: the only use is that of its creation.
            unsafe { Context::release(ctx) };
            return Err(Failed);
        }
        Ok(ctx)
    }
}

/// A use of a context.
pub struct InUse(*const Context);

impl Drop for InUse {
    fn drop(&mut self) {
        // SAFETY: this value stands for one use.
        unsafe { Context::release(self.0) };
    }
}
