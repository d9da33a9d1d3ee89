//! `nxt_process.h`: the processes of a program.

use std::ptr;

use libc::{c_char, c_void};

use crate::abi::credential::nxt_credential_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::port::nxt_port_t;
use crate::abi::process::{
    NXT_PROCESS_MAX, NXT_PROCESS_STATE_READY, nxt_process_init_t, nxt_process_t, nxt_process_type_t,
};
use crate::abi::queue::nxt_queue_link_t;
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_int_t, nxt_nsec_t, nxt_pid_t, nxt_uint_t};
use crate::base::log::Level;
use crate::capi::credential::{nxt_credential_get, nxt_credential_setgids, nxt_credential_setuid};
use crate::capi::engine::init_queue;
use crate::capi::globals::{self, Global, nxt_pid};
use crate::capi::log::task_record;
use crate::capi::mp::nxt_mp_zalloc;
use crate::capi::port::nxt_port_close;
use crate::capi::queue::{append_link, remove_link};
use crate::capi::runtime::processes::{nxt_runtime_port_remove, nxt_runtime_process_release};
use crate::capi::runtime::quit::nxt_runtime_quit;
use crate::capi::thread::nxt_thread_mutex_create;
use crate::capi::{guard, str_bytes};
use crate::sys;

pub mod signals;
pub mod start;

type Matrix = [[u8; NXT_PROCESS_MAX as usize]; NXT_PROCESS_MAX as usize];

/// Which ports a process of a kind (line) keeps of the others (column).
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_proc_keep_matrix: Global<Matrix> = Global::new([
    [1, 1, 1, 1, 1, 1],
    [1, 0, 0, 0, 0, 0],
    [1, 0, 0, 1, 0, 0],
    [1, 0, 1, 1, 1, 1],
    [1, 0, 0, 1, 0, 0],
    [1, 0, 0, 1, 0, 0],
]);

/// Which process (line) is sent a new port of another one (column).
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_proc_send_matrix: Global<Matrix> = Global::new([
    [1, 1, 1, 1, 1, 1],
    [1, 0, 0, 0, 0, 0],
    [1, 0, 0, 1, 0, 0],
    [1, 0, 1, 1, 1, 1],
    [1, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0, 0],
]);

/// When a process dies (line), which others (column) are told.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_proc_remove_notify_matrix: Global<Matrix> = Global::new([
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 1, 0, 0],
    [0, 0, 1, 0, 1, 1],
    [0, 0, 0, 1, 0, 0],
    [1, 0, 0, 1, 0, 0],
]);

/// An entry of one of the matrices.
pub(crate) fn rule(
    matrix: &Global<Matrix>,
    one: nxt_process_type_t,
    two: nxt_process_type_t,
) -> bool {
    if one >= NXT_PROCESS_MAX || two >= NXT_PROCESS_MAX {
        return false;
    }
    // SAFETY: the object lives as long as the program, and both numbers are in its range.
    unsafe { (*matrix.get())[one as usize][two as usize] != 0 }
}

/// How a process is made.
///
/// # Safety
/// `process` is from [`nxt_process_new`].
pub(crate) unsafe fn init_of(process: *mut nxt_process_t) -> *mut nxt_process_init_t {
    process.wrapping_add(1).cast()
}

/// The runtime of the calling thread.
///
/// # Safety
/// `task` is NULL or valid.
pub(crate) unsafe fn runtime_of(task: *mut nxt_task_t) -> *mut nxt_runtime_t {
    // SAFETY: NULL or valid, by the caller's promise.
    unsafe {
        let thread = task.as_ref().map_or(ptr::null_mut(), |task| task.thread);
        thread
            .as_ref()
            .map_or(ptr::null_mut(), |thread| thread.runtime)
    }
}

/// The ports of a process, as they are now.
///
/// # Safety
/// `process` is NULL or valid.
pub(crate) unsafe fn ports(process: *mut nxt_process_t) -> Vec<*mut nxt_port_t> {
    let mut ports = Vec::new();
    if process.is_null() {
        return ports;
    }
    // SAFETY: not NULL, and by the caller's promise all links are those of ports.
    unsafe {
        let head: *mut nxt_queue_link_t = &raw mut (*process).ports.head;
        let mut link = (*head).next;
        while !link.is_null() && link != head {
            let offset = std::mem::offset_of!(nxt_port_t, link);
            ports.push(link.cast::<u8>().sub(offset).cast());
            link = (*link).next;
        }
    }
    ports
}

/// The first port of a process; NULL if it has none.
///
/// # Safety
/// `process` is NULL or valid.
pub(crate) unsafe fn first_port(process: *mut nxt_process_t) -> *mut nxt_port_t {
    // SAFETY: the caller's promise is the same.
    unsafe { ports(process) }
        .first()
        .copied()
        .unwrap_or(ptr::null_mut())
}

/// A process, held once, followed by the place for how it is made. NULL when there is no memory.
///
/// # Safety
/// `rt` is NULL or a runtime.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_new(rt: *mut nxt_runtime_t) -> *mut nxt_process_t {
    guard("nxt_process_new", ptr::null_mut(), || {
        if rt.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise; the object is ours until it is returned.
        unsafe {
            let size = size_of::<nxt_process_t>() + size_of::<nxt_process_init_t>();
            let process = nxt_mp_zalloc((*rt).mem_pool, size).cast::<nxt_process_t>();
            if process.is_null() {
                return process;
            }
            init_queue(&raw mut (*process).ports);
            init_queue(&raw mut (*process).children);
            nxt_thread_mutex_create(&raw mut (*process).incoming.mutex);
            (*process).use_count = 1;
            process
        }
    })
}

/// Adds holders to a process, or takes some away. Without any it ends.
///
/// # Safety
/// `task` and `process` are NULL or valid; a holder that was taken away does not use it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_use(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
    i: i32,
) {
    guard("nxt_process_use", (), || {
        if process.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            (*process).use_count = (*process).use_count.wrapping_add(i);
            if (*process).use_count == 0 {
                nxt_runtime_process_release(runtime_of(task), process);
            }
        }
    });
}

/// Gives a process a port, which holds it.
///
/// # Safety
/// The addresses are NULL or valid; the port has no process yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_port_add(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
    port: *mut nxt_port_t,
) {
    guard("nxt_process_port_add", (), || {
        if process.is_null() || port.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            (*port).process = process;
            append_link(&raw mut (*process).ports, &raw mut (*port).link);
            nxt_process_use(task, process, 1);
        }
    });
}

/// What a process is; that of one without ports is not known and counts as main.
///
/// # Safety
/// `process` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_type(process: *mut nxt_process_t) -> nxt_process_type_t {
    guard("nxt_process_type", 0, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe { first_port(process).as_ref() }.map_or(0, |port| port.r#type)
    })
}

/// Closes all ports of a process, and the runtime forgets them.
///
/// # Safety
/// `task` and `process` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_close_ports(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) {
    guard("nxt_process_close_ports", (), || {
        if task.is_null() || process.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the process is held meanwhile.
        unsafe {
            nxt_process_use(task, process, 1);
            for port in ports(process) {
                nxt_port_close(task, port);
                nxt_runtime_port_remove(task, port);
            }
            nxt_process_use(task, process, -1);
        }
    });
}

/// Ends this process in order: it listens no more, then the runtime is stopped.
///
/// # Safety
/// `task` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_quit(task: *mut nxt_task_t, exit_status: nxt_uint_t) {
    guard("nxt_process_quit", (), || {
        if task.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise. A listening event starts with the event of
        // its socket, and its link is where the constant below says.
        unsafe {
            let engine = crate::capi::port::own_engine(task);
            if !engine.is_null() {
                let head: *mut nxt_queue_link_t = &raw mut (*engine).listen_connections.head;
                let mut link = (*head).next;
                while !link.is_null() && link != head {
                    let next = (*link).next;
                    remove_link(link);
                    let event = link.cast::<u8>().sub(LISTEN_EVENT_LINK).cast();
                    if let Some(close) = (*engine).event.close {
                        close(engine, event);
                    }
                    link = next;
                }
            }
            nxt_runtime_quit(task, exit_status);
        }
    });
}

/// Where the link of a listening event (`nxt_listen_event_t` of `nxt_conn.h`) is.
const LISTEN_EVENT_LINK: usize = 224;

/// The setup of a process that needs no more: it takes its user and groups, and is ready.
///
/// # Safety
/// `task` and `process` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_core_setup(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) -> nxt_int_t {
    guard("nxt_process_core_setup", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            if nxt_process_apply_creds(task, process) != NXT_OK {
                return NXT_ERROR;
            }
            (*process).state = NXT_PROCESS_STATE_READY;
            NXT_OK
        }
    })
}

/// Copies a string into a pool, with a NUL after it.
///
/// # Safety
/// `process` has a pool.
unsafe fn copied(process: *mut nxt_process_t, text: &[u8]) -> *mut c_char {
    // SAFETY: by the caller's promise; the memory is zero and one byte longer than the text.
    unsafe {
        let place = nxt_mp_zalloc((*process).mem_pool, text.len() + 1).cast::<u8>();
        if !place.is_null() {
            place.copy_from_nonoverlapping(text.as_ptr(), text.len());
        }
        place.cast()
    }
}

/// Looks up the user and group that a process will take; `group` without a start keeps the user's.
///
/// # Safety
/// `task` is NULL or valid; `process` is NULL or has a pool; the strings are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_creds_set(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
    user: *mut nxt_str_t,
    group: *mut nxt_str_t,
) -> nxt_int_t {
    guard("nxt_process_creds_set", NXT_ERROR, || {
        if process.is_null() || user.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let pool = (*process).mem_pool;
            let credential = nxt_mp_zalloc(pool, size_of::<nxt_credential_t>());
            let credential = credential.cast::<nxt_credential_t>();
            if credential.is_null() {
                return NXT_ERROR;
            }
            (*process).user_cred = credential;
            let name = copied(process, str_bytes(user));
            if name.is_null() {
                return NXT_ERROR;
            }
            (*credential).user = name;
            let mut group_name = ptr::null_mut();
            if group.as_ref().is_some_and(|group| !group.start.is_null()) {
                group_name = copied(process, str_bytes(group));
                if group_name.is_null() {
                    return NXT_ERROR;
                }
            }
            nxt_credential_get(task, pool, credential, group_name)
        }
    })
}

/// `flags` of clone(2): a user namespace.
const NEWUSER: i64 = libc::CLONE_NEWUSER as i64;

/// The process takes its user and groups, if it may, and forbids itself to gain privileges.
///
/// # Safety
/// `task` and `process` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_apply_creds(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) -> nxt_int_t {
    guard("nxt_process_apply_creds", NXT_ERROR, || {
        // SAFETY: NULL or valid, as the caller promises, and checked before they are used.
        unsafe {
            let rt = runtime_of(task);
            if rt.is_null() || process.is_null() {
                return NXT_ERROR;
            }
            let may = (*rt).capabilities.setid != 0
                || (*process).isolation.clone.flags as i64 & NEWUSER != 0;
            let credential = (*process).user_cred;
            if may
                && !credential.is_null()
                && (nxt_credential_setgids(task, credential) != NXT_OK
                    || nxt_credential_setuid(task, credential) != NXT_OK)
            {
                return NXT_ERROR;
            }
            if (*process).isolation.new_privs == 0
                && let Err(errno) = sys::process::set_no_new_privs()
            {
                let text = format!("failed to set no_new_privs {}", sys::Errno(errno));
                task_record(task, Level::Alert, &text);
                return NXT_ERROR;
            }
            NXT_OK
        }
    })
}

/// Starts a program; its process, or -1. Arguments and environment end with NULL.
///
/// # Safety
/// `task` is NULL or valid; the others are as for posix_spawn(3), or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_execute(
    task: *mut nxt_task_t,
    name: *mut c_char,
    argv: *mut *mut c_char,
    envp: *mut *mut c_char,
) -> nxt_pid_t {
    guard("nxt_process_execute", -1, || {
        if name.is_null() || argv.is_null() {
            return -1;
        }
        // SAFETY: the name and the arguments are checked above, and all end as execve(2) wants
        // them, as the caller promises; without an environment the new process has none.
        unsafe {
            let mut pid = -1;
            let error = libc::posix_spawn(&raw mut pid, name, ptr::null(), ptr::null(), argv, envp);
            if error != 0 {
                let name = std::ffi::CStr::from_ptr(name).to_string_lossy();
                let errno = sys::Errno(nix::errno::Errno::from_raw(error));
                let text = format!("posix_spawn(\"{name}\") failed {errno}");
                task_record(task, Level::Alert, &text);
                return -1;
            }
            pid
        }
    })
}

/// Leaves the terminal: the process goes on as a child of its own, in a session of its own, without
/// standard input and output. The parent exits.
///
/// # Safety
/// `task` is NULL or valid. The process has one thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_daemon(task: *mut nxt_task_t) -> nxt_int_t {
    guard("nxt_process_daemon", NXT_ERROR, || {
        // SAFETY: by the caller's promise; the child goes on where the parent was.
        unsafe {
            match sys::process::fork_both() {
                Ok(Some(_)) => std::process::exit(0),
                Ok(None) => {}
                Err(errno) => {
                    let text = format!("fork() failed {}", sys::Errno(errno));
                    task_record(task, Level::Alert, &text);
                    return NXT_ERROR;
                }
            }
            nxt_pid.get().write(libc::getpid());
            (*globals::thread()).tid = 0;
            if crate::process::detach() {
                NXT_OK
            } else {
                NXT_ERROR
            }
        }
    })
}

/// Sleeps for `ns` nanoseconds, or until a signal arrives.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_nanosleep(ns: nxt_nsec_t) {
    let time = libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    };
    // SAFETY: the time is valid, and the rest is not wanted.
    unsafe { libc::nanosleep(&raw const time, ptr::null_mut()) };
}

/// The copy of the arguments.
static COPY: Global<*mut *mut c_char> = Global::new(ptr::null_mut());

/// Moves the environment away from the arguments, so that both make room for a title.
///
/// # Safety
/// The process has one thread; the addresses are those of [`nxt_lib_start`], or NULL.
///
/// [`nxt_lib_start`]: crate::capi::lib_start::nxt_lib_start
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_arguments(
    task: *mut nxt_task_t,
    orig_argv: *mut *mut c_char,
    orig_envp: *mut *mut *mut c_char,
) {
    let _ = task;
    guard("nxt_process_arguments", (), || {
        // SAFETY: C code leaves these objects alone meanwhile; the arguments end with NULL, by the
        // caller's promise; each one is copied before a title takes its place.
        unsafe {
            globals::nxt_process_environ.get().write(orig_envp);
            let earlier = COPY.get().read();
            if !earlier.is_null() {
                // One copy for the life of the process: the program may have its address.
                globals::nxt_process_argv.get().write(earlier);
            } else if !orig_argv.is_null() {
                let mut count = 0;
                while !(*orig_argv.add(count)).is_null() {
                    count += 1;
                }
                let copy = libc::calloc(count + 1, size_of::<*mut c_char>()).cast::<*mut c_char>();
                if copy.is_null() {
                    return;
                }
                for index in 0..count {
                    copy.add(index).write(libc::strdup(*orig_argv.add(index)));
                }
                // The program may put others in their place.
                COPY.get().write(copy);
                globals::nxt_process_argv.get().write(copy);
            }
            let first = orig_argv.as_ref().map_or(ptr::null_mut(), |first| *first);
            sys::title::init_at(first.addr());
        }
    });
}

/// Sets the title, for the variadic `nxt_process_title` of `process_shim.c`.
///
/// # Safety
/// `title` is NULL or has `length` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn nxt_process_title_set(title: *const c_void, length: usize) {
    guard("nxt_process_title", (), || {
        // SAFETY: by the caller's promise.
        sys::title::set(unsafe { crate::capi::bytes(title.cast(), length) });
    });
}
