//! `nxt_websocket.h`: the frame header of RFC 6455.

use libc::c_void;

use crate::abi::websocket::nxt_websocket_header_t;
use crate::capi::{bytes, guard};
use crate::http::websocket::accept_key;

/// Writes the 28 bytes that answer the 24 bytes of a client's key.
///
/// # Safety
/// `accept` is NULL or has room for 28 bytes; `key` is NULL or has 24 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_websocket_accept(accept: *mut u8, key: *const c_void) {
    const KEY_SIZE: usize = 24;
    guard("nxt_websocket_accept", (), || {
        if accept.is_null() || key.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; a SHA-1 in Base64 has 28 bytes.
        unsafe {
            let answer = accept_key(bytes(key.cast(), KEY_SIZE));
            accept.copy_from_nonoverlapping(answer.as_ptr(), answer.len());
        }
    });
}

/// How many bytes the header at `data` has: 2 to 14. 0 if `data` is NULL.
///
/// # Safety
/// `data` is NULL or points at two readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_websocket_frame_header_size(data: *const c_void) -> usize {
    // SAFETY: NULL or two readable bytes, by the caller's promise.
    let Some([flags, length]) = (unsafe { data.cast::<[u8; 2]>().as_ref() }) else {
        return 0;
    };
    let header = nxt_websocket_header_t {
        flags: *flags,
        length: *length,
        payload_len_: [0; 8],
    };
    2 + header.extended_length() + if header.mask() { 4 } else { 0 }
}

/// How long the payload is that the header at `data` announces. 0 if `data` is NULL.
///
/// # Safety
/// `data` is NULL or points at a whole header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_websocket_frame_payload_len(data: *const c_void) -> u64 {
    // SAFETY: NULL or a whole header, by the caller's promise; no byte beyond it is read.
    let Some([flags, length]) = (unsafe { data.cast::<[u8; 2]>().as_ref() }) else {
        return 0;
    };
    let header = nxt_websocket_header_t {
        flags: *flags,
        length: *length,
        payload_len_: [0; 8],
    };
    match header.extended_length() {
        0 => header.payload_len().into(),
        size => {
            // SAFETY: the announced length bytes belong to the header.
            let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>().add(2), size) };
            bytes
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte))
        }
    }
}

/// Writes the length of a payload into the header at `data`, in its shortest form, and answers
/// where the header ends. The first byte and the mask bit are the caller's.
///
/// # Safety
/// `data` is NULL or points at ten bytes that are writable and of which the first two have a value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_websocket_frame_init(
    data: *mut c_void,
    payload_len: u64,
) -> *mut c_void {
    if data.is_null() {
        return std::ptr::null_mut();
    }
    let bytes = payload_len.to_be_bytes();
    let (short, extended): (u8, &[u8]) = match payload_len {
        0..126 => (payload_len as u8, &[]),
        126..65536 => (126, &bytes[6..]),
        _ => (127, &bytes),
    };
    let start = data.cast::<u8>();
    // SAFETY: at most eight bytes follow the first two, and the caller has room for ten.
    unsafe {
        let length = start.add(1);
        *length = (*length & 0x80) | short;
        let rest = start.add(2);
        rest.copy_from_nonoverlapping(extended.as_ptr(), extended.len());
        rest.add(extended.len()).cast()
    }
}
