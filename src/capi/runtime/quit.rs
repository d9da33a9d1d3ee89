//! The end of a program.

use std::ptr;

use libc::c_void;

use super::stop_thread_pools;
use crate::abi::engine::nxt_event_engine_t;
use crate::abi::port::NXT_PORT_MSG_LAST;
use crate::abi::process::{NXT_PROCESS_APP, NXT_PROCESS_MAIN, NXT_PROCESS_PROTOTYPE};
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_uint_t;
use crate::capi::engine::work_queue::nxt_work_queue_add;
use crate::capi::file::nxt_file_delete;
use crate::capi::globals::nxt_pid;
use crate::capi::guard;
use crate::capi::mp::nxt_mp_destroy;
use crate::capi::port::own_engine;
use crate::capi::port::send::nxt_port_socket_write2;
use crate::capi::process::{init_of, nxt_process_close_ports, ports, runtime_of};
use crate::capi::runtime::processes::{all_processes, nxt_runtime_process_remove};
use crate::capi::thread::nxt_thread_mutex_destroy;
use crate::ipc::message::kind;

/// Tells the other processes, or those that `of` chooses, to end; how many there are.
///
/// # Safety
/// `task` and `rt` are valid.
unsafe fn tell_to_quit(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
    of: impl Fn(u32) -> bool,
) -> usize {
    let quit = u32::from(kind::QUIT) | NXT_PORT_MSG_LAST;
    // SAFETY: the caller promises a runtime; a process that it lists lives, with its ports, until
    // it is removed, which no write does.
    unsafe {
        let me = nxt_pid.get().read();
        let others = all_processes(rt)
            .into_iter()
            .filter(|other| (**other).pid != me);
        let chosen: Vec<_> = others
            .filter(|other| of((*init_of(*other)).r#type))
            .collect();
        for other in &chosen {
            for port in ports(*other) {
                nxt_port_socket_write2(task, port, quit, -1, -1, 0, 0, ptr::null_mut());
            }
        }
        chosen.len()
    }
}

/// Ends this process with `status` or-ed to that of earlier calls: its thread pools end, the main
/// process tells all others to end and waits for them, then the process exits.
///
/// # Safety
/// `task` is NULL or valid, of a thread with a runtime and an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_quit(task: *mut nxt_task_t, status: nxt_uint_t) {
    guard("nxt_runtime_quit", (), || {
        if task.is_null() {
            return;
        }
        // SAFETY: the task is checked above, and its runtime and engine here; what is queued runs
        // on this thread.
        unsafe {
            let (rt, engine) = (runtime_of(task), own_engine(task));
            if rt.is_null() || engine.is_null() {
                return;
            }
            // The exit status of a process has 8 bits.
            (*rt).status |= status as u8;
            if (*engine).shutdown == 0 {
                (*engine).shutdown = 1;
                let mut done = true;
                if (*rt).r#type == NXT_PROCESS_MAIN && tell_to_quit(task, rt, |_| true) > 0 {
                    done = false;
                }
                if has_pools(rt) {
                    // Calls this again when the last thread has ended.
                    stop_thread_pools(task, rt, Some(nxt_runtime_quit));
                    done = false;
                }
                if !done {
                    return;
                }
            } else if (*rt).r#type == NXT_PROCESS_MAIN && (*rt).nprocesses > 1 {
                // Children are still there; the last one calls this again.
                return;
            }
            let queue = &raw mut (*engine).fast_work_queue;
            nxt_work_queue_add(queue, Some(leave), task, rt.cast(), engine.cast());
        }
    });
}

/// # Safety
/// `rt` is a runtime.
unsafe fn has_pools(rt: *mut nxt_runtime_t) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { (*rt).thread_pools.as_ref() }.is_some_and(|pools| pools.nelts > 0)
}

/// Tells the processes of applications to end.
///
/// # Safety
/// `task` and `rt` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_stop_app_processes(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
) {
    guard("nxt_runtime_stop_app_processes", (), || {
        if !task.is_null() && !rt.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe {
                let app = |r#type| r#type == NXT_PROCESS_APP || r#type == NXT_PROCESS_PROTOTYPE;
                tell_to_quit(task, rt, app);
            }
        }
    });
}

/// Exits, unless thread pools are still there.
unsafe extern "C" fn leave(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let (rt, engine) = (
        obj.cast::<nxt_runtime_t>(),
        data.cast::<nxt_event_engine_t>(),
    );
    let status = guard("nxt_runtime_exit", Some(1), || {
        // SAFETY: `nxt_runtime_quit` queues this with the runtime and its engine.
        unsafe {
            if has_pools(rt) {
                return None;
            }
            if (*rt).r#type == NXT_PROCESS_MAIN && !(*rt).pid_file.is_null() {
                nxt_file_delete((*rt).pid_file);
            }
            for process in all_processes(rt) {
                nxt_runtime_process_remove(rt, process);
                nxt_process_close_ports(task, process);
            }
            let status = i32::from((*rt).status);
            let head = &raw mut (*rt).engines.head;
            // Engines of other threads may still use the runtime.
            if (*engine).link.next == head && (*head).next == &raw mut (*engine).link {
                nxt_thread_mutex_destroy(&raw mut (*rt).processes_mutex);
                nxt_mp_destroy((*rt).mem_pool);
            }
            Some(status)
        }
    });
    if let Some(status) = status {
        std::process::exit(status);
    }
}
