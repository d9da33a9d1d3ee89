//! `nxt_mem_map.h`: mapped memory.

use libc::{c_int, c_void};

use crate::abi::file::nxt_fd_t;
use crate::abi::types::{nxt_off_t, nxt_uint_t};
use crate::base::log::Level;
use crate::capi::guard;
use crate::capi::log::thread_record;

/// Tells of a failed call with the system's reason.
fn failed(call: &str) {
    let error = std::io::Error::last_os_error();
    thread_record(Level::Alert, &format!("{call} failed: {error}"));
}

/// Maps memory, as mmap(2) does; `NXT_MEM_MAP_FAILED` if that fails, with an alert in the log.
///
/// # Safety
/// With an address that is to be taken in any case, nobody uses what is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mem_mmap(
    addr: *mut c_void,
    len: usize,
    protection: nxt_uint_t,
    flags: nxt_uint_t,
    fd: nxt_fd_t,
    offset: nxt_off_t,
) -> *mut c_void {
    guard("nxt_mem_mmap", libc::MAP_FAILED, || {
        let (protection, flags) = (protection as c_int, flags as c_int);
        // SAFETY: the caller's promise is the same.
        let memory = unsafe { libc::mmap(addr, len, protection, flags, fd, offset) };
        if memory == libc::MAP_FAILED {
            failed(&format!("mmap({len}, {fd}, {offset})"));
        }
        memory
    })
}

/// Takes a mapping away.
///
/// # Safety
/// Nobody uses the memory afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mem_munmap(addr: *mut c_void, len: usize) {
    guard("nxt_mem_munmap", (), || {
        // SAFETY: the caller's promise is the same.
        if unsafe { libc::munmap(addr, len) } != 0 {
            failed(&format!("munmap({addr:p}, {len})"));
        }
    });
}
