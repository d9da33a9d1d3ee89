//! Starting a process: before the fork, the fork, and after it on both sides.

use std::ptr;

use libc::c_void;

use super::{
    first_port, init_of, nxt_proc_keep_matrix, nxt_process_apply_creds, nxt_process_close_ports,
    nxt_process_new, nxt_process_port_add, nxt_process_quit, nxt_process_type, nxt_process_use,
    ports, rule, runtime_of,
};
use crate::abi::errno::{NXT_AGAIN, NXT_ERROR, NXT_OK};
use crate::abi::port::{NXT_PORT_MSG_LAST, nxt_port_recv_msg_t};
use crate::abi::process::{
    NXT_PROCESS_MAIN, NXT_PROCESS_MAX, NXT_PROCESS_PROTOTYPE, NXT_PROCESS_STATE_CREATED,
    NXT_PROCESS_STATE_READY, nxt_process_init_t, nxt_process_t,
};
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::base::log::Level;
use crate::capi::application::nxt_app_set_logs;
use crate::capi::cgroup::{nxt_cgroup_cleanup, nxt_cgroup_proc_add};
use crate::capi::engine::{interface, nxt_event_engine_change};
use crate::capi::globals::{self, nxt_pid, nxt_ppid};
use crate::capi::log::task_record;
use crate::capi::mp::{nxt_mp_create, nxt_mp_destroy};
use crate::capi::port::memory::nxt_port_mmaps_destroy;
use crate::capi::port::rpc::{nxt_port_rpc_cancel, nxt_port_rpc_register_handler};
use crate::capi::port::send::nxt_port_socket_write2;
use crate::capi::port::{
    nxt_port_close, nxt_port_enable, nxt_port_new, nxt_port_read_close, nxt_port_reset_next_id,
    nxt_port_socket_init, nxt_port_use, nxt_port_write_close, nxt_port_write_enable, own_engine,
    release_sender,
};
use crate::capi::random::nxt_random_init;
use crate::capi::runtime::nxt_runtime_thread_pool_create;
use crate::capi::runtime::processes::{all_processes, nxt_runtime_process_add};
use crate::capi::{c_string, guard};
use crate::ipc::message::kind;
use crate::sys::{self, clone::Namespaces};

/// After which time a thread without work ends.
const THREAD_TIMEOUT: u64 = 60_000_000_000;

/// Makes a process as `init` says and starts it: as [`nxt_process_start`].
///
/// # Safety
/// `task` is NULL or valid, of a thread with a runtime; `init` is valid and stays so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_init_start(
    task: *mut nxt_task_t,
    init: nxt_process_init_t,
) -> nxt_int_t {
    guard("nxt_process_init_start", NXT_ERROR, || {
        // SAFETY: a process that was just made has room for `init` behind it, and is held until it
        // is started.
        unsafe {
            let rt = runtime_of(task);
            let process = nxt_process_new(rt);
            if process.is_null() {
                return NXT_ERROR;
            }
            (*process).parent_port =
                (*rt).port_by_type[(*rt).r#type as usize % NXT_PROCESS_MAX as usize];
            (*process).name = init.name;
            (*process).user_cred = &raw mut (*rt).user_cred;
            init_of(process).write(init);
            let result = nxt_process_start(task, process);
            if result == NXT_ERROR {
                nxt_process_use(task, process, -1);
            }
            result
        }
    })
}

/// Starts a process. `NXT_OK` in the parent; `NXT_AGAIN` in the child, which must return to the loop
/// of its engine; `NXT_ERROR` if there is no child.
///
/// # Safety
/// `task` and `process` are NULL or valid; the process has one thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_start(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) -> nxt_int_t {
    guard("nxt_process_start", NXT_ERROR, || {
        // SAFETY: all are checked first; the port is held here until the process holds it.
        unsafe {
            if runtime_of(task).is_null() || process.is_null() || own_engine(task).is_null() {
                return NXT_ERROR;
            }
            let init = init_of(process);
            if (*init).r#type >= NXT_PROCESS_MAX || (*process).parent_port.is_null() {
                return NXT_ERROR;
            }
            let port = nxt_port_new(task, 0, 0, (*init).r#type);
            if port.is_null() {
                return NXT_ERROR;
            }
            nxt_process_port_add(task, process, port);
            let mut result = nxt_port_socket_init(task, port, 0);
            if result == NXT_OK {
                result = fork(task, process);
            }
            match result {
                NXT_OK => {
                    nxt_process_use(task, process, -1);
                    nxt_port_read_close(port);
                    nxt_port_write_enable(task, port);
                }
                NXT_AGAIN => nxt_process_use(task, process, -1),
                _ => nxt_port_close(task, port),
            }
            nxt_port_use(task, port, -1);
            result
        }
    })
}

/// The way from the prefork callback to the setup in the child.
///
/// # Safety
/// `task` and `process` are valid, and the process has its port.
unsafe fn fork(task: *mut nxt_task_t, process: *mut nxt_process_t) -> nxt_int_t {
    // SAFETY: by the caller's promise. The interface promises that the call returns twice.
    unsafe {
        let name = String::from_utf8_lossy(c_string((*process).name.cast())).into_owned();
        let failed = |text: String| {
            task_record(task, Level::Alert, &text);
            NXT_ERROR
        };
        let pool = nxt_mp_create(1024, 128, 256, 32);
        if pool.is_null() {
            return NXT_ERROR;
        }
        let prepared = (*init_of(process))
            .prefork
            .map_or(NXT_OK, |prefork| prefork(task, process, pool));
        let result = if prepared != NXT_OK {
            NXT_ERROR
        } else {
            // The prefork callback has decided on them.
            let flags = (*process).isolation.clone.flags as u32;
            match sys::clone::fork_both_into(Namespaces::from_bits_retain(flags)) {
                Ok(Some(child)) => {
                    let pid = child.as_raw();
                    (*process).pid = pid;
                    (*process).isolated_pid = pid;
                    nxt_runtime_process_add(task, process);
                    enter_group(task, process)
                }
                Ok(None) => {
                    become_child(task, process);
                    if set_up(task, process) != NXT_OK {
                        nxt_process_quit(task, 1);
                    }
                    NXT_AGAIN
                }
                Err(errno) => failed(format!("fork() failed for {name} {}", sys::Errno(errno))),
            }
        };
        nxt_mp_destroy(pool);
        result
    }
}

/// A new child is moved into its control group; if that fails, it is told to end.
///
/// # Safety
/// `task` and `process` are valid; called in the parent.
unsafe fn enter_group(task: *mut nxt_task_t, process: *mut nxt_process_t) -> nxt_int_t {
    // SAFETY: by the caller's promise.
    unsafe {
        if nxt_cgroup_proc_add(task, process) == NXT_OK {
            return NXT_OK;
        }
        nxt_cgroup_cleanup(task, process);
        libc::kill((*process).pid, libc::SIGTERM);
        NXT_ERROR
    }
}

/// A child forgets what is its parent's only: the event loop, messages that wait, and the ports that
/// a process of its kind does not keep.
///
/// # Safety
/// `task` and `process` are valid; called in the child.
unsafe fn become_child(task: *mut nxt_task_t, process: *mut nxt_process_t) {
    // SAFETY: the caller promises the child's only thread, so that nobody else uses what is
    // changed.
    unsafe {
        let engine = own_engine(task);
        // An epoll instance that both sides use is one and the same: nothing may be changed in it.
        if let Some(free) = (*engine).event.free {
            free(engine);
        }
        let parent = nxt_pid.get().read();
        nxt_ppid.get().write(parent);
        nxt_pid.get().write(libc::getpid());
        (*process).pid = libc::getpid();
        (*process).isolated_pid = (*process).pid;
        (*globals::thread()).tid = 0;
        nxt_port_reset_next_id();

        let init = init_of(process);
        let others = all_processes(runtime_of(task));
        for other in others {
            for port in ports(other) {
                release_sender(port);
            }
            let kept = (*other).pid == parent
                || rule(
                    &nxt_proc_keep_matrix,
                    (*init).r#type,
                    nxt_process_type(other),
                );
            if kept && (*other).state == NXT_PROCESS_STATE_READY {
                nxt_port_mmaps_destroy(&raw mut (*other).incoming, 0);
            } else {
                nxt_process_close_ports(task, other);
            }
        }
        if let Some(siblings) = (*init).siblings.as_mut() {
            let head = &raw mut siblings.head;
            let mut link = (*head).next;
            while !link.is_null() && link != head {
                let next = (*link).next;
                let offset = std::mem::offset_of!(nxt_process_t, link);
                nxt_process_close_ports(task, link.cast::<u8>().sub(offset).cast());
                link = next;
            }
        }
    }
}

/// A child makes an event loop of its own, and starts.
///
/// # Safety
/// As [`become_child`], after it.
unsafe fn set_up(task: *mut nxt_task_t, process: *mut nxt_process_t) -> nxt_int_t {
    // SAFETY: the caller promises the child's only thread; runtime and engine are those that it has
    // inherited.
    unsafe {
        let (rt, engine) = (runtime_of(task), own_engine(task));
        let init = init_of(process);
        let name = String::from_utf8_lossy(c_string((*process).name.cast())).into_owned();
        sys::title::set(format!("unit: {name}").as_bytes());
        let prototype = (*rt).port_by_type[NXT_PROCESS_PROTOTYPE as usize];
        if !prototype.is_null() && (*process).parent_port == prototype {
            // Without one of its files an application still runs.
            nxt_app_set_logs();
        }
        nxt_random_init(&raw mut (*globals::thread()).random);
        (*rt).r#type = (*init).r#type;
        if !(*engine).signals.is_null() {
            (*(*engine).signals).sigev = (*init).signals;
        }
        let interface = interface::by_name(c_string((*rt).engine.cast()));
        if interface.is_null()
            || nxt_event_engine_change(engine, interface, (*rt).batch.into()) != NXT_OK
        {
            return NXT_ERROR;
        }
        let thread = (*task).thread;
        if nxt_runtime_thread_pool_create(thread, rt, (*rt).auxiliary_threads, THREAD_TIMEOUT)
            != NXT_OK
        {
            return NXT_ERROR;
        }
        let parent = (*process).parent_port;
        nxt_port_read_close(parent);
        nxt_port_write_enable(task, parent);
        let namespaces = Namespaces::from_bits_retain((*process).isolation.clone.flags as u32);
        if namespaces.contains(Namespaces::PID) {
            (*rt).is_pid_isolated = 1;
        }
        if (*rt).is_pid_isolated != 0 || parent != (*rt).port_by_type[NXT_PROCESS_MAIN as usize] {
            ask_who_i_am(task, process)
        } else {
            start(task, process)
        }
    }
}

/// Runs the callbacks of a child.
///
/// # Safety
/// As [`set_up`], after it.
unsafe fn start(task: *mut nxt_task_t, process: *mut nxt_process_t) -> nxt_int_t {
    // SAFETY: the caller promises the child after its set-up: the process has its port, and `init`
    // behind it.
    unsafe {
        nxt_runtime_process_add(task, process);
        let init = init_of(process);
        nxt_port_enable(task, first_port(process), (*init).port_handlers);
        let set_up = (*init)
            .setup
            .map_or(NXT_ERROR, |setup| setup(task, process));
        let result = match (*process).state {
            _ if set_up != NXT_OK => NXT_ERROR,
            NXT_PROCESS_STATE_CREATED => tell_created(task, process),
            NXT_PROCESS_STATE_READY => run(task, process),
            _ => NXT_ERROR,
        };
        if result != NXT_OK {
            let name = String::from_utf8_lossy(c_string((*process).name.cast())).into_owned();
            task_record(task, Level::Alert, &format!("{name} failed to start"));
        }
        result
    }
}

/// Tells the parent that the process is ready, and starts its work.
///
/// # Safety
/// As [`start`].
unsafe fn run(task: *mut nxt_task_t, process: *mut nxt_process_t) -> nxt_int_t {
    // SAFETY: the caller promises the child after its set-up: the process has its port, and `init`
    // behind it.
    unsafe {
        let ready = u32::from(kind::PROCESS_READY) | NXT_PORT_MSG_LAST;
        let (parent, stream) = ((*process).parent_port, (*process).stream);
        if nxt_port_socket_write2(task, parent, ready, -1, -1, stream, 0, ptr::null_mut()) != NXT_OK
        {
            return NXT_ERROR;
        }
        let data = &raw mut (*process).data;
        let result = (*init_of(process))
            .start
            .map_or(NXT_ERROR, |start| start(task, data));
        if nxt_process_type(process) != NXT_PROCESS_PROTOTYPE {
            nxt_port_write_close(first_port(process));
        }
        result
    }
}

/// Sends main a request of this process; whether it is on its way.
///
/// # Safety
/// As [`start`]; `body` has `fd` to go with it, or -1.
unsafe fn ask_main(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
    kind: u8,
    reply_port: bool,
    fd: i32,
    buf: *mut crate::abi::buf::nxt_buf_t,
    ready: unsafe extern "C" fn(*mut nxt_task_t, *mut nxt_port_recv_msg_t, *mut c_void),
) -> nxt_int_t {
    // SAFETY: the caller promises the child after its set-up; ports are checked here, and the
    // process lives until the answer comes.
    unsafe {
        let port = first_port(process);
        let main = (*runtime_of(task)).port_by_type[NXT_PROCESS_MAIN as usize];
        if port.is_null() || main.is_null() {
            return NXT_ERROR;
        }
        let stream = nxt_port_rpc_register_handler(
            task,
            port,
            Some(ready),
            Some(refused),
            (*main).pid,
            process.cast(),
        );
        if stream == 0 {
            return NXT_ERROR;
        }
        let kind = u32::from(kind) | NXT_PORT_MSG_LAST;
        let reply = if reply_port { (*port).id } else { 0 };
        let sent = nxt_port_socket_write2(task, main, kind, fd, -1, stream, reply, buf);
        if sent != NXT_OK {
            nxt_port_rpc_cancel(task, port, stream);
            return NXT_ERROR;
        }
        NXT_OK
    }
}

/// Main does not let the process go on.
unsafe extern "C" fn refused(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
    data: *mut c_void,
) {
    let _ = msg;
    // SAFETY: the request was registered with its process.
    unsafe {
        let process = data.cast::<nxt_process_t>();
        let name = String::from_utf8_lossy(c_string((*process).name.cast())).into_owned();
        task_record(task, Level::Alert, &format!("{name} failed to start"));
        nxt_process_quit(task, 1);
    }
}

/// Tells main that the process was created, and waits for it to map users.
///
/// # Safety
/// As [`start`].
unsafe fn tell_created(task: *mut nxt_task_t, process: *mut nxt_process_t) -> nxt_int_t {
    // SAFETY: by the caller's promise.
    unsafe {
        ask_main(
            task,
            process,
            kind::PROCESS_CREATED,
            true,
            -1,
            ptr::null_mut(),
            created,
        )
    }
}

unsafe extern "C" fn created(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
    data: *mut c_void,
) {
    let _ = msg;
    guard("nxt_process_start", (), || {
        // SAFETY: the request was registered with its process.
        unsafe {
            let process = data.cast::<nxt_process_t>();
            (*process).state = NXT_PROCESS_STATE_READY;
            if nxt_process_apply_creds(task, process) != NXT_OK || run(task, process) != NXT_OK {
                nxt_process_quit(task, 1);
            }
        }
    });
}

/// Asks main for the number of this process as main sees it.
///
/// # Safety
/// As [`set_up`].
unsafe fn ask_who_i_am(task: *mut nxt_task_t, process: *mut nxt_process_t) -> nxt_int_t {
    // SAFETY: by the caller's promise; the buffer has room for a number.
    unsafe {
        let port = first_port(process);
        let rt = runtime_of(task);
        nxt_port_enable(task, port, WHOAMI.get());
        let main = (*rt).port_by_type[NXT_PROCESS_MAIN as usize];
        if main.is_null() {
            return NXT_ERROR;
        }
        let buf = crate::capi::buf::nxt_buf_mem_alloc((*main).mem_pool, size_of::<i32>(), 0);
        if buf.is_null() {
            return NXT_ERROR;
        }
        let parent = nxt_ppid.get().read();
        (*buf).mem.free.cast::<i32>().write_unaligned(parent);
        (*buf).mem.free = (*buf).mem.free.add(size_of::<i32>());
        let fd = if (*process).parent_port == main {
            -1
        } else {
            (*port).pair[1]
        };
        let sent = ask_main(task, process, kind::WHOAMI, true, fd, buf, told_who_i_am);
        if sent != NXT_OK {
            crate::capi::mp::nxt_mp_free((*main).mem_pool, buf.cast());
        }
        sent
    }
}

/// What a process takes before it knows its number.
static WHOAMI: globals::Global<crate::abi::port::nxt_port_handlers_t> = globals::Global::new({
    let mut handlers = crate::capi::port::handlers::NONE;
    handlers.quit = Some(super::signals::nxt_signal_quit_handler);
    handlers.rpc_ready = Some(crate::capi::port::rpc::nxt_port_rpc_handler);
    handlers.rpc_error = Some(crate::capi::port::rpc::nxt_port_rpc_handler);
    handlers
});

unsafe extern "C" fn told_who_i_am(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
    data: *mut c_void,
) {
    guard("nxt_process_start", (), || {
        // SAFETY: the request was registered with its process; the message is valid.
        unsafe {
            let process = data.cast::<nxt_process_t>();
            let mem = (*(*msg).buf).mem;
            let bytes = crate::capi::bytes(mem.pos, mem.free.addr().saturating_sub(mem.pos.addr()));
            let Ok(pid) = bytes.try_into().map(i32::from_ne_bytes) else {
                return nxt_process_quit(task, 1);
            };
            nxt_pid.get().write(pid);
            (*process).pid = pid;
            for port in ports(process) {
                (*port).pid = pid;
            }
            let rt = runtime_of(task);
            let parent = (*process).parent_port;
            if parent != (*rt).port_by_type[NXT_PROCESS_MAIN as usize] {
                let created = u32::from(kind::PROCESS_CREATED) | NXT_PORT_MSG_LAST;
                nxt_port_socket_write2(task, parent, created, -1, -1, 0, 0, ptr::null_mut());
            }
            if start(task, process) != NXT_OK {
                nxt_process_quit(task, 1);
            }
        }
    });
}
