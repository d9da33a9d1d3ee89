//! The event engine of `nxt_event_engine.h`, `nxt_fd_event.h` and `nxt_signal.h`: the loop that a
//! program of the library runs in.

use libc::{c_char, c_int, c_uint, c_void, sigset_t};

use crate::abi::array::{nxt_array_t, nxt_mp_t};
use crate::abi::errno::nxt_err_t;
use crate::abi::file::nxt_fd_t;
use crate::abi::log::nxt_log_t;
use crate::abi::port::nxt_port_t;
use crate::abi::queue::{nxt_queue_link_t, nxt_queue_t};
use crate::abi::task::{
    nxt_locked_work_queue_t, nxt_task_t, nxt_work_handler_t, nxt_work_queue_cache_t,
    nxt_work_queue_t,
};
use crate::abi::thread::nxt_thread_handle_t;
use crate::abi::timer::nxt_timers_t;
use crate::abi::types::{
    nxt_atomic_uint_t, nxt_bool_t, nxt_int_t, nxt_msec_t, nxt_pid_t, nxt_uint_t,
};

/// A socket.
pub type nxt_socket_t = c_int;

/// A socket does not wait.
pub const NXT_NONBLOCK: u8 = 1;

/// What is known of one direction of a descriptor: one of the `NXT_EVENT_*` numbers.
pub type nxt_fd_event_state_t = c_uint;
/// Nothing is waited for.
pub const NXT_EVENT_INACTIVE: nxt_fd_event_state_t = 0;
/// Known to the kernel, but nothing is waited for any more.
pub const NXT_EVENT_DISABLED: nxt_fd_event_state_t = 1;
/// What happens is noted, but no handler is called.
pub const NXT_EVENT_BLOCKED: nxt_fd_event_state_t = 2;
/// Waited for once.
pub const NXT_EVENT_ONESHOT: nxt_fd_event_state_t = 3;
/// Waited for as long as it is so.
pub const NXT_EVENT_LEVEL: nxt_fd_event_state_t = 4;
/// Waited for in the way of the interface.
pub const NXT_EVENT_DEFAULT: nxt_fd_event_state_t = 5;
/// The same.
pub const NXT_EVENT_ACTIVE: nxt_fd_event_state_t = 5;

/// A descriptor that an engine watches.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_fd_event_t {
    /// The handlers' third argument.
    pub data: *mut c_void,
    /// The descriptor.
    pub fd: nxt_socket_t,
    /// The error of the last operation.
    pub error: nxt_err_t,
    /// What is known of reading.
    pub read: u8,
    /// What is known of writing.
    pub write: u8,
    /// Reading will not block.
    pub read_ready: u8,
    /// Writing will not block.
    pub write_ready: u8,
    /// A change is pending.
    pub changing: u8,
    /// It was closed.
    pub closed: u8,
    /// It timed out.
    pub timedout: u8,
    /// Bits: shut down, end of file seen, error seen.
    pub flags: u8,
    /// The task of the handlers.
    pub task: *mut nxt_task_t,
    /// Where readers are put.
    pub read_work_queue: *mut nxt_work_queue_t,
    /// What reads.
    pub read_handler: nxt_work_handler_t,
    /// Where writers are put.
    pub write_work_queue: *mut nxt_work_queue_t,
    /// What writes.
    pub write_handler: nxt_work_handler_t,
    /// What learns of errors.
    pub error_handler: nxt_work_handler_t,
    /// The log of the handlers.
    pub log: *mut nxt_log_t,
}

/// A file that an engine watches; no interface of this system does.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_file_event_t {
    /// The handler's third argument.
    pub data: *mut c_void,
    /// The file.
    pub file: *mut crate::abi::file::nxt_file_t,
    /// What is done when it changes.
    pub handler: nxt_work_handler_t,
    /// The handler's task.
    pub task: *mut nxt_task_t,
}

/// Operations on connections (`nxt_conn.h`).
#[repr(C)]
#[derive(Debug)]
pub struct nxt_conn_io_t {
    _opaque: [u8; 0],
}

/// Fibers (`nxt_fiber.h`).
#[repr(C)]
#[derive(Debug)]
pub struct nxt_fiber_main_t {
    _opaque: [u8; 0],
}

/// Changes what is waited for at a descriptor.
pub type nxt_fd_event_change_t =
    Option<unsafe extern "C" fn(engine: *mut nxt_event_engine_t, ev: *mut nxt_fd_event_t)>;
/// Changes what is waited for at a file.
pub type nxt_file_event_change_t =
    Option<unsafe extern "C" fn(engine: *mut nxt_event_engine_t, ev: *mut nxt_file_event_t)>;

/// A way to learn from the kernel what happened.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_event_interface_t {
    /// Its name.
    pub name: *const c_char,
    /// Prepares an engine.
    pub create: Option<
        unsafe extern "C" fn(
            engine: *mut nxt_event_engine_t,
            mchanges: nxt_uint_t,
            mevents: nxt_uint_t,
        ) -> nxt_int_t,
    >,
    /// Frees what `create` has made.
    pub free: Option<unsafe extern "C" fn(engine: *mut nxt_event_engine_t)>,
    /// Waits for both directions.
    pub enable: nxt_fd_event_change_t,
    /// Waits for none.
    pub disable: nxt_fd_event_change_t,
    /// Forgets a descriptor.
    pub delete: nxt_fd_event_change_t,
    /// Forgets a descriptor that is going to be closed; whether a change was pending.
    pub close: Option<
        unsafe extern "C" fn(
            engine: *mut nxt_event_engine_t,
            ev: *mut nxt_fd_event_t,
        ) -> nxt_bool_t,
    >,
    /// Waits for reading.
    pub enable_read: nxt_fd_event_change_t,
    /// Waits for writing.
    pub enable_write: nxt_fd_event_change_t,
    /// Does not wait for reading any more.
    pub disable_read: nxt_fd_event_change_t,
    /// Does not wait for writing any more.
    pub disable_write: nxt_fd_event_change_t,
    /// Only notes that reading is possible.
    pub block_read: nxt_fd_event_change_t,
    /// Only notes that writing is possible.
    pub block_write: nxt_fd_event_change_t,
    /// Waits for reading once.
    pub oneshot_read: nxt_fd_event_change_t,
    /// Waits for writing once.
    pub oneshot_write: nxt_fd_event_change_t,
    /// Waits for connections at a listening socket.
    pub enable_accept: nxt_fd_event_change_t,
    /// Watches a file.
    pub enable_file: nxt_file_event_change_t,
    /// Watches a file no more.
    pub close_file: nxt_file_event_change_t,
    /// Says what is done when another thread wakes the engine.
    pub enable_post: Option<
        unsafe extern "C" fn(
            engine: *mut nxt_event_engine_t,
            handler: nxt_work_handler_t,
        ) -> nxt_int_t,
    >,
    /// Wakes the engine.
    pub signal: Option<unsafe extern "C" fn(engine: *mut nxt_event_engine_t, signo: nxt_uint_t)>,
    /// Waits until something happens.
    pub poll: Option<unsafe extern "C" fn(engine: *mut nxt_event_engine_t, timeout: nxt_msec_t)>,
    /// Operations on connections.
    pub io: *mut nxt_conn_io_t,
    /// Whether files can be watched.
    pub file_support: u8,
    /// Whether signals come as events.
    pub signal_support: u8,
}

/// A signal and what is done when it arrives; an array of them ends with `signo` 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_sig_event_t {
    /// The signal.
    pub signo: c_int,
    /// Gets the signal's number and name.
    pub handler: nxt_work_handler_t,
    /// Its name.
    pub name: *const c_char,
}

/// The signals of an engine.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "sigset_t has none")]
pub struct nxt_event_signals_t {
    /// Finds the handler of a signal.
    pub handler: nxt_work_handler_t,
    /// The handlers.
    pub sigev: *const nxt_sig_event_t,
    /// The signals that they are for.
    pub sigmask: sigset_t,
    /// The process of the signal thread.
    pub process: nxt_pid_t,
    /// The signal thread.
    pub thread: nxt_thread_handle_t,
}

/// A pipe that wakes an engine.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_event_engine_pipe_t {
    /// Its ends.
    pub fds: [nxt_fd_t; 2],
    /// The read end.
    pub event: nxt_fd_event_t,
}

/// An engine. The memory of its interface (`u`) is the interface's own.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_event_engine_t {
    /// The engine's task.
    pub task: nxt_task_t,
    /// The interface's own.
    pub u: [u64; 66],
    /// Timers.
    pub timers: nxt_timers_t,
    /// Memory for works.
    pub work_queue_cache: nxt_work_queue_cache_t,
    /// The queue whose works are done now.
    pub current_work_queue: *mut nxt_work_queue_t,
    /// What comes first.
    pub fast_work_queue: nxt_work_queue_t,
    /// Connections to accept.
    pub accept_work_queue: nxt_work_queue_t,
    /// Connections to read.
    pub read_work_queue: nxt_work_queue_t,
    /// Sockets to make.
    pub socket_work_queue: nxt_work_queue_t,
    /// Connections to make.
    pub connect_work_queue: nxt_work_queue_t,
    /// Connections to write.
    pub write_work_queue: nxt_work_queue_t,
    /// Connections to shut down.
    pub shutdown_work_queue: nxt_work_queue_t,
    /// What comes last.
    pub close_work_queue: nxt_work_queue_t,
    /// What other threads have posted.
    pub locked_work_queue: nxt_locked_work_queue_t,
    /// The interface.
    pub event: nxt_event_interface_t,
    /// Wakes an engine whose interface cannot be woken.
    pub pipe: *mut nxt_event_engine_pipe_t,
    /// Signals.
    pub signals: *mut nxt_event_signals_t,
    /// Fibers.
    pub fibers: *mut nxt_fiber_main_t,
    /// Its number; the main engine has 0.
    pub id: u32,
    /// Whether the runtime is being stopped.
    pub shutdown: u8,
    /// How many events it takes at once.
    pub batch: u32,
    /// Connections.
    pub connections: u32,
    /// How many there may be.
    pub max_connections: u32,
    /// Its port.
    pub port: *mut nxt_port_t,
    /// Its pool.
    pub mem_pool: *mut nxt_mp_t,
    /// Configurations in use.
    pub joints: nxt_queue_t,
    /// Listening sockets.
    pub listen_connections: nxt_queue_t,
    /// Connections that wait for a request.
    pub idle_connections: nxt_queue_t,
    /// Memory that was given back.
    pub mem_cache: *mut nxt_array_t,
    /// Connections accepted.
    pub accepted_conns_cnt: nxt_atomic_uint_t,
    /// Connections that wait for a request.
    pub idle_conns_cnt: nxt_atomic_uint_t,
    /// Connections closed.
    pub closed_conns_cnt: nxt_atomic_uint_t,
    /// Requests.
    pub requests_cnt: nxt_atomic_uint_t,
    /// Its link among the runtime's engines.
    pub link: nxt_queue_link_t,
    /// Its link among the router's engines.
    pub link0: nxt_queue_link_t,
}

/// A piece of engine memory of no known size class.
pub const NXT_EVENT_ENGINE_NO_MEM_HINT: u8 = 255;

super::assert_layout!(nxt_fd_event_t, size 80, align 8, data @ 0, fd @ 8, error @ 12, read @ 16, write @ 17,
    read_ready @ 18, write_ready @ 19, changing @ 20, closed @ 21, timedout @ 22, flags @ 23, task @ 24,
    read_work_queue @ 32, read_handler @ 40, write_work_queue @ 48, write_handler @ 56, error_handler @ 64, log @ 72);
super::assert_layout!(nxt_file_event_t, size 32, align 8, data @ 0, file @ 8, handler @ 16, task @ 24);
super::assert_layout!(nxt_event_interface_t, size 184, align 8, name @ 0, create @ 8, free @ 16, enable @ 24,
    disable @ 32, delete @ 40, close @ 48, enable_read @ 56, enable_write @ 64, disable_read @ 72,
    disable_write @ 80, block_read @ 88, block_write @ 96, oneshot_read @ 104, oneshot_write @ 112,
    enable_accept @ 120, enable_file @ 128, close_file @ 136, enable_post @ 144, signal @ 152, poll @ 160, io @ 168,
    file_support @ 176, signal_support @ 177);
super::assert_layout!(nxt_sig_event_t, size 24, align 8, signo @ 0, handler @ 8, name @ 16);
super::assert_layout!(nxt_event_signals_t, size 160, align 8, handler @ 0, sigev @ 8, sigmask @ 16, process @ 144,
    thread @ 152);
super::assert_layout!(nxt_event_engine_pipe_t, size 88, align 8, fds @ 0, event @ 8);
#[cfg(not(feature = "debug"))]
super::assert_layout!(nxt_event_engine_t, size 1272, align 8, task @ 0, u @ 32, timers @ 560, work_queue_cache @ 616,
    current_work_queue @ 648, fast_work_queue @ 656, accept_work_queue @ 680, read_work_queue @ 704,
    socket_work_queue @ 728, connect_work_queue @ 752, write_work_queue @ 776, shutdown_work_queue @ 800,
    close_work_queue @ 824, locked_work_queue @ 848, event @ 904, pipe @ 1088, signals @ 1096, fibers @ 1104,
    id @ 1112, shutdown @ 1116, batch @ 1120, connections @ 1124, max_connections @ 1128, port @ 1136,
    mem_pool @ 1144, joints @ 1152, listen_connections @ 1168, idle_connections @ 1184, mem_cache @ 1200,
    accepted_conns_cnt @ 1208, idle_conns_cnt @ 1216, closed_conns_cnt @ 1224, requests_cnt @ 1232, link @ 1240,
    link0 @ 1256);
#[cfg(feature = "debug")]
super::assert_layout!(nxt_event_engine_t, size 1400, align 8, task @ 0, u @ 32, timers @ 560, work_queue_cache @ 616,
    current_work_queue @ 648, fast_work_queue @ 656, accept_work_queue @ 696, read_work_queue @ 736,
    socket_work_queue @ 776, connect_work_queue @ 816, write_work_queue @ 856, shutdown_work_queue @ 896,
    close_work_queue @ 936, locked_work_queue @ 976, event @ 1032, pipe @ 1216, signals @ 1224, fibers @ 1232,
    id @ 1240, shutdown @ 1244, batch @ 1248, connections @ 1252, max_connections @ 1256, port @ 1264,
    mem_pool @ 1272, joints @ 1280, listen_connections @ 1296, idle_connections @ 1312, mem_cache @ 1328,
    accepted_conns_cnt @ 1336, idle_conns_cnt @ 1344, closed_conns_cnt @ 1352, requests_cnt @ 1360, link @ 1368,
    link0 @ 1384);
