//! Streams of the C library, and the standard output and error.

use std::ptr;

use libc::{c_char, c_int};

use super::{done, task_done, text};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::file::{nxt_fd_t, nxt_file_t};
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::capi::guard;

/// Opens a stream of the C library; NULL on failure.
///
/// # Safety
/// `task` is NULL or valid; both texts are NULL or end with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_fopen(
    task: *mut nxt_task_t,
    pathname: *const c_char,
    mode: *const c_char,
) -> *mut libc::FILE {
    guard("nxt_file_fopen", ptr::null_mut(), || {
        if pathname.is_null() || mode.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let stream = libc::fopen(pathname, mode);
            let answer = if stream.is_null() { -1 } else { 0 };
            task_done(task, answer, || {
                format!("fopen(\"{}\")", text(pathname.cast()))
            });
            stream
        }
    })
}

/// Closes a stream of the C library.
///
/// # Safety
/// `task` is NULL or valid; `fp` is NULL or a stream, which is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_fclose(task: *mut nxt_task_t, fp: *mut libc::FILE) {
    guard("nxt_file_fclose", (), || {
        if !fp.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe { task_done(task, libc::fclose(fp), || "fclose()".to_string()) };
        }
    });
}

/// Makes a file's descriptor one more name of what `from` is, as `to` says.
///
/// # Safety
/// The file's name is NULL or ends with a NUL.
unsafe fn duplicate(file: &nxt_file_t, from: c_int, to: c_int) -> nxt_int_t {
    // SAFETY: the call takes numbers; the caller's promise is the same.
    unsafe {
        done(libc::dup2(from, to), || {
            format!("dup2({from}, {to}, \"{}\")", text(file.name))
        })
    }
}

/// Puts `fd` in the place of a file's descriptor; `fd` itself is closed.
///
/// # Safety
/// `file` is NULL or valid; `fd` belongs to the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_redirect(file: *mut nxt_file_t, fd: nxt_fd_t) -> nxt_int_t {
    guard("nxt_file_redirect", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(file) = file.as_ref() else {
                return NXT_ERROR;
            };
            if duplicate(file, fd, file.fd) != NXT_OK {
                return NXT_ERROR;
            }
            done(libc::close(fd), || {
                format!("close({fd}, \"{}\")", text(file.name))
            })
        }
    })
}

/// Makes the standard output go to a file.
///
/// # Safety
/// `file` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_stdout(file: *mut nxt_file_t) -> nxt_int_t {
    guard("nxt_file_stdout", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            file.as_ref().map_or(NXT_ERROR, |file| {
                duplicate(file, file.fd, libc::STDOUT_FILENO)
            })
        }
    })
}

/// Makes the standard error go to a file.
///
/// # Safety
/// `file` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_stderr(file: *mut nxt_file_t) -> nxt_int_t {
    guard("nxt_file_stderr", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            file.as_ref().map_or(NXT_ERROR, |file| {
                duplicate(file, file.fd, libc::STDERR_FILENO)
            })
        }
    })
}

/// Makes the standard error append, so that records of several processes do not mix; if it is
/// closed, puts the null device there, so that no file gets its number. Answers its flags before,
/// or -1.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_stderr_start() -> nxt_int_t {
    guard("nxt_stderr_start", -1, || {
        // SAFETY: the calls take numbers and a constant name.
        unsafe {
            let flags = libc::fcntl(libc::STDERR_FILENO, libc::F_GETFL);
            if flags != -1 {
                libc::fcntl(libc::STDERR_FILENO, libc::F_SETFL, flags | libc::O_APPEND);
                return flags;
            }
            let null = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY | libc::O_APPEND);
            if null != -1 && null != libc::STDERR_FILENO {
                libc::dup2(null, libc::STDERR_FILENO);
                libc::close(null);
            }
            flags
        }
    })
}
