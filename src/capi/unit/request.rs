//! Requests: their fields and body, and their end.

use std::ffi::{c_char, c_int, c_void};

use super::{room, with_request};
use crate::abi::unit::nxt_unit_request_info_t;
use crate::capi::{bytes, guard};
use crate::libunit::{self, Request};

/// The hash of a field name, whatever its case.
///
/// # Safety
/// `name` is null or points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_field_hash(name: *const c_char, name_length: usize) -> u16 {
    guard("nxt_unit_field_hash", 0, || {
        // SAFETY: `name` is NULL or has so many bytes, which the caller promises.
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
        // SAFETY: `req` is NULL or a request in the caller's hands; its head, and where the fields
        // are in that, was checked when it was received.
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

/// Whether the client asked for a WebSocket.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_request_is_websocket_handshake(
    req: *mut nxt_unit_request_info_t,
) -> c_int {
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_request_is_websocket_handshake", req, 0, |req| {
            c_int::from(req.is_handshake())
        })
    }
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
    // SAFETY: `req` is NULL or a request in the caller's hands, and `dst` has room for `size`
    // bytes: the caller promises both.
    unsafe {
        with_request("nxt_unit_request_read", req, -1, |req| {
            req.read(room(dst, size))
        })
    }
}

/// How many bytes there are up to and with the next line feed, at most `max_size`; negative on
/// error.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_request_readline_size(
    req: *mut nxt_unit_request_info_t,
    max_size: usize,
) -> isize {
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe {
        with_request("nxt_unit_request_readline_size", req, -1, |req| {
            req.readline_size(max_size)
        })
    }
}

/// Ends the request: completes the response, or reports a failure.
///
/// # Safety
/// `req` is null or a request in the caller's hands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_request_done(req: *mut nxt_unit_request_info_t, rc: c_int) {
    // SAFETY: `req` is NULL or a request in the caller's hands, which the caller promises.
    unsafe { with_request("nxt_unit_request_done", req, (), |req| req.done(rc)) }
}
