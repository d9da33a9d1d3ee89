//! Types and constants of `nxt_unit.h` and its companion headers, which applications and language
//! modules see.
//!
//! Fields that both C code and this library change are `Cell`s: they have the layout of their
//! content, and they say that the value may differ at each look.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};

use super::websocket::nxt_websocket_header_t;

/// Success.
pub const NXT_UNIT_OK: c_int = 0;
/// Failure.
pub const NXT_UNIT_ERROR: c_int = 1;
/// Nothing to do now.
pub const NXT_UNIT_AGAIN: c_int = 2;
/// The request was taken back.
pub const NXT_UNIT_CANCELLED: c_int = 3;

/// Log levels.
pub const NXT_UNIT_LOG_ALERT: c_int = 0;
/// See [`NXT_UNIT_LOG_ALERT`].
pub const NXT_UNIT_LOG_ERR: c_int = 1;
/// See [`NXT_UNIT_LOG_ALERT`].
pub const NXT_UNIT_LOG_WARN: c_int = 2;
/// See [`NXT_UNIT_LOG_ALERT`].
pub const NXT_UNIT_LOG_NOTICE: c_int = 3;
/// See [`NXT_UNIT_LOG_ALERT`].
pub const NXT_UNIT_LOG_INFO: c_int = 4;
/// See [`NXT_UNIT_LOG_ALERT`].
pub const NXT_UNIT_LOG_DEBUG: c_int = 5;

/// The port id of the queue shared by the processes of an application.
pub const NXT_UNIT_SHARED_PORT_ID: u16 = 0xFFFF;
/// "No such field" among the field indexes of a request.
pub const NXT_UNIT_NONE_FIELD: u32 = 0xFFFF_FFFF;
/// Hash of `content-length`.
pub const NXT_UNIT_HASH_CONTENT_LENGTH: u16 = 0x1EA0;
/// Hash of `content-type`.
pub const NXT_UNIT_HASH_CONTENT_TYPE: u16 = 0x5F7D;
/// Hash of `cookie`.
pub const NXT_UNIT_HASH_COOKIE: u16 = 0x23F2;

/// The library's state as the application sees it.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_unit_t {
    /// The application's.
    pub data: Cell<*mut c_void>,
}

/// A context: what one thread needs to receive and process requests.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_unit_ctx_t {
    /// The application's.
    pub data: Cell<*mut c_void>,
    /// The library.
    pub unit: Cell<*mut nxt_unit_t>,
}

/// Names a port.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct nxt_unit_port_id_t {
    /// The process that reads it.
    pub pid: libc::pid_t,
    /// MurmurHash2 of pid and id.
    pub hash: u32,
    /// The port of that process.
    pub id: u16,
}

/// A port.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct nxt_unit_port_t {
    /// Its name.
    pub id: nxt_unit_port_id_t,
    /// Read end or -1.
    pub in_fd: Cell<c_int>,
    /// Write end or -1.
    pub out_fd: Cell<c_int>,
    /// The application's.
    pub data: Cell<*mut c_void>,
}

/// A buffer: `start..free` is filled (outgoing) or consumed (incoming), `free..end` is free or left.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_unit_buf_t {
    /// First byte.
    pub start: Cell<*mut c_char>,
    /// The current position.
    pub free: Cell<*mut c_char>,
    /// Behind the last byte.
    pub end: Cell<*mut c_char>,
}

/// A request in the hands of the application.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_unit_request_info_t {
    /// The library.
    pub unit: Cell<*mut nxt_unit_t>,
    /// The context that received it.
    pub ctx: Cell<*mut nxt_unit_ctx_t>,
    /// The router's port for the response.
    pub response_port: Cell<*mut nxt_unit_port_t>,
    /// The request head, in shared memory.
    pub request: Cell<*mut nxt_unit_request_t>,
    /// The buffer it lies in.
    pub request_buf: Cell<*mut nxt_unit_buf_t>,
    /// The response head that is being built.
    pub response: Cell<*mut nxt_unit_response_t>,
    /// The buffer it lies in.
    pub response_buf: Cell<*mut nxt_unit_buf_t>,
    /// Fields that fit the response.
    pub response_max_fields: Cell<u32>,
    /// The body that has not been read yet.
    pub content_buf: Cell<*mut nxt_unit_buf_t>,
    /// Bytes of it.
    pub content_length: Cell<u64>,
    /// A file with the part of the body that is not in buffers, or -1.
    pub content_fd: Cell<c_int>,
    /// `request_data_size` bytes of the application's.
    pub data: Cell<*mut c_void>,
}

/// A pointer relative to its own place.
#[repr(C)]
#[derive(Clone, Copy)]
pub union nxt_unit_sptr_t {
    /// The place.
    pub base: [u8; 1],
    /// The distance in bytes.
    pub offset: u32,
}

/// A field of a request or response.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nxt_unit_field_t {
    /// Hash of the lower-cased name.
    pub hash: u16,
    /// Bit 0: skip, bit 1: hop by hop.
    pub flags: u8,
    /// Bytes of the name.
    pub name_length: u8,
    /// Bytes of the value.
    pub value_length: u32,
    /// Zero-terminated.
    pub name: nxt_unit_sptr_t,
    /// Zero-terminated.
    pub value: nxt_unit_sptr_t,
}

/// A request head as the router writes it into shared memory.
#[repr(C)]
pub struct nxt_unit_request_t {
    /// Bytes of the method.
    pub method_length: u8,
    /// Bytes of the version.
    pub version_length: u8,
    /// Bytes of the client's address.
    pub remote_length: u8,
    /// Bytes of the local address.
    pub local_addr_length: u8,
    /// Bytes of the local port.
    pub local_port_length: u8,
    /// 1 if the client spoke TLS.
    pub tls: u8,
    /// 1 for a WebSocket handshake.
    pub websocket_handshake: u8,
    /// Index of the target.
    pub app_target: u8,
    /// Bytes of the server name.
    pub server_name_length: u32,
    /// Bytes of the target.
    pub target_length: u32,
    /// Bytes of the path.
    pub path_length: u32,
    /// Bytes of the query.
    pub query_length: u32,
    /// Number of fields.
    pub fields_count: u32,
    /// Index of the field or [`NXT_UNIT_NONE_FIELD`].
    pub content_length_field: u32,
    /// Index of the field or [`NXT_UNIT_NONE_FIELD`].
    pub content_type_field: u32,
    /// Index of the field or [`NXT_UNIT_NONE_FIELD`].
    pub cookie_field: u32,
    /// Index of the field or [`NXT_UNIT_NONE_FIELD`].
    pub authorization_field: u32,
    /// Bytes of the body.
    pub content_length: u64,
    /// `GET` and so on.
    pub method: nxt_unit_sptr_t,
    /// `HTTP/1.1` and so on.
    pub version: nxt_unit_sptr_t,
    /// The client's address.
    pub remote: nxt_unit_sptr_t,
    /// The local address.
    pub local_addr: nxt_unit_sptr_t,
    /// The local port.
    pub local_port: nxt_unit_sptr_t,
    /// The host.
    pub server_name: nxt_unit_sptr_t,
    /// The target as sent.
    pub target: nxt_unit_sptr_t,
    /// The decoded path.
    pub path: nxt_unit_sptr_t,
    /// The query.
    pub query: nxt_unit_sptr_t,
    /// The part of the body that came with the head.
    pub preread_content: nxt_unit_sptr_t,
    /// The fields.
    pub fields: [nxt_unit_field_t; 0],
}

/// A response head as the application writes it.
#[repr(C)]
pub struct nxt_unit_response_t {
    /// The declared length of the body.
    pub content_length: u64,
    /// Number of fields.
    pub fields_count: u32,
    /// Bytes of the body that come with the head.
    pub piggyback_content_length: u32,
    /// Status.
    pub status: u16,
    /// The part of the body that comes with the head.
    pub piggyback_content: nxt_unit_sptr_t,
    /// The fields.
    pub fields: [nxt_unit_field_t; 0],
}

/// A received WebSocket frame.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_unit_websocket_frame_t {
    /// The connection's request.
    pub req: Cell<*mut nxt_unit_request_info_t>,
    /// Bytes of payload.
    pub payload_len: Cell<u64>,
    /// The frame header.
    pub header: Cell<*mut nxt_websocket_header_t>,
    /// The mask or null.
    pub mask: Cell<*mut u8>,
    /// The payload that has not been read yet.
    pub content_buf: Cell<*mut nxt_unit_buf_t>,
    /// Bytes of it.
    pub content_length: Cell<u64>,
}

/// What the application does; all but the request handler may be null.
#[repr(C)]
#[derive(Clone, Copy, Default)]
#[allow(missing_docs, reason = "described in docs and in the C header")]
pub struct nxt_unit_callbacks_t {
    pub request_handler: Option<unsafe extern "C" fn(*mut nxt_unit_request_info_t)>,
    pub data_handler: Option<unsafe extern "C" fn(*mut nxt_unit_request_info_t)>,
    pub websocket_handler: Option<unsafe extern "C" fn(*mut nxt_unit_websocket_frame_t)>,
    pub close_handler: Option<unsafe extern "C" fn(*mut nxt_unit_request_info_t)>,
    pub add_port: Option<unsafe extern "C" fn(*mut nxt_unit_ctx_t, *mut nxt_unit_port_t) -> c_int>,
    pub remove_port:
        Option<unsafe extern "C" fn(*mut nxt_unit_t, *mut nxt_unit_ctx_t, *mut nxt_unit_port_t)>,
    pub remove_pid: Option<unsafe extern "C" fn(*mut nxt_unit_t, libc::pid_t)>,
    pub quit: Option<unsafe extern "C" fn(*mut nxt_unit_ctx_t)>,
    pub shm_ack_handler: Option<unsafe extern "C" fn(*mut nxt_unit_ctx_t)>,
    pub port_send: Option<
        unsafe extern "C" fn(
            *mut nxt_unit_ctx_t,
            *mut nxt_unit_port_t,
            *const c_void,
            usize,
            *const c_void,
            usize,
        ) -> isize,
    >,
    pub port_recv: Option<
        unsafe extern "C" fn(
            *mut nxt_unit_ctx_t,
            *mut nxt_unit_port_t,
            *mut c_void,
            usize,
            *mut c_void,
            *mut usize,
        ) -> isize,
    >,
    pub ready_handler: Option<unsafe extern "C" fn(*mut nxt_unit_ctx_t) -> c_int>,
}

/// How to start the library.
#[repr(C)]
pub struct nxt_unit_init_t {
    /// For `nxt_unit_t.data`.
    pub data: *mut c_void,
    /// For the main context's data.
    pub ctx_data: *mut c_void,
    /// Not used.
    pub max_pending_requests: c_int,
    /// Bytes behind each request for the application.
    pub request_data_size: u32,
    /// Bytes of shared memory.
    pub shm_limit: u32,
    /// Requests after which the process leaves; 0: no limit.
    pub request_limit: u32,
    /// What the application does.
    pub callbacks: nxt_unit_callbacks_t,
    /// Where to say that the process is ready. If its pid, `ready_stream` or `read_port`'s pid is 0,
    /// everything below comes from the environment.
    pub ready_port: nxt_unit_port_t,
    /// The RPC stream to say it on.
    pub ready_stream: u32,
    /// The router.
    pub router_port: nxt_unit_port_t,
    /// This process.
    pub read_port: nxt_unit_port_t,
    /// Read end of the application's shared port.
    pub shared_port_fd: c_int,
    /// Memory of the application's queue.
    pub shared_queue_fd: c_int,
    /// The log.
    pub log_fd: c_int,
}

/// Supplies the body of a response piece by piece.
#[repr(C)]
pub struct nxt_unit_read_info_t {
    /// Fills at most the given room; negative on error.
    pub read: Option<unsafe extern "C" fn(*mut nxt_unit_read_info_t, *mut c_void, usize) -> isize>,
    /// Set to nonzero at the end.
    pub eof: c_int,
    /// The preferred piece.
    pub buf_size: u32,
    /// The application's.
    pub data: *mut c_void,
}

super::assert_layout!(nxt_unit_t, size 8, align 8,
    data @ 0,
);
super::assert_layout!(nxt_unit_ctx_t, size 16, align 8,
    data @ 0, unit @ 8,
);
super::assert_layout!(nxt_unit_port_id_t, size 12, align 4,
    pid @ 0, hash @ 4, id @ 8,
);
super::assert_layout!(nxt_unit_port_t, size 32, align 8,
    id @ 0, in_fd @ 12, out_fd @ 16, data @ 24,
);
super::assert_layout!(nxt_unit_buf_t, size 24, align 8,
    start @ 0, free @ 8, end @ 16,
);
super::assert_layout!(nxt_unit_request_info_t, size 96, align 8,
    unit @ 0, ctx @ 8, response_port @ 16, request @ 24, request_buf @ 32, response @ 40,
    response_buf @ 48, response_max_fields @ 56, content_buf @ 64, content_length @ 72,
    content_fd @ 80, data @ 88,
);
super::assert_layout!(nxt_unit_sptr_t, size 4, align 4,
    base @ 0, offset @ 0,
);
super::assert_layout!(nxt_unit_field_t, size 16, align 4,
    hash @ 0, name_length @ 3, value_length @ 4, name @ 8, value @ 12,
);
super::assert_layout!(nxt_unit_request_t, size 96, align 8,
    method_length @ 0, version_length @ 1, remote_length @ 2, local_addr_length @ 3,
    local_port_length @ 4, tls @ 5, websocket_handshake @ 6, app_target @ 7,
    server_name_length @ 8, target_length @ 12, path_length @ 16, query_length @ 20,
    fields_count @ 24, content_length_field @ 28, content_type_field @ 32, cookie_field @ 36,
    authorization_field @ 40, content_length @ 48, method @ 56, version @ 60, remote @ 64,
    local_addr @ 68, local_port @ 72, server_name @ 76, target @ 80, path @ 84, query @ 88,
    preread_content @ 92, fields @ 96,
);
super::assert_layout!(nxt_unit_response_t, size 24, align 8,
    content_length @ 0, fields_count @ 8, piggyback_content_length @ 12, status @ 16,
    piggyback_content @ 20, fields @ 24,
);
super::assert_layout!(nxt_unit_websocket_frame_t, size 48, align 8,
    req @ 0, payload_len @ 8, header @ 16, mask @ 24, content_buf @ 32, content_length @ 40,
);
super::assert_layout!(nxt_unit_callbacks_t, size 96, align 8,
    request_handler @ 0, data_handler @ 8, websocket_handler @ 16, close_handler @ 24,
    add_port @ 32, remove_port @ 40, remove_pid @ 48, quit @ 56, shm_ack_handler @ 64,
    port_send @ 72, port_recv @ 80, ready_handler @ 88,
);
super::assert_layout!(nxt_unit_init_t, size 248, align 8,
    data @ 0, ctx_data @ 8, max_pending_requests @ 16, request_data_size @ 20, shm_limit @ 24,
    request_limit @ 28, callbacks @ 32, ready_port @ 128, ready_stream @ 160, router_port @ 168,
    read_port @ 200, shared_port_fd @ 232, shared_queue_fd @ 236, log_fd @ 240,
);
super::assert_layout!(nxt_unit_read_info_t, size 24, align 8,
    read @ 0, eof @ 8, buf_size @ 12, data @ 16,
);
