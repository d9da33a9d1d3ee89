//! Responses: the head, and the body from the caller's memory or in buffers.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use super::with_request;
use crate::abi::unit::{
    NXT_UNIT_ERROR, NXT_UNIT_OK, nxt_unit_buf_t, nxt_unit_read_info_t, nxt_unit_request_info_t,
};
use crate::capi::{bytes, guard};
use crate::ipc::segment::{CHUNK_SIZE, DATA_SIZE};
use crate::libunit::Buffer;

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
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_response_init", req, NXT_UNIT_ERROR, |req| {
            req.init_response(status, max_fields_count, max_fields_size)
        })
    }
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
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_response_realloc", req, NXT_UNIT_ERROR, |req| {
            req.realloc_response(max_fields_count, max_fields_size)
        })
    }
}

/// Whether the response is begun.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_is_init(req: *mut nxt_unit_request_info_t) -> c_int {
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_response_is_init", req, 0, |req| {
            c_int::from(req.has_response())
        })
    }
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
    // SAFETY: `req` is NULL or a request in the caller's hands, and `name` and `value` have so many
    // bytes: the caller promises both.
    unsafe {
        with_request("nxt_unit_response_add_field", req, NXT_UNIT_ERROR, |req| {
            let name = bytes(name.cast(), name_length.into());
            req.add_field(name, bytes(value.cast(), value_length as usize))
        })
    }
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
    // SAFETY: `req` is NULL or a request in the caller's hands, and `src` has so many bytes: the
    // caller promises both.
    unsafe {
        with_request(
            "nxt_unit_response_add_content",
            req,
            NXT_UNIT_ERROR,
            |req| req.add_content(bytes(src.cast(), size as usize)),
        )
    }
}

/// Sends the response head, with what there is of the body.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_send(req: *mut nxt_unit_request_info_t) -> c_int {
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_response_send", req, NXT_UNIT_ERROR, |req| {
            req.send_response()
        })
    }
}

/// Whether the response head is sent.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_is_sent(req: *mut nxt_unit_request_info_t) -> c_int {
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_response_is_sent", req, 0, |req| {
            c_int::from(req.is_response_sent())
        })
    }
}

/// Makes the response an upgrade to a WebSocket.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_upgrade(req: *mut nxt_unit_request_info_t) -> c_int {
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_response_upgrade", req, NXT_UNIT_ERROR, |req| {
            req.upgrade()
        })
    }
}

/// Whether the connection is a WebSocket.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_response_is_websocket(
    req: *mut nxt_unit_request_info_t,
) -> c_int {
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_response_is_websocket", req, 0, |req| {
            c_int::from(req.is_websocket())
        })
    }
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
    // SAFETY: `req` is NULL or a request in the caller's hands, and `start` has so many bytes: the
    // caller promises both.
    unsafe {
        with_request(
            "nxt_unit_response_write",
            req,
            NXT_UNIT_ERROR,
            |req| match req.write(bytes(start.cast(), size), size) {
                ..0 => NXT_UNIT_ERROR,
                _ => NXT_UNIT_OK,
            },
        )
    }
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
    let failed = -(NXT_UNIT_ERROR as isize);
    // SAFETY: `req` is NULL or a request in the caller's hands, and `start` has so many bytes: the
    // caller promises both.
    unsafe {
        with_request("nxt_unit_response_write_nb", req, failed, |req| {
            req.write(bytes(start.cast(), size), min_size)
        })
    }
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
    if read_info.is_null() {
        return NXT_UNIT_ERROR;
    }
    // SAFETY: `req` is NULL or a request in the caller's hands, and `read_info`, which is not NULL,
    // a filled structure: the caller promises both.
    unsafe {
        with_request("nxt_unit_response_write_cb", req, NXT_UNIT_ERROR, |req| {
            req.write_from(read_info)
        })
    }
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
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_response_buf_alloc", req, null_mut(), |req| {
            req.new_response_buffer(size)
                .map_or(null_mut(), Buffer::as_ptr)
        })
    }
}

/// Sends the bytes of a buffer, which is freed.
///
/// # Safety
/// `buf` is null or a buffer of this library that the caller has not sent or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_buf_send(buf: *mut nxt_unit_buf_t) -> c_int {
    guard("nxt_unit_buf_send", NXT_UNIT_ERROR, || {
        // SAFETY: `buf` is NULL or a buffer that nobody sent or freed, which the caller promises.
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
        // SAFETY: `buf` is NULL or a buffer that nobody sent or freed, which the caller promises.
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
    // SAFETY: `buf` is NULL or a buffer that nobody sent or freed, which the caller promises.
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
