//! `nxt_malloc.h`: the heap of the C library.
//!
//! Modules free with libc's `free` (in the non-debug ABI `nxt_free` is a macro for it), so these must
//! allocate from the same heap and not from Rust's allocator.

use libc::c_void;

use crate::alert;

/// Allocates `size` bytes; NULL when there is no memory, with an alert in the log.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_malloc(size: usize) -> *mut c_void {
    // SAFETY: malloc takes any size.
    logged("malloc", size, unsafe { libc::malloc(size) })
}

/// Allocates `size` bytes of value zero; NULL when there is no memory, with an alert in the log.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_zalloc(size: usize) -> *mut c_void {
    // SAFETY: calloc takes any size.
    logged("calloc", size, unsafe { libc::calloc(1, size) })
}

fn logged(function: &'static str, size: usize, memory: *mut c_void) -> *mut c_void {
    if memory.is_null() && size != 0 {
        alert!(
            "{function}({size}) failed: {}",
            std::io::Error::last_os_error()
        );
    }
    memory
}
