//! Processing of received messages.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};

use super::buffer::{BufferList, Memory};
use super::log::{report, report_request};
use super::port::{Port, Queue};
use super::receive::Received;
use super::{Context, Failed, Request};
use crate::abi::unit::*;
use crate::ipc::message::{ChunkRef, Header, QUIT_GRACEFUL, QUIT_NORMAL, kind};
use crate::ipc::segment::SegmentError;
use crate::ipc::{NewPort, Pid, PortId, PortQueue, peers};

/// Where `nxt_unit_dequeue_request` gets its request, instead of the request handler.
pub(super) type Wanted<'a, 'c> = Option<&'a mut Option<&'c Request>>;

/// Why a message's chunks are not there.
enum Missing {
    /// The segment has to be asked for.
    Segment(u32),
    /// The message is wrong.
    Bad,
}

impl Context {
    /// Processes a message; callbacks run here.
    pub(super) fn process<'c>(&'c self, mut message: Received, wanted: Wanted<'_, 'c>) -> c_int {
        if message.bytes().is_empty() {
            // The daemon has closed the port.
            self.recycle(message);
            self.quit(QUIT_GRACEFUL);
            return NXT_UNIT_OK;
        }
        let lib = self.library();
        let Some(header) = message.header() else {
            report!(
                Some(lib),
                ALERT,
                "message too small ({} bytes)",
                message.bytes().len()
            );
            self.recycle(message);
            return NXT_UNIT_ERROR;
        };
        let stream = header.stream;
        let refused = if header.kind >= kind::MAX {
            Some("unknown")
        } else if header.nf || header.mf {
            Some("fragmented")
        } else {
            None
        };
        if let Some(what) = refused {
            report!(
                Some(lib),
                ALERT,
                "#{stream}: {what} message type ({})",
                header.kind
            );
            self.recycle(message);
            return NXT_UNIT_ERROR;
        }

        let chunks = BufferList::new();
        if header.mmap {
            match self.map_chunks(&header, &message, &chunks) {
                Ok(()) => {}
                Err(Missing::Segment(id)) => {
                    return match lib.park(self, header.pid, id, message) {
                        Ok(()) => NXT_UNIT_AGAIN,
                        Err(Failed) => NXT_UNIT_ERROR,
                    };
                }
                Err(Missing::Bad) => {
                    self.recycle(message);
                    return NXT_UNIT_ERROR;
                }
            }
        }

        let result = match header.kind {
            kind::REQ_HEADERS => self.process_request(&header, &mut message, &chunks, wanted),
            kind::REQ_BODY => {
                self.process_body(&header, &mut message, &chunks);
                Ok(())
            }
            kind::WEBSOCKET => self.process_websocket(&header, &message, &chunks),
            kind::RPC_READY => Ok(()),
            kind::QUIT => {
                self.quit(match message.body() {
                    [how] => *how,
                    _ => QUIT_NORMAL,
                });
                Ok(())
            }
            kind::NEW_PORT => self.process_new_port(&mut message),
            kind::PORT_ACK => self.become_ready(),
            kind::CHANGE_FILE => self.process_change_file(&message),
            kind::MMAP => self.process_segment(header.pid, &message),
            kind::REMOVE_PID => match message.body().try_into() {
                Ok(pid) => {
                    lib.remove_pid(self, Pid::from_ne_bytes(pid));
                    Ok(())
                }
                Err(_) => {
                    report!(
                        Some(lib),
                        ALERT,
                        "#{stream}: remove_pid: invalid message size"
                    );
                    Err(Failed)
                }
            },
            kind::SHM_ACK => {
                if let Some(shm_ack_handler) = lib.callbacks().shm_ack_handler {
                    // SAFETY: the context is alive; the callback is the application's.
                    unsafe { shm_ack_handler(self.as_ptr()) };
                }
                Ok(())
            }
            other => {
                report!(Some(lib), ALERT, "#{stream}: ignore message type: {other}");
                Err(Failed)
            }
        };
        // Chunks that nobody took go back to the router.
        while let Some(buffer) = chunks.pop() {
            self.recycle_buffer(buffer);
        }
        self.recycle(message);
        match result {
            Ok(()) => NXT_UNIT_OK,
            Err(Failed) => NXT_UNIT_ERROR,
        }
    }

    /// Makes buffers of the chunks that the message names.
    fn map_chunks(
        &self,
        header: &Header,
        message: &Received,
        chunks: &BufferList,
    ) -> Result<(), Missing> {
        let lib = self.library();
        // The chunk objects are made only when all segments are there: dropping one releases it,
        // and a message that has to wait is looked at again.
        let refs = || ChunkRef::parse(message.body());
        if refs().len() == 0 {
            report!(
                Some(lib),
                WARN,
                "#{}: mmap_read: too small message",
                header.stream
            );
            return Err(Missing::Bad);
        }
        if refs().len() > 1 {
            for chunk in refs() {
                if !lib.knows_segment(header.pid, chunk.segment) {
                    return Err(Missing::Segment(chunk.segment));
                }
            }
        }
        for chunk in refs() {
            match lib.chunk(header.pid, chunk) {
                Ok(bytes) => {
                    let buffer = self.new_buffer();
                    buffer.set_memory(Memory::Shared(bytes));
                    chunks.push(buffer);
                }
                Err(SegmentError::Unknown(id)) => return Err(Missing::Segment(id)),
                Err(error) => {
                    report!(Some(lib), ALERT, "#{}: {error}", header.stream);
                    while let Some(buffer) = chunks.pop() {
                        self.recycle_buffer(buffer);
                    }
                    return Err(Missing::Bad);
                }
            }
        }
        Ok(())
    }

    fn process_request<'c>(
        &'c self,
        header: &Header,
        message: &mut Received,
        chunks: &BufferList,
        wanted: Wanted<'_, 'c>,
    ) -> Result<(), Failed> {
        let lib = self.library();
        let Some(first) = chunks.first().filter(|_| header.mmap) else {
            report!(
                Some(lib),
                WARN,
                "#{}: data is not in shared memory",
                header.stream
            );
            return Err(Failed);
        };
        let Some(body_start) = check_request_head(first.info()) else {
            report!(
                Some(lib),
                WARN,
                "#{}: malformed request head",
                header.stream
            );
            return Err(Failed);
        };
        let request = self.new_request();
        let fd = message.fds[0].take().map_or(-1, IntoRawFd::into_raw_fd);
        request.begin(header.stream, chunks, body_start, fd);

        let port = PortId {
            pid: header.pid,
            id: header.reply_port,
        };
        if self.request_port(request, port)? {
            self.start_request(request, wanted);
        }
        Ok(())
    }

    /// Gives the request its response port; false if that has to be asked for, then the request
    /// waits.
    fn request_port(&self, request: &Request, id: PortId) -> Result<bool, Failed> {
        let lib = self.library();
        let (port, new) = lib.find_or_expect_port(id);
        request.set_response_port(port.clone());
        if port.is_ready() {
            return Ok(true);
        }
        self.expect_item();
        if !port.await_ready(request) {
            self.cancel_item();
            return Ok(true);
        }
        if new {
            let sent = self.read_port().ok_or(Failed).and_then(|read_port| {
                let header = Header::new(lib.pid(), kind::GET_PORT, 0)
                    .with_last(false)
                    .reply_to(read_port.id().id);
                lib.router_port()?
                    .send(self, &header, &peers::encode_get_port(id), &[])
            });
            if sent.is_err() {
                // Nobody can be answered: the router is gone.
                port.forget_request(request);
                self.cancel_item();
                lib.remove_port(Some(self), id);
                request.done(NXT_UNIT_ERROR);
                return Err(Failed);
            }
        }
        Ok(false)
    }

    /// Acknowledges a request and hands it to the application, or lets it wait for its body.
    pub(super) fn start_request<'c>(&'c self, request: &'c Request, wanted: Wanted<'_, 'c>) {
        let lib = self.library();
        let acknowledged = self.read_port().ok_or(Failed).and_then(|port| {
            let header = Header::new(lib.pid(), kind::REQ_HEADERS_ACK, request.stream())
                .reply_to(port.id().id);
            request.send(&header, &[])
        });
        if acknowledged.is_err() {
            request.done(NXT_UNIT_ERROR);
            return;
        }
        if request.body_is_incomplete() {
            self.register(request);
            // An application with a data handler takes the body as it comes.
            if lib.callbacks().data_handler.is_none() {
                return;
            }
        }
        match wanted {
            Some(place) => *place = Some(request),
            None => self.call_request_handler(request),
        }
    }

    fn call_request_handler(&self, request: &Request) {
        if let Some(request_handler) = self.library().callbacks().request_handler {
            // SAFETY: the request is alive; the callback is the application's.
            unsafe { request_handler(request.as_ptr()) };
        }
    }

    fn process_body(&self, header: &Header, message: &mut Received, chunks: &BufferList) {
        // A request that is done with may still get its body.
        let Some(request) = self.registered(header.stream, header.last) else {
            return;
        };
        let fd = message.fds[0].take().map_or(-1, IntoRawFd::into_raw_fd);
        let available = request.add_body(chunks, fd);
        if let Some(data_handler) = self.library().callbacks().data_handler {
            // SAFETY: the request is alive; the callback is the application's.
            unsafe { data_handler(request.as_ptr()) };
        } else if fd >= 0 || available == request.info().content_length.get() {
            self.call_request_handler(request);
        } else if header.last {
            // The rest will not come.
            report_request!(request, WARN, "request body is incomplete");
            request.done(NXT_UNIT_ERROR);
        }
    }

    fn process_new_port(&self, message: &mut Received) -> Result<(), Failed> {
        let lib = self.library();
        let Some(new) = NewPort::decode(message.body()) else {
            report!(Some(lib), WARN, "new_port: invalid message");
            return Err(Failed);
        };
        let Some(fd) = message.fds[0].take() else {
            report!(Some(lib), ALERT, "new_port: no descriptor");
            return Err(Failed);
        };
        let queue = match &message.fds[1] {
            Some(memory) => match PortQueue::map(memory.as_fd()) {
                Ok(queue) => Some(Queue::Port(queue)),
                Err(error) => {
                    report!(Some(lib), ALERT, "new_port: {error}");
                    return Err(Failed);
                }
            },
            None => None,
        };
        lib.add_port(self, Port::new(new.port, -1, fd.into_raw_fd(), queue));
        Ok(())
    }

    fn process_change_file(&self, message: &Received) -> Result<(), Failed> {
        let lib = self.library();
        let Some(fd) = &message.fds[0] else {
            report!(Some(lib), ALERT, "change_file: no descriptor");
            return Err(Failed);
        };
        // SAFETY: both are descriptors; the log's is this library's to redirect.
        if unsafe { libc::dup2(fd.as_raw_fd(), lib.log_fd()) } < 0 {
            let error = nix::errno::Errno::last();
            report!(
                Some(lib),
                ALERT,
                "dup2({}, {}): {error}",
                fd.as_raw_fd(),
                lib.log_fd()
            );
            return Err(Failed);
        }
        Ok(())
    }

    fn process_segment(&self, pid: Pid, message: &Received) -> Result<(), Failed> {
        let lib = self.library();
        let Some(fd) = &message.fds[0] else {
            report!(Some(lib), ALERT, "mmap: no descriptor");
            return Err(Failed);
        };
        lib.add_segment(self, pid, fd.as_fd()).map_err(|error| {
            report!(Some(lib), ALERT, "incoming_mmap: {error}");
            Failed
        })
    }
}

/// Checks that the first buffer of a request holds the head it promises; the offset of the body's
/// first bytes in it.
fn check_request_head(buf: &nxt_unit_buf_t) -> Option<usize> {
    let size = buf.end.get() as usize - buf.start.get() as usize;
    let fixed = size_of::<nxt_unit_request_t>();
    if size < fixed {
        return None;
    }
    let head = buf.start.get().cast::<nxt_unit_request_t>();
    // SAFETY: the fixed part lies inside the buffer, which starts at a chunk, so it is aligned.
    let (fields, body) = unsafe {
        let body = nxt_unit_sptr_t::target(&(*head).preread_content);
        ((*head).fields_count as usize, body as usize)
    };
    let body = body.checked_sub(buf.start.get() as usize)?;
    let fits = fixed + fields.checked_mul(size_of::<nxt_unit_field_t>())? <= size;
    (fits && body <= size).then_some(body)
}
