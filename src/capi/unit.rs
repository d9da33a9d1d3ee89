//! `nxt_unit.h`: the library for applications. The logic is in `libunit/`.
//!
//! `nxt_unit_log` and `nxt_unit_req_log` are variadic and defined in `unit_variadic.c`.
//!
//! A null object is refused with the function's error value, where there is one.

use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::slice::from_raw_parts;

use super::guard;
use crate::abi::unit::*;
use crate::ipc::segment::{CHUNK_SIZE, DATA_SIZE};
use crate::libunit::{self, Buffer, Context, Failed, Frame, Request};

/// The bytes at `start`; none if it is null.
///
/// # Safety
/// `start` is null or points at `size` readable bytes that stay as they are for the call.
unsafe fn bytes<'a>(start: *const c_void, size: usize) -> &'a [u8] {
    if start.is_null() || size == 0 {
        return &[];
    }
    // SAFETY: the caller's.
    unsafe { from_raw_parts(start.cast(), size) }
}

/// The room at `start`; none if it is null.
///
/// # Safety
/// `start` is null or points at `size` writable bytes that only this call uses.
unsafe fn room<'a>(start: *mut c_void, size: usize) -> &'a mut [MaybeUninit<u8>] {
    if start.is_null() || size == 0 {
        return &mut [];
    }
    // SAFETY: the caller's.
    unsafe { std::slice::from_raw_parts_mut(start.cast(), size) }
}

/// Starts the library and says to the daemon that the process is ready. NULL on error.
///
/// # Safety
/// `init` is null or points at a filled structure; the descriptors it names, or those that the
/// environment names, belong to the library from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_init(init: *mut nxt_unit_init_t) -> *mut nxt_unit_ctx_t {
    guard("nxt_unit_init", null_mut(), || {
        // SAFETY: the caller's.
        let Some(init) = (unsafe { init.as_ref() }) else {
            return null_mut();
        };
        // SAFETY: the caller's.
        match unsafe { libunit::init(init) } {
            Ok(ctx) => ctx.as_ptr(),
            Err(Failed) => null_mut(),
        }
    })
}

/// Processes messages until the context shall quit.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_run(ctx: *mut nxt_unit_ctx_t) -> c_int {
    guard("nxt_unit_run", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Context::from_ptr(ctx) }.map_or(NXT_UNIT_ERROR, |ctx| ctx.run())
    })
}

/// Processes the messages of the context's own port until it shall quit.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_run_ctx(ctx: *mut nxt_unit_ctx_t) -> c_int {
    guard("nxt_unit_run_ctx", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Context::from_ptr(ctx) }.map_or(NXT_UNIT_ERROR, |ctx| ctx.run_own())
    })
}

/// Processes requests of the application's shared port as long as the context takes them.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_run_shared(ctx: *mut nxt_unit_ctx_t) -> c_int {
    guard("nxt_unit_run_shared", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Context::from_ptr(ctx) }.map_or(NXT_UNIT_ERROR, |ctx| ctx.run_shared())
    })
}

/// Waits for one message and processes it.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_run_once(ctx: *mut nxt_unit_ctx_t) -> c_int {
    guard("nxt_unit_run_once", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Context::from_ptr(ctx) }.map_or(NXT_UNIT_ERROR, |ctx| ctx.run_once())
    })
}

/// Takes a request from the application's queue without waiting; NULL if there is none.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_dequeue_request(
    ctx: *mut nxt_unit_ctx_t,
) -> *mut nxt_unit_request_info_t {
    guard("nxt_unit_dequeue_request", null_mut(), || {
        // SAFETY: the caller's.
        unsafe { Context::from_ptr(ctx) }.map_or(null_mut(), |ctx| {
            ctx.dequeue().map_or(null_mut(), Request::as_ptr)
        })
    })
}

/// Receives and processes one message of a port that is readable.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_process_port_msg(
    ctx: *mut nxt_unit_ctx_t,
    port: *mut nxt_unit_port_t,
) -> c_int {
    guard("nxt_unit_process_port_msg", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Context::from_ptr(ctx) }.map_or(NXT_UNIT_ERROR, |ctx| ctx.process_port(port))
    })
}

/// Gives up the context; the last one ends the library.
///
/// # Safety
/// `ctx` is null or a context of this library, which the caller does not use after this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_done(ctx: *mut nxt_unit_ctx_t) {
    guard("nxt_unit_done", (), || {
        // SAFETY: the caller's.
        unsafe {
            if let Some(ctx) = Context::from_ptr(ctx) {
                Context::release(ctx);
            }
        }
    })
}

/// Makes a context for another thread. NULL on error.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_ctx_alloc(
    ctx: *mut nxt_unit_ctx_t,
    data: *mut c_void,
) -> *mut nxt_unit_ctx_t {
    guard("nxt_unit_ctx_alloc", null_mut(), || {
        // SAFETY: the caller's.
        unsafe { Context::from_ptr(ctx) }.map_or(null_mut(), |ctx| {
            ctx.create_sibling(data)
                .map_or(null_mut(), |new| new.as_ptr())
        })
    })
}

/// Names a port, with the hash of the name.
///
/// # Safety
/// `port_id` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_port_id_init(
    port_id: *mut nxt_unit_port_id_t,
    pid: libc::pid_t,
    id: u16,
) {
    guard("nxt_unit_port_id_init", (), || {
        if !port_id.is_null() {
            // SAFETY: the caller's.
            unsafe { port_id.write(libunit::port_id(pid, id)) };
        }
    })
}

/// The hash of a field name, whatever its case.
///
/// # Safety
/// `name` is null or points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_field_hash(name: *const c_char, name_length: usize) -> u16 {
    guard("nxt_unit_field_hash", 0, || {
        // SAFETY: the caller's.
        libunit::field_hash(unsafe { bytes(name.cast(), name_length) })
    })
}

/// Moves the request's fields of the same name together.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_request_group_dup_fields(req: *mut nxt_unit_request_info_t) {
    guard("nxt_unit_request_group_dup_fields", (), || {
        // SAFETY: the caller's; the head was checked when it was received.
        unsafe {
            let Some(head) = req.as_ref().map(|req| req.request.get()) else {
                return;
            };
            if !head.is_null() {
                libunit::group_duplicate_fields(head);
            }
        }
    })
}

/// Begins a response, with room for so many fields of so many bytes in all.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_init(
    req: *mut nxt_unit_request_info_t,
    status: u16,
    max_fields_count: u32,
    max_fields_size: u32,
) -> c_int {
    guard("nxt_unit_response_init", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| {
            req.init_response(status, max_fields_count, max_fields_size)
        })
    })
}

/// Makes more room for the fields of a response.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_realloc(
    req: *mut nxt_unit_request_info_t,
    max_fields_count: u32,
    max_fields_size: u32,
) -> c_int {
    guard("nxt_unit_response_realloc", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| {
            req.realloc_response(max_fields_count, max_fields_size)
        })
    })
}

/// Whether the response is begun.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_is_init(req: *mut nxt_unit_request_info_t) -> c_int {
    guard("nxt_unit_response_is_init", 0, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(0, |req| c_int::from(req.has_response()))
    })
}

/// Adds a field to the response.
///
/// # Safety
/// `req` is null or a request in the caller's hands; `name` and `value` point at so many
/// readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_add_field(
    req: *mut nxt_unit_request_info_t,
    name: *const c_char,
    name_length: u8,
    value: *const c_char,
    value_length: u32,
) -> c_int {
    guard("nxt_unit_response_add_field", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| {
            // SAFETY: the caller's.
            let (name, value) = unsafe {
                (
                    bytes(name.cast(), name_length.into()),
                    bytes(value.cast(), value_length as usize),
                )
            };
            req.add_field(name, value)
        })
    })
}

/// Adds bytes of the body to the response that is not sent yet.
///
/// # Safety
/// `req` is null or a request in the caller's hands; `src` points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_add_content(
    req: *mut nxt_unit_request_info_t,
    src: *const c_void,
    size: u32,
) -> c_int {
    guard("nxt_unit_response_add_content", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| {
            // SAFETY: the caller's.
            req.add_content(unsafe { bytes(src, size as usize) })
        })
    })
}

/// Sends the response head, with what there is of the body.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_send(req: *mut nxt_unit_request_info_t) -> c_int {
    guard("nxt_unit_response_send", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| req.send_response())
    })
}

/// Whether the response head is sent.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_is_sent(req: *mut nxt_unit_request_info_t) -> c_int {
    guard("nxt_unit_response_is_sent", 0, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(0, |req| c_int::from(req.is_response_sent()))
    })
}

/// A buffer for the body, which goes to the client without being copied. NULL on error.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_buf_alloc(
    req: *mut nxt_unit_request_info_t,
    size: u32,
) -> *mut nxt_unit_buf_t {
    guard("nxt_unit_response_buf_alloc", null_mut(), || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(null_mut(), |req| {
            req.new_response_buffer(size)
                .map_or(null_mut(), Buffer::as_ptr)
        })
    })
}

/// Whether the client asked for a WebSocket.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_request_is_websocket_handshake(
    req: *mut nxt_unit_request_info_t,
) -> c_int {
    guard("nxt_unit_request_is_websocket_handshake", 0, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(0, |req| c_int::from(req.is_handshake()))
    })
}

/// Makes the response an upgrade to a WebSocket.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_upgrade(req: *mut nxt_unit_request_info_t) -> c_int {
    guard("nxt_unit_response_upgrade", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| req.upgrade())
    })
}

/// Whether the connection is a WebSocket.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_is_websocket(
    req: *mut nxt_unit_request_info_t,
) -> c_int {
    guard("nxt_unit_response_is_websocket", 0, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(0, |req| c_int::from(req.is_websocket()))
    })
}

/// The request that these bytes of the application belong to (`nxt_unit_request_info_t.data`).
///
/// # Safety
/// `data` is null or the `data` of a request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_get_request_info_from_data(
    data: *mut c_void,
) -> *mut nxt_unit_request_info_t {
    Request::ptr_from_data(data)
}

/// Sends the bytes of a buffer, which is freed.
///
/// # Safety
/// `buf` is null or a buffer of this library that the caller has not sent or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_buf_send(buf: *mut nxt_unit_buf_t) -> c_int {
    guard("nxt_unit_buf_send", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        let buffer = unsafe { Buffer::from_ptr(buf) };
        buffer
            .and_then(|buffer| Some(buffer.request()?.send_body_buffer(buffer)))
            .unwrap_or(NXT_UNIT_ERROR)
    })
}

/// Frees a buffer.
///
/// # Safety
/// `buf` is null or a buffer of this library that the caller has not sent or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_buf_free(buf: *mut nxt_unit_buf_t) {
    guard("nxt_unit_buf_free", (), || {
        // SAFETY: the caller's.
        if let Some(buffer) = unsafe { Buffer::from_ptr(buf) } {
            buffer.discard();
        }
    })
}

/// The next buffer of the same body; NULL after the last.
///
/// # Safety
/// `buf` is null or a buffer of this library that the caller has not sent or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_buf_next(buf: *mut nxt_unit_buf_t) -> *mut nxt_unit_buf_t {
    // SAFETY: the caller's.
    let next = unsafe { Buffer::from_ptr(buf) }.and_then(Buffer::next);
    next.map_or(null_mut(), Buffer::as_ptr)
}

/// The largest buffer, in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_unit_buf_max() -> u32 {
    DATA_SIZE as u32
}

/// What a buffer in shared memory takes at least, in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_unit_buf_min() -> u32 {
    CHUNK_SIZE as u32
}

/// Sends bytes of the body, after the head if that is not sent yet; waits for memory.
///
/// # Safety
/// `req` is null or a request in the caller's hands; `start` points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_write(
    req: *mut nxt_unit_request_info_t,
    start: *const c_void,
    size: usize,
) -> c_int {
    guard("nxt_unit_response_write", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| {
            // SAFETY: the caller's.
            let written = req.write(unsafe { bytes(start, size) }, size);
            if written < 0 {
                NXT_UNIT_ERROR
            } else {
                NXT_UNIT_OK
            }
        })
    })
}

/// Sends as much of the body as there is memory for, at least `min_size`: how many bytes, negative
/// on error.
///
/// # Safety
/// `req` is null or a request in the caller's hands; `start` points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_write_nb(
    req: *mut nxt_unit_request_info_t,
    start: *const c_void,
    size: usize,
    min_size: usize,
) -> isize {
    guard(
        "nxt_unit_response_write_nb",
        -(NXT_UNIT_ERROR as isize),
        || {
            // SAFETY: the caller's.
            unsafe { Request::from_ptr(req) }.map_or(-(NXT_UNIT_ERROR as isize), |req| {
                // SAFETY: the caller's.
                req.write(unsafe { bytes(start, size) }, min_size)
            })
        },
    )
}

/// Sends a body that a callback supplies.
///
/// # Safety
/// `req` is null or a request in the caller's hands; `read_info` is null or points at a
/// filled structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_write_cb(
    req: *mut nxt_unit_request_info_t,
    read_info: *mut nxt_unit_read_info_t,
) -> c_int {
    guard("nxt_unit_response_write_cb", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| {
            if read_info.is_null() {
                return NXT_UNIT_ERROR;
            }
            // SAFETY: the caller's.
            unsafe { req.write_from(read_info) }
        })
    })
}

/// Reads from the request body: how many bytes, negative on error.
///
/// # Safety
/// `req` is null or a request in the caller's hands; `dst` points at so many writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_request_read(
    req: *mut nxt_unit_request_info_t,
    dst: *mut c_void,
    size: usize,
) -> isize {
    guard("nxt_unit_request_read", -1, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(-1, |req| {
            // SAFETY: the caller's.
            req.read(unsafe { room(dst, size) })
        })
    })
}

/// How many bytes there are up to and with the next line feed, at most `max_size`; negative on error.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_request_readline_size(
    req: *mut nxt_unit_request_info_t,
    max_size: usize,
) -> isize {
    guard("nxt_unit_request_readline_size", -1, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(-1, |req| req.readline_size(max_size))
    })
}

/// Ends the request: completes the response, or reports a failure.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_request_done(req: *mut nxt_unit_request_info_t, rc: c_int) {
    guard("nxt_unit_request_done", (), || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or((), |req| req.done(rc))
    })
}

/// Sends a WebSocket frame.
///
/// # Safety
/// `req` is null or a request in the caller's hands; `start` points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_websocket_send(
    req: *mut nxt_unit_request_info_t,
    opcode: u8,
    last: u8,
    start: *const c_void,
    size: usize,
) -> c_int {
    guard("nxt_unit_websocket_send", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| {
            // SAFETY: the caller's.
            req.send_frame(opcode, last != 0, &[unsafe { bytes(start, size) }])
        })
    })
}

/// Sends a WebSocket frame from several pieces.
///
/// # Safety
/// `req` is null or a request in the caller's hands; `iov` points at so many pieces of
/// readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_websocket_sendv(
    req: *mut nxt_unit_request_info_t,
    opcode: u8,
    last: u8,
    iov: *const libc::iovec,
    iovcnt: c_int,
) -> c_int {
    guard("nxt_unit_websocket_sendv", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Request::from_ptr(req) }.map_or(NXT_UNIT_ERROR, |req| {
            let count = usize::try_from(iovcnt).unwrap_or(0);
            if iov.is_null() || count == 0 {
                return req.send_frame(opcode, last != 0, &[]);
            }
            // SAFETY: the caller's.
            let parts: Vec<&[u8]> = unsafe {
                from_raw_parts(iov, count)
                    .iter()
                    .map(|part| bytes(part.iov_base, part.iov_len))
                    .collect()
            };
            req.send_frame(opcode, last != 0, &parts)
        })
    })
}

/// Reads payload of a frame, unmasked: how many bytes.
///
/// # Safety
/// `ws` is null or a frame in the caller's hands; `dst` points at so many writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_websocket_read(
    ws: *mut nxt_unit_websocket_frame_t,
    dst: *mut c_void,
    size: usize,
) -> isize {
    guard("nxt_unit_websocket_read", -1, || {
        // SAFETY: the caller's.
        unsafe { Frame::from_ptr(ws).map_or(-1, |frame| frame.read(room(dst, size))) }
    })
}

/// Makes a frame outlive its handler.
///
/// # Safety
/// `ws` is null or a frame in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_websocket_retain(ws: *mut nxt_unit_websocket_frame_t) -> c_int {
    guard("nxt_unit_websocket_retain", NXT_UNIT_ERROR, || {
        // SAFETY: the caller's.
        unsafe { Frame::from_ptr(ws) }.map_or(NXT_UNIT_ERROR, Frame::retain)
    })
}

/// Gives a frame back.
///
/// # Safety
/// `ws` is null or a frame in the caller's hands, which the caller does not use after this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_websocket_done(ws: *mut nxt_unit_websocket_frame_t) {
    guard("nxt_unit_websocket_done", (), || {
        // SAFETY: the caller's.
        if let Some(frame) = unsafe { Frame::from_ptr(ws) } {
            frame.done();
        }
    })
}

/// `malloc()`, which logs a failure.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_malloc(ctx: *mut nxt_unit_ctx_t, size: usize) -> *mut c_void {
    // SAFETY: malloc has no preconditions.
    let memory = unsafe { libc::malloc(size) };
    if memory.is_null() {
        guard("nxt_unit_malloc", (), || {
            // SAFETY: the caller's.
            let lib = unsafe { Context::from_ptr(ctx) }.map(Context::library_ref);
            libunit::write_log(
                lib,
                NXT_UNIT_LOG_ALERT,
                None,
                format_args!("malloc({size}) failed"),
            );
        });
    }
    memory
}

/// `free()`.
///
/// # Safety
/// `p` is null or came from `nxt_unit_malloc()` or another function of the C library's heap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_free(_ctx: *mut nxt_unit_ctx_t, p: *mut c_void) {
    // SAFETY: the caller's.
    unsafe { libc::free(p) };
}

/// The second half of `nxt_unit_log()`.
///
/// # Safety
/// `ctx` is null or a context of this library; `text` points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_log_text(
    ctx: *mut nxt_unit_ctx_t,
    level: c_int,
    text: *const c_char,
    length: usize,
) {
    guard("nxt_unit_log", (), || {
        // SAFETY: the caller's.
        let (lib, text) = unsafe {
            (
                Context::from_ptr(ctx).map(Context::library_ref),
                bytes(text.cast(), length),
            )
        };
        libunit::write_log_bytes(lib, level, None, text);
    })
}

/// The second half of `nxt_unit_req_log()`.
///
/// # Safety
/// `req` is null or a request of this library; `text` points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_req_log_text(
    req: *mut nxt_unit_request_info_t,
    level: c_int,
    text: *const c_char,
    length: usize,
) {
    guard("nxt_unit_req_log", (), || {
        // SAFETY: the caller's.
        let (req, text) = unsafe { (Request::from_ptr(req), bytes(text.cast(), length)) };
        let lib = req.map(|req| req.context().library_ref());
        libunit::write_log_bytes(lib, level, req.map(Request::stream), text);
    })
}
