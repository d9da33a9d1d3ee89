//! The log files of a runtime.

use std::ptr;

use libc::{O_APPEND, O_CREAT, O_WRONLY, c_void};

use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::file::{NXT_FILE_INVALID, nxt_file_name_t, nxt_file_t};
use crate::abi::list::nxt_list_next_t;
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_int_t, nxt_uint_t};
use crate::capi::file::streams::{nxt_file_redirect, nxt_file_stderr};
use crate::capi::file::{nxt_file_close, nxt_file_open};
use crate::capi::list::{nxt_list_create, nxt_list_next, nxt_list_zero_add};
use crate::capi::mp::nxt_mp_nget;
use crate::capi::port::handlers::nxt_port_change_log_file;
use crate::capi::{c_string, guard, str_bytes};

/// Read and write for the owner, nothing for others.
const OWNER_ACCESS: u32 = 0o600;

/// The log files in their order.
///
/// # Safety
/// `rt` is NULL or a runtime.
pub(crate) unsafe fn files(rt: *mut nxt_runtime_t) -> Vec<*mut nxt_file_t> {
    let mut files = Vec::new();
    // SAFETY: NULL or a runtime, by the caller's promise; the list has files.
    unsafe {
        let list = rt.as_ref().map_or(ptr::null_mut(), |rt| rt.log_files);
        if list.is_null() {
            return files;
        }
        let mut cursor = nxt_list_next_t {
            part: ptr::null_mut(),
            elt: 0,
        };
        loop {
            let file: *mut c_void = nxt_list_next(list, &raw mut cursor);
            if file.is_null() {
                return files;
            }
            files.push(file.cast());
        }
    }
}

/// A log file by its place; NULL if there is none.
///
/// # Safety
/// `rt` is NULL or a runtime.
pub(crate) unsafe fn file_at(rt: *mut nxt_runtime_t, slot: nxt_uint_t) -> *mut nxt_file_t {
    // SAFETY: the caller's promise is the same.
    unsafe { files(rt) }
        .get(slot as usize)
        .copied()
        .unwrap_or(ptr::null_mut())
}

/// An invalid file of a new place; NULL when there is no memory.
///
/// # Safety
/// `rt` is a runtime.
unsafe fn add(rt: *mut nxt_runtime_t) -> *mut nxt_file_t {
    // SAFETY: the caller promises a runtime, whose list is made by `init` and has elements of this
    // type.
    unsafe {
        let file = nxt_list_zero_add((*rt).log_files).cast::<nxt_file_t>();
        if !file.is_null() {
            (*file).fd = NXT_FILE_INVALID;
        }
        file
    }
}

/// Makes the list, with a place for the main log.
///
/// # Safety
/// `rt` is a runtime.
pub(super) unsafe fn init(rt: *mut nxt_runtime_t) -> nxt_int_t {
    // SAFETY: the caller promises a runtime, which has its pool.
    unsafe {
        (*rt).log_files = nxt_list_create((*rt).mem_pool, 1, size_of::<nxt_file_t>());
        if (*rt).log_files.is_null() || add(rt).is_null() {
            return NXT_ERROR;
        }
        NXT_OK
    }
}

/// Adds a log file of a name, or finds it; NULL when there is no memory.
///
/// # Safety
/// `rt` is NULL or a runtime, `name` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_log_file_add(
    rt: *mut nxt_runtime_t,
    name: *mut nxt_str_t,
) -> *mut nxt_file_t {
    guard("nxt_runtime_log_file_add", ptr::null_mut(), || {
        if rt.is_null() || name.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise; the copy has room for a NUL.
        unsafe {
            let bytes = str_bytes(name);
            for file in files(rt) {
                if !(*file).name.is_null() && c_string((*file).name) == bytes {
                    return file;
                }
            }
            let copy = nxt_mp_nget((*rt).mem_pool, bytes.len() + 1).cast::<nxt_file_name_t>();
            if copy.is_null() {
                return ptr::null_mut();
            }
            copy.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            copy.add(bytes.len()).write(0);
            let file = add(rt);
            if !file.is_null() {
                (*file).name = copy;
            }
            file
        }
    })
}

/// Opens a log file.
///
/// # Safety
/// `task` and `file` are valid.
unsafe fn open(task: *mut nxt_task_t, file: *mut nxt_file_t) -> nxt_int_t {
    let mode = (O_WRONLY | O_APPEND) as nxt_uint_t;
    // SAFETY: by the caller's promise.
    unsafe { nxt_file_open(task, file, mode, O_CREAT as nxt_uint_t, OWNER_ACCESS) }
}

/// Opens all log files; the first one becomes standard error.
///
/// # Safety
/// `task` and `rt` are valid.
pub(super) unsafe fn open_all(task: *mut nxt_task_t, rt: *mut nxt_runtime_t) -> nxt_int_t {
    // SAFETY: the caller promises a runtime; the files of its list stay where they are as long as
    // it lives.
    unsafe {
        let files = files(rt);
        for file in files.iter().filter(|file| !(***file).name.is_null()) {
            if open(task, *file) != NXT_OK {
                return NXT_ERROR;
            }
        }
        match files.first() {
            Some(first) if !(**first).name.is_null() => nxt_file_stderr(*first),
            _ => NXT_OK,
        }
    }
}

/// Opens all log files anew, here and in the other processes.
///
/// # Safety
/// `task` is valid, `rt` is NULL or a runtime.
pub(crate) unsafe fn reopen(task: *mut nxt_task_t, rt: *mut nxt_runtime_t) {
    // SAFETY: the files of the list stay where they are as long as the runtime lives; the copies
    // share their names, and own the descriptors that they open.
    unsafe {
        let files = files(rt);
        let mut new = Vec::new();
        for file in &files {
            let mut copy = nxt_file_t {
                fd: NXT_FILE_INVALID,
                ..**file
            };
            if copy.name.is_null() || open(task, &raw mut copy) != NXT_OK {
                for mut opened in new {
                    nxt_file_close(task, &raw mut opened);
                }
                return;
            }
            new.push(copy);
        }
        for (slot, (file, mut opened)) in files.into_iter().zip(new).enumerate() {
            if slot == 0 {
                nxt_file_stderr(&raw mut opened);
            }
            nxt_port_change_log_file(task, rt, slot as nxt_uint_t, opened.fd);
            nxt_file_redirect(file, opened.fd);
        }
    }
}
