//! Requests in the hands of the application, and the reading of their bodies.

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::Arc;

use super::buffer::{Buffer, BufferList, Memory};
use super::log::report_request;
use super::{Context, Failed, Port};
use crate::abi::unit::*;
use crate::ipc::message::Header;

/// How far the response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Start,
    HasHead,
    HasContent,
    Sent,
    Released,
}

/// A request. It starts with what C sees, and the application's own bytes follow it.
#[repr(C, align(16))]
pub struct Request {
    info: nxt_unit_request_info_t,
    ctx: *const Context,
    stream: Cell<u32>,
    pub(super) phase: Cell<Phase>,
    pub(super) websocket: Cell<bool>,
    /// In the context's map of streams.
    pub(super) registered: Cell<bool>,
    /// The place among the context's active requests.
    pub(super) place: Cell<usize>,
    pub(super) outgoing: BufferList,
    incoming: BufferList,
    port: RefCell<Option<Arc<Port>>>,
}

impl Request {
    fn layout(data_size: usize) -> Layout {
        let size = size_of::<Request>().saturating_add(data_size);
        // A u32 behind a small structure cannot overflow; the fallback is never too small.
        Layout::from_size_align(size, align_of::<Request>()).unwrap_or(Layout::new::<Request>())
    }

    /// Makes a request of this context, with the application's bytes zeroed.
    pub(super) fn create(ctx: &Context) -> &Request {
        let lib = ctx.library();
        let layout = Request::layout(lib.request_data_size());
        // SAFETY: the layout is not empty.
        let memory = unsafe { std::alloc::alloc_zeroed(layout) }.cast::<Request>();
        if memory.is_null() {
            std::alloc::handle_alloc_error(layout);
        }
        let data: *mut std::ffi::c_void = match lib.request_data_size() {
            0 => null_mut(),
            _ => memory.wrapping_add(1).cast(),
        };
        let request = Request {
            info: nxt_unit_request_info_t {
                unit: lib.as_ptr().into(),
                ctx: ctx.as_ptr().into(),
                response_port: Cell::new(null_mut()),
                request: Cell::new(null_mut()),
                request_buf: Cell::new(null_mut()),
                response: Cell::new(null_mut()),
                response_buf: Cell::new(null_mut()),
                response_max_fields: 0.into(),
                content_buf: Cell::new(null_mut()),
                content_length: 0.into(),
                content_fd: (-1).into(),
                data: Cell::new(data),
            },
            ctx,
            stream: 0.into(),
            phase: Cell::new(Phase::Released),
            websocket: false.into(),
            registered: false.into(),
            place: 0.into(),
            outgoing: BufferList::new(),
            incoming: BufferList::new(),
            port: RefCell::new(None),
        };
        // SAFETY: freshly allocated with room for it and its alignment.
        unsafe {
            memory.write(request);
            &*memory
        }
    }

    /// Frees a request.
    ///
    /// # Safety
    /// It came from [`Request::create`], and nobody uses it any more.
    pub(super) unsafe fn destroy(this: *const Request) {
        // SAFETY: the caller's.
        unsafe {
            let layout = Request::layout((*(*this).ctx).library().request_data_size());
            std::ptr::drop_in_place(this.cast_mut());
            std::alloc::dealloc(this.cast_mut().cast(), layout);
        }
    }

    /// The request that C names.
    ///
    /// # Safety
    /// The pointer is null or came from this library, and its context is not done with.
    pub unsafe fn from_ptr<'a>(req: *mut nxt_unit_request_info_t) -> Option<&'a Request> {
        // SAFETY: the caller's; the structure is the request's first field.
        unsafe { req.cast::<Request>().as_ref() }
    }

    /// The request whose application bytes these are (`nxt_unit_get_request_info_from_data`).
    pub fn ptr_from_data(data: *mut std::ffi::c_void) -> *mut nxt_unit_request_info_t {
        if data.is_null() {
            return null_mut();
        }
        data.cast::<Request>().wrapping_sub(1).cast()
    }

    /// As C sees it.
    pub fn as_ptr(&self) -> *mut nxt_unit_request_info_t {
        (&raw const self.info).cast_mut()
    }

    pub(super) fn info(&self) -> &nxt_unit_request_info_t {
        &self.info
    }

    /// The context that received it.
    pub fn context(&self) -> &Context {
        // SAFETY: a context outlives its requests.
        unsafe { &*self.ctx }
    }

    /// Its RPC stream.
    pub fn stream(&self) -> u32 {
        self.stream.get()
    }

    pub(super) fn is_released(&self) -> bool {
        self.phase.get() == Phase::Released
    }

    pub(super) fn set_response_port(&self, port: Arc<Port>) {
        self.info.response_port.set(port.as_ptr());
        self.port.replace(Some(port));
    }

    pub(super) fn response_port(&self) -> Result<Arc<Port>, Failed> {
        self.port.borrow().clone().ok_or(Failed)
    }

    /// Sends a message to the router.
    pub(super) fn send(&self, header: &Header, body: &[u8]) -> Result<(), Failed> {
        match &*self.port.borrow() {
            Some(port) => port.send(self.context(), header, body, &[]),
            None => Err(Failed),
        }
    }

    /// Takes over a received request: its head, the start of its body at `body_start`, and the
    /// file with the rest of it, if any.
    pub(super) fn begin(&self, stream: u32, chunks: &BufferList, body_start: usize, fd: c_int) {
        let info = &self.info;
        self.incoming.append(chunks);
        for buffer in self.incoming.iter() {
            buffer.set_request(self);
        }
        self.stream.set(stream);
        self.phase.set(Phase::Start);
        self.websocket.set(false);
        info.response.set(null_mut());
        info.response_buf.set(null_mut());
        info.response_max_fields.set(0);
        info.content_fd.set(fd);
        if let Some(first) = self.incoming.first() {
            first.advance(body_start);
            info.request.set(first.info().start.get().cast());
            info.request_buf.set(first.as_ptr());
            info.content_buf.set(first.as_ptr());
            // SAFETY: the head was checked to lie inside the buffer.
            info.content_length
                .set(unsafe { (*info.request.get()).content_length });
        }
        let data = match self.context().library().request_data_size() {
            0 => null_mut(),
            _ => (&raw const *self).wrapping_add(1).cast_mut().cast(),
        };
        info.data.set(data);
    }

    fn content(&self) -> Option<&Buffer> {
        // SAFETY: null or one of the buffers of this request.
        unsafe { Buffer::from_ptr(self.info.content_buf.get()) }
    }

    /// Whether the body is longer than what came with the head.
    pub(super) fn body_is_incomplete(&self) -> bool {
        let here = self.content().map_or(0, Buffer::rest);
        self.info.content_length.get() > here as u64
    }

    /// Takes over more of the body; how much of it there is now.
    pub(super) fn add_body(&self, chunks: &BufferList, fd: c_int) -> u64 {
        for buffer in chunks.iter() {
            buffer.set_request(self);
        }
        self.incoming.append(chunks);
        if fd >= 0 {
            self.close_content_fd();
            self.info.content_fd.set(fd);
        }
        let here = std::iter::successors(self.content(), |b| b.next());
        here.map(|b| b.rest() as u64).sum()
    }

    fn close_content_fd(&self) {
        let fd = self.info.content_fd.replace(-1);
        // SAFETY: the request owns its descriptor and has just forgotten it.
        drop(unsafe { super::port::own_fd(fd) });
    }

    /// Reads from the body's file.
    fn read_file(&self, to: &mut [std::mem::MaybeUninit<u8>]) -> Result<usize, nix::errno::Errno> {
        loop {
            // SAFETY: the memory is writable and as long as said.
            let n =
                unsafe { libc::read(self.info.content_fd.get(), to.as_mut_ptr().cast(), to.len()) };
            match usize::try_from(n) {
                Ok(n) => {
                    if n < to.len() {
                        self.close_content_fd();
                    }
                    return Ok(n);
                }
                Err(_) => match nix::errno::Errno::last() {
                    nix::errno::Errno::EINTR => continue,
                    error => return Err(error),
                },
            }
        }
    }

    /// Reads from the body, first what is in buffers, then the file (`nxt_unit_request_read`).
    /// Negative on error.
    pub fn read(&self, to: &mut [std::mem::MaybeUninit<u8>]) -> isize {
        let info = &self.info;
        let copied = read_buffers(&info.content_buf, &info.content_length, to);
        let rest = &mut to[copied..];
        if rest.is_empty() || info.content_fd.get() < 0 {
            return copied as isize;
        }
        match self.read_file(rest) {
            Ok(n) => {
                info.content_length
                    .set(info.content_length.get().saturating_sub(n as u64));
                (copied + n) as isize
            }
            Err(error) => {
                report_request!(self, ALERT, "failed to read content: {error}");
                if copied > 0 { copied as isize } else { -1 }
            }
        }
    }

    /// Bytes up to and with the next line feed, at most `max` (`nxt_unit_request_readline_size`).
    /// Negative on error.
    pub fn readline_size(&self, max: usize) -> isize {
        if self.info.content_length.get() == 0 {
            return 0;
        }
        let mut size = 0;
        let mut current = self.content();
        while let Some(buffer) = current {
            // SAFETY: `free..end` are readable bytes of the buffer.
            let bytes = unsafe {
                std::slice::from_raw_parts(buffer.info().free.get().cast::<u8>(), buffer.rest())
            };
            if let Some(at) = memchr::memchr(b'\n', bytes) {
                size += at + 1;
                break;
            }
            size += bytes.len();
            if size >= max {
                break;
            }
            let more_in_file = buffer.next().is_none()
                && self.info.content_fd.get() >= 0
                && (size as u64) < self.info.content_length.get();
            if more_in_file {
                match self.preread(16384) {
                    Ok(more) => self.incoming.insert_after(buffer, more),
                    Err(Failed) => return -1,
                }
            }
            current = buffer.next();
        }
        size.min(max) as isize
    }

    /// Moves bytes of the body's file into a buffer.
    fn preread(&self, size: usize) -> Result<&Buffer, Failed> {
        let mut bytes = Box::new_uninit_slice(size);
        let n = self.read_file(&mut bytes).map_err(|error| {
            report_request!(self, ALERT, "failed to read content: {error}");
            Failed
        })?;
        let buffer = self.context().new_buffer();
        buffer.set_request(self);
        buffer.set_memory(Memory::Heap(bytes));
        buffer
            .info()
            .end
            .set(buffer.info().start.get().wrapping_add(n));
        Ok(buffer)
    }

    /// Gives the request back, when it has been answered.
    pub(super) fn release(&self) {
        if self.is_released() {
            return;
        }
        let ctx = self.context();
        self.info.response.set(null_mut());
        self.info.response_buf.set(null_mut());
        ctx.unregister(self);
        for list in [&self.outgoing, &self.incoming] {
            while let Some(buffer) = list.pop() {
                ctx.recycle_buffer(buffer);
            }
        }
        self.info.content_buf.set(null_mut());
        self.info.request.set(null_mut());
        self.close_content_fd();
        self.info.response_port.set(null_mut());
        self.port.replace(None);
        self.phase.set(Phase::Released);
        ctx.recycle_request(self);
        if !ctx.takes_requests() {
            ctx.quit(crate::ipc::message::QUIT_GRACEFUL);
        }
    }
}

/// Copies from a chain of buffers and moves the position in it; how much was copied.
pub(super) fn read_buffers(
    position: &Cell<*mut nxt_unit_buf_t>,
    left: &Cell<u64>,
    to: &mut [std::mem::MaybeUninit<u8>],
) -> usize {
    let mut copied = 0;
    // SAFETY: null or a buffer of the request or frame that `position` belongs to.
    let mut current = unsafe { Buffer::from_ptr(position.get()) };
    while let Some(buffer) = current {
        position.set(buffer.as_ptr());
        let room = &mut to[copied..];
        let n = buffer.rest().min(room.len());
        // SAFETY: `free..end` are readable, `room` is writable and the caller's own.
        unsafe {
            room.as_mut_ptr()
                .cast::<u8>()
                .copy_from(buffer.info().free.get().cast::<u8>(), n);
        }
        buffer.advance(n);
        copied += n;
        if copied == to.len() {
            break;
        }
        current = buffer.next();
    }
    left.set(left.get().saturating_sub(copied as u64));
    copied
}
