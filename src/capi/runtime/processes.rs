//! The processes and ports that a runtime knows.

use std::ptr;

use libc::c_void;

use crate::abi::errno::{NXT_DECLINED, NXT_OK};
use crate::abi::lvlhsh::{nxt_lvlhsh_each_t, nxt_lvlhsh_proto_t, nxt_lvlhsh_query_t};
use crate::abi::port::{nxt_port_id_t, nxt_port_t};
use crate::abi::process::{NXT_PROCESS_MAX, nxt_process_t, nxt_process_type_t};
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_int_t, nxt_pid_t};
use crate::base::log::Level;
use crate::capi::globals::Global;
use crate::capi::guard;
use crate::capi::log::task_record;
use crate::capi::lvlhsh::{
    default_proto, nxt_lvlhsh_delete, nxt_lvlhsh_each, nxt_lvlhsh_find, nxt_lvlhsh_insert, query_of,
};
use crate::capi::mp::{nxt_mp_destroy, nxt_mp_free};
use crate::capi::port::hash::{nxt_port_hash_add, nxt_port_hash_find, nxt_port_hash_remove};
use crate::capi::port::memory::nxt_port_mmaps_destroy;
use crate::capi::port::{nxt_port_new, nxt_port_use};
use crate::capi::process::{
    nxt_process_new, nxt_process_port_add, nxt_process_use, ports, runtime_of,
};
use crate::capi::queue::remove_link;
use crate::capi::thread::{
    nxt_thread_mutex_destroy, nxt_thread_mutex_lock, nxt_thread_mutex_unlock,
};

static PROTO: Global<nxt_lvlhsh_proto_t> = Global::new(default_proto(is_process));

/// Whether an entry is the process of a number.
unsafe extern "C" fn is_process(query: *mut nxt_lvlhsh_query_t, data: *mut c_void) -> nxt_int_t {
    // SAFETY: the queries are those of this file, and the entries are processes.
    unsafe {
        let pid = (*query).key.start.cast::<nxt_pid_t>().read_unaligned();
        if (*data.cast::<nxt_process_t>()).pid == pid {
            NXT_OK
        } else {
            NXT_DECLINED
        }
    }
}

/// Runs a query for a process, with the runtime's mutex closed.
///
/// # Safety
/// `rt` is a runtime.
unsafe fn with_query<T>(
    rt: *mut nxt_runtime_t,
    pid: nxt_pid_t,
    body: impl FnOnce(&mut nxt_lvlhsh_query_t) -> T,
) -> T {
    let mut bytes = pid.to_ne_bytes();
    let mut query = query_of(&mut bytes, PROTO.get());
    // SAFETY: by the caller's promise.
    unsafe {
        nxt_thread_mutex_lock(&raw mut (*rt).processes_mutex);
        let result = body(&mut query);
        nxt_thread_mutex_unlock(&raw mut (*rt).processes_mutex);
        result
    }
}

/// All processes that a runtime knows now.
///
/// # Safety
/// `rt` is NULL or a runtime.
pub(crate) unsafe fn all_processes(rt: *mut nxt_runtime_t) -> Vec<*mut nxt_process_t> {
    let mut all = Vec::new();
    if rt.is_null() {
        return all;
    }
    let mut cursor = nxt_lvlhsh_each_t {
        proto: PROTO.get(),
        bucket: ptr::null_mut(),
        current: 0,
        entry: 0,
        entries: 0,
    };
    // SAFETY: not NULL, and by the caller's promise; the hash is not changed meanwhile.
    unsafe {
        loop {
            let process = nxt_lvlhsh_each(&raw mut (*rt).processes, &raw mut cursor);
            if process.is_null() {
                return all;
            }
            all.push(process.cast());
        }
    }
}

/// Prepares a walk over all processes, and answers the first one.
///
/// # Safety
/// `rt` is NULL or a runtime, `lhe` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_process_first(
    rt: *mut nxt_runtime_t,
    lhe: *mut nxt_lvlhsh_each_t,
) -> *mut nxt_process_t {
    guard("nxt_runtime_process_first", ptr::null_mut(), || {
        if rt.is_null() || lhe.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the two are checked above; the entries of this hash are processes, and the walk
        // is told of no other prototype.
        unsafe {
            lhe.write(nxt_lvlhsh_each_t {
                proto: PROTO.get(),
                bucket: ptr::null_mut(),
                current: 0,
                entry: 0,
                entries: 0,
            });
            nxt_lvlhsh_each(&raw mut (*rt).processes, lhe).cast()
        }
    })
}

/// The process of a number; NULL if the runtime does not know it.
///
/// # Safety
/// `rt` is NULL or a runtime.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_process_find(
    rt: *mut nxt_runtime_t,
    pid: nxt_pid_t,
) -> *mut nxt_process_t {
    guard("nxt_runtime_process_find", ptr::null_mut(), || {
        if rt.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the runtime is checked above; the query runs with its mutex closed.
        unsafe {
            with_query(rt, pid, |query| {
                match nxt_lvlhsh_find(&raw mut (*rt).processes, query) {
                    NXT_OK => query.value.cast(),
                    _ => ptr::null_mut(),
                }
            })
        }
    })
}

/// Adds a process, which has its number; whether there was memory and no other one.
///
/// # Safety
/// Both are valid.
unsafe fn register(rt: *mut nxt_runtime_t, process: *mut nxt_process_t) -> bool {
    // SAFETY: the caller promises both; hash and counters only change with the mutex closed, which
    // `with_query` sees to.
    unsafe {
        with_query(rt, (*process).pid, |query| {
            query.value = process.cast();
            if nxt_lvlhsh_insert(&raw mut (*rt).processes, query) != NXT_OK {
                return false;
            }
            if (*rt).nprocesses == 0 {
                (*rt).mprocess = process;
            }
            (*rt).nprocesses += 1;
            (*process).registered = 1;
            true
        })
    }
}

/// Makes a process known, with its ports.
///
/// # Safety
/// `task` and `process` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_process_add(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) {
    guard("nxt_runtime_process_add", (), || {
        // SAFETY: NULL or valid, as the caller promises; both are checked before they are used.
        unsafe {
            let rt = runtime_of(task);
            if rt.is_null() || process.is_null() || (*process).registered != 0 {
                return;
            }
            if !register(rt, process) {
                let text = format!("process {} failed to add", (*process).pid);
                return task_record(task, Level::Alert, &text);
            }
            for port in ports(process) {
                (*port).pid = (*process).pid;
                add_port(task, rt, port);
            }
        }
    });
}

/// Forgets a process, which stays.
///
/// # Safety
/// `rt` and `process` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_process_remove(
    rt: *mut nxt_runtime_t,
    process: *mut nxt_process_t,
) {
    guard("nxt_runtime_process_remove", (), || {
        if rt.is_null() || process.is_null() {
            return;
        }
        // SAFETY: both are checked above; hash and counters only change with the mutex closed,
        // which `with_query` sees to.
        unsafe {
            if (*process).registered == 0 {
                return;
            }
            with_query(rt, (*process).pid, |query| {
                if nxt_lvlhsh_delete(&raw mut (*rt).processes, query) == NXT_OK {
                    (*rt).nprocesses -= 1;
                    (*process).registered = 0;
                }
            });
        }
    });
}

/// Frees a process that nobody holds.
///
/// # Safety
/// `rt` is NULL or the runtime of `process`, which is NULL or has no ports and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_process_release(
    rt: *mut nxt_runtime_t,
    process: *mut nxt_process_t,
) {
    guard("nxt_runtime_process_release", (), || {
        if rt.is_null() || process.is_null() {
            return;
        }
        // SAFETY: both are checked above; the caller gives the process up, so that nobody uses it,
        // its memory or its pool after this.
        unsafe {
            nxt_runtime_process_remove(rt, process);
            if !(*process).link.next.is_null() {
                remove_link(&raw mut (*process).link);
            }
            let head = &raw mut (*process).children.head;
            while (*head).next != head && !(*head).next.is_null() {
                remove_link((*head).next);
            }
            nxt_port_mmaps_destroy(&raw mut (*process).incoming, 1);
            nxt_thread_mutex_destroy(&raw mut (*process).incoming.mutex);
            if !(*process).mem_pool.is_null() {
                nxt_mp_destroy((*process).mem_pool);
            }
            if (*rt).mprocess == process {
                (*rt).mprocess = ptr::null_mut();
            }
            nxt_mp_free((*rt).mem_pool, process.cast());
        }
    });
}

/// Makes a port known.
///
/// # Safety
/// All are valid.
unsafe fn add_port(task: *mut nxt_task_t, rt: *mut nxt_runtime_t, port: *mut nxt_port_t) {
    // SAFETY: the caller promises all three; the port is held for as long as the runtime knows it.
    unsafe {
        if nxt_port_hash_add(&raw mut (*rt).ports, port) == NXT_OK {
            if (*port).r#type < NXT_PROCESS_MAX {
                (*rt).port_by_type[(*port).r#type as usize] = port;
            }
            nxt_port_use(task, port, 1);
        }
    }
}

/// A new port of a process, which is made known if it is not. The runtime holds both. NULL when there
/// is no memory.
///
/// # Safety
/// `task` and `rt` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_process_port_create(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
    pid: nxt_pid_t,
    id: nxt_port_id_t,
    r#type: nxt_process_type_t,
) -> *mut nxt_port_t {
    guard("nxt_runtime_process_port_create", ptr::null_mut(), || {
        if task.is_null() || rt.is_null() || r#type >= NXT_PROCESS_MAX {
            return ptr::null_mut();
        }
        // SAFETY: both are checked above; process and port are held here until the runtime holds
        // them.
        unsafe {
            let mut process = nxt_runtime_process_find(rt, pid);
            if process.is_null() {
                process = nxt_process_new(rt);
                if process.is_null() {
                    return ptr::null_mut();
                }
                (*process).pid = pid;
                if !register(rt, process) {
                    nxt_process_use(task, process, -1);
                    return ptr::null_mut();
                }
            } else {
                nxt_process_use(task, process, 1);
            }
            let port = nxt_port_new(task, id, pid, r#type);
            if !port.is_null() {
                nxt_process_port_add(task, process, port);
            }
            nxt_process_use(task, process, -1);
            if !port.is_null() {
                add_port(task, rt, port);
                nxt_port_use(task, port, -1);
            }
            port
        }
    })
}

/// Forgets a port, which the runtime holds no more.
///
/// # Safety
/// `task` and `port` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_port_remove(task: *mut nxt_task_t, port: *mut nxt_port_t) {
    guard("nxt_runtime_port_remove", (), || {
        // SAFETY: NULL or valid, as the caller promises; the runtime gives up its hold last.
        unsafe {
            let rt = runtime_of(task);
            if rt.is_null()
                || port.is_null()
                || nxt_port_hash_remove(&raw mut (*rt).ports, port) != NXT_OK
            {
                return;
            }
            for known in &mut (*rt).port_by_type {
                if *known == port {
                    *known = ptr::null_mut();
                }
            }
            nxt_port_use(task, port, -1);
        }
    });
}

/// The port of a process and a number; NULL if the runtime does not know it.
///
/// # Safety
/// `rt` is NULL or a runtime.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_port_find(
    rt: *mut nxt_runtime_t,
    pid: nxt_pid_t,
    port_id: nxt_port_id_t,
) -> *mut nxt_port_t {
    if rt.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: not NULL, and by the caller's promise.
    unsafe { nxt_port_hash_find(&raw mut (*rt).ports, pid, port_id) }
}
