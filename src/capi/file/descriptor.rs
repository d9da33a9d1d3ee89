//! Plain descriptors, and pipes.

use libc::c_int;

use super::{done, last_errno, shown, task_done};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::file::nxt_fd_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_bool_t, nxt_int_t};
use crate::base::log::Level;
use crate::capi::guard;
use crate::capi::log::thread_record;

/// Sets whether calls on a descriptor wait.
///
/// # Safety
/// `task` is NULL or valid.
unsafe fn set_nonblocking(task: *const nxt_task_t, fd: nxt_fd_t, on: bool) -> nxt_int_t {
    let mut value = c_int::from(on);
    // SAFETY: the argument of this call is an int; the caller's promise is the same.
    unsafe {
        task_done(task, libc::ioctl(fd, libc::FIONBIO, &raw mut value), || {
            format!("ioctl({fd}, {}FIONBIO)", if on { "" } else { "!" })
        })
    }
}

/// Makes calls on a descriptor not wait.
///
/// # Safety
/// `task` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_fd_nonblocking(task: *mut nxt_task_t, fd: nxt_fd_t) -> nxt_int_t {
    guard("nxt_fd_nonblocking", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        unsafe { set_nonblocking(task, fd, true) }
    })
}

/// Makes calls on a descriptor wait.
///
/// # Safety
/// `task` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_fd_blocking(task: *mut nxt_task_t, fd: nxt_fd_t) -> nxt_int_t {
    guard("nxt_fd_blocking", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        unsafe { set_nonblocking(task, fd, false) }
    })
}

/// Writes: how many bytes, or -1 with the error in `errno`.
///
/// # Safety
/// `buf` has `size` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_fd_write(fd: nxt_fd_t, buf: *mut u8, size: usize) -> isize {
    guard("nxt_fd_write", -1, || {
        // SAFETY: the kernel checks the buffer.
        let count = unsafe { libc::write(fd, buf.cast(), size) };
        if count < 0 {
            let errno = last_errno();
            thread_record(
                Level::Alert,
                &format!("write({fd}) failed {}", shown(errno)),
            );
            nix::errno::Errno::set_raw(errno);
        }
        count
    })
}

/// Reads: how many bytes; 0 at the end, and where there is nothing without waiting; -1 with the
/// error in `errno`.
///
/// # Safety
/// `buf` has `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_fd_read(fd: nxt_fd_t, buf: *mut u8, size: usize) -> isize {
    guard("nxt_fd_read", -1, || {
        // SAFETY: the kernel checks the buffer.
        let count = unsafe { libc::read(fd, buf.cast(), size) };
        if count >= 0 {
            return count;
        }
        let errno = last_errno();
        if errno == libc::EAGAIN {
            return 0;
        }
        thread_record(Level::Alert, &format!("read({fd}) failed {}", shown(errno)));
        nix::errno::Errno::set_raw(errno);
        count
    })
}

/// Closes a descriptor.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_fd_close(fd: nxt_fd_t) {
    guard("nxt_fd_close", (), || {
        // SAFETY: the descriptor is the caller's own; if not, the kernel tells.
        done(unsafe { libc::close(fd) }, || format!("close({fd})"));
    });
}

/// Makes a pipe, each end with or without waiting.
///
/// # Safety
/// `task` is NULL or valid; `pp` is NULL or has room for two descriptors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_pipe_create(
    task: *mut nxt_task_t,
    pp: *mut nxt_fd_t,
    nbread: nxt_bool_t,
    nbwrite: nxt_bool_t,
) -> nxt_int_t {
    guard("nxt_pipe_create", NXT_ERROR, || {
        if pp.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let mut ends = [-1; 2];
            if task_done(task, libc::pipe(ends.as_mut_ptr()), || "pipe()".to_string()) != NXT_OK {
                return NXT_ERROR;
            }
            for (end, without_waiting) in ends.iter().zip([nbread, nbwrite]) {
                if without_waiting != 0 && set_nonblocking(task, *end, true) != NXT_OK {
                    ends.iter().for_each(|end| nxt_fd_close(*end));
                    return NXT_ERROR;
                }
            }
            pp.cast::<[nxt_fd_t; 2]>().write(ends);
            NXT_OK
        }
    })
}

/// Closes both ends of a pipe.
///
/// # Safety
/// `task` is NULL or valid; `pp` is NULL or has two descriptors that belong to the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_pipe_close(task: *mut nxt_task_t, pp: *mut nxt_fd_t) {
    guard("nxt_pipe_close", (), || {
        if pp.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            for end in pp.cast::<[nxt_fd_t; 2]>().read() {
                task_done(task, libc::close(end), || format!("pipe close({end})"));
            }
        }
    });
}
