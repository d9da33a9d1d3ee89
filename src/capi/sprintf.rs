//! `nxt_sprintf.h`: the formatter. The variadic functions themselves are in the C shim
//! `format_variadic.c`.

use std::ffi::CStr;

use libc::c_char;

use crate::base::sprintf;
use crate::capi::guard;
use crate::capi::log::{VaList, nxt_va_source_t};

/// Writes the formatted text between `buf` and `end`, without a NUL: the end of the text; called by the
/// shim, not exported.
///
/// # Safety
/// `buf` is NULL or has room up to `end`; `fmt` is NULL or ends with a NUL, and the arguments of
/// `source` are those that `fmt` announces.
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_format(
    buf: *mut u8,
    end: *mut u8,
    fmt: *const c_char,
    source: *mut nxt_va_source_t,
) -> *mut u8 {
    guard("nxt_sprintf", buf, || {
        if buf.is_null() || fmt.is_null() {
            return buf;
        }
        let room = end.addr().saturating_sub(buf.addr());
        // SAFETY: not NULL, and the caller's format ends with a NUL.
        let format = unsafe { CStr::from_ptr(fmt) }.to_bytes();
        // The text is made apart, because an argument may lie in the room.
        let mut text = Vec::new();
        if text.try_reserve(room.min(256)).is_err() {
            return buf;
        }
        sprintf::format(&mut text, room, format, &mut VaList(source));
        // SAFETY: the text is not longer than the room.
        unsafe {
            buf.copy_from_nonoverlapping(text.as_ptr(), text.len());
            buf.add(text.len())
        }
    })
}
