//! WebSocket connections: upgraded requests, and their frames.

use std::cell::Cell;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use super::buffer::{Buffer, BufferList, Memory};
use super::log::report_request;
use super::memory::{Need, Outgoing};
use super::receive::Received;
use super::request::{Phase, read_buffers};
use super::{Context, Failed, Request};
use crate::abi::unit::*;
use crate::http::websocket::{FrameHeader, MAX_FRAME_HEADER, apply_mask, write_frame_header};
use crate::ipc::message::Header;
use crate::ipc::segment::{CHUNK_SIZE, DATA_SIZE};

/// A received frame. It starts with what C sees.
#[repr(C)]
pub struct Frame {
    info: nxt_unit_websocket_frame_t,
    buffers: BufferList,
    ctx: *const Context,
}

impl Frame {
    pub(super) fn create(ctx: &Context) -> Box<Self> {
        Box::new(Frame {
            info: nxt_unit_websocket_frame_t {
                req: Cell::new(null_mut()),
                payload_len: 0.into(),
                header: Cell::new(null_mut()),
                mask: Cell::new(null_mut()),
                content_buf: Cell::new(null_mut()),
                content_length: 0.into(),
            },
            buffers: BufferList::new(),
            ctx,
        })
    }

    /// The frame that C names.
    ///
    /// # Safety
    /// The pointer is null or came from this library, and the frame is not done with.
    pub unsafe fn from_ptr<'a>(ws: *mut nxt_unit_websocket_frame_t) -> Option<&'a Frame> {
        // SAFETY: the caller's; the structure is the frame's first field.
        unsafe { ws.cast::<Frame>().as_ref() }
    }

    fn as_ptr(&self) -> *mut nxt_unit_websocket_frame_t {
        (&raw const self.info).cast_mut()
    }

    /// Points the C structure at the header in a buffer; `None` if there is no whole header.
    fn show(&self, buffer: &Buffer) -> Option<FrameHeader> {
        let start = buffer.info().start.get().cast::<u8>();
        let size = (buffer.info().end.get() as usize - start as usize).min(MAX_FRAME_HEADER);
        let mut head = [0; MAX_FRAME_HEADER];
        // SAFETY: `start..end` are readable bytes of the buffer; they are copied because they may
        // lie in shared memory.
        unsafe { head.as_mut_ptr().copy_from(start, size) };
        let header = FrameHeader::parse(&head[..size])?;
        let mask_at =
            start.wrapping_add(header.header_len - if header.mask.is_some() { 4 } else { 0 });
        self.info.header.set(start.cast());
        self.info.mask.set(match header.mask {
            Some(_) => mask_at,
            None => null_mut(),
        });
        Some(header)
    }

    /// Reads payload, unmasked (`nxt_unit_websocket_read`).
    pub fn read(&self, to: &mut [MaybeUninit<u8>]) -> isize {
        let info = &self.info;
        let before = info
            .payload_len
            .get()
            .saturating_sub(info.content_length.get());
        let n = read_buffers(&info.content_buf, &info.content_length, to);
        let mask = info.mask.get();
        if !mask.is_null() {
            // SAFETY: the first `n` bytes were just written; a mask is four bytes of the frame.
            let (bytes, mask) = unsafe {
                let bytes = std::slice::from_raw_parts_mut(to.as_mut_ptr().cast::<u8>(), n);
                (bytes, mask.cast::<[u8; 4]>().read())
            };
            apply_mask(bytes, mask, before);
        }
        n as isize
    }

    /// Makes the frame outlive its handler (`nxt_unit_websocket_retain`).
    pub fn retain(&self) -> c_int {
        let Some(buffer) = self.buffers.first().filter(|buffer| !buffer.owns_bytes()) else {
            return NXT_UNIT_OK;
        };
        let (start, used) = (buffer.info().start.get().cast::<u8>(), buffer.filled());
        let size = buffer.info().end.get() as usize - start as usize;
        let mut copy = Box::new_uninit_slice(size);
        // SAFETY: `start..end` are readable bytes of the message in process; the copy is as long.
        unsafe { copy.as_mut_ptr().cast::<u8>().copy_from(start, size) };
        buffer.set_memory(Memory::Heap(copy));
        buffer.advance(used);
        match self.show(buffer) {
            Some(_) => NXT_UNIT_OK,
            None => NXT_UNIT_ERROR,
        }
    }

    /// Gives the frame back (`nxt_unit_websocket_done`).
    pub fn done(&self) {
        // SAFETY: a context outlives its frames.
        let ctx = unsafe { &*self.ctx };
        while let Some(buffer) = self.buffers.pop() {
            ctx.recycle_buffer(buffer);
        }
        if !self.info.req.replace(null_mut()).is_null() {
            ctx.recycle_frame(self);
        }
    }
}

impl Context {
    /// Hands a frame to the application; the last one closes the connection.
    pub(super) fn process_websocket(
        &self,
        header: &Header,
        message: &Received,
        chunks: &BufferList,
    ) -> Result<(), Failed> {
        // A request that is done with may still get frames.
        let callbacks = *self.library().callbacks();
        let request = match self.registered(header.stream, header.last) {
            Some(request) => request,
            // The client of a plain request has left. Only who has a handler for it can tell
            // whether the request is in use by another thread.
            None if header.last && callbacks.close_handler.is_some() => {
                match self.active_request(header.stream) {
                    Some(request) => request,
                    None => return Ok(()),
                }
            }
            None => return Ok(()),
        };
        let size = match chunks.first() {
            Some(first) => first.rest(),
            None => message.body().len(),
        };
        if let Some(websocket_handler) = callbacks.websocket_handler
            && size >= 2
        {
            let frame = self.new_frame();
            if header.mmap {
                frame.buffers.append(chunks);
            } else {
                let buffer = self.new_buffer();
                buffer.set_message(message.body());
                frame.buffers.push(buffer);
            }
            for buffer in frame.buffers.iter() {
                buffer.set_request(request);
            }
            frame.info.req.set(request.as_ptr());
            let shown = frame
                .buffers
                .first()
                .and_then(|first| Some((first, frame.show(first)?)));
            let Some((first, shown)) = shown else {
                report_request!(request, WARN, "malformed websocket frame");
                frame.done();
                return Err(Failed);
            };
            first.advance(shown.header_len);
            frame.info.payload_len.set(shown.payload_len);
            frame.info.content_buf.set(first.as_ptr());
            frame.info.content_length.set(shown.payload_len);
            // SAFETY: frame and request are alive; the callback is the application's.
            unsafe { websocket_handler(frame.as_ptr()) };
        }
        if header.last && !request.is_released() {
            match callbacks.close_handler {
                // SAFETY: the request is alive; the callback is the application's.
                Some(close_handler) => unsafe { close_handler(request.as_ptr()) },
                None => request.done(NXT_UNIT_ERROR),
            }
        }
        Ok(())
    }
}

impl Request {
    /// Whether the client asked for a WebSocket (`nxt_unit_request_is_websocket_handshake`).
    pub fn is_handshake(&self) -> bool {
        let head = self.info().request.get();
        // SAFETY: null or the checked head of this request.
        !head.is_null() && unsafe { (*head).websocket_handshake } != 0
    }

    /// Whether the connection is a WebSocket (`nxt_unit_response_is_websocket`).
    pub fn is_websocket(&self) -> bool {
        self.websocket.get()
    }

    /// Makes the response an upgrade (`nxt_unit_response_upgrade`).
    pub fn upgrade(&self) -> c_int {
        if self.is_websocket() {
            return NXT_UNIT_OK;
        }
        let problem = match self.phase.get() {
            Phase::Start => "response is not initialized yet",
            Phase::Sent | Phase::Released => "response already sent",
            Phase::HasHead | Phase::HasContent => {
                self.context().register(self);
                self.websocket.set(true);
                // SAFETY: an open response has a head.
                unsafe { (*self.info().response.get()).status = 101 };
                return NXT_UNIT_OK;
            }
        };
        report_request!(self, WARN, "upgrade: {problem}");
        NXT_UNIT_ERROR
    }

    /// Sends a frame (`nxt_unit_websocket_send`, `_sendv`).
    pub fn send_frame(&self, opcode: u8, fin: bool, parts: &[&[u8]]) -> c_int {
        match self.try_send_frame(opcode, fin, parts) {
            Ok(()) => NXT_UNIT_OK,
            Err(Failed) => NXT_UNIT_ERROR,
        }
    }

    fn try_send_frame(&self, opcode: u8, fin: bool, parts: &[&[u8]]) -> Result<(), Failed> {
        if self.is_released() {
            report_request!(self, ALERT, "websocket_send: request is done");
            return Err(Failed);
        }
        let payload_len: usize = parts.iter().map(|part| part.len()).sum();
        let mut head = Vec::with_capacity(MAX_FRAME_HEADER);
        write_frame_header(&mut head, fin, opcode, payload_len as u64);

        let port = self.response_port()?;
        let mut left = head.len() + payload_len;
        let mut pieces = std::iter::once(&head[..]).chain(parts.iter().copied());
        let mut piece: &[u8] = &[];
        // Takes the next bytes of head and payload, at most `room`.
        let mut take = |room: usize| {
            while piece.is_empty() {
                piece = pieces.next()?;
            }
            let (now, later) = piece.split_at(piece.len().min(room));
            piece = later;
            Some(now)
        };
        while left > 0 {
            let size = left.min(DATA_SIZE);
            let need = Need::AtLeast(size.min(CHUNK_SIZE));
            let sent = match self.context().outgoing(&port, size, need)? {
                Outgoing::Run(mut run) => {
                    let room = run.capacity().min(size);
                    let mut filled = 0;
                    while filled < room {
                        let Some(bytes) = take(room - filled) else {
                            break;
                        };
                        run.write(filled, bytes);
                        filled += bytes.len();
                    }
                    self.send_run(run, filled, false)?;
                    filled
                }
                Outgoing::Plain | Outgoing::Nothing => {
                    let mut whole = Vec::with_capacity(size);
                    while whole.len() < size {
                        let Some(bytes) = take(size - whole.len()) else {
                            break;
                        };
                        whole.extend_from_slice(bytes);
                    }
                    self.send_plain(&whole, false)?;
                    whole.len()
                }
            };
            if sent == 0 {
                break;
            }
            left -= sent;
        }
        Ok(())
    }
}
