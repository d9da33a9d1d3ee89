//! `nxt_file.h`: files here; [`descriptor`]s and pipes, and [`streams`], in a file each.
//!
//! These functions are for C callers that own plain descriptors, so they make the system's calls as
//! they are; a failure is a record in the task's or the thread's log and an error value.

use std::ffi::CStr;
use std::io::Error;

use libc::{c_char, c_int, c_uint, c_void, mode_t};
use nix::unistd::{Group, User};

use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::file::{
    NXT_FILE_INVALID, nxt_fd_t, nxt_file_access_t, nxt_file_info_t, nxt_file_name_t, nxt_file_t,
};
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_int_t, nxt_off_t, nxt_uint_t};
use crate::base::log::Level;
use crate::base::sprintf::error_text;
use crate::capi::log::{task_record, thread_record};
use crate::capi::{c_string, guard};

pub mod descriptor;
pub mod streams;

/// The number of the last error of a system call.
fn last_errno() -> c_int {
    Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// An error as records show it.
fn shown(errno: c_int) -> String {
    format!("({errno}: {})", error_text(errno))
}

/// A C string for a record.
///
/// # Safety
/// As [`c_string`].
unsafe fn text(name: *const u8) -> String {
    // SAFETY: the caller's promise is the same.
    String::from_utf8_lossy(unsafe { c_string(name) }).into_owned()
}

/// `NXT_OK`, or an alert of the thread and `NXT_ERROR`, as a call that answers -1 has ended.
fn done(answer: c_int, call: impl FnOnce() -> String) -> nxt_int_t {
    if answer != -1 {
        return NXT_OK;
    }
    let errno = last_errno();
    thread_record(Level::Alert, &format!("{} failed {}", call(), shown(errno)));
    NXT_ERROR
}

/// As [`done`], for a task.
///
/// # Safety
/// `task` is NULL or valid.
unsafe fn task_done(
    task: *const nxt_task_t,
    answer: c_int,
    call: impl FnOnce() -> String,
) -> nxt_int_t {
    if answer != -1 {
        return NXT_OK;
    }
    let errno = last_errno();
    let text = format!("{} failed {}", call(), shown(errno));
    // SAFETY: the caller's promise is the same.
    unsafe { task_record(task, Level::Alert, &text) };
    NXT_ERROR
}

/// The level of a file's `log_level`; `None` is not at all.
fn level(file: &nxt_file_t) -> Option<Level> {
    match file.log_level {
        0 => None,
        1 => Some(Level::Error),
        2 => Some(Level::Warn),
        3 => Some(Level::Notice),
        4 => Some(Level::Info),
        _ => Some(Level::Debug),
    }
}

/// Takes what a call has answered into the file.
///
/// # Safety
/// `task` is NULL or valid; the file's name is NULL or ends with a NUL.
unsafe fn opened(
    task: *const nxt_task_t,
    file: &mut nxt_file_t,
    fd: c_int,
    call: impl FnOnce(&str) -> String,
) -> nxt_int_t {
    file.fd = fd;
    file.error = if fd == -1 { last_errno() } else { 0 };
    if fd != -1 {
        return NXT_OK;
    }
    // SAFETY: the caller's promise is the same.
    unsafe {
        if let Some(level) = level(file) {
            let text = format!("{} failed {}", call(&text(file.name)), shown(file.error));
            task_record(task, level, &text);
        }
    }
    NXT_ERROR
}

/// Opens a file: `mode` is one of `NXT_FILE_RDONLY` and its kin, `create` of `NXT_FILE_OPEN` and
/// its kin, `access` the permission bits of a new file. It is opened without blocking on pipes and
/// devices. The descriptor goes to `fd`, the error to `error`.
///
/// # Safety
/// `task` is NULL or valid; `file` is NULL or valid, its name ending with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_open(
    task: *mut nxt_task_t,
    file: *mut nxt_file_t,
    mode: nxt_uint_t,
    create: nxt_uint_t,
    access: nxt_file_access_t,
) -> nxt_int_t {
    guard("nxt_file_open", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(file) = file.as_mut().filter(|file| !file.name.is_null()) else {
                return NXT_ERROR;
            };
            let flags = (mode | create).cast_signed() | libc::O_NONBLOCK;
            let fd = libc::open(file.name.cast(), flags, access as c_uint);
            opened(task, file, fd, |name| format!("open(\"{name}\")"))
        }
    })
}

/// As [`nxt_file_open`], from the folder `dfd`, with rules of openat2(2) for the way there.
///
/// # Safety
/// As [`nxt_file_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_openat2(
    task: *mut nxt_task_t,
    file: *mut nxt_file_t,
    mode: nxt_uint_t,
    create: nxt_uint_t,
    access: nxt_file_access_t,
    dfd: nxt_fd_t,
    resolve: nxt_uint_t,
) -> nxt_int_t {
    guard("nxt_file_openat2", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise; all of `how` is initialised, and its size
        // is told.
        unsafe {
            let Some(file) = file.as_mut().filter(|file| !file.name.is_null()) else {
                return NXT_ERROR;
            };
            let mut how = std::mem::zeroed::<libc::open_how>();
            how.flags = u64::from(mode | create) | libc::O_NONBLOCK as u64;
            how.mode = access.into();
            how.resolve = resolve.into();
            let size = size_of::<libc::open_how>();
            let fd = libc::syscall(libc::SYS_openat2, dfd, file.name, &raw const how, size);
            // Descriptors are ints.
            opened(task, file, fd as c_int, |name| {
                format!("openat2({dfd}, \"{name}\")")
            })
        }
    })
}

/// Closes a file.
///
/// # Safety
/// `task` is NULL or valid; `file` is NULL or valid, and owns its descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_close(task: *mut nxt_task_t, file: *mut nxt_file_t) {
    guard("nxt_file_close", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            if let Some(file) = file.as_ref() {
                task_done(task, libc::close(file.fd), || {
                    format!("close({}, \"{}\")", file.fd, text(file.name))
                });
            }
        }
    });
}

/// What a call that reads or writes has answered, with the file's error set.
///
/// # Safety
/// The file's name is NULL or ends with a NUL.
unsafe fn moved(
    file: &mut nxt_file_t,
    count: isize,
    call: &str,
    size: usize,
    offset: i64,
) -> isize {
    file.error = if count < 0 { last_errno() } else { 0 };
    if count >= 0 {
        return count;
    }
    // SAFETY: the caller's promise is the same.
    let name = unsafe { text(file.name) };
    let error = shown(file.error);
    let text = format!(
        "{call}({}, \"{name}\", {size}, {offset}) failed {error}",
        file.fd
    );
    thread_record(Level::Alert, &text);
    NXT_ERROR as isize
}

/// Writes at an offset: how many bytes, or `NXT_ERROR`.
///
/// # Safety
/// `file` is NULL or valid; `buf` has `size` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_write(
    file: *mut nxt_file_t,
    buf: *const u8,
    size: usize,
    offset: nxt_off_t,
) -> isize {
    guard("nxt_file_write", NXT_ERROR as isize, || {
        // SAFETY: NULL or valid, by the caller's promise; the kernel checks the buffer.
        unsafe {
            let Some(file) = file.as_mut() else {
                return NXT_ERROR as isize;
            };
            let count = libc::pwrite(file.fd, buf.cast(), size, offset);
            moved(file, count, "pwrite", size, offset)
        }
    })
}

/// Reads at an offset: how many bytes, 0 at the end, or `NXT_ERROR`.
///
/// # Safety
/// `file` is NULL or valid; `buf` has `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_read(
    file: *mut nxt_file_t,
    buf: *mut u8,
    size: usize,
    offset: nxt_off_t,
) -> isize {
    guard("nxt_file_read", NXT_ERROR as isize, || {
        // SAFETY: NULL or valid, by the caller's promise; the kernel checks the buffer.
        unsafe {
            let Some(file) = file.as_mut() else {
                return NXT_ERROR as isize;
            };
            let count = libc::pread(file.fd, buf.cast(), size, offset);
            moved(file, count, "pread", size, offset)
        }
    })
}

/// Has the kernel read a stretch of a file ahead.
///
/// # Safety
/// `file` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_read_ahead(
    file: *mut nxt_file_t,
    offset: nxt_off_t,
    size: usize,
) {
    guard("nxt_file_read_ahead", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(file) = file.as_ref() else {
                return;
            };
            let length = i64::try_from(size).unwrap_or(i64::MAX);
            let errno = libc::posix_fadvise(file.fd, offset, length, libc::POSIX_FADV_WILLNEED);
            if errno != 0 {
                let name = text(file.name);
                let call = format!("posix_fadvise({}, \"{name}\", {offset}, {size})", file.fd);
                thread_record(Level::Alert, &format!("{call} failed {}", shown(errno)));
            }
        }
    });
}

/// Asks what a file is: by its descriptor, or, if that is none, by its name.
///
/// # Safety
/// `file` is NULL or valid, its name ending with a NUL; `fi` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_info(
    file: *mut nxt_file_t,
    fi: *mut nxt_file_info_t,
) -> nxt_int_t {
    guard("nxt_file_info", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(file) = file.as_mut().filter(|_| !fi.is_null()) else {
                return NXT_ERROR;
            };
            let by_name = file.fd == NXT_FILE_INVALID;
            if by_name && file.name.is_null() {
                return NXT_ERROR;
            }
            let answer = if by_name {
                libc::stat(file.name.cast(), fi)
            } else {
                libc::fstat(file.fd, fi)
            };
            file.error = if answer == 0 { 0 } else { last_errno() };
            if answer == 0 {
                return NXT_OK;
            }
            let (name, error) = (text(file.name), shown(file.error));
            if !by_name {
                let text = format!("fstat({}, \"{name}\") failed {error}", file.fd);
                thread_record(Level::Alert, &text);
            } else if let Some(level) = level(file) {
                thread_record(level, &format!("stat(\"{name}\") failed {error}"));
            }
            NXT_ERROR
        }
    })
}

/// Runs a call with a name; NULL is an error.
///
/// # Safety
/// `name` is NULL or ends with a NUL.
unsafe fn with_name(
    function: &'static str,
    name: *mut nxt_file_name_t,
    call: &str,
    body: impl FnOnce(*const c_char) -> c_int,
) -> nxt_int_t {
    guard(function, NXT_ERROR, || {
        if name.is_null() {
            return NXT_ERROR;
        }
        done(body(name.cast()), || {
            // SAFETY: the caller's promise is the same.
            format!("{call}(\"{}\")", unsafe { text(name) })
        })
    })
}

/// Removes a file.
///
/// # Safety
/// `name` is NULL or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_delete(name: *mut nxt_file_name_t) -> nxt_int_t {
    // SAFETY: the caller's promise is the same.
    unsafe { with_name("nxt_file_delete", name, "unlink", |name| libc::unlink(name)) }
}

/// Changes the permission bits of a file.
///
/// # Safety
/// `name` is NULL or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_set_access(
    name: *mut nxt_file_name_t,
    access: nxt_file_access_t,
) -> nxt_int_t {
    // SAFETY: the caller's promise is the same.
    unsafe {
        with_name("nxt_file_set_access", name, "chmod", |name| {
            libc::chmod(name, access as mode_t)
        })
    }
}

/// The number of a name of the user or group database; the number that changes nothing for NULL.
///
/// # Safety
/// `name` is NULL or ends with a NUL.
unsafe fn number(
    name: *const c_char,
    call: &str,
    look_up: impl FnOnce(&str) -> nix::Result<Option<u32>>,
) -> Option<u32> {
    if name.is_null() {
        return Some(u32::MAX);
    }
    // SAFETY: not NULL, and by the caller's promise.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    let problem = match look_up(&name) {
        Ok(Some(number)) => return Some(number),
        Ok(None) => "not found".to_string(),
        Err(errno) => shown(errno as c_int),
    };
    thread_record(
        Level::Alert,
        &format!("{call}(\"{name}\") failed: {problem}"),
    );
    None
}

/// Gives a file to another owner and group, by name; NULL leaves one as it is.
///
/// # Safety
/// Each name is NULL or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_chown(
    name: *mut nxt_file_name_t,
    owner: *const c_char,
    group: *const c_char,
) -> nxt_int_t {
    if owner.is_null() && group.is_null() {
        return NXT_OK;
    }
    guard("nxt_file_chown", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        unsafe {
            let user = number(owner, "getpwnam_r", |name| {
                Ok(User::from_name(name)?.map(|user| user.uid.as_raw()))
            });
            let group = number(group, "getgrnam_r", |name| {
                Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
            });
            let (Some(user), Some(group)) = (user, group) else {
                return NXT_ERROR;
            };
            with_name("nxt_file_chown", name, "chown", |name| {
                libc::chown(name, user, group)
            })
        }
    })
}

/// Gives a file another name.
///
/// # Safety
/// Each name is NULL or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_file_rename(
    old_name: *mut nxt_file_name_t,
    new_name: *mut nxt_file_name_t,
) -> nxt_int_t {
    if new_name.is_null() {
        return NXT_ERROR;
    }
    // SAFETY: the caller's promise is the same.
    unsafe {
        with_name("nxt_file_rename", old_name, "rename", |name| {
            libc::rename(name, new_name.cast())
        })
    }
}

/// Writes the path of the current folder, with a NUL: its length without that, or 0 on failure.
///
/// # Safety
/// `buf` is NULL or has `len` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_dir_current(buf: *mut c_char, len: usize) -> usize {
    guard("nxt_dir_current", 0, || {
        if buf.is_null() {
            return 0;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let found: *mut c_void = libc::getcwd(buf, len).cast();
            let answer = if found.is_null() { -1 } else { 0 };
            match done(answer, || format!("getcwd({len})")) {
                NXT_OK => libc::strlen(buf),
                _ => 0,
            }
        }
    })
}
