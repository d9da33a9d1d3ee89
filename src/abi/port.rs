//! The port of `nxt_port.h` and what travels through it.

use libc::{c_int, c_void};

use crate::abi::array::nxt_mp_t;
use crate::abi::buf::nxt_buf_t;
use crate::abi::engine::{nxt_event_engine_t, nxt_fd_event_t, nxt_socket_t};
use crate::abi::file::nxt_fd_t;
use crate::abi::lvlhsh::nxt_lvlhsh_t;
use crate::abi::process::{nxt_process_t, nxt_process_type_t};
use crate::abi::queue::{nxt_queue_link_t, nxt_queue_t};
use crate::abi::task::nxt_task_t;
use crate::abi::thread::nxt_thread_mutex_t;
use crate::abi::types::{nxt_atomic_t, nxt_bool_t, nxt_msec_t, nxt_pid_t};

/// The number of a port inside its process. Also on the wire.
pub type nxt_port_id_t = u16;

/// An application as the router sees it (`nxt_router.h`).
#[repr(C)]
#[derive(Debug)]
pub struct nxt_app_t {
    _opaque: [u8; 0],
}

/// Takes a message that came in.
pub type nxt_port_handler_t =
    Option<unsafe extern "C" fn(task: *mut nxt_task_t, msg: *mut nxt_port_recv_msg_t)>;
/// Does something for a port on the port's own engine.
pub type nxt_port_post_handler_t =
    Option<unsafe extern "C" fn(task: *mut nxt_task_t, port: *mut nxt_port_t, data: *mut c_void)>;
/// Takes the answer of an RPC, or its failure.
pub type nxt_port_rpc_handler_t = Option<
    unsafe extern "C" fn(task: *mut nxt_task_t, msg: *mut nxt_port_recv_msg_t, data: *mut c_void),
>;

/// One handler for each kind of message; the position is the kind.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_port_handlers_t {
    /// An answer.
    pub rpc_ready: nxt_port_handler_t,
    /// A failure.
    pub rpc_error: nxt_port_handler_t,
    /// The router wants a process of an application.
    pub start_process: nxt_port_handler_t,
    /// The router wants a listening socket.
    pub socket: nxt_port_handler_t,
    /// The router gives a listening socket up.
    pub socket_unlink: nxt_port_handler_t,
    /// Discovery has found the modules.
    pub modules: nxt_port_handler_t,
    /// The controller has a configuration to store.
    pub conf_store: nxt_port_handler_t,
    /// A certificate is wanted.
    pub cert_get: nxt_port_handler_t,
    /// A certificate is to be deleted.
    pub cert_delete: nxt_port_handler_t,
    /// A script is wanted.
    pub script_get: nxt_port_handler_t,
    /// A script is to be deleted.
    pub script_delete: nxt_port_handler_t,
    /// An access log is to be opened.
    pub access_log: nxt_port_handler_t,
    /// A log file was opened anew.
    pub change_file: nxt_port_handler_t,
    /// A new port.
    pub new_port: nxt_port_handler_t,
    /// A port is wanted.
    pub get_port: nxt_port_handler_t,
    /// A port has arrived.
    pub port_ack: nxt_port_handler_t,
    /// A segment of shared memory.
    pub mmap: nxt_port_handler_t,
    /// A segment of shared memory is wanted.
    pub get_mmap: nxt_port_handler_t,
    /// A process was created.
    pub process_created: nxt_port_handler_t,
    /// A process is ready.
    pub process_ready: nxt_port_handler_t,
    /// A process wants to know its number.
    pub whoami: nxt_port_handler_t,
    /// A process has gone.
    pub remove_pid: nxt_port_handler_t,
    /// The process is to end.
    pub quit: nxt_port_handler_t,
    /// A request.
    pub req_headers: nxt_port_handler_t,
    /// A request was taken.
    pub req_headers_ack: nxt_port_handler_t,
    /// More of a request.
    pub req_body: nxt_port_handler_t,
    /// A WebSocket frame.
    pub websocket_frame: nxt_port_handler_t,
    /// Data.
    pub data: nxt_port_handler_t,
    /// An application is to be started anew.
    pub app_restart: nxt_port_handler_t,
    /// A report is wanted.
    pub status: nxt_port_handler_t,
    /// The sender is out of shared memory.
    pub oosm: nxt_port_handler_t,
    /// There is shared memory again.
    pub shm_ack: nxt_port_handler_t,
    /// The queue is to be read.
    pub read_queue: nxt_port_handler_t,
    /// The socket is to be read.
    pub read_socket: nxt_port_handler_t,
}

/// The head of every message.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct nxt_port_msg_t {
    /// The RPC it belongs to.
    pub stream: u32,
    /// The sender.
    pub pid: nxt_pid_t,
    /// Where the answer goes.
    pub reply_port: nxt_port_id_t,
    /// The kind.
    pub r#type: u8,
    /// The last one of its stream.
    pub last: u8,
    /// The content is in shared memory.
    pub mmap: u8,
    /// Not the first fragment.
    pub nf: u8,
    /// More fragments follow.
    pub mf: u8,
}

/// Added to a kind: it is the last message of its stream.
pub(crate) const NXT_PORT_MSG_LAST: u32 = 0x100;
/// Added to a kind: the descriptors are closed when they were sent.
pub(crate) const NXT_PORT_MSG_CLOSE_FD: u32 = 0x200;
/// The kind.
pub(crate) const NXT_PORT_MSG_MASK: u32 = 0xFF;

/// A message that waits to be sent.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_port_send_msg_t {
    /// Its link among those of the port.
    pub link: nxt_queue_link_t,
    /// Its content.
    pub buf: *mut nxt_buf_t,
    /// How much was sent in a row.
    pub share: usize,
    /// Its descriptors.
    pub fd: [nxt_fd_t; 2],
    /// Its head.
    pub port_msg: nxt_port_msg_t,
    /// Whether the descriptors are closed afterwards.
    pub close_fd: u8,
    /// Whether it is on the heap.
    pub allocated: u8,
}

/// What a handler says of a message; which member holds depends on the handler.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "a union does not know its member"
)]
pub union nxt_port_recv_msg_u {
    /// The port that was made.
    pub new_port: *mut nxt_port_t,
    /// The process that has gone.
    pub removed_pid: nxt_pid_t,
    /// The program's own.
    pub data: *mut c_void,
}

/// A message that came in. Its descriptors are the handler's. A handler that keeps the buffers sets
/// `buf` to NULL.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds a union")]
pub struct nxt_port_recv_msg_t {
    /// Its descriptors; -1 is none.
    pub fd: [nxt_fd_t; 2],
    /// Its content.
    pub buf: *mut nxt_buf_t,
    /// The port it came to.
    pub port: *mut nxt_port_t,
    /// Its head.
    pub port_msg: nxt_port_msg_t,
    /// The size of its content.
    pub size: usize,
    /// The sender as the kernel says.
    pub cmsg_pid: nxt_pid_t,
    /// Whether it was taken back.
    pub cancelled: nxt_bool_t,
    /// What a handler says of it.
    pub u: nxt_port_recv_msg_u,
}

/// A port: of this process, to read; of another one, to write.
#[repr(C)]
#[expect(missing_debug_implementations, reason = "pthread_mutex_t has none")]
pub struct nxt_port_t {
    /// The end that is watched.
    pub socket: nxt_fd_event_t,
    /// Its link among those of its process.
    pub link: nxt_queue_link_t,
    /// Its process.
    pub process: *mut nxt_process_t,
    /// Its link among those of its application.
    pub app_link: nxt_queue_link_t,
    /// Its application.
    pub app: *mut nxt_app_t,
    /// The application's main port of its process.
    pub main_app_port: *mut nxt_port_t,
    /// Its link among those without work.
    pub idle_link: nxt_queue_link_t,
    /// Since when it has no work.
    pub idle_start: nxt_msec_t,
    /// Messages that wait.
    pub messages: nxt_queue_t,
    /// Guards them.
    pub write_mutex: nxt_thread_mutex_t,
    /// The longest piece of a message.
    pub max_size: u32,
    /// How much of a message is sent in a row.
    pub max_share: u32,
    /// WebSockets.
    pub active_websockets: u32,
    /// Requests.
    pub active_requests: u32,
    /// Takes the messages that come in.
    pub handler: nxt_port_handler_t,
    /// The handlers of each kind.
    pub data: *mut nxt_port_handler_t,
    /// Its pool.
    pub mem_pool: *mut nxt_mp_t,
    /// The engine that watches it.
    pub engine: *mut nxt_event_engine_t,
    /// Buffers to read into.
    pub free_bufs: *mut nxt_buf_t,
    /// The end to read and the end to write; -1 is none.
    pub pair: [nxt_socket_t; 2],
    /// Its number.
    pub id: nxt_port_id_t,
    /// Its process's number.
    pub pid: nxt_pid_t,
    /// RPCs by stream.
    pub rpc_streams: nxt_lvlhsh_t,
    /// RPCs by peer.
    pub rpc_peers: nxt_lvlhsh_t,
    /// Messages that are not whole yet.
    pub frags: nxt_lvlhsh_t,
    /// How many hold it.
    pub use_count: nxt_atomic_t,
    /// What its process is.
    pub r#type: nxt_process_type_t,
    /// The memory of its queue; -1 is none.
    pub queue_fd: nxt_fd_t,
    /// Its queue.
    pub queue: *mut c_void,
    /// A message of the socket that is ahead of the queue.
    pub socket_msg: *mut c_void,
    /// How many messages of the socket are due.
    pub from_socket: c_int,
}

/// The content of a `new_port` message.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_port_msg_new_port_t {
    /// The port's number.
    pub id: nxt_port_id_t,
    /// Its process.
    pub pid: nxt_pid_t,
    /// The longest piece of a message.
    pub max_size: usize,
    /// How much of a message is sent in a row.
    pub max_share: usize,
    /// The lowest 8 bits: what its process is.
    pub r#type: nxt_process_type_t,
}

/// The content of a `get_port` message.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_port_msg_get_port_t {
    /// The port's number.
    pub id: nxt_port_id_t,
    /// Its process.
    pub pid: nxt_pid_t,
}

/// The content of a `get_mmap` message.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_port_msg_get_mmap_t {
    /// The segment's number.
    pub id: u32,
}

/// As large as any of the two, so that pools can use the memory again.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "a union does not know its member"
)]
pub union nxt_port_data_t {
    /// A buffer.
    pub buf: nxt_buf_t,
    /// A port.
    pub new_port: nxt_port_msg_new_port_t,
}

super::assert_layout!(nxt_port_handlers_t, size 272, align 8, rpc_ready @ 0, new_port @ 104, mmap @ 128, quit @ 176,
    data @ 216, read_socket @ 264);
super::assert_layout!(nxt_port_msg_t, size 16, align 4, stream @ 0, pid @ 4, reply_port @ 8, r#type @ 10, last @ 11,
    mmap @ 12, nf @ 13, mf @ 14);
super::assert_layout!(nxt_port_send_msg_t, size 64, align 8, link @ 0, buf @ 16, share @ 24, fd @ 32, port_msg @ 40,
    close_fd @ 56, allocated @ 57);
super::assert_layout!(nxt_port_recv_msg_t, size 64, align 8, fd @ 0, buf @ 8, port @ 16, port_msg @ 24, size @ 40,
    cmsg_pid @ 48, cancelled @ 52, u @ 56);
super::assert_layout!(nxt_port_t, size 352, align 8, socket @ 0, link @ 80, process @ 96, app_link @ 104, app @ 120,
    main_app_port @ 128, idle_link @ 136, idle_start @ 152, messages @ 160, write_mutex @ 176, max_size @ 216,
    max_share @ 220, active_websockets @ 224, active_requests @ 228, handler @ 232, data @ 240, mem_pool @ 248,
    engine @ 256, free_bufs @ 264, pair @ 272, id @ 280, pid @ 284, rpc_streams @ 288, rpc_peers @ 296, frags @ 304,
    use_count @ 312, r#type @ 320, queue_fd @ 324, queue @ 328, socket_msg @ 336, from_socket @ 344);
super::assert_layout!(nxt_port_msg_new_port_t, size 32, align 8, id @ 0, pid @ 4, max_size @ 8, max_share @ 16,
    r#type @ 24);
super::assert_layout!(nxt_port_msg_get_port_t, size 8, align 4, id @ 0, pid @ 4);
super::assert_layout!(nxt_port_msg_get_mmap_t, size 4, align 4, id @ 0);
super::assert_layout!(nxt_port_data_t, size 96, align 8, buf @ 0, new_port @ 0);
