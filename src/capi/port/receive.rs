//! Receiving from a port of this process.

use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::ptr;

use libc::c_void;

use super::memory::read_chunks;
use super::{
    close_fds, nxt_port_inc, nxt_port_use, own_engine, port_record, private, queue,
    release_receiver, unwatch,
};
use crate::abi::buf::nxt_buf_t;
use crate::abi::port::{nxt_port_msg_t, nxt_port_recv_msg_t, nxt_port_recv_msg_u, nxt_port_t};
use crate::abi::task::nxt_task_t;
use crate::base::log::Level;
use crate::capi::buf::nxt_buf_mem_alloc;
use crate::capi::engine::work_queue::nxt_work_queue_add;
use crate::capi::globals::nxt_main_log;
use crate::capi::guard;
use crate::ipc::message::MAX_BODY;
use crate::ipc::{Message, ReceiveError, Receiver};

/// Starts to read `pair[0]` of a port on the calling thread's engine.
///
/// # Safety
/// `task` and `port` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_read_enable(task: *mut nxt_task_t, port: *mut nxt_port_t) {
    guard("nxt_port_read_enable", (), || {
        if task.is_null() || port.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let engine = own_engine(task);
            if engine.is_null() || (*port).pair[0] < 0 {
                return;
            }
            let socket = &raw mut (*port).socket;
            (*socket).fd = (*port).pair[0];
            (*socket).log = nxt_main_log.get();
            (*socket).read_work_queue = &raw mut (*engine).fast_work_queue;
            (*socket).read_handler = Some(read);
            (*socket).error_handler = Some(failed);
            if (*socket).task.is_null() {
                (*socket).task = &raw mut (*engine).task;
            }
            (*port).engine = engine;
            if let Some(enable) = (*engine).event.enable_read {
                enable(engine, socket);
            }
        }
    });
}

/// The receiving side of a port, made when it is first used and when C code has changed the end.
///
/// # Safety
/// `port` is a port.
unsafe fn receive(port: *mut nxt_port_t) -> Result<Option<Message>, ReceiveError> {
    // SAFETY: by the caller's promise; the descriptor is open as long as C code says so.
    unsafe {
        let fd = (*port).pair[0];
        if fd < 0 {
            return Ok(None);
        }
        let current = private(port).receiver.as_ref();
        if current.is_none_or(|receiver| receiver.as_raw_fd() != fd) {
            release_receiver(port);
            private(port).receiver = Some(Receiver::new(OwnedFd::from_raw_fd(fd), queue(port)));
        }
        match private(port).receiver.as_mut() {
            Some(receiver) => receiver.receive(),
            None => Ok(None),
        }
    }
}

/// Reads all messages there are. A handler may close the port, which is held meanwhile.
unsafe extern "C" fn read(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = data;
    guard("nxt_port_read_handler", (), || {
        let port = obj.cast::<nxt_port_t>();
        // SAFETY: the event is the first member of a port that is watched.
        unsafe {
            nxt_port_inc(port);
            loop {
                match receive(port) {
                    Ok(Some(message)) => deliver(task, port, message),
                    Ok(None) => break,
                    Err(ReceiveError::Malformed(what)) => {
                        port_record(port, Level::Alert, &format!("malformed message: {what}"));
                    }
                    Err(error) => {
                        if !matches!(error, ReceiveError::Closed) {
                            port_record(port, Level::Alert, &error.to_string());
                        }
                        unwatch(port, &raw mut (*port).socket);
                        break;
                    }
                }
            }
            nxt_port_use(task, port, -1);
        }
    });
}

/// The engine cannot watch the port.
unsafe extern "C" fn failed(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (task, data);
    // SAFETY: the event is the first member of a port.
    unsafe { port_record(obj.cast(), Level::Alert, "cannot be read") };
}

/// A buffer for a message of `size` bytes, perhaps one that was used before.
///
/// # Safety
/// `port` is a port.
unsafe fn buffer(port: *mut nxt_port_t, size: usize) -> *mut nxt_buf_t {
    // SAFETY: by the caller's promise; free buffers are nobody else's and have `max_size` bytes.
    unsafe {
        let usual = ((*port).max_size as usize).clamp(1, MAX_BODY);
        let free = (*port).free_bufs;
        if free.is_null() || size > (*free).mem.end.addr() - (*free).mem.start.addr() {
            return nxt_buf_mem_alloc((*port).mem_pool, size.max(usual), 0);
        }
        (*port).free_bufs = (*free).next;
        (*free).next = ptr::null_mut();
        (*free).mem.pos = (*free).mem.start;
        (*free).mem.free = (*free).mem.start;
        free
    }
}

/// Gives a message to the port's handler.
///
/// # Safety
/// `task` is valid, and `port` is a port that is held.
unsafe fn deliver(task: *mut nxt_task_t, port: *mut nxt_port_t, message: Message) {
    // SAFETY: by the caller's promise; a buffer that the handler has left is ours again.
    unsafe {
        let body: &[u8] = &message.body;
        let own = buffer(port, body.len());
        if own.is_null() {
            return port_record(port, Level::Alert, "no memory for a message");
        }
        (*own)
            .mem
            .free
            .copy_from_nonoverlapping(body.as_ptr(), body.len());
        (*own).mem.free = (*own).mem.free.add(body.len());

        let header = message.header;
        let size = body.len();
        // More than two descriptors are of no use here; they are closed with the message.
        let [first, second, _] = message.fds;
        let mut msg = nxt_port_recv_msg_t {
            fd: [first, second].map(|fd| fd.map_or(-1, IntoRawFd::into_raw_fd)),
            buf: own,
            port,
            port_msg: nxt_port_msg_t {
                stream: header.stream,
                pid: header.pid,
                reply_port: header.reply_port,
                r#type: header.kind,
                last: header.last.into(),
                mmap: header.mmap.into(),
                nf: 0,
                mf: 0,
            },
            size,
            cmsg_pid: message.sender.unwrap_or(header.pid),
            cancelled: 0,
            u: nxt_port_recv_msg_u {
                data: ptr::null_mut(),
            },
        };
        let mut chunks = ptr::null_mut();
        if header.mmap {
            if let Err(error) = read_chunks(task, &raw mut msg) {
                port_record(
                    port,
                    Level::Error,
                    &format!("failed to get mmap buffer: {error}"),
                );
                finish(task, port, msg.buf, own);
                close_fds(&raw mut msg);
                return give_back(port, own);
            }
            chunks = msg.buf;
        }
        match (*port).handler {
            Some(handler) => handler(task, &raw mut msg),
            None => close_fds(&raw mut msg),
        }
        if header.mmap {
            if msg.buf == chunks {
                finish(task, port, chunks, own);
            }
            give_back(port, own);
        } else if msg.buf == own {
            give_back(port, own);
        }
    }
}

/// Queues the completion handlers of buffers in shared memory.
///
/// # Safety
/// `b` is NULL, `own`, or a chain that is nobody else's.
unsafe fn finish(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    b: *mut nxt_buf_t,
    own: *mut nxt_buf_t,
) {
    let mut b = if b == own { ptr::null_mut() } else { b };
    // SAFETY: by the caller's promise.
    unsafe {
        let engine = own_engine(task);
        while !b.is_null() && !engine.is_null() {
            let next = std::mem::replace(&mut (*b).next, ptr::null_mut());
            let queue = &raw mut (*engine).fast_work_queue;
            nxt_work_queue_add(queue, (*b).completion_handler, task, b.cast(), (*b).parent);
            b = next;
        }
        let _ = port;
    }
}

/// Keeps a buffer for the next message.
///
/// # Safety
/// `b` is a chain of buffers of the port that is nobody else's.
unsafe fn give_back(port: *mut nxt_port_t, b: *mut nxt_buf_t) {
    // SAFETY: by the caller's promise; a buffer of unusual size goes to the pool.
    unsafe {
        let mut b = b;
        while !b.is_null() {
            let next = (*b).next;
            if (*b).mem.end.addr() - (*b).mem.start.addr() > MAX_BODY {
                crate::capi::mp::nxt_mp_free((*port).mem_pool, b.cast());
            } else {
                (*b).next = (*port).free_bufs;
                (*port).free_bufs = b;
            }
            b = next;
        }
    }
}
