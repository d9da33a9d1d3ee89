//! Responses: the head built in place, and the body in pieces.

use std::ffi::{c_char, c_int};

use super::buffer::{Buffer, Memory};
use super::fields::field_hash;
use super::log::report_request;
use super::memory::{Need, Outgoing};
use super::request::Phase;
use super::{Failed, MAX_PLAIN, Request};
use crate::abi::unit::*;
use crate::ipc::message::{Header, kind};
use crate::ipc::segment::{CHUNK_SIZE, DATA_SIZE, OutgoingRun};

const HEAD: usize = size_of::<nxt_unit_response_t>();
const FIELD: usize = size_of::<nxt_unit_field_t>();

fn code(result: Result<(), Failed>) -> c_int {
    match result {
        Ok(()) => NXT_UNIT_OK,
        Err(Failed) => NXT_UNIT_ERROR,
    }
}

/// Bytes for a head with so many fields of that many bytes; each name and value gets a zero byte.
fn head_size(fields: u32, bytes: u32) -> usize {
    HEAD + fields as usize * (FIELD + 2) + bytes as usize
}

impl Request {
    fn response_buffer(&self) -> Option<&Buffer> {
        // SAFETY: null or the buffer of this request's response.
        unsafe { Buffer::from_ptr(self.info().response_buf.get()) }
    }

    /// The response may be changed: it has a head and has not been sent.
    fn check_open(&self, what: &str) -> Result<(), Failed> {
        let problem = match self.phase.get() {
            Phase::Start => "response is not initialized yet",
            Phase::HasHead | Phase::HasContent => return Ok(()),
            Phase::Sent | Phase::Released => "response already sent",
        };
        report_request!(self, WARN, "{what}: {problem}");
        Err(Failed)
    }

    /// Whether there is a response head (`nxt_unit_response_is_init`).
    pub fn has_response(&self) -> bool {
        self.phase.get() >= Phase::HasHead
    }

    /// Whether the head is sent (`nxt_unit_response_is_sent`).
    pub fn is_response_sent(&self) -> bool {
        self.phase.get() >= Phase::Sent
    }

    /// Begins a response (`nxt_unit_response_init`); once more begins it anew.
    pub fn init_response(&self, status: u16, max_fields: u32, max_bytes: u32) -> c_int {
        if self.is_response_sent() {
            report_request!(self, WARN, "init: response already sent");
            return NXT_UNIT_ERROR;
        }
        let size = head_size(max_fields, max_bytes);
        let info = self.info();
        let buffer = match self.response_buffer() {
            Some(buffer) if buffer.filled() + buffer.rest() >= size => Some(buffer),
            Some(buffer) => {
                buffer.discard();
                info.response_buf.set(std::ptr::null_mut());
                info.response.set(std::ptr::null_mut());
                info.response_max_fields.set(0);
                self.phase.set(Phase::Start);
                None
            }
            None => None,
        };
        let Some(buffer) = buffer.or_else(|| self.new_outgoing(size)) else {
            return NXT_UNIT_ERROR;
        };
        start_head(buffer, max_fields, status, 0);
        self.use_head(buffer, max_fields);
        self.phase.set(Phase::HasHead);
        NXT_UNIT_OK
    }

    fn use_head(&self, buffer: &Buffer, max_fields: u32) {
        self.info().response_buf.set(buffer.as_ptr());
        self.info().response.set(buffer.info().start.get().cast());
        self.info().response_max_fields.set(max_fields);
    }

    /// Moves the response to a larger buffer (`nxt_unit_response_realloc`).
    pub fn realloc_response(&self, max_fields: u32, max_bytes: u32) -> c_int {
        code(self.try_realloc(max_fields, max_bytes))
    }

    fn try_realloc(&self, max_fields: u32, max_bytes: u32) -> Result<(), Failed> {
        self.check_open("realloc")?;
        let old = self.response_buffer().ok_or(Failed)?;
        let head = self.info().response.get();
        // SAFETY: an open response has a head that this library made.
        let (count, status, length) =
            unsafe { ((*head).fields_count, (*head).status, (*head).content_length) };
        if max_fields < count {
            report_request!(self, WARN, "realloc: new max_fields_count is too small");
            return Err(Failed);
        }
        let new = self
            .new_outgoing(head_size(max_fields, max_bytes))
            .ok_or(Failed)?;
        start_head(new, max_fields, status, length);

        let mut complete = true;
        // SAFETY: head and fields lie in the old buffer; names, values and the content were set by
        // add_field and add_content, or by the application in the same way.
        unsafe {
            for i in 0..count as usize {
                let field = &*(&raw const (*head).fields)
                    .cast::<nxt_unit_field_t>()
                    .add(i);
                if field.flags & 1 != 0 {
                    continue;
                }
                let name = std::slice::from_raw_parts(
                    nxt_unit_sptr_t::target(&field.name).cast::<u8>(),
                    field.name_length as usize,
                );
                let value = std::slice::from_raw_parts(
                    nxt_unit_sptr_t::target(&field.value).cast::<u8>(),
                    field.value_length as usize,
                );
                complete &= put_field(new, name, value, Some(field.hash));
            }
            let content_length = (*head).piggyback_content_length as usize;
            if content_length > 0 {
                let content = std::slice::from_raw_parts(
                    nxt_unit_sptr_t::target(&(*head).piggyback_content).cast::<u8>(),
                    content_length,
                );
                complete &= put_content(new, content);
            }
        }
        if !complete {
            report_request!(self, WARN, "realloc: not enough space");
            new.discard();
            return Err(Failed);
        }
        self.use_head(new, max_fields);
        old.discard();
        Ok(())
    }

    /// Adds a field (`nxt_unit_response_add_field`).
    pub fn add_field(&self, name: &[u8], value: &[u8]) -> c_int {
        if self.phase.get() != Phase::HasHead {
            let text = "response not initialized or already sent";
            report_request!(self, WARN, "add_field: {text}");
            return NXT_UNIT_ERROR;
        }
        let Some(buffer) = self.response_buffer() else {
            return NXT_UNIT_ERROR;
        };
        // SAFETY: an initialized response has a head.
        let count = unsafe { (*self.info().response.get()).fields_count };
        if count >= self.info().response_max_fields.get() {
            report_request!(self, WARN, "add_field: too many response fields ({count})");
            return NXT_UNIT_ERROR;
        }
        if !put_field(buffer, name, value, None) {
            report_request!(self, WARN, "add_field: response buffer overflow");
            return NXT_UNIT_ERROR;
        }
        NXT_UNIT_OK
    }

    /// Adds bytes of the body behind the head (`nxt_unit_response_add_content`).
    pub fn add_content(&self, bytes: &[u8]) -> c_int {
        code(self.try_add_content(bytes))
    }

    fn try_add_content(&self, bytes: &[u8]) -> Result<(), Failed> {
        self.check_open("add_content")?;
        let buffer = self.response_buffer().ok_or(Failed)?;
        if !put_content(buffer, bytes) {
            report_request!(self, WARN, "add_content: buffer overflow");
            return Err(Failed);
        }
        self.phase.set(Phase::HasContent);
        Ok(())
    }

    /// Sends the head, with what there is of the body (`nxt_unit_response_send`).
    pub fn send_response(&self) -> c_int {
        code(self.try_send_response())
    }

    fn try_send_response(&self) -> Result<(), Failed> {
        self.check_open("send")?;
        let buffer = self.response_buffer().ok_or(Failed)?;
        if self.is_handshake() {
            // SAFETY: an open response has a head.
            let status = unsafe { (*self.info().response.get()).status };
            if status == 101 {
                // It cannot fail: the response is open.
                self.upgrade();
            }
        }
        self.send_buffer(buffer, false)?;
        self.info().response.set(std::ptr::null_mut());
        self.info().response_buf.set(std::ptr::null_mut());
        self.phase.set(Phase::Sent);
        buffer.discard();
        Ok(())
    }

    /// A buffer for the response (`nxt_unit_response_buf_alloc`).
    pub fn new_response_buffer(&self, size: u32) -> Option<&Buffer> {
        self.new_outgoing(size as usize)
    }

    fn new_outgoing(&self, size: usize) -> Option<&Buffer> {
        if size > DATA_SIZE {
            let text = "response_buf_alloc: requested buffer";
            report_request!(self, WARN, "{text} ({size}) too big");
            return None;
        }
        let ctx = self.context();
        let memory = self
            .response_port()
            .and_then(|port| ctx.outgoing(&port, size, Need::AtLeast(size)))
            .map(|outgoing| match outgoing {
                Outgoing::Run(run) => Memory::Run(run),
                Outgoing::Plain | Outgoing::Nothing => Memory::heap(size),
            });
        let Ok(memory) = memory else {
            report_request!(self, ALERT, "response_buf_alloc: failed to get out buf");
            return None;
        };
        let buffer = ctx.new_buffer();
        buffer.set_request(self);
        buffer.set_memory(memory);
        if size <= MAX_PLAIN {
            buffer.limit(size);
        }
        self.outgoing.push(buffer);
        Some(buffer)
    }

    /// Sends a buffer's bytes and takes its memory; the buffer itself stays.
    fn send_buffer(&self, buffer: &Buffer, last: bool) -> Result<(), Failed> {
        let filled = buffer.filled();
        let start = buffer.info().start.get();
        match buffer.take_memory() {
            Memory::Run(run) if filled > 0 => self.send_run(run, filled, last),
            memory => {
                let bytes: &[u8] = match &memory {
                    // SAFETY: `start..free` lies in the memory, which lives until after the call,
                    // and was written by the application or this library.
                    Memory::Heap(room) if filled <= room.len() => unsafe {
                        std::slice::from_raw_parts(start.cast::<u8>(), filled)
                    },
                    _ if filled == 0 => &[],
                    _ => {
                        report_request!(self, ALERT, "a buffer without memory cannot be sent");
                        return Err(Failed);
                    }
                };
                self.send_plain(bytes, last)
            }
        }
    }

    fn data_header(&self, last: bool) -> Header {
        let pid = self.context().library().pid();
        Header::new(pid, kind::DATA, self.stream()).with_last(last)
    }

    /// Sends the first `size` bytes of a run.
    pub(super) fn send_run(&self, run: OutgoingRun, size: usize, last: bool) -> Result<(), Failed> {
        let header = Header {
            mmap: true,
            ..self.data_header(last)
        };
        let chunk = run.into_sent(size);
        self.send(&header, &chunk.encode()).inspect_err(|_| {
            self.context().library().outgoing().release_unsent(chunk);
        })
    }

    /// Sends bytes in the message itself.
    pub(super) fn send_plain(&self, bytes: &[u8], last: bool) -> Result<(), Failed> {
        self.send(&self.data_header(last), bytes)
    }

    /// Sends the bytes of a buffer, after the head (`nxt_unit_buf_send`).
    pub fn send_body_buffer(&self, buffer: &Buffer) -> c_int {
        if self.phase.get() != Phase::Sent {
            let text = match self.phase.get() {
                Phase::Start => "response not initialized yet",
                _ => "headers not sent yet",
            };
            report_request!(self, WARN, "buf_send: {text}");
            return NXT_UNIT_ERROR;
        }
        if buffer.filled() > 0 && self.send_buffer(buffer, false).is_err() {
            return NXT_UNIT_ERROR;
        }
        buffer.discard();
        NXT_UNIT_OK
    }

    /// Sends bytes of the body, and the head if it is not sent yet (`nxt_unit_response_write_nb`):
    /// how many, at least `min` unless that fails. Negative on error.
    pub fn write(&self, bytes: &[u8], min: usize) -> isize {
        match self.try_write(bytes, min) {
            Ok(sent) => sent as isize,
            Err(Failed) => -(NXT_UNIT_ERROR as isize),
        }
    }

    fn try_write(&self, bytes: &[u8], min: usize) -> Result<usize, Failed> {
        if !self.has_response() {
            report_request!(self, ALERT, "write: response not initialized yet");
            return Err(Failed);
        }
        let mut sent = 0;
        if let Some(buffer) = self.response_buffer() {
            // The rest of the chunk is there anyway, and one message is better than two.
            buffer.unlimit();
            sent = bytes.len().min(buffer.rest());
            self.try_add_content(&bytes[..sent])?;
            self.try_send_response()?;
        }
        let port = self.response_port()?;
        while sent < bytes.len() {
            let part = &bytes[sent..bytes.len().min(sent + DATA_SIZE)];
            let min = min.saturating_sub(sent).min(part.len()).min(CHUNK_SIZE);
            let need = if min == 0 {
                Need::Anything
            } else {
                Need::AtLeast(min)
            };
            match self.context().outgoing(&port, part.len(), need)? {
                Outgoing::Run(mut run) => {
                    let n = part.len().min(run.capacity());
                    run.write(0, &part[..n]);
                    self.send_run(run, n, false)?;
                    sent += n;
                }
                Outgoing::Plain => {
                    self.send_plain(part, false)?;
                    sent += part.len();
                }
                Outgoing::Nothing => break,
            }
        }
        Ok(sent)
    }

    /// Sends a body that a callback supplies (`nxt_unit_response_write_cb`).
    ///
    /// # Safety
    /// `source` points at a filled structure that stays valid during the call.
    pub unsafe fn write_from(&self, source: *mut nxt_unit_read_info_t) -> c_int {
        // SAFETY: the caller's.
        code(unsafe { self.try_write_from(source) })
    }

    /// # Safety
    /// As for [`Request::write_from`].
    unsafe fn try_write_from(&self, source: *mut nxt_unit_read_info_t) -> Result<(), Failed> {
        if !self.has_response() {
            report_request!(self, ALERT, "write: response not initialized yet");
            return Err(Failed);
        }
        // SAFETY: the caller's.
        let (read, wanted) = unsafe { ((*source).read.ok_or(Failed)?, (*source).buf_size) };
        // SAFETY: as above; the callback changes the field.
        let at_end = || unsafe { (*source).eof } != 0;
        let fill = |to: *mut c_char, room: usize| {
            // SAFETY: `room` bytes at `to` are writable; the callback is the application's.
            let n = unsafe { read(source, to.cast(), room) };
            usize::try_from(n)
                .ok()
                .filter(|&n| n <= room)
                .ok_or_else(|| {
                    report_request!(self, ERROR, "Read error");
                    Failed
                })
        };

        if let Some(buffer) = self.response_buffer() {
            buffer.unlimit();
            self.try_add_content(&[])?;
            while buffer.rest() > 0 && !at_end() {
                let n = fill(buffer.info().free.get(), buffer.rest())?;
                buffer.advance(n);
                // SAFETY: the response is open, so it has a head; the content was started above.
                unsafe { (*self.info().response.get()).piggyback_content_length += n as u32 };
                if n == 0 {
                    break;
                }
            }
            self.try_send_response()?;
        }
        let port = self.response_port()?;
        let size = (wanted as usize).clamp(1, DATA_SIZE);
        while !at_end() {
            match self.context().outgoing(&port, size, Need::AtLeast(size))? {
                Outgoing::Run(run) => {
                    let mut filled = 0;
                    while !at_end() && filled < run.capacity() {
                        let to = run.start().wrapping_add(filled).cast();
                        filled += fill(to, run.capacity() - filled)?;
                    }
                    if filled > 0 {
                        self.send_run(run, filled, false)?;
                    }
                }
                Outgoing::Plain | Outgoing::Nothing => {
                    let mut local = [0u8; MAX_PLAIN];
                    let room = size.min(local.len());
                    let mut filled = 0;
                    while !at_end() && filled < room {
                        let to = local[filled..].as_mut_ptr().cast();
                        filled += fill(to, room - filled)?;
                    }
                    if filled > 0 {
                        self.send_plain(&local[..filled], false)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Ends the request: completes the response, or reports a failure (`nxt_unit_request_done`).
    pub fn done(&self, rc: c_int) {
        if self.is_released() {
            return;
        }
        let mut ok = rc == NXT_UNIT_OK;
        if ok && !self.has_response() {
            const NAME: &[u8] = b"Content-Type";
            const VALUE: &[u8] = b"text/plain";
            ok = self.init_response(200, 1, (NAME.len() + VALUE.len()) as u32) == NXT_UNIT_OK
                && self.add_field(NAME, VALUE) == NXT_UNIT_OK;
        }
        if ok
            && !self.is_response_sent()
            && let Some(buffer) = self.response_buffer()
        {
            if self.send_buffer(buffer, true).is_ok() {
                self.release();
                return;
            }
            ok = false;
        }
        let header = if ok {
            self.data_header(true)
        } else {
            let pid = self.context().library().pid();
            Header::new(pid, kind::RPC_ERROR, self.stream())
        };
        // A failure has been logged; the router will notice when the process ends.
        let _ = self.send(&header, &[]);
        self.release();
    }
}

/// Writes an empty response head into a buffer and reserves room for the fields.
fn start_head(buffer: &Buffer, max_fields: u32, status: u16, content_length: u64) {
    let head = buffer.info().start.get().cast::<nxt_unit_response_t>();
    // SAFETY: the buffer has room for the head and that many fields (head_size), and starts
    // aligned: at a chunk or on the heap, where the allocator aligns what is this large.
    unsafe {
        head.cast::<u8>().write_bytes(0, HEAD);
        (&raw mut (*head).status).write_unaligned(status);
        (&raw mut (*head).content_length).write_unaligned(content_length);
    }
    let used = HEAD + max_fields as usize * FIELD;
    buffer
        .info()
        .free
        .set(buffer.info().start.get().wrapping_add(used));
}

/// Adds a field to the head in a buffer; false if it does not fit.
fn put_field(buffer: &Buffer, name: &[u8], value: &[u8], hash: Option<u16>) -> bool {
    let Ok(name_length) = u8::try_from(name.len()) else {
        return false;
    };
    if buffer.rest() < name.len() + value.len() + 2 {
        return false;
    }
    let head = buffer.info().start.get().cast::<nxt_unit_response_t>();
    let name_at = buffer.info().free.get();
    buffer.append(name);
    buffer.append(&[0]);
    let value_at = buffer.info().free.get();
    buffer.append(value);
    buffer.append(&[0]);
    // SAFETY: the caller made sure that a field is left of those that start_head reserved.
    unsafe {
        let count = (*head).fields_count as usize;
        let field = (&raw mut (*head).fields)
            .cast::<nxt_unit_field_t>()
            .add(count);
        (*field).hash = hash.unwrap_or_else(|| field_hash(name));
        (*field).flags = 0;
        (*field).name_length = name_length;
        (*field).value_length = value.len() as u32;
        nxt_unit_sptr_t::point(&raw mut (*field).name, name_at);
        nxt_unit_sptr_t::point(&raw mut (*field).value, value_at);
        (*head).fields_count += 1;
    }
    true
}

/// Adds content behind the head in a buffer; false if it does not fit.
fn put_content(buffer: &Buffer, bytes: &[u8]) -> bool {
    if buffer.rest() < bytes.len() {
        return false;
    }
    let head = buffer.info().start.get().cast::<nxt_unit_response_t>();
    // SAFETY: the buffer holds a response head.
    unsafe {
        if (*head).piggyback_content_length == 0 {
            let at = buffer.info().free.get();
            nxt_unit_sptr_t::point(&raw mut (*head).piggyback_content, at);
        }
        (*head).piggyback_content_length += bytes.len() as u32;
    }
    buffer.append(bytes);
    true
}
