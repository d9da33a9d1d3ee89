//! `nxt_port.h`: the ports of a program's processes.
//!
//! A port is the C object followed by what the program does not see: the two sides of `ipc::port`,
//! which are also those of `unitd`, and the table of RPCs. The descriptors are those in `pair`,
//! which C code reads, sets and closes: the two sides only borrow them.

use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use libc::c_void;

use crate::abi::engine::{NXT_EVENT_INACTIVE, nxt_event_engine_t, nxt_fd_event_t};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::port::{
    nxt_port_handlers_t, nxt_port_id_t, nxt_port_post_handler_t, nxt_port_recv_msg_t, nxt_port_t,
};
use crate::abi::process::nxt_process_type_t;
use crate::abi::task::{nxt_task_t, nxt_work_t};
use crate::abi::types::{nxt_int_t, nxt_pid_t};
use crate::base::log::Level;
use crate::capi::engine::{init_queue, nxt_event_engine_post};
use crate::capi::globals::{nxt_main_log, nxt_pid};
use crate::capi::guard;
use crate::capi::log::{record, task_record};
use crate::capi::malloc::nxt_zalloc;
use crate::capi::mp::{
    nxt_mp_cleanup, nxt_mp_create, nxt_mp_destroy, nxt_mp_release, nxt_mp_zalloc,
};
use crate::capi::process::nxt_process_use;
use crate::capi::queue::remove_link;
use crate::capi::room::has_room;
use crate::capi::thread::{nxt_thread_mutex_create, nxt_thread_mutex_destroy};
use crate::ipc::message::{MAX_BODY, kind};
use crate::ipc::{PortQueue, Receiver, RpcTable, SHARED_PORT_ID, Sender, socket};

pub mod handlers;
pub mod hash;
pub mod memory;
pub mod receive;
pub mod rpc;
pub mod send;

use rpc::{Registration, nxt_port_rpc_close};

/// How much of a message goes in a row, before others get their turn.
const MAX_SHARE: u32 = 64 * 1024;
/// What a pool of a port is made of.
const POOL: (usize, usize, usize, usize) = (1024, 128, 256, 32);
/// The size of the queue of a port, and of an application.
const QUEUE_SIZE: usize = 655_380;
const APP_QUEUE_SIZE: usize = 5_767_188;

/// What follows a port.
struct Private {
    sender: Option<Sender>,
    receiver: Option<Receiver>,
    rpc: RpcTable<NonNull<Registration>>,
    /// Waits for room in the socket.
    writer: nxt_fd_event_t,
    /// Messages wait for that, and hold the port.
    waiting: bool,
}

#[repr(C)]
struct Port {
    face: nxt_port_t,
    private: *mut Private,
}

/// The part of a port that C does not see.
///
/// # Safety
/// `port` is one of [`nxt_port_new`]. The result must not be kept while foreign code runs.
unsafe fn private<'a>(port: *mut nxt_port_t) -> &'a mut Private {
    // SAFETY: such a port is followed by its private part, which lives as long as the port; only
    // the thread of the port's engine uses it, or the holder of its mutex.
    unsafe { &mut *(*port.cast::<Port>()).private }
}

/// An event of which nothing is known.
const fn no_event() -> nxt_fd_event_t {
    nxt_fd_event_t {
        data: ptr::null_mut(),
        fd: -1,
        error: 0,
        read: 0,
        write: 0,
        read_ready: 0,
        write_ready: 0,
        changing: 0,
        closed: 0,
        timedout: 0,
        flags: 0,
        task: ptr::null_mut(),
        read_work_queue: ptr::null_mut(),
        read_handler: None,
        write_work_queue: ptr::null_mut(),
        write_handler: None,
        error_handler: None,
        log: ptr::null_mut(),
    }
}

/// A port of a process, without descriptors yet. NULL when there is no memory.
///
/// # Safety
/// `task` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_new(
    task: *mut nxt_task_t,
    id: nxt_port_id_t,
    pid: nxt_pid_t,
    r#type: nxt_process_type_t,
) -> *mut nxt_port_t {
    guard("nxt_port_new", ptr::null_mut(), || {
        // SAFETY: the port is ours until it is returned.
        unsafe {
            if !has_room(0) {
                return ptr::null_mut();
            }
            let (cluster, alignment, page, chunk) = POOL;
            let pool = nxt_mp_create(cluster, alignment, page, chunk);
            if pool.is_null() {
                return ptr::null_mut();
            }
            let port = nxt_mp_zalloc(pool, size_of::<Port>()).cast::<nxt_port_t>();
            if port.is_null()
                || nxt_mp_cleanup(pool, Some(forget), task, port.cast(), ptr::null_mut()) != NXT_OK
            {
                nxt_mp_destroy(pool);
                return ptr::null_mut();
            }
            (*port.cast::<Port>()).private = Box::into_raw(Box::new(Private {
                sender: None,
                receiver: None,
                rpc: RpcTable::default(),
                writer: no_event(),
                waiting: false,
            }));
            (*port).socket = no_event();
            (*port).pair = [-1, -1];
            (*port).id = id;
            (*port).pid = pid;
            (*port).r#type = r#type;
            (*port).mem_pool = pool;
            (*port).use_count = 1;
            (*port).queue_fd = -1;
            init_queue(&raw mut (*port).messages);
            nxt_thread_mutex_create(&raw mut (*port).write_mutex);
            port
        }
    })
}

/// The end of a port, when its pool goes.
unsafe extern "C" fn forget(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (task, data);
    guard("nxt_port_release", (), || {
        let port = obj.cast::<nxt_port_t>();
        // SAFETY: nobody uses the port any more; its private part is from `nxt_port_new`.
        unsafe {
            close_ends(port);
            let place = &raw mut (*port.cast::<Port>()).private;
            if !place.read().is_null() {
                drop(Box::from_raw(place.replace(ptr::null_mut())));
            }
            nxt_thread_mutex_destroy(&raw mut (*port).write_mutex);
        }
    });
}

/// Takes the sides of a port back from `ipc`, which must not close the descriptors.
///
/// # Safety
/// `port` is a port.
pub(crate) unsafe fn release_sender(port: *mut nxt_port_t) {
    // SAFETY: by the caller's promise.
    if let Some(sender) = unsafe { private(port) }.sender.take() {
        let _ = sender.into_socket().into_raw_fd();
    }
}

/// # Safety
/// `port` is a port.
unsafe fn release_receiver(port: *mut nxt_port_t) {
    // SAFETY: by the caller's promise.
    if let Some(receiver) = unsafe { private(port) }.receiver.take() {
        let _ = receiver.into_socket().into_raw_fd();
    }
}

/// Closes one of the descriptors of `pair`.
///
/// # Safety
/// `port` is a port, `side` is 0 or 1.
unsafe fn close_fd(port: *mut nxt_port_t, side: usize) {
    // SAFETY: by the caller's promise; the descriptor is the port's own.
    unsafe {
        let fd = std::mem::replace(&mut (*port).pair[side], -1);
        if fd >= 0 {
            drop(OwnedFd::from_raw_fd(fd));
        }
    }
}

/// Stops watching an event of a port, if the port's engine watches it.
///
/// # Safety
/// Both are valid and belong together.
unsafe fn unwatch(port: *mut nxt_port_t, ev: *mut nxt_fd_event_t) {
    // SAFETY: the caller promises that port and event are one; what the engine's interface gets is
    // its own event.
    unsafe {
        let engine = (*port).engine;
        if !engine.is_null()
            && (*ev).fd >= 0
            && (u32::from((*ev).read) != NXT_EVENT_INACTIVE
                || u32::from((*ev).write) != NXT_EVENT_INACTIVE)
            && let Some(close) = (*engine).event.close
        {
            close(engine, ev);
        }
        (*ev).read = 0;
        (*ev).write = 0;
        (*ev).read_ready = 0;
    }
}

/// # Safety
/// `port` is a port.
unsafe fn close_read(port: *mut nxt_port_t) {
    // SAFETY: the caller promises a port; its descriptors are its own, and are -1 once they are
    // closed.
    unsafe {
        if (*port).pair[0] >= 0 && (*port).socket.fd == (*port).pair[0] {
            unwatch(port, &raw mut (*port).socket);
        }
        release_receiver(port);
        close_fd(port, 0);
    }
}

/// # Safety
/// `port` is a port.
unsafe fn close_write(port: *mut nxt_port_t) {
    // SAFETY: the caller promises a port, which has its private part from its making to its end.
    unsafe {
        let writer = &raw mut private(port).writer;
        unwatch(port, writer);
        (*writer).fd = -1;
        release_sender(port);
        close_fd(port, 1);
    }
}

/// Closes everything that a port has open.
///
/// # Safety
/// `port` is a port.
unsafe fn close_ends(port: *mut nxt_port_t) {
    // SAFETY: by the caller's promise; the descriptors and the mapping are the port's own.
    unsafe {
        close_read(port);
        close_write(port);
        let queue_fd = std::mem::replace(&mut (*port).queue_fd, -1);
        if queue_fd >= 0 {
            drop(OwnedFd::from_raw_fd(queue_fd));
        }
        let queue = std::mem::replace(&mut (*port).queue, ptr::null_mut());
        if !queue.is_null() {
            let size = if (*port).id == SHARED_PORT_ID {
                APP_QUEUE_SIZE
            } else {
                QUEUE_SIZE
            };
            libc::munmap(queue, size);
        }
    }
}

/// Messages do not wait any more: their hold on the port ends.
///
/// # Safety
/// `port` is a port, and `task` is valid.
unsafe fn stop_waiting(task: *mut nxt_task_t, port: *mut nxt_port_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        if std::mem::take(&mut private(port).waiting) {
            nxt_port_use(task, port, -1);
        }
    }
}

/// The numbers of ports that this process makes.
static NEXT_ID: AtomicU16 = AtomicU16::new(1);

/// A number for a new port of this process.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_port_get_next_id() -> nxt_port_id_t {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

/// The numbers begin anew, as they do in a new process.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_port_reset_next_id() {
    NEXT_ID.store(1, Ordering::Relaxed);
}

/// Gives a port its two ends. `max_size` is the longest piece of a message, 0 the usual 16 KiB, which
/// is also the most.
///
/// # Safety
/// `task` and `port` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_socket_init(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    max_size: usize,
) -> nxt_int_t {
    guard("nxt_port_socket_init", NXT_ERROR, || {
        if port.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: the port is checked above; the pair is new, and the port's from now on.
        unsafe {
            (*port).socket.task = task;
            match socket::pair() {
                Ok((read, write)) => (*port).pair = [read.into_raw_fd(), write.into_raw_fd()],
                Err(errno) => {
                    (*port).pair = [-1, -1];
                    let text = format!("socketpair() failed {}", crate::sys::Errno(errno));
                    task_record(task, Level::Alert, &text);
                    return NXT_ERROR;
                }
            }
            let size = if max_size == 0 {
                MAX_BODY
            } else {
                max_size.min(MAX_BODY)
            };
            (*port).max_size = size as u32;
            (*port).max_share = MAX_SHARE;
            NXT_OK
        }
    })
}

/// Frees a port at once, whoever holds it.
///
/// # Safety
/// `port` is NULL or a port that nobody uses afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_destroy(port: *mut nxt_port_t) {
    // SAFETY: NULL or a port, by the caller's promise; the pool's end ends the port.
    unsafe {
        if !port.is_null() {
            nxt_mp_destroy((*port).mem_pool);
        }
    }
}

/// Closes a port: RPCs that wait for answers fail, messages that wait are lost.
///
/// # Safety
/// `task` and `port` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_close(task: *mut nxt_task_t, port: *mut nxt_port_t) {
    guard("nxt_port_close", (), || {
        if port.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the port is held meanwhile.
        unsafe {
            nxt_port_inc(port);
            if (*port).pair[0] >= 0 {
                nxt_port_rpc_close(task, port);
            }
            close_ends(port);
            stop_waiting(task, port);
            nxt_port_use(task, port, -1);
        }
    });
}

/// # Safety
/// `port` is a port.
unsafe fn nxt_port_inc(port: *mut nxt_port_t) {
    // SAFETY: by the caller's promise.
    unsafe { use_count(port).fetch_add(1, Ordering::AcqRel) };
}

/// # Safety
/// `port` is a port.
unsafe fn use_count<'a>(port: *mut nxt_port_t) -> &'a AtomicU64 {
    // SAFETY: aligned, and alive by the caller's promise; C code uses it atomically too.
    unsafe { AtomicU64::from_ptr(&raw mut (*port).use_count) }
}

/// Prepares a port for sending through `pair[1]`, from the calling thread's engine.
///
/// # Safety
/// `task` and `port` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_write_enable(task: *mut nxt_task_t, port: *mut nxt_port_t) {
    guard("nxt_port_write_enable", (), || {
        if task.is_null() || port.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            (*port).socket.fd = (*port).pair[1];
            (*port).socket.log = nxt_main_log.get();
            (*port).socket.write_ready = 1;
            (*port).engine = (*(*task).thread).engine;
            if (*port).socket.task.is_null() {
                (*port).socket.task = task;
            }
        }
    });
}

/// Closes the end to write.
///
/// # Safety
/// `port` is NULL or a port.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_write_close(port: *mut nxt_port_t) {
    guard("nxt_port_write_close", (), || {
        if !port.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe { close_write(port) };
        }
    });
}

/// Closes the end to read.
///
/// # Safety
/// `port` is NULL or a port.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_read_close(port: *mut nxt_port_t) {
    guard("nxt_port_read_close", (), || {
        if !port.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe { close_read(port) };
        }
    });
}

/// Starts to read a port of this process and to give each message to the handler of its kind.
///
/// # Safety
/// `task` and `port` are NULL or valid; `handlers` stays as long as the port.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_enable(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    handlers: *const nxt_port_handlers_t,
) {
    guard("nxt_port_enable", (), || {
        if task.is_null() || port.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            (*port).pid = nxt_pid.get().read();
            (*port).handler = Some(dispatch);
            (*port).data = handlers.cast_mut().cast();
            receive::nxt_port_read_enable(task, port);
        }
    });
}

/// Gives a message to the handler of its kind.
unsafe extern "C" fn dispatch(task: *mut nxt_task_t, msg: *mut nxt_port_recv_msg_t) {
    // SAFETY: the message is valid, and its port has one handler for each kind.
    unsafe {
        let r#type = (*msg).port_msg.r#type;
        let handlers = (*(*msg).port).data;
        let handler = (r#type < kind::MAX && !handlers.is_null())
            .then(|| handlers.add(r#type.into()).read())
            .flatten();
        match handler {
            Some(handler) => handler(task, msg),
            None => {
                let fd = (*(*msg).port).socket.fd;
                let text = format!("port {fd}: unknown message type:{type}");
                task_record(task, Level::Alert, &text);
                close_fds(msg);
            }
        }
    }
}

/// Closes the descriptors of a message.
///
/// # Safety
/// `msg` is valid; the descriptors are nobody else's.
unsafe fn close_fds(msg: *mut nxt_port_recv_msg_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        for place in &mut (*msg).fd {
            let fd = std::mem::replace(place, -1);
            if fd >= 0 {
                drop(OwnedFd::from_raw_fd(fd));
            }
        }
    }
}

/// What travels to the engine of a port. `work` comes first: its address is that of the whole.
#[repr(C)]
struct Posted {
    work: nxt_work_t,
    port: *mut nxt_port_t,
    handler: nxt_port_post_handler_t,
}

unsafe extern "C" fn posted(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    // SAFETY: the object is from `nxt_port_post`, on the C library's heap; it holds the port.
    unsafe {
        let post = obj.cast::<Posted>();
        let (port, handler) = ((*post).port, (*post).handler);
        libc::free(obj);
        if let Some(handler) = handler {
            handler(task, port, data);
        }
        nxt_port_use(task, port, -1);
    }
}

/// Does something for a port on the port's own engine: at once if that is the caller's. `NXT_ERROR`
/// when there is no memory.
///
/// # Safety
/// `task` and `port` are NULL or valid; `data` is what the handler takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_post(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    handler: nxt_port_post_handler_t,
    data: *mut c_void,
) -> nxt_int_t {
    guard("nxt_port_post", NXT_ERROR, || {
        let Some(function) = handler else {
            return NXT_ERROR;
        };
        if task.is_null() || port.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let engine = (*port).engine;
            if engine.is_null() || engine == own_engine(task) {
                function(task, port, data);
                return NXT_OK;
            }
            let post = nxt_zalloc(size_of::<Posted>()).cast::<Posted>();
            if post.is_null() {
                return NXT_ERROR;
            }
            nxt_port_inc(port);
            post.write(Posted {
                work: nxt_work_t {
                    next: ptr::null_mut(),
                    handler: Some(posted),
                    task: &raw mut (*engine).task,
                    obj: post.cast(),
                    data,
                },
                port,
                handler,
            });
            nxt_event_engine_post(engine, &raw mut (*post).work);
            NXT_OK
        }
    })
}

/// The engine of the calling thread; NULL if it has none.
///
/// # Safety
/// `task` is NULL or valid.
pub(crate) unsafe fn own_engine(task: *mut nxt_task_t) -> *mut nxt_event_engine_t {
    // SAFETY: by the caller's promise.
    let thread = unsafe { task.as_ref().and_then(|task| task.thread.as_ref()) };
    thread.map_or(ptr::null_mut(), |thread| thread.engine)
}

/// Adds holders to a port, or takes some away. Without any the port ends, on its own engine.
///
/// # Safety
/// `task` and `port` are NULL or valid; a holder that was taken away does not use the port any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_use(task: *mut nxt_task_t, port: *mut nxt_port_t, i: i32) {
    guard("nxt_port_use", (), || {
        if task.is_null() || port.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let before = use_count(port).fetch_add(i64::from(i) as u64, Ordering::AcqRel);
            if i >= 0 || before != i64::from(i).unsigned_abs() {
                return;
            }
            let engine = (*port).engine;
            if engine.is_null() || engine == own_engine(task) {
                release(task, port);
            } else {
                nxt_port_post(task, port, Some(nothing), ptr::null_mut());
            }
        }
    });
}

unsafe extern "C" fn nothing(task: *mut nxt_task_t, port: *mut nxt_port_t, data: *mut c_void) {
    let _ = (task, port, data);
}

/// # Safety
/// Nobody holds the port.
unsafe fn release(task: *mut nxt_task_t, port: *mut nxt_port_t) {
    // SAFETY: by the caller's promise.
    unsafe {
        (*port).app = ptr::null_mut();
        if !(*port).link.next.is_null() {
            let process = (*port).process;
            remove_link(&raw mut (*port).link);
            nxt_process_use(task, process, -1);
        }
        nxt_mp_release((*port).mem_pool);
    }
}

/// The sending side of a port, made when it is first used and when C code has changed the end.
///
/// # Safety
/// `port` is a port whose mutex is closed.
unsafe fn sender<'a>(port: *mut nxt_port_t) -> Option<&'a Sender> {
    // SAFETY: by the caller's promise; the descriptor is open as long as C code says so.
    unsafe {
        let fd: RawFd = (*port).pair[1];
        if fd < 0 {
            return None;
        }
        let current = private(port).sender.as_ref();
        let fits = current.is_some_and(|sender| {
            sender.as_raw_fd() == fd && sender.has_queue() != (*port).queue.is_null()
        });
        if !fits {
            release_sender(port);
            private(port).sender = Some(Sender::new(OwnedFd::from_raw_fd(fd), queue(port)));
        }
        private(port).sender.as_ref()
    }
}

/// The queue that C code has given a port.
///
/// # Safety
/// `port` is a port.
unsafe fn queue(port: *mut nxt_port_t) -> Option<PortQueue> {
    // SAFETY: a port's queue is a mapping of one, which `close_ends` unmaps after the sides.
    unsafe { NonNull::new((*port).queue.cast::<u8>()).map(|start| PortQueue::borrow(start)) }
}

/// A record about a port.
///
/// # Safety
/// `port` is a port.
unsafe fn port_record(port: *mut nxt_port_t, level: Level, text: &str) {
    // SAFETY: by the caller's promise; the main log lives as long as the program.
    unsafe {
        let text = format!("port {}:{}: {text}", (*port).pid, (*port).id);
        record(nxt_main_log.get(), level, &text);
    }
}
