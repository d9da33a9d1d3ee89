//! Sending through a port.

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use libc::c_void;

use super::memory::chunk_of;
use super::{
    nxt_port_inc, nxt_port_post, nxt_port_use, own_engine, port_record, private, sender,
    stop_waiting,
};
use crate::abi::buf::{IS_LAST, IS_PORT_MMAP, IS_PORT_MMAP_SENT, IS_SYNC, nxt_buf_t};
use crate::abi::errno::{NXT_AGAIN, NXT_ERROR, NXT_OK};
use crate::abi::file::nxt_fd_t;
use crate::abi::port::{
    NXT_PORT_MSG_CLOSE_FD, NXT_PORT_MSG_LAST, NXT_PORT_MSG_MASK, nxt_port_id_t, nxt_port_t,
};
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_int_t, nxt_uint_t};
use crate::base::log::Level;
use crate::capi::engine::work_queue::nxt_work_queue_add;
use crate::capi::globals::nxt_pid;
use crate::capi::guard;
use crate::capi::room::has_room;
use crate::capi::thread::{nxt_thread_mutex_lock, nxt_thread_mutex_unlock};
use crate::ipc::message::{ChunkRef, Header, MAX_BODY};
use crate::ipc::{SendError, Sender, Sent};

/// Content up to this size does not travel in shared memory: naming the place takes as much.
const MMAP_MIN: usize = ChunkRef::SIZE;
/// How many places one piece of a message names.
const REFERENCES: usize = MAX_BODY / ChunkRef::SIZE;

/// The content of a chain of buffers.
struct Content<'a> {
    /// All of it, if it lies in one place.
    whole: &'a [u8],
    /// Else a copy.
    copy: Vec<u8>,
    /// Its chunks, if it lies in shared memory.
    chunks: Vec<ChunkRef>,
    /// It has the mark of the end.
    last: bool,
}

/// Bytes of a chain of buffers.
///
/// # Safety
/// `b` is NULL or a chain of buffers that stay as they are meanwhile.
unsafe fn size_of_chain(mut b: *const nxt_buf_t) -> usize {
    let mut size: usize = 0;
    // SAFETY: by the caller's promise; a mark has no memory but its flags.
    unsafe {
        while let Some(flags) = b.as_ref().map(|b| b.flags) {
            if flags & IS_SYNC == 0 {
                size = size.saturating_add(used(b).len());
            }
            b = (*b).next;
        }
    }
    size
}

/// What of a buffer was not read yet.
///
/// # Safety
/// `b` is a buffer with memory, which stays as it is meanwhile.
unsafe fn used<'a>(b: *const nxt_buf_t) -> &'a [u8] {
    // SAFETY: by the caller's promise.
    unsafe {
        let (pos, free) = ((*b).mem.pos, (*b).mem.free);
        match free.addr().checked_sub(pos.addr()) {
            Some(size) if size > 0 && !pos.is_null() => std::slice::from_raw_parts(pos, size),
            _ => &[],
        }
    }
}

impl<'a> Content<'a> {
    /// # Safety
    /// `b` is NULL or a chain of buffers that stay as they are meanwhile.
    unsafe fn new(b: *mut nxt_buf_t) -> Content<'a> {
        let mut content = Content {
            whole: &[],
            copy: Vec::new(),
            chunks: Vec::new(),
            last: false,
        };
        let (mut parts, mut shared, mut size) = (Vec::new(), true, 0);
        let mut next = b;
        // SAFETY: by the caller's promise; a mark has no memory but its flags.
        unsafe {
            while let Some(flags) = next.as_ref().map(|b| b.flags) {
                content.last |= flags & IS_LAST != 0;
                let bytes = if flags & IS_SYNC == 0 {
                    used(next)
                } else {
                    &[]
                };
                if !bytes.is_empty() {
                    let chunk = (flags & IS_PORT_MMAP != 0)
                        .then(|| chunk_of(next))
                        .flatten();
                    shared &= chunk.is_some();
                    content.chunks.extend(chunk);
                    size += bytes.len();
                    parts.push(bytes);
                }
                next = (*next).next;
            }
        }
        if !shared || size <= MMAP_MIN {
            content.chunks.clear();
            match parts[..] {
                [] => {}
                [one] => content.whole = one,
                _ => content.copy = parts.concat(),
            }
        }
        content
    }

    fn send(
        &self,
        sender: &Sender,
        header: Header,
        fds: &[BorrowedFd<'_>],
    ) -> Result<Sent, SendError> {
        let header = header.with_last(header.last || self.last);
        if self.chunks.is_empty() {
            let body = if self.copy.is_empty() {
                self.whole
            } else {
                &self.copy
            };
            return sender.send(&header, body, fds);
        }
        // Each piece names whole places.
        let count = self.chunks.len().div_ceil(REFERENCES);
        let mut sent = Sent::Done;
        for (index, piece) in self.chunks.chunks(REFERENCES).enumerate() {
            let body: Vec<u8> = piece.iter().flat_map(ChunkRef::encode).collect();
            let header = Header {
                mmap: true,
                nf: index > 0,
                mf: index + 1 < count,
                ..header
            };
            sent = sender.send(&header, &body, if index == 0 { fds } else { &[] })?;
        }
        Ok(sent)
    }
}

/// The buffers of a chain are done with: their handlers are queued.
///
/// # Safety
/// `b` is NULL or a chain that belongs to the callee; `task` has an engine.
unsafe fn complete(task: *mut nxt_task_t, b: *mut nxt_buf_t, sent: bool, shared: bool) {
    let mut b = b;
    // SAFETY: by the caller's promise; the memory of a mark ends after `pos`.
    unsafe {
        let engine = own_engine(task);
        while !b.is_null() {
            let next = std::mem::replace(&mut (*b).next, ptr::null_mut());
            if sent && (*b).flags & IS_SYNC == 0 {
                if shared && (*b).flags & IS_PORT_MMAP != 0 && !used(b).is_empty() {
                    (*b).flags |= IS_PORT_MMAP_SENT;
                }
                (*b).mem.pos = (*b).mem.free;
            }
            nxt_work_queue_add(
                &raw mut (*engine).fast_work_queue,
                (*b).completion_handler,
                task,
                b.cast(),
                (*b).parent,
            );
            b = next;
        }
    }
}

/// Sends a message of a kind of `NXT_PORT_MSG_*` with up to two descriptors (-1 is none) and the
/// content of a chain of buffers, whose completion handlers are queued then. Content in buffers of
/// shared memory stays where it is. The receiver of what `reply_port` answers is this process.
///
/// `NXT_OK` also if the receiver is gone. `NXT_AGAIN` if it does not keep up by far, `NXT_ERROR` if
/// the port cannot be used at all: then the buffers and the descriptors remain the caller's.
///
/// # Safety
/// `task` and `port` are NULL or valid; `b` is NULL or a chain of buffers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_socket_write2(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    r#type: nxt_uint_t,
    fd: nxt_fd_t,
    fd2: nxt_fd_t,
    stream: u32,
    reply_port: nxt_port_id_t,
    b: *mut nxt_buf_t,
) -> nxt_int_t {
    guard("nxt_port_socket_write2", NXT_ERROR, || {
        if task.is_null() || port.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise; the descriptors stay open meanwhile. The
        // mutex makes this thread the only one that uses the sending side.
        unsafe {
            // Content may be put together, and wait for the receiver.
            if own_engine(task).is_null()
                || (!b.is_null() && !has_room(size_of_chain(b).saturating_mul(2)))
            {
                return NXT_ERROR;
            }
            let header = Header::new(
                nxt_pid.get().read(),
                (r#type & NXT_PORT_MSG_MASK) as u8,
                stream,
            )
            .reply_to(reply_port)
            .with_last(r#type & NXT_PORT_MSG_LAST != 0);
            let mut fds = Vec::new();
            if fd >= 0 {
                fds.push(BorrowedFd::borrow_raw(fd));
                if fd2 >= 0 {
                    fds.push(BorrowedFd::borrow_raw(fd2));
                }
            }
            let content = Content::new(b);
            nxt_thread_mutex_lock(&raw mut (*port).write_mutex);
            let sent = match sender(port) {
                Some(sender) => content.send(sender, header, &fds),
                None => Err(SendError::Closed),
            };
            let wait = matches!(sent, Ok(Sent::Pending)) && !private(port).waiting;
            if wait {
                private(port).waiting = true;
                nxt_port_inc(port);
            }
            nxt_thread_mutex_unlock(&raw mut (*port).write_mutex);
            if wait {
                nxt_port_post(task, port, Some(wait_for_room), ptr::null_mut());
            }
            let shared = !content.chunks.is_empty();
            match sent {
                Ok(_) => complete(task, b, true, shared),
                Err(SendError::Full) => return NXT_AGAIN,
                Err(error) => {
                    let level = match error {
                        SendError::Closed => Level::Info,
                        _ => Level::Alert,
                    };
                    port_record(
                        port,
                        level,
                        &format!("message {} lost: {error}", header.kind),
                    );
                    complete(task, b, false, shared);
                }
            }
            if r#type & NXT_PORT_MSG_CLOSE_FD != 0 {
                for fd in [fd, fd2].into_iter().filter(|fd| *fd >= 0) {
                    drop(OwnedFd::from_raw_fd(fd));
                }
            }
            NXT_OK
        }
    })
}

/// Watches for room in the socket, on the port's engine.
unsafe extern "C" fn wait_for_room(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    data: *mut c_void,
) {
    let _ = data;
    guard("nxt_port_socket_write2", (), || {
        // SAFETY: a posted function gets valid arguments.
        unsafe {
            let engine = own_engine(task);
            if (*port).engine.is_null() {
                (*port).engine = engine;
            }
            let fd = (*port).pair[1];
            if fd < 0 {
                return stop_waiting(task, port);
            }
            let writer = &raw mut private(port).writer;
            (*writer).fd = fd;
            (*writer).data = port.cast();
            (*writer).task = &raw mut (*engine).task;
            (*writer).write_work_queue = &raw mut (*engine).fast_work_queue;
            (*writer).write_handler = Some(flush);
            (*writer).error_handler = Some(flush);
            if let Some(enable) = (*engine).event.enable_write {
                enable(engine, writer);
            }
        }
    });
}

/// There is room: sends what waits.
unsafe extern "C" fn flush(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    guard("nxt_port_socket_write2", (), || {
        let (writer, port) = (obj.cast(), data.cast::<nxt_port_t>());
        // SAFETY: waiting messages hold the port, and a closed one does not get here.
        unsafe {
            nxt_thread_mutex_lock(&raw mut (*port).write_mutex);
            let done = loop {
                match private(port).sender.as_ref().map(Sender::flush) {
                    None | Some(Ok(true) | Err(SendError::Closed)) => break true,
                    Some(Ok(false)) => break false,
                    Some(Err(error)) => {
                        port_record(port, Level::Alert, &format!("message lost: {error}"));
                    }
                }
            };
            let held = done && std::mem::take(&mut private(port).waiting);
            nxt_thread_mutex_unlock(&raw mut (*port).write_mutex);
            if done {
                let engine = own_engine(task);
                if let Some(disable) = (*engine).event.disable_write {
                    disable(engine, writer);
                }
            }
            if held {
                nxt_port_use(task, port, -1);
            }
        }
    });
}
