//! The data objects of the interface, which C code reads and writes.
//!
//! They lie here and not beside the functions because a C program may change any of them at any
//! time: Rust reads and writes them through raw pointers only, and never keeps a reference.

use std::cell::UnsafeCell;
use std::ptr;

use libc::{c_char, c_void};

use crate::abi::errno::{nxt_err_t, nxt_strerror_t};
use crate::abi::log::{NXT_LOG_INFO, nxt_log_handler, nxt_log_t};
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_atomic_uint_t, nxt_gid_t, nxt_pid_t, nxt_uid_t, nxt_uint_t};
use crate::base::sprintf::error_text;
use crate::capi::guard;

/// An object of the C interface.
#[repr(transparent)]
#[derive(Debug)]
pub struct Global<T>(UnsafeCell<T>);

// SAFETY: there is no access but through `get`, whose users answer for it; the interface leaves it
// to C code not to change these objects on two threads at once.
unsafe impl<T> Sync for Global<T> {}

impl<T> Global<T> {
    pub(crate) const fn new(value: T) -> Global<T> {
        Global(UnsafeCell::new(value))
    }

    /// The address of the object.
    pub const fn get(&self) -> *mut T {
        self.0.get()
    }
}

/// How many processors there are to run on.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_ncpu: Global<nxt_uint_t> = Global::new(1);

/// The size of the kernel's pages in bytes.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_pagesize: Global<nxt_uint_t> = Global::new(0);

/// The task of the main thread.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_main_task: Global<nxt_task_t> = Global::new(nxt_task_t {
    thread: ptr::null_mut(),
    log: ptr::null_mut(),
    ident: 0,
    next_work: ptr::null_mut(),
});

/// The number that was given to a task last.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_task_ident: Global<nxt_atomic_uint_t> = Global::new(0);

/// The log of the process.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_main_log: Global<nxt_log_t> = Global::new(nxt_log_t {
    level: NXT_LOG_INFO,
    ident: 0,
    handler: Some(nxt_log_handler),
    ctx_handler: None,
    ctx: ptr::null_mut(),
});

/// Whether everything is logged.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_debug: Global<nxt_uint_t> = Global::new(0);

/// Whether traces are logged.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_trace: Global<nxt_uint_t> = Global::new(0);

/// A constant string.
pub(crate) const fn text(text: &'static str) -> nxt_str_t {
    nxt_str_t {
        length: text.len(),
        start: text.as_ptr().cast_mut(),
    }
}

/// The names of the levels.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_log_levels: Global<[nxt_str_t; 6]> = Global::new([
    text("alert"),
    text("error"),
    text("warn"),
    text("notice"),
    text("info"),
    text("debug"),
]);

/// The version of the program that the stored configuration is of; 0 until it was read.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_conf_ver: Global<nxt_uint_t> = Global::new(0);

/// No hexadecimal digit.
const NOT_HEX: u8 = 16;

/// The value of each byte as a hexadecimal digit; 16 for those that are none.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_hex2int: [u8; 256] = {
    let mut values = [NOT_HEX; 256];
    let mut byte = 0;
    while byte < values.len() {
        if let Some(value) = (byte as u8 as char).to_digit(16) {
            values[byte] = value as u8;
        }
        byte += 1;
    }
    values
};

/// This process.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_pid: Global<nxt_pid_t> = Global::new(0);

/// Its parent.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_ppid: Global<nxt_pid_t> = Global::new(0);

/// Its user.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_euid: Global<nxt_uid_t> = Global::new(0);

/// Its group.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_egid: Global<nxt_gid_t> = Global::new(0);

/// Its arguments.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_process_argv: Global<*mut *mut c_char> = Global::new(ptr::null_mut());

/// Where its environment is named.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_process_environ: Global<*mut *mut *mut c_char> = Global::new(ptr::null_mut());

/// What writes the texts of error numbers.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_strerror: Global<nxt_strerror_t> = Global::new(Some(error_text_into));

/// # Safety
/// `errstr` is NULL or has room for `size` bytes.
unsafe extern "C" fn error_text_into(err: nxt_err_t, errstr: *mut u8, size: usize) -> *mut u8 {
    guard("nxt_strerror", errstr, || {
        if errstr.is_null() {
            return errstr;
        }
        let text = error_text(err);
        let length = text.len().min(size);
        // SAFETY: not NULL, and within the room.
        unsafe {
            errstr.copy_from_nonoverlapping(text.as_ptr(), length);
            errstr.add(length)
        }
    })
}

unsafe extern "C" {
    /// The address of the calling thread's `nxt_thread_context`.
    fn nxt_thread_context_address() -> *mut c_void;
}

/// The calling thread's state.
pub(crate) fn thread() -> *mut crate::abi::thread::nxt_thread_t {
    // SAFETY: the function takes nothing and answers the address of a thread-local object.
    unsafe { nxt_thread_context_address() }.cast()
}
