//! The port handlers of `nxt_port.h`, and what they answer.

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use super::memory::nxt_port_incoming_port_mmap;
use super::rpc::nxt_port_rpc_remove_peer;
use super::send::nxt_port_socket_write2;
use super::{QUEUE_SIZE, close_fds, nxt_port_write_enable, own_engine};
use crate::abi::buf::nxt_buf_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::file::nxt_fd_t;
use crate::abi::port::{
    NXT_PORT_MSG_LAST, nxt_port_data_t, nxt_port_handlers_t, nxt_port_recv_msg_t, nxt_port_t,
};
use crate::abi::process::{NXT_PROCESS_STATE_READY, nxt_process_t};
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_int_t, nxt_pid_t, nxt_uint_t};
use crate::base::log::Level;
use crate::capi::buf_ts::nxt_buf_mem_ts_alloc;
use crate::capi::file::descriptor::nxt_fd_nonblocking;
use crate::capi::file::streams::{nxt_file_redirect, nxt_file_stderr};
use crate::capi::globals::nxt_pid;
use crate::capi::guard;
use crate::capi::log::task_record;
use crate::capi::process::{
    first_port, nxt_proc_remove_notify_matrix, nxt_proc_send_matrix, nxt_process_close_ports,
    nxt_process_type, rule, runtime_of,
};
use crate::capi::runtime::log_files::file_at;
use crate::capi::runtime::processes::{
    all_processes, nxt_runtime_port_find, nxt_runtime_process_find, nxt_runtime_process_port_create,
};
use crate::capi::runtime::quit::nxt_runtime_quit;
use crate::ipc::message::kind;
use crate::ipc::{NewPort, PortId, ProcessType};

/// No handlers.
pub(crate) const NONE: nxt_port_handlers_t = nxt_port_handlers_t {
    rpc_ready: None,
    rpc_error: None,
    start_process: None,
    socket: None,
    socket_unlink: None,
    modules: None,
    conf_store: None,
    cert_get: None,
    cert_delete: None,
    script_get: None,
    script_delete: None,
    access_log: None,
    change_file: None,
    new_port: None,
    get_port: None,
    port_ack: None,
    mmap: None,
    get_mmap: None,
    process_created: None,
    process_ready: None,
    whoami: None,
    remove_pid: None,
    quit: None,
    req_headers: None,
    req_headers_ack: None,
    req_body: None,
    websocket_frame: None,
    data: None,
    app_restart: None,
    status: None,
    oosm: None,
    shm_ack: None,
    read_queue: None,
    read_socket: None,
};

/// A value that a message has as its content; `None` if it is of another size.
///
/// # Safety
/// `msg` is valid; all bit patterns are values of `T`.
unsafe fn content<T: Copy>(msg: *mut nxt_port_recv_msg_t) -> Option<T> {
    // SAFETY: by the caller's promise.
    unsafe {
        let mem = (*msg).buf.as_ref()?.mem;
        (mem.free.addr().checked_sub(mem.pos.addr())? == size_of::<T>())
            .then(|| mem.pos.cast::<T>().read_unaligned())
    }
}

/// A buffer with a value, of `room` bytes.
///
/// # Safety
/// `task` is valid, of a thread with an engine.
unsafe fn buffer_with(task: *mut nxt_task_t, value: &[u8], room: usize) -> *mut nxt_buf_t {
    // SAFETY: by the caller's promise; there is room for the value.
    unsafe {
        let engine = own_engine(task);
        if engine.is_null() {
            return ptr::null_mut();
        }
        let room = room.max(value.len());
        let b = nxt_buf_mem_ts_alloc(task, (*engine).mem_pool, room);
        if !b.is_null() {
            (*b).mem
                .pos
                .copy_from_nonoverlapping(value.as_ptr(), value.len());
            (*b).mem.free = (*b).mem.pos.add(value.len());
        }
        b
    }
}

/// Ends this process.
///
/// # Safety
/// `task` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_quit_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    let _ = msg;
    // SAFETY: the caller's promise is the same.
    unsafe { nxt_runtime_quit(task, 0) };
}

/// Sends a port to the process of another one.
///
/// # Safety
/// The addresses are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_send_port(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    new_port: *mut nxt_port_t,
    stream: u32,
) -> nxt_int_t {
    guard("nxt_port_send_port", NXT_ERROR, || {
        if task.is_null() || port.is_null() || new_port.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: both ports are checked above, and the caller promises that they are ports; the
        // buffer is made here.
        unsafe {
            let Some(process) = u8::try_from((*new_port).r#type)
                .ok()
                .and_then(ProcessType::from_number)
            else {
                return NXT_ERROR;
            };
            let facts = NewPort {
                port: PortId {
                    pid: (*new_port).pid,
                    id: (*new_port).id,
                },
                max_size: (*port).max_size.into(),
                max_share: (*port).max_share.into(),
                process,
            };
            // The usual room lets the pool use the memory again.
            let b = buffer_with(task, &facts.encode(), size_of::<nxt_port_data_t>());
            if b.is_null() {
                return NXT_ERROR;
            }
            let kind = u32::from(kind::NEW_PORT) | NXT_PORT_MSG_LAST;
            let (fd, queue) = ((*new_port).pair[1], (*new_port).queue_fd);
            nxt_port_socket_write2(task, port, kind, fd, queue, stream, 0, b)
        }
    })
}

/// Takes a port of another process; `u.new_port` is it then. One that is known already stays.
///
/// # Safety
/// `task` and `msg` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_new_port_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    guard("nxt_port_new_port_handler", (), || {
        if task.is_null() || msg.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; a descriptor that came in is ours.
        unsafe {
            (*msg).u.new_port = ptr::null_mut();
            let rt = runtime_of(task);
            let facts = content::<[u8; NewPort::SIZE]>(msg).and_then(|body| NewPort::decode(&body));
            let Some(facts) = facts.filter(|_| (*msg).fd[0] >= 0 && !rt.is_null()) else {
                task_record(task, Level::Warn, "malformed new port message");
                return close_fds(msg);
            };
            let known = nxt_runtime_port_find(rt, facts.port.pid, facts.port.id);
            if !known.is_null() {
                (*msg).u.new_port = known;
                drop(OwnedFd::from_raw_fd(std::mem::replace(
                    &mut (*msg).fd[0],
                    -1,
                )));
                return;
            }
            let (pid, id) = (facts.port.pid, facts.port.id);
            let port = nxt_runtime_process_port_create(task, rt, pid, id, facts.process as u32);
            if port.is_null() {
                return close_fds(msg);
            }
            nxt_fd_nonblocking(task, (*msg).fd[0]);
            (*port).pair = [-1, (*msg).fd[0]];
            (*port).max_size = u32::try_from(facts.max_size).unwrap_or(u32::MAX);
            (*port).max_share = u32::try_from(facts.max_share).unwrap_or(u32::MAX);
            (*port).socket.task = task;
            nxt_port_write_enable(task, port);
            (*msg).u.new_port = port;
        }
    });
}

/// A child is ready: its port is sent to all that need it.
///
/// # Safety
/// `task` and `msg` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_process_ready_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    guard("nxt_port_process_ready_handler", (), || {
        if task.is_null() || msg.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; a descriptor that came in is ours.
        unsafe {
            let rt = runtime_of(task);
            let process = nxt_runtime_process_find(rt, (*msg).port_msg.pid);
            let port = first_port(process);
            if port.is_null() || (*process).state == NXT_PROCESS_STATE_READY {
                return close_fds(msg);
            }
            (*process).state = NXT_PROCESS_STATE_READY;
            if (*msg).fd[0] >= 0 && !take_queue(task, port, (*msg).fd[0]) {
                close_fds(msg);
            }
            for other in all_processes(rt) {
                let target = first_port(other);
                let is_other = (*other).pid != (*port).pid && (*other).pid != nxt_pid.get().read();
                if is_other
                    && !target.is_null()
                    && rule(&nxt_proc_send_matrix, (*target).r#type, (*port).r#type)
                {
                    nxt_port_send_port(task, target, port, (*msg).port_msg.stream);
                }
            }
        }
    });
}

/// Gives a port the queue that its process has made; whether it is one.
///
/// # Safety
/// `port` is a port, and `fd` is open.
unsafe fn take_queue(task: *mut nxt_task_t, port: *mut nxt_port_t, fd: nxt_fd_t) -> bool {
    // SAFETY: by the caller's promise; the file is long enough for the mapping.
    unsafe {
        let long_enough = nix::sys::stat::fstat(BorrowedFd::borrow_raw(fd))
            .is_ok_and(|stat| stat.st_size >= QUEUE_SIZE as i64);
        let queue = if long_enough && (*port).queue.is_null() {
            libc::mmap(
                ptr::null_mut(),
                QUEUE_SIZE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd,
                0,
            )
        } else {
            libc::MAP_FAILED
        };
        if queue == libc::MAP_FAILED {
            task_record(task, Level::Warn, "invalid queue of a port");
            return false;
        }
        (*port).queue_fd = fd;
        (*port).queue = queue;
        true
    }
}

/// Takes a segment of shared memory of another process.
///
/// # Safety
/// `task` and `msg` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_mmap_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    guard("nxt_port_mmap_handler", (), || {
        if task.is_null() || msg.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the descriptors that came in are ours.
        unsafe {
            let pid = (*msg).port_msg.pid;
            if (*msg).fd[0] < 0 {
                task_record(task, Level::Warn, "invalid fd passed with mmap message");
                return;
            }
            let process = nxt_runtime_process_find(runtime_of(task), pid);
            if process.is_null() {
                task_record(task, Level::Warn, &format!("failed to get process #{pid}"));
            } else {
                nxt_port_incoming_port_mmap(task, process, (*msg).fd[0]);
            }
            close_fds(msg);
        }
    });
}

/// Sends all other processes the new descriptor of a log file.
///
/// # Safety
/// `task` and `rt` are NULL or valid; `fd` is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_change_log_file(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
    slot: nxt_uint_t,
    fd: nxt_fd_t,
) {
    guard("nxt_port_change_log_file", (), || {
        if task.is_null() {
            return;
        }
        // SAFETY: `task` and `rt` are NULL or valid, as the caller promises; a process that the
        // runtime lists lives, with its ports, until it is removed.
        unsafe {
            for process in all_processes(rt) {
                let port = first_port(process);
                if (*process).pid == nxt_pid.get().read() || port.is_null() {
                    continue;
                }
                let b = buffer_with(task, &slot.to_ne_bytes(), 0);
                if !b.is_null() {
                    let kind = u32::from(kind::CHANGE_FILE) | NXT_PORT_MSG_LAST;
                    nxt_port_socket_write2(task, port, kind, fd, -1, 0, 0, b);
                }
            }
        }
    });
}

/// Takes the new descriptor of a log file; the first file is also standard error.
///
/// # Safety
/// `task` and `msg` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_change_log_file_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    guard("nxt_port_change_log_file_handler", (), || {
        if task.is_null() || msg.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the descriptors that came in are ours.
        unsafe {
            let slot = content::<nxt_uint_t>(msg).filter(|_| (*msg).fd[0] >= 0);
            let file = slot.map_or(ptr::null_mut(), |slot| file_at(runtime_of(task), slot));
            if file.is_null() {
                return close_fds(msg);
            }
            let fd = std::mem::replace(&mut (*msg).fd[0], -1);
            if nxt_file_redirect(file, fd) == NXT_OK && slot == Some(0) {
                nxt_file_stderr(file);
            }
            close_fds(msg);
        }
    });
}

/// Takes data that nobody wants.
///
/// # Safety
/// `task` and `msg` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_data_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    // SAFETY: the caller's promise is the same.
    unsafe { nxt_port_empty_handler(task, msg) };
}

/// Takes a message that nobody wants, with its descriptors.
///
/// # Safety
/// `task` and `msg` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_empty_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    let _ = task;
    guard("nxt_port_empty_handler", (), || {
        if !msg.is_null() {
            // SAFETY: not NULL, and by the caller's promise; the descriptors that came in are ours.
            unsafe { close_fds(msg) };
        }
    });
}

/// Tells the processes that depend on one that it has gone.
///
/// # Safety
/// `task` and `process` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_remove_notify_others(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) {
    guard("nxt_port_remove_notify_others", (), || {
        if task.is_null() || process.is_null() {
            return;
        }
        // SAFETY: the two are checked above; a process that the runtime lists lives, with its
        // ports, until it is removed, which no write does.
        unsafe {
            let gone = (*process).pid;
            let r#type = nxt_process_type(process);
            for other in all_processes(runtime_of(task)) {
                let port = first_port(other);
                if (*other).pid == nxt_pid.get().read()
                    || (*other).pid == gone
                    || port.is_null()
                    || !rule(&nxt_proc_remove_notify_matrix, r#type, (*port).r#type)
                {
                    continue;
                }
                let b = buffer_with(task, &gone.to_ne_bytes(), 0);
                if !b.is_null() {
                    let kind = u32::from(kind::REMOVE_PID) | NXT_PORT_MSG_LAST;
                    nxt_port_socket_write2(task, port, kind, -1, -1, (*process).stream, 0, b);
                }
            }
        }
    });
}

/// A process has gone: the requests of the port that depend on it fail, and its ports are closed.
///
/// # Safety
/// `task` and `msg` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_remove_pid_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    guard("nxt_port_remove_pid_handler", (), || {
        if task.is_null() || msg.is_null() {
            return;
        }
        // SAFETY: the two are checked above, and the caller promises that `msg` is a message with
        // its port; closing the ports of the process is the last use of it.
        unsafe {
            close_fds(msg);
            let Some(pid) = content::<nxt_pid_t>(msg) else {
                return task_record(task, Level::Warn, "malformed remove pid message");
            };
            (*msg).u.removed_pid = pid;
            nxt_port_rpc_remove_peer(task, (*msg).port, pid);
            let process = nxt_runtime_process_find(runtime_of(task), pid);
            if !process.is_null() && pid != nxt_pid.get().read() {
                nxt_process_close_ports(task, process);
            }
        }
    });
}
