//! `nxt_conn.h`: listening events, and the connections that they accept.
//!
//! A connection is accepted and given to the handler of its listening socket. What reads and writes
//! it is the program's own.

use std::os::fd::{BorrowedFd, IntoRawFd, RawFd};
use std::ptr;

use libc::{c_char, c_void};

use crate::abi::array::nxt_mp_t;
use crate::abi::conn::{NXT_CONN_SENDFILE_UNSET, nxt_conn_t, nxt_listen_event_t};
use crate::abi::engine::nxt_event_engine_t;
use crate::abi::errno::nxt_err_t;
use crate::abi::listen_socket::nxt_listen_socket_t;
use crate::abi::queue::nxt_queue_link_t;
use crate::abi::task::{nxt_task_t, nxt_work_queue_t};
use crate::abi::timer::{NXT_TIMER_DEFAULT_BIAS, nxt_timer_t};
use crate::abi::types::nxt_msec_t;
use crate::base::log::Level;
use crate::capi::engine::next_ident;
use crate::capi::engine::timer::nxt_timer_add;
use crate::capi::engine::work_queue::nxt_work_queue_add;
use crate::capi::globals::nxt_main_log;
use crate::capi::log::task_record;
use crate::capi::mp::{nxt_mp_create, nxt_mp_release, nxt_mp_zget};
use crate::capi::port::own_engine;
use crate::capi::queue::{append_link, prepend_link};
use crate::capi::sockaddr::{nxt_sockaddr_text, of_peer};
use crate::capi::{c_string, guard};
use crate::sys::Errno;
use crate::sys::accept::{Peer, accept};

/// For how long no connections are accepted when there are too many, in milliseconds.
const PAUSE: nxt_msec_t = 100;
/// How many idle connections are closed then.
const CLOSED_AT_ONCE: usize = 10;
/// Bytes that are written at once.
const MAX_CHUNK: u32 = i32::MAX as u32;

/// A connection without a socket, counted in the engine of the calling thread. NULL when there is no
/// memory.
///
/// # Safety
/// `mp` is NULL or a pool, `task` is NULL or valid with the engine of its thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conn_create(
    mp: *mut nxt_mp_t,
    task: *mut nxt_task_t,
) -> *mut nxt_conn_t {
    guard("nxt_conn_create", ptr::null_mut(), || {
        // SAFETY: NULL or valid, by the caller's promise; the connection is ours until it is returned.
        unsafe {
            let engine = own_engine(task);
            if engine.is_null() {
                return ptr::null_mut();
            }
            let c = nxt_mp_zget(mp, size_of::<nxt_conn_t>()).cast::<nxt_conn_t>();
            if c.is_null() {
                return c;
            }
            (*c).mem_pool = mp;
            (*c).log = *(*task).log;
            if (*c).log.ident == 0 {
                (*c).log.ident = next_ident();
            }
            let log = &raw mut (*c).log;
            (*c).task.thread = (*task).thread;
            (*c).task.log = log;
            (*c).task.ident = (*c).log.ident;
            let own_task = &raw mut (*c).task;
            let queue = &raw mut (*engine).fast_work_queue;
            (*c).socket.fd = -1;
            (*c).socket.log = log;
            (*c).socket.task = own_task;
            (*c).socket.read_work_queue = queue;
            (*c).socket.write_work_queue = queue;
            for timer in [&raw mut (*c).read_timer, &raw mut (*c).write_timer] {
                (*timer).work_queue = queue;
                (*timer).bias = NXT_TIMER_DEFAULT_BIAS;
                (*timer).task = own_task;
                (*timer).log = log;
            }
            (*c).io = (*engine).event.io;
            (*c).max_chunk = MAX_CHUNK;
            (*c).sendfile = NXT_CONN_SENDFILE_UNSET;
            (*engine).connections += 1;
            c
        }
    })
}

/// Gives up a connection, and its hold on its pool. Its socket was closed, and nothing waits for it.
///
/// # Safety
/// `task` is NULL or valid with the engine of its thread; `c` is NULL or a connection of it, in no list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conn_free(task: *mut nxt_task_t, c: *mut nxt_conn_t) {
    guard("nxt_conn_free", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let engine = own_engine(task);
            if !engine.is_null() && !c.is_null() {
                (*engine).connections = (*engine).connections.saturating_sub(1);
                nxt_mp_release((*c).mem_pool);
            }
        }
    });
}

/// Has the engine of the calling thread accept what comes in at a listening socket. NULL when there is
/// no memory. The event lives as long as the program; `nxt_process_quit` closes its socket.
///
/// # Safety
/// `task` is NULL or valid with the engine of its thread; `ls` is NULL, or valid as long as it listens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_listen_event(
    task: *mut nxt_task_t,
    ls: *mut nxt_listen_socket_t,
) -> *mut nxt_listen_event_t {
    guard("nxt_listen_event", ptr::null_mut(), || {
        // SAFETY: NULL or valid, by the caller's promise; the event is ours until the engine has it.
        unsafe {
            let engine = own_engine(task);
            if engine.is_null() || ls.is_null() {
                return ptr::null_mut();
            }
            let lev = libc::calloc(1, size_of::<nxt_listen_event_t>()).cast::<nxt_listen_event_t>();
            if lev.is_null() {
                return lev;
            }
            let own_task = &raw mut (*lev).task;
            (*own_task).thread = (*task).thread;
            (*own_task).log = nxt_main_log.get();
            (*own_task).ident = next_ident();
            (*lev).batch = (*engine).batch.max(1);
            (*lev).count = 1;
            (*lev).accept = Some(nxt_conn_io_accept);
            (*lev).listen = ls;
            (*lev).work_queue = &raw mut (*engine).read_work_queue;
            (*lev).socket.fd = (*ls).socket;
            (*lev).socket.task = own_task;
            (*lev).socket.log = nxt_main_log.get();
            (*lev).socket.read_work_queue = &raw mut (*engine).accept_work_queue;
            (*lev).socket.read_handler = Some(listen_ready);
            (*lev).socket.error_handler = Some(listen_failed);
            (*lev).timer.work_queue = &raw mut (*engine).fast_work_queue;
            (*lev).timer.handler = Some(listen_again);
            (*lev).timer.task = own_task;
            (*lev).timer.log = nxt_main_log.get();
            append_link(&raw mut (*engine).listen_connections, &raw mut (*lev).link);
            enable(engine, lev);
            lev
        }
    })
}

/// # Safety
/// `engine` and `lev` are valid.
unsafe fn enable(engine: *mut nxt_event_engine_t, lev: *mut nxt_listen_event_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(enable) = (*engine).event.enable_accept {
            enable(engine, &raw mut (*lev).socket);
        }
    }
}

/// Clients wait: as many as fit into one turn are accepted.
unsafe extern "C" fn listen_ready(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let lev = obj.cast::<nxt_listen_event_t>();
    // SAFETY: the handler belongs to the socket of a listening event, which is its first member.
    unsafe {
        (*lev).ready = (*lev).batch;
        if let Some(accept) = (*lev).accept {
            accept(task, obj, data);
        }
    }
}

unsafe extern "C" fn listen_failed(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = data;
    let lev = obj.cast::<nxt_listen_event_t>();
    guard("nxt_listen_event", (), || {
        // SAFETY: as `listen_ready`.
        unsafe {
            let text = format!("accept({}) event error", (*lev).socket.fd);
            task_record(task, Level::Alert, &text);
        }
    });
}

/// The pause is over.
unsafe extern "C" fn listen_again(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = data;
    guard("nxt_listen_event", (), || {
        let offset = std::mem::offset_of!(nxt_listen_event_t, timer);
        // SAFETY: the handler belongs to the timer of a listening event.
        unsafe {
            let lev = obj.cast::<u8>().sub(offset).cast::<nxt_listen_event_t>();
            let engine = own_engine(task);
            if !has_room(engine) {
                return pause(task, lev);
            }
            enable(engine, lev);
        }
    });
}

/// Whether an engine may have one more connection.
///
/// # Safety
/// `engine` is valid.
unsafe fn has_room(engine: *mut nxt_event_engine_t) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { (*engine).connections < (*engine).max_connections }
}

/// Accepts one connection at the listening event `obj`, and has the next one accepted while it is its
/// turn.
///
/// # Safety
/// `task` is NULL or valid with the engine of its thread; `obj` is NULL or a listening event of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conn_io_accept(
    task: *mut nxt_task_t,
    obj: *mut c_void,
    data: *mut c_void,
) {
    let _ = data;
    guard("nxt_conn_io_accept", (), || {
        let lev = obj.cast::<nxt_listen_event_t>();
        // SAFETY: NULL or valid, by the caller's promise; the program keeps the socket open.
        unsafe {
            let engine = own_engine(task);
            if engine.is_null() || lev.is_null() || (*lev).socket.fd < 0 {
                return;
            }
            (*lev).ready = (*lev).ready.saturating_sub(1);
            (*lev).socket.read_ready = u8::from((*lev).ready != 0);
            if !has_room(engine) {
                return pause(task, lev);
            }
            match accept(BorrowedFd::borrow_raw((*lev).socket.fd)) {
                Ok((socket, peer)) => match connection(task, socket.into_raw_fd(), &peer) {
                    Some(c) => nxt_conn_accept(task, lev, c),
                    None => pause(task, lev),
                },
                Err(error) => {
                    let number = error.raw_os_error().unwrap_or(libc::EIO);
                    nxt_conn_accept_error(task, lev, c"accept4".as_ptr(), number);
                }
            }
        }
    });
}

/// A connection for an accepted socket, which is closed if there is no memory.
///
/// # Safety
/// `task` is valid, with the engine of its thread; the socket is nobody else's.
unsafe fn connection(task: *mut nxt_task_t, fd: RawFd, peer: &Peer) -> Option<*mut nxt_conn_t> {
    // SAFETY: by the caller's promise; pool and connection are ours until they are returned.
    unsafe {
        let pool = nxt_mp_create(1024, 128, 256, 32);
        let c = nxt_conn_create(pool, task);
        if !c.is_null() {
            (*c).remote = of_peer(pool, peer);
            if !(*c).remote.is_null() {
                (*c).socket.fd = fd;
                (*c).socket.write_ready = 1;
                return Some(c);
            }
            nxt_conn_free(task, c);
        } else if !pool.is_null() {
            nxt_mp_release(pool);
        }
        libc::close(fd);
        None
    }
}

/// Gives a connection with its socket to the handler of the listening socket. It is among the idle ones
/// of the engine then.
///
/// # Safety
/// `task` is NULL or valid with the engine of its thread, `lev` is NULL or a listening event of it, `c`
/// is NULL or a connection of it in no list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conn_accept(
    task: *mut nxt_task_t,
    lev: *mut nxt_listen_event_t,
    c: *mut nxt_conn_t,
) {
    guard("nxt_conn_accept", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let engine = own_engine(task);
            if engine.is_null() || lev.is_null() || c.is_null() {
                return;
            }
            nxt_sockaddr_text((*c).remote);
            (*engine).accepted_conns_cnt += 1;
            prepend_link(&raw mut (*engine).idle_connections, &raw mut (*c).link);
            (*engine).idle_conns_cnt += 1;
            (*c).idle = 1;
            (*c).listen = lev;
            (*lev).count += 1;
            (*lev).next = ptr::null_mut();
            let queue: *mut nxt_work_queue_t = (*lev).work_queue;
            (*c).read_work_queue = queue;
            (*c).write_work_queue = queue;
            let handler = (*(*lev).listen).handler;
            nxt_work_queue_add(queue, handler, &raw mut (*c).task, c.cast(), lev.cast());
            if (*lev).socket.read_ready != 0 {
                let queue = (*lev).socket.read_work_queue;
                nxt_work_queue_add(queue, (*lev).accept, task, lev.cast(), ptr::null_mut());
            }
        }
    });
}

/// What is done when accept(2) has failed with `err`: if descriptors or memory lack, no connections are
/// accepted for a moment, and some that are idle are closed.
///
/// # Safety
/// `task` is NULL or valid with the engine of its thread, `lev` is NULL or a listening event of it;
/// `accept_syscall` is NULL or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_conn_accept_error(
    task: *mut nxt_task_t,
    lev: *mut nxt_listen_event_t,
    accept_syscall: *const c_char,
    err: nxt_err_t,
) {
    guard("nxt_conn_accept_error", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            if task.is_null() || lev.is_null() {
                return;
            }
            (*lev).socket.read_ready = 0;
            let level = match err {
                // Another one has accepted the connection.
                libc::EAGAIN => return,
                // The client is gone.
                libc::ECONNABORTED => Level::Warn,
                _ => Level::Alert,
            };
            let call = String::from_utf8_lossy(c_string(accept_syscall.cast()));
            let errno = Errno(nix::errno::Errno::from_raw(err));
            let text = format!("{call}({}) failed {errno}", (*lev).socket.fd);
            task_record(task, level, &text);
            if let libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM = err {
                pause(task, lev);
            }
        }
    });
}

/// Accepts nothing for a moment, and closes connections that are idle.
///
/// # Safety
/// `task` is valid with the engine of its thread, `lev` is a listening event of it.
unsafe fn pause(task: *mut nxt_task_t, lev: *mut nxt_listen_event_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        let engine = own_engine(task);
        if engine.is_null() {
            return;
        }
        (*lev).socket.read_ready = 0;
        let timer: *mut nxt_timer_t = &raw mut (*lev).timer;
        nxt_timer_add(engine, timer, PAUSE);
        if let Some(disable) = (*engine).event.disable_read {
            disable(engine, &raw mut (*lev).socket);
        }
        let queue = &raw mut (*engine).close_work_queue;
        let nothing = ptr::null_mut();
        nxt_work_queue_add(queue, Some(close_idle), task, nothing, nothing);
        let text = "new connections are not accepted within 100ms";
        task_record(task, Level::Alert, text);
    }
}

/// Closes the connections that are idle for longest, and have nothing to read.
unsafe extern "C" fn close_idle(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (obj, data);
    guard("nxt_listen_event", (), || {
        // SAFETY: `pause` queues this on an engine; the links of its list are those of connections, and
        // the next one is taken before a handler may free the connection.
        unsafe {
            let engine = own_engine(task);
            let head: *mut nxt_queue_link_t = &raw mut (*engine).idle_connections.head;
            let mut link = (*head).prev;
            let mut closed = 0;
            while !link.is_null() && link != head && closed < CLOSED_AT_ONCE {
                let offset = std::mem::offset_of!(nxt_conn_t, link);
                let c = link.cast::<u8>().sub(offset).cast::<nxt_conn_t>();
                link = (*link).prev;
                let close = (*c)
                    .read_state
                    .as_ref()
                    .and_then(|state| state.close_handler);
                if let Some(close) = close.filter(|_| (*c).socket.read_ready == 0) {
                    close((*c).socket.task, c.cast(), (*c).socket.data);
                    closed += 1;
                }
            }
        }
    });
}
