//! `nxt_port_rpc.h`: requests that wait for answers, on the table of `ipc::rpc`.

use std::ptr::{self, NonNull};

use libc::c_void;

use super::{nxt_port_inc, nxt_port_use, private};
use crate::abi::buf::nxt_buf_t;
use crate::abi::errno::NXT_OK;
use crate::abi::port::{
    nxt_port_msg_t, nxt_port_recv_msg_t, nxt_port_recv_msg_u, nxt_port_rpc_handler_t, nxt_port_t,
};
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_int_t, nxt_pid_t};
use crate::capi::globals::nxt_pid;
use crate::capi::guard;
use crate::capi::mp::{nxt_mp_free, nxt_mp_zalloc};
use crate::ipc::message::kind;
use crate::ipc::rpc;

/// A request. The caller's memory follows it.
#[repr(C, align(16))]
pub(super) struct Registration {
    stream: u32,
    ready: nxt_port_rpc_handler_t,
    error: nxt_port_rpc_handler_t,
    data: *mut c_void,
}

/// Prepares the numbers of streams, to be shared with all processes forked from now on.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_port_rpc_init() -> nxt_int_t {
    rpc::init_streams();
    NXT_OK
}

/// Registers a request whose answers come to `port`: its stream, or 0 when there is no memory. If
/// the process `peer` dies, unless that is -1, the request fails.
///
/// # Safety
/// `task` and `port` are NULL or valid; `data` is what the handlers take.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_rpc_register_handler(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    ready_handler: nxt_port_rpc_handler_t,
    error_handler: nxt_port_rpc_handler_t,
    peer: nxt_pid_t,
    data: *mut c_void,
) -> u32 {
    guard("nxt_port_rpc_register_handler", 0, || {
        // SAFETY: the caller's promise is the same; a new registration is in the table.
        unsafe {
            let ex = nxt_port_rpc_register_handler_ex(task, port, ready_handler, error_handler, 0);
            let Some(registration) = registration(ex) else {
                return 0;
            };
            nxt_port_rpc_ex_set_peer(task, port, ex, peer);
            (*registration.as_ptr()).data = data;
            (*registration.as_ptr()).stream
        }
    })
}

/// The registration before the caller's memory.
fn registration(ex: *mut c_void) -> Option<NonNull<Registration>> {
    NonNull::new(ex).map(|ex| {
        // The memory of a registration starts that much earlier.
        NonNull::new(ex.as_ptr().cast::<Registration>().wrapping_sub(1))
            .unwrap_or(NonNull::dangling())
    })
}

/// Registers a request with `ex_size` bytes for the caller, of value zero, which its handlers get:
/// their address, or NULL when there is no memory or the port cannot be read.
///
/// # Safety
/// `task` and `port` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_rpc_register_handler_ex(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    ready_handler: nxt_port_rpc_handler_t,
    error_handler: nxt_port_rpc_handler_t,
    ex_size: usize,
) -> *mut c_void {
    let _ = task;
    guard("nxt_port_rpc_register_handler_ex", ptr::null_mut(), || {
        let Some(size) = ex_size.checked_add(size_of::<Registration>()) else {
            return ptr::null_mut();
        };
        // SAFETY: not NULL, and by the caller's promise; the memory is ours and large enough.
        unsafe {
            if port.is_null() || (*port).pair[0] < 0 {
                return ptr::null_mut();
            }
            let memory = nxt_mp_zalloc((*port).mem_pool, size).cast::<Registration>();
            let Some(registration) = NonNull::new(memory) else {
                return ptr::null_mut();
            };
            let ex = memory.add(1).cast::<c_void>();
            let stream = private(port).rpc.register(registration, None);
            memory.write(Registration {
                stream,
                ready: ready_handler,
                error: error_handler,
                data: ex,
            });
            nxt_port_inc(port);
            ex
        }
    })
}

/// The stream of a request; 0 of NULL.
///
/// # Safety
/// `ex` is NULL or from [`nxt_port_rpc_register_handler_ex`], of a request that still waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_rpc_ex_stream(ex: *mut c_void) -> u32 {
    // SAFETY: by the caller's promise.
    registration(ex).map_or(0, |registration| unsafe { registration.as_ref().stream })
}

/// Changes the process that a request depends on; -1 is none.
///
/// # Safety
/// `port` is NULL or valid, `ex` is NULL or from [`nxt_port_rpc_register_handler_ex`], of a request
/// that still waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_rpc_ex_set_peer(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    ex: *mut c_void,
    peer: nxt_pid_t,
) {
    let _ = task;
    guard("nxt_port_rpc_ex_set_peer", (), || {
        if port.is_null() || ex.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let stream = nxt_port_rpc_ex_stream(ex);
            private(port)
                .rpc
                .set_peer(stream, (peer != -1).then_some(peer));
        }
    });
}

/// The request is done with.
///
/// # Safety
/// `port` is a port, and the registration is in its table no more.
unsafe fn free(task: *mut nxt_task_t, port: *mut nxt_port_t, registration: NonNull<Registration>) {
    // SAFETY: by the caller's promise.
    unsafe {
        nxt_mp_free((*port).mem_pool, registration.as_ptr().cast());
        nxt_port_use(task, port, -1);
    }
}

/// Gives an answer to its request: the port handler of the two RPC kinds. An answer that nobody
/// waits for is dropped.
///
/// # Safety
/// `task` and `msg` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_rpc_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    guard("nxt_port_rpc_handler", (), || {
        if task.is_null() || msg.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise. A request whose last answer this is leaves
        // the table first, so that its handler cannot free it.
        unsafe {
            let port = (*msg).port;
            if port.is_null() {
                return;
            }
            let (stream, last) = ((*msg).port_msg.stream, (*msg).port_msg.last != 0);
            let table = &mut private(port).rpc;
            let found = if last {
                table.take(stream)
            } else {
                table.get_mut(stream).copied()
            };
            let Some(registration) = found else {
                return super::close_fds(msg);
            };
            let Registration {
                ready, error, data, ..
            } = registration.as_ptr().read();
            let handler = if (*msg).port_msg.r#type == kind::RPC_ERROR {
                error
            } else {
                ready
            };
            if let Some(handler) = handler {
                handler(task, msg, data);
            }
            if last {
                free(task, port, registration);
            }
        }
    });
}

/// A message that this process makes for a request that fails.
fn failure(
    port: *mut nxt_port_t,
    buf: *mut nxt_buf_t,
    stream: u32,
    r#type: u8,
    pid: nxt_pid_t,
) -> nxt_port_recv_msg_t {
    nxt_port_recv_msg_t {
        fd: [-1, -1],
        buf,
        port,
        port_msg: nxt_port_msg_t {
            stream,
            // SAFETY: the object lives as long as the program.
            pid: unsafe { nxt_pid.get().read() },
            r#type,
            last: 1,
            ..nxt_port_msg_t::default()
        },
        size: 0,
        cmsg_pid: 0,
        cancelled: 0,
        u: if pid == 0 {
            nxt_port_recv_msg_u {
                data: ptr::null_mut(),
            }
        } else {
            nxt_port_recv_msg_u { removed_pid: pid }
        },
    }
}

/// A buffer without content.
fn empty() -> nxt_buf_t {
    // SAFETY: all zero is a buffer without memory.
    unsafe { std::mem::zeroed() }
}

/// The process `peer` has gone: the requests that depend on it fail with a message of the kind
/// `remove_pid`. A handler that sets the message's `last` to 0 keeps its request.
///
/// # Safety
/// `task` and `port` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_rpc_remove_peer(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    peer: nxt_pid_t,
) {
    guard("nxt_port_rpc_remove_peer", (), || {
        if task.is_null() || port.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise. Handlers may change the table, so that it
        // is asked anew for each stream; the port is held meanwhile.
        unsafe {
            nxt_port_inc(port);
            for stream in private(port).rpc.streams_of(peer) {
                let table = &mut private(port).rpc;
                if table.peer(stream) != Some(peer) {
                    continue;
                }
                table.set_peer(stream, None);
                let Some(registration) = table.get_mut(stream).copied() else {
                    continue;
                };
                let Registration { error, data, .. } = registration.as_ptr().read();
                let mut buf = empty();
                let mut msg = failure(port, &raw mut buf, stream, kind::REMOVE_PID, peer);
                if let Some(error) = error {
                    error(task, &raw mut msg, data);
                }
                if msg.port_msg.last != 0
                    && let Some(registration) = private(port).rpc.take(stream)
                {
                    free(task, port, registration);
                }
            }
            nxt_port_use(task, port, -1);
        }
    });
}

/// Takes a request back; its handlers are not called.
///
/// # Safety
/// `task` and `port` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_rpc_cancel(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    stream: u32,
) {
    guard("nxt_port_rpc_cancel", (), || {
        if task.is_null() || port.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            if let Some(registration) = private(port).rpc.take(stream) {
                free(task, port, registration);
            }
        }
    });
}

/// All requests of a port fail.
///
/// # Safety
/// `task` and `port` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_rpc_close(task: *mut nxt_task_t, port: *mut nxt_port_t) {
    guard("nxt_port_rpc_close", (), || {
        if task.is_null() || port.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the port is held meanwhile.
        unsafe {
            nxt_port_inc(port);
            while let Some(stream) = private(port).rpc.any() {
                let mut buf = empty();
                let mut msg = failure(port, &raw mut buf, stream, kind::RPC_ERROR, 0);
                nxt_port_rpc_handler(task, &raw mut msg);
            }
            nxt_port_use(task, port, -1);
        }
    });
}
