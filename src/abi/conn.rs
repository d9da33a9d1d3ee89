//! Connections and listening events of `nxt_conn.h`.

use libc::{c_char, c_void};

use crate::abi::array::nxt_mp_t;
use crate::abi::buf::nxt_buf_t;
use crate::abi::engine::{nxt_conn_io_t, nxt_fd_event_t};
use crate::abi::listen_socket::nxt_listen_socket_t;
use crate::abi::log::nxt_log_t;
use crate::abi::queue::nxt_queue_link_t;
use crate::abi::sockaddr::nxt_sockaddr_t;
use crate::abi::task::{nxt_task_t, nxt_work_handler_t, nxt_work_queue_t};
use crate::abi::timer::nxt_timer_t;
use crate::abi::types::{nxt_msec_t, nxt_off_t};

/// A limit of how fast is written; there is none.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_event_write_rate_t {
    _opaque: [u8; 0],
}

/// Reads from a connection.
pub type nxt_conn_io_read_t =
    Option<unsafe extern "C" fn(task: *mut nxt_task_t, c: *mut nxt_conn_t) -> isize>;
/// How long a connection may take, in milliseconds.
pub type nxt_conn_timer_value_t =
    Option<unsafe extern "C" fn(c: *mut nxt_conn_t, data: usize) -> nxt_msec_t>;

/// What is done with a connection while it reads or writes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_conn_state_t {
    /// It is done.
    pub ready_handler: nxt_work_handler_t,
    /// The other side has closed, or this side wants to.
    pub close_handler: nxt_work_handler_t,
    /// It failed.
    pub error_handler: nxt_work_handler_t,
    /// What reads.
    pub io_read_handler: nxt_conn_io_read_t,
    /// It took too long.
    pub timer_handler: nxt_work_handler_t,
    /// How long it may take.
    pub timer_value: nxt_conn_timer_value_t,
    /// The argument of that.
    pub timer_data: usize,
    /// Whether the time starts anew with each byte.
    pub timer_autoreset: u8,
}

/// `sendfile`: files are copied.
pub const NXT_CONN_SENDFILE_OFF: u8 = 0;
/// `sendfile`: the kernel sends files.
pub const NXT_CONN_SENDFILE_ON: u8 = 1;
/// `sendfile`: nothing is said.
pub const NXT_CONN_SENDFILE_UNSET: u8 = 3;

/// A connection.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_conn_t {
    /// Its socket. The member has to be the first.
    pub socket: nxt_fd_event_t,
    /// What is read into.
    pub read: *mut nxt_buf_t,
    /// What is done with what was read.
    pub read_state: *const nxt_conn_state_t,
    /// Where readers are put.
    pub read_work_queue: *mut nxt_work_queue_t,
    /// The time for reading.
    pub read_timer: nxt_timer_t,
    /// What is written.
    pub write: *mut nxt_buf_t,
    /// What is done when it was.
    pub write_state: *const nxt_conn_state_t,
    /// Where writers are put.
    pub write_work_queue: *mut nxt_work_queue_t,
    /// How fast is written.
    pub rate: *mut nxt_event_write_rate_t,
    /// The time for writing.
    pub write_timer: nxt_timer_t,
    /// How many bytes were written.
    pub sent: nxt_off_t,
    /// How many bytes are written at once.
    pub max_chunk: u32,
    /// How many bytes were read or written last.
    pub nbytes: u32,
    /// How it reads and writes.
    pub io: *mut nxt_conn_io_t,
    /// What encrypts it, or the pool of threads that it uses.
    pub u: *mut c_void,
    /// Its pool.
    pub mem_pool: *mut nxt_mp_t,
    /// Its task.
    pub task: nxt_task_t,
    /// Its log.
    pub log: nxt_log_t,
    /// Where it was accepted.
    pub listen: *mut nxt_listen_event_t,
    /// The other side's address.
    pub remote: *mut nxt_sockaddr_t,
    /// This side's.
    pub local: *mut nxt_sockaddr_t,
    /// What it does, for the log; ended by a NUL.
    pub action: *const c_char,
    /// Whether reading waits.
    pub block_read: u8,
    /// Whether writing waits.
    pub block_write: u8,
    /// Whether writing is put off.
    pub delayed: u8,
    /// Whether it is among the idle connections of its engine.
    pub idle: u8,
    /// `NXT_CONN_SENDFILE_*`.
    pub sendfile: u8,
    /// Whether small pieces are sent at once.
    pub tcp_nodelay: u8,
    /// Its link among the idle connections.
    pub link: nxt_queue_link_t,
}

/// A listening socket that an engine watches.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_listen_event_t {
    /// The socket. The member has to be the first.
    pub socket: nxt_fd_event_t,
    /// The task of its handlers.
    pub task: nxt_task_t,
    /// How many connections are still accepted in this turn.
    pub ready: u32,
    /// How many in one turn.
    pub batch: u32,
    /// How many use it: its connections, and itself.
    pub count: u32,
    /// What accepts.
    pub accept: nxt_work_handler_t,
    /// What it listens for.
    pub listen: *mut nxt_listen_socket_t,
    /// A connection that waits for a client.
    pub next: *mut nxt_conn_t,
    /// Where new connections are put.
    pub work_queue: *mut nxt_work_queue_t,
    /// Runs while no more connections are accepted.
    pub timer: nxt_timer_t,
    /// Its link among those of the engine.
    pub link: nxt_queue_link_t,
}

super::assert_layout!(nxt_conn_state_t, size 64, align 8, ready_handler @ 0, close_handler @ 8, error_handler @ 16,
    io_read_handler @ 24, timer_handler @ 32, timer_value @ 40, timer_data @ 48, timer_autoreset @ 56);
super::assert_layout!(nxt_conn_t, size 424, align 8, socket @ 0, read @ 80, read_state @ 88, read_work_queue @ 96,
    read_timer @ 104, write @ 168, write_state @ 176, write_work_queue @ 184, rate @ 192, write_timer @ 200,
    sent @ 264, max_chunk @ 272, nbytes @ 276, io @ 280, u @ 288, mem_pool @ 296, task @ 304, log @ 336,
    listen @ 368, remote @ 376, local @ 384, action @ 392, block_read @ 400, block_write @ 401, delayed @ 402,
    idle @ 403, sendfile @ 404, tcp_nodelay @ 405, link @ 408);
super::assert_layout!(nxt_listen_event_t, size 240, align 8, socket @ 0, task @ 80, ready @ 112, batch @ 116,
    count @ 120, accept @ 128, listen @ 136, next @ 144, work_queue @ 152, timer @ 160, link @ 224);
