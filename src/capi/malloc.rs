//! `nxt_malloc.h`: the heap of the C library.
//!
//! Modules free with libc's `free` (in the non-debug ABI `nxt_free` is a macro for it), so these must
//! allocate from the same heap and not from Rust's allocator.

use libc::c_void;

use crate::alert;
use crate::capi::room::alert_no_memory;

/// Allocates `size` bytes; NULL when there is no memory, with an alert in the log.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_malloc(size: usize) -> *mut c_void {
    // SAFETY: malloc takes any size.
    logged("malloc", size, unsafe { libc::malloc(size) })
}

/// Up to so many bytes are filled with zeroes here: glibc has `malloc` take them from a cache of the
/// thread, which `calloc` goes past. Of more bytes `calloc` knows which are zero already.
const FILLED: usize = 1024;

/// Allocates `size` bytes of value zero; NULL when there is no memory, with an alert in the log.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_zalloc(size: usize) -> *mut c_void {
    if size > FILLED {
        // SAFETY: calloc takes any size.
        return logged("calloc", size, unsafe { libc::calloc(1, size) });
    }
    // Else the compiler would make a `calloc` of it.
    let memory = std::hint::black_box(nxt_malloc(size));
    if !memory.is_null() {
        // SAFETY: malloc has answered so many bytes, which are ours.
        unsafe { memory.cast::<u8>().write_bytes(0, size) };
    }
    memory
}

/// Makes an allocation `size` bytes long, maybe somewhere else; NULL when there is no memory, with
/// an alert in the log, and `p` is as it was.
///
/// # Safety
/// `p` is NULL or from the C library's heap; if the answer is not NULL, it is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_realloc(p: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: by the caller's promise.
    logged("realloc", size, unsafe { libc::realloc(p, size) })
}

/// Allocates `size` bytes at a multiple of `alignment`, a power of two of at least 8; NULL when
/// there is no memory, with an alert in the log.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_memalign(alignment: usize, size: usize) -> *mut c_void {
    let mut memory = std::ptr::null_mut();
    // SAFETY: posix_memalign takes any numbers, and the address is ours to write.
    let error = unsafe { libc::posix_memalign(&raw mut memory, alignment, size) };
    if error == 0 {
        #[cfg(feature = "debug")]
        crate::capi::log::thread_debug(|| {
            format!("posix_memalign({alignment}, {size}): {memory:p}")
        });
        return memory;
    }
    if error == libc::ENOMEM {
        alert_no_memory("posix_memalign", size);
    } else {
        alert!(
            "posix_memalign({alignment}, {size}) failed: {}",
            std::io::Error::from_raw_os_error(error)
        );
    }
    std::ptr::null_mut()
}

/// Frees what is from the C library's heap. Only in the debug ABI: else it is a macro for `free`.
///
/// # Safety
/// `p` is NULL or from the C library's heap, and not used afterwards.
#[cfg(feature = "debug")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_free(p: *mut c_void) {
    crate::capi::log::thread_debug(|| format!("free({p:p})"));
    // SAFETY: by the caller's promise.
    unsafe { libc::free(p) };
}

fn logged(function: &'static str, size: usize, memory: *mut c_void) -> *mut c_void {
    if memory.is_null() && size != 0 {
        alert_no_memory(function, size);
    }
    #[cfg(feature = "debug")]
    crate::capi::log::thread_debug(|| format!("{function}({size}): {memory:p}"));
    memory
}
