//! What the C interface gives to the processes of the daemon: a log for its language modules, and the
//! data objects that they may read.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use libc::c_char;

use crate::capi::globals::{
    nxt_conf_ver, nxt_pid, nxt_ppid, nxt_process_argv, nxt_process_environ,
};
use crate::capi::lib_start::describe_process;
use crate::capi::log;
use crate::ipc::Pid;
use crate::process::Host;
use crate::sys::title;

/// See the module head.
pub const HOST: Host = Host {
    log_handler: log::HANDLER,
    entered,
    stored_version,
};

fn entered(pid: Pid, parent: Pid) {
    // SAFETY: the daemon calls this in a new process with one thread, before the module's own code.
    unsafe {
        describe_process();
        nxt_pid.get().write(pid);
        nxt_ppid.get().write(parent);
        if nxt_process_argv.get().read().is_null() {
            nxt_process_argv.get().write(arguments());
            nxt_process_environ.get().write(&raw mut environ);
        }
    }
}

unsafe extern "C" {
    /// The environment, by the C library.
    static mut environ: *mut *mut c_char;
}

/// A copy of the daemon's command line, which ends with NULL, for the life of the process.
fn arguments() -> *mut *mut c_char {
    let arguments = title::arguments().iter();
    // The kernel has made C strings of them.
    let copies = arguments.filter_map(|argument| CString::new(argument.as_bytes()).ok());
    let mut copies: Vec<*mut c_char> = copies.map(CString::into_raw).collect();
    copies.push(ptr::null_mut());
    copies.leak().as_mut_ptr()
}

fn stored_version(version: u32) {
    // SAFETY: as above.
    unsafe { nxt_conf_ver.get().write(version) };
}
