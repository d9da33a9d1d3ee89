//! `nxt_socket_msg.h`: messages with passed descriptors and credentials.
//!
//! Errors are those of the system calls: -1 and `errno`. NULL buffers are refused with `EFAULT`.

use libc::{c_int, ssize_t};

use crate::abi::socket_msg::{nxt_iobuf_t, nxt_recv_oob_t, nxt_send_oob_t, nxt_socket_t};
use crate::abi::types::nxt_uint_t;

fn refused(error: c_int) -> ssize_t {
    // SAFETY: errno is the calling thread's own.
    unsafe { *libc::__errno_location() = error };
    -1
}

fn header(iob: *mut nxt_iobuf_t, niob: nxt_uint_t) -> libc::msghdr {
    // SAFETY: msghdr is made of integers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = iob;
    message.msg_iovlen = niob as usize;
    message
}

/// Sends the `niob` pieces at `iob` as one message, with the control messages of `oob`, if any.
///
/// # Safety
/// `iob` points at `niob` pieces that are readable; `oob` is NULL or points at a filled structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_sendmsg(
    s: nxt_socket_t,
    iob: *mut nxt_iobuf_t,
    niob: nxt_uint_t,
    oob: *const nxt_send_oob_t,
) -> ssize_t {
    if iob.is_null() && niob != 0 {
        return refused(libc::EFAULT);
    }
    let mut message = header(iob, niob);
    // SAFETY: NULL or, by the caller's promise, a filled structure.
    if let Some(oob) = unsafe { oob.as_ref() }.filter(|oob| oob.size != 0) {
        if oob.size > oob.buf.len() {
            return refused(libc::EINVAL);
        }
        message.msg_control = oob.buf.as_ptr().cast_mut().cast();
        message.msg_controllen = oob.size;
    }
    // SAFETY: the header names the caller's pieces and control bytes, which sendmsg only reads.
    unsafe { libc::sendmsg(s, &message, 0) }
}

/// Receives a message into the `niob` pieces at `iob`, and its control messages into `oob`.
///
/// # Safety
/// `iob` points at `niob` pieces that are writable; `oob` is NULL or points at a writable structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_recvmsg(
    s: nxt_socket_t,
    iob: *mut nxt_iobuf_t,
    niob: nxt_uint_t,
    oob: *mut nxt_recv_oob_t,
) -> ssize_t {
    if (iob.is_null() && niob != 0) || oob.is_null() {
        return refused(libc::EFAULT);
    }
    let mut message = header(iob, niob);
    // SAFETY: not NULL, and the caller passes a structure of its own; only the address is taken,
    // because its bytes may not be initialised yet.
    unsafe {
        message.msg_control = (&raw mut (*oob).buf).cast();
        message.msg_controllen = (*oob).buf.len();
    }
    // SAFETY: the header names the caller's pieces and control room, which are writable.
    let received = unsafe { libc::recvmsg(s, &mut message, 0) };
    if received != -1 {
        // SAFETY: as above; the kernel never reports more control bytes than there was room for.
        unsafe { (*oob).size = message.msg_controllen };
    }
    received
}
