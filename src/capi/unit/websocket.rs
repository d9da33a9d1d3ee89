//! WebSockets: frames to the client, and those that came from it.

use std::ffi::{c_int, c_void};
use std::slice::from_raw_parts;

use super::{room, with_request};
use crate::abi::unit::{NXT_UNIT_ERROR, nxt_unit_request_info_t, nxt_unit_websocket_frame_t};
use crate::capi::{bytes, guard};
use crate::libunit::Frame;

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
    // SAFETY: `req` is NULL or a request in the caller's hands, and `start` has so many bytes: the
    // caller promises both.
    unsafe {
        with_request("nxt_unit_websocket_send", req, NXT_UNIT_ERROR, |req| {
            req.send_frame(opcode, last != 0, &[bytes(start.cast(), size)])
        })
    }
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
    // SAFETY: `req` is NULL or a request in the caller's hands, and `iov` has so many pieces with
    // as many bytes as they say: the caller promises both.
    unsafe {
        with_request("nxt_unit_websocket_sendv", req, NXT_UNIT_ERROR, |req| {
            let pieces = match usize::try_from(iovcnt) {
                Ok(count) if !iov.is_null() => from_raw_parts(iov, count),
                _ => &[],
            };
            let parts: Vec<&[u8]> = pieces
                .iter()
                .map(|part| bytes(part.iov_base.cast(), part.iov_len))
                .collect();
            req.send_frame(opcode, last != 0, &parts)
        })
    }
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
        // SAFETY: `ws` is NULL or a frame in the caller's hands, and `dst` has room for `size`
        // bytes: the caller promises both.
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
        // SAFETY: `ws` is NULL or a frame in the caller's hands, which the caller promises.
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
        // SAFETY: `ws` is NULL or a frame in the caller's hands, which the caller promises.
        if let Some(frame) = unsafe { Frame::from_ptr(ws) } {
            frame.done();
        }
    })
}
