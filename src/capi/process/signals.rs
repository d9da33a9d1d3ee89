//! The signals of processes: of main (`nxt_main_process.h`) and of the others
//! (`nxt_process_signals`).

use std::ptr;

use libc::{c_int, c_void};

use super::{first_port, init_of, nxt_process_close_ports, nxt_process_quit, runtime_of};
use crate::abi::engine::nxt_sig_event_t;
use crate::abi::errno::NXT_ERROR;
use crate::abi::port::{NXT_PORT_MSG_LAST, nxt_port_recv_msg_t};
use crate::abi::process::{NXT_PROCESS_STATE_READY, nxt_process_t};
use crate::abi::task::nxt_task_t;
use crate::base::log::Level;
use crate::capi::engine::init_queue;
use crate::capi::globals::Global;
use crate::capi::guard;
use crate::capi::log::task_record;
use crate::capi::port::handlers::nxt_port_remove_notify_others;
use crate::capi::port::own_engine;
use crate::capi::port::send::nxt_port_socket_write2;
use crate::capi::process::start::nxt_process_init_start;
use crate::capi::queue::remove_link;
use crate::capi::runtime::log_files::reopen;
use crate::capi::runtime::processes::nxt_runtime_process_find;
use crate::capi::runtime::quit::nxt_runtime_quit;
use crate::ipc::message::kind;
use crate::sys::process::{Exit, reap};

type Handler = unsafe extern "C" fn(*mut nxt_task_t, *mut c_void, *mut c_void);

const fn on(signo: c_int, name: &'static std::ffi::CStr, handler: Handler) -> nxt_sig_event_t {
    nxt_sig_event_t {
        signo,
        handler: Some(handler),
        name: name.as_ptr(),
    }
}

const END: nxt_sig_event_t = nxt_sig_event_t {
    signo: 0,
    handler: None,
    name: ptr::null(),
};

/// The signals of main.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_main_process_signals: Global<[nxt_sig_event_t; 7]> = Global::new([
    on(libc::SIGHUP, c"SIGHUP", ignored),
    on(libc::SIGINT, c"SIGINT", quit_fast),
    on(libc::SIGQUIT, c"SIGQUIT", quit_fast),
    on(libc::SIGTERM, c"SIGTERM", quit_fast),
    on(libc::SIGCHLD, c"SIGCHLD", children_died),
    on(libc::SIGUSR1, c"SIGUSR1", reopen_logs),
    END,
]);

/// The signals of the other processes.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_process_signals: Global<[nxt_sig_event_t; 8]> = Global::new([
    on(libc::SIGHUP, c"SIGHUP", ignored),
    on(libc::SIGINT, c"SIGINT", quit_fast),
    on(libc::SIGQUIT, c"SIGQUIT", quit_gracefully),
    on(libc::SIGTERM, c"SIGTERM", quit_fast),
    on(libc::SIGCHLD, c"SIGCHLD", ignored),
    on(libc::SIGUSR1, c"SIGUSR1", ignored),
    on(libc::SIGUSR2, c"SIGUSR2", ignored),
    END,
]);

unsafe extern "C" fn ignored(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (task, obj, data);
}

unsafe extern "C" fn quit_fast(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (obj, data);
    // SAFETY: the engine calls this with its task.
    unsafe { nxt_runtime_quit(task, 0) };
}

unsafe extern "C" fn quit_gracefully(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (obj, data);
    // SAFETY: the engine calls this with its task.
    unsafe { nxt_process_quit(task, 0) };
}

/// The port handler of `quit` for processes that listen.
///
/// # Safety
/// `task` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_signal_quit_handler(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) {
    let _ = msg;
    // SAFETY: the caller's promise is the same.
    unsafe { nxt_process_quit(task, 0) };
}

unsafe extern "C" fn reopen_logs(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (obj, data);
    guard("SIGUSR1", (), || {
        // SAFETY: the engine calls this with its task.
        unsafe {
            task_record(
                task,
                Level::Notice,
                "signal SIGUSR1 received, log files rotation",
            );
            reopen(task, runtime_of(task));
        }
    });
}

/// Reaps the children that have died. Their ports are closed, those who depend on them are told, and
/// those that shall be are started again. A child of a restart returns to the engine's loop.
unsafe extern "C" fn children_died(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = (obj, data);
    guard("SIGCHLD", (), || {
        // SAFETY: the engine calls this with its task.
        unsafe {
            let me = crate::capi::globals::nxt_pid.get().read();
            loop {
                match reap() {
                    Ok(Some((pid, exit))) => {
                        let level = match exit {
                            Exit::Signal { .. } => Level::Alert,
                            Exit::Code(_) => Level::Info,
                        };
                        task_record(task, level, &format!("process {pid} {exit}"));
                        child_died(task, pid.as_raw());
                        if crate::capi::globals::nxt_pid.get().read() != me {
                            return;
                        }
                    }
                    Ok(None) => return,
                    Err(errno) => {
                        let text = format!("waitpid() failed: {}", crate::sys::Errno(errno));
                        return task_record(task, Level::Alert, &text);
                    }
                }
            }
        }
    });
}

/// The children of a process, which are in its list no more.
///
/// # Safety
/// `process` is valid.
unsafe fn take_children(process: *mut nxt_process_t) -> Vec<*mut nxt_process_t> {
    let mut children = Vec::new();
    // SAFETY: by the caller's promise all links are those of processes.
    unsafe {
        let head = &raw mut (*process).children.head;
        while (*head).next != head && !(*head).next.is_null() {
            let link = (*head).next;
            remove_link(link);
            let offset = std::mem::offset_of!(nxt_process_t, link);
            children.push(link.cast::<u8>().sub(offset).cast());
        }
        init_queue(&raw mut (*process).children);
    }
    children
}

/// # Safety
/// `task` is valid, of the main process.
unsafe fn child_died(task: *mut nxt_task_t, pid: i32) {
    // SAFETY: the caller promises a task of the main process; process and children are used until
    // their ports are closed, which is what frees them.
    unsafe {
        let rt = runtime_of(task);
        let process = nxt_runtime_process_find(rt, pid);
        if process.is_null() {
            return;
        }
        let isolation = (*process).isolation;
        if let Some(cleanup) = isolation.cleanup {
            cleanup(task, process);
        }
        if let Some(cleanup) = isolation.cgroup_cleanup {
            cleanup(task, process);
        }
        if (*process).state == NXT_PROCESS_STATE_READY {
            (*process).stream = 0;
        }
        let children = take_children(process);
        for child in &children {
            let quit = u32::from(kind::QUIT) | NXT_PORT_MSG_LAST;
            let port = first_port(*child);
            nxt_port_socket_write2(task, port, quit, -1, -1, 0, 0, ptr::null_mut());
        }
        let stopping = own_engine(task)
            .as_ref()
            .is_some_and(|engine| engine.shutdown != 0);
        if !stopping {
            nxt_port_remove_notify_others(task, process);
            for child in &children {
                nxt_port_remove_notify_others(task, *child);
            }
        }
        for child in children {
            nxt_process_close_ports(task, child);
        }
        let init = init_of(process).read();
        nxt_process_close_ports(task, process);
        if stopping {
            if (*rt).nprocesses <= 1 {
                nxt_runtime_quit(task, 0);
            }
        } else if init.restart != 0 && nxt_process_init_start(task, init) == NXT_ERROR {
            task_record(task, Level::Alert, "failed to restart a process");
        }
    }
}
