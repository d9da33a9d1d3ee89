//! `nxt_application.h`: what a module's `start` asks of the daemon.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use libc::c_char;

use crate::abi::application::{
    NXT_APP_EXTERNAL, NXT_APP_UNKNOWN, nxt_app_lang_module_t, nxt_app_module_t, nxt_app_type_t,
    nxt_common_app_conf_t,
};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::port::nxt_port_t;
use crate::abi::process::{NXT_PROCESS_PROTOTYPE, NXT_PROCESS_ROUTER, nxt_process_data_t};
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::abi::unit::{nxt_unit_init_t, nxt_unit_port_id_t, nxt_unit_port_t};
use crate::capi::conf::value_of;
use crate::capi::globals::{self, Global, nxt_pid};
use crate::capi::process::runtime_of;
use crate::capi::runtime::processes::nxt_runtime_port_find;
use crate::capi::string::nxt_strvers_match;
use crate::capi::{bytes, c_string, guard, str_bytes};
use crate::process::application::{
    UnitInit, UnitPort, execute_external, redirect_output, unit_init,
};
use crate::process::modules::{split_type, type_number};

/// The number of an application type's name; `NXT_APP_UNKNOWN` if there is none.
///
/// # Safety
/// `p` is NULL or has `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_app_parse_type(p: *mut u8, length: usize) -> nxt_app_type_t {
    guard("nxt_app_parse_type", NXT_APP_UNKNOWN, || {
        // SAFETY: the caller's promise is the same.
        match unsafe { bytes(p, length) } {
            b"external" | b"go" => NXT_APP_EXTERNAL,
            name => std::str::from_utf8(name)
                .ok()
                .and_then(type_number)
                .unwrap_or(NXT_APP_UNKNOWN),
        }
    })
}

/// The language module for a type of the configuration, with the highest version that fits; NULL if
/// there is none.
///
/// # Safety
/// `rt` is NULL or a runtime, its languages sorted by falling versions; `name` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_app_lang_module(
    rt: *mut nxt_runtime_t,
    name: *mut nxt_str_t,
) -> *mut nxt_app_lang_module_t {
    guard("nxt_app_lang_module", ptr::null_mut(), || {
        // SAFETY: NULL or valid, by the caller's promise, and so is the array.
        unsafe {
            let languages = rt.as_ref().and_then(|rt| rt.languages.as_ref());
            let (Some(languages), Ok(text)) = (languages, std::str::from_utf8(str_bytes(name)))
            else {
                return ptr::null_mut();
            };
            let (kind, version) = split_type(text);
            let kind = nxt_app_parse_type(kind.as_ptr().cast_mut(), kind.len());
            if kind == NXT_APP_UNKNOWN {
                return ptr::null_mut();
            }
            (0..languages.nelts as usize)
                .map(|index| languages.elts.cast::<nxt_app_lang_module_t>().add(index))
                .find(|&language| {
                    let (wanted, length) = (version.as_ptr().cast_mut(), version.len());
                    (*language).r#type == kind
                        && nxt_strvers_match((*language).version, wanted, length) != 0
                })
                .unwrap_or(ptr::null_mut())
        }
    })
}

/// Fills in how libunit starts in an application process of the daemon; all that the module has
/// to add are its callbacks and data. `NXT_ERROR` outside of an application process.
///
/// # Safety
/// `init` is NULL or writable; `conf` is NULL or the configuration that the module was started with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_default_init(
    task: *mut nxt_task_t,
    init: *mut nxt_unit_init_t,
    conf: *mut nxt_common_app_conf_t,
) -> nxt_int_t {
    // The facts are those of the process; the task adds nothing.
    let _ = task;
    guard("nxt_unit_default_init", NXT_ERROR, || {
        let Some(facts) = unit_init().filter(|_| !init.is_null()) else {
            return NXT_ERROR;
        };
        // The structure may hold anything: it is written as a whole.
        let mut start = filled(facts);
        // SAFETY: NULL or the configuration of this process, by the caller's promise.
        if let Some(conf) = unsafe { conf.as_ref() } {
            // A module may have changed its limits and descriptors.
            start.shm_limit = u32::try_from(conf.shm_limit).unwrap_or(u32::MAX);
            start.request_limit = conf.request_limit;
            start.shared_port_fd = conf.shared_port_fd;
            start.shared_queue_fd = conf.shared_queue_fd;
        }
        // SAFETY: not NULL, and the caller passes a place of its own.
        unsafe { init.write(start) };
        NXT_OK
    })
}

fn filled(facts: &UnitInit) -> nxt_unit_init_t {
    nxt_unit_init_t {
        data: std::ptr::null_mut(),
        ctx_data: std::ptr::null_mut(),
        max_pending_requests: 0,
        request_data_size: 0,
        shm_limit: facts.shm_limit,
        request_limit: facts.request_limit,
        callbacks: Default::default(),
        ready_port: port(&facts.ready_port),
        ready_stream: facts.ready_stream,
        router_port: port(&facts.router_port),
        read_port: port(&facts.read_port),
        shared_port_fd: facts.shared_port_fd,
        shared_queue_fd: facts.shared_queue_fd,
        log_fd: facts.log_fd,
    }
}

fn port(port: &UnitPort) -> nxt_unit_port_t {
    nxt_unit_port_t {
        // Ids of ports have 16 bits on the wire.
        id: nxt_unit_port_id_t {
            pid: port.pid,
            hash: 0,
            id: port.id as u16,
        },
        in_fd: port.in_fd.into(),
        out_fd: port.out_fd.into(),
        data: std::ptr::null_mut::<libc::c_void>().into(),
    }
}

/// A path of the configuration; NULL is none.
///
/// # Safety
/// `text` is NULL or ends with a NUL, and lives as long as the result.
unsafe fn path<'a>(text: *const c_char) -> Option<&'a Path> {
    // SAFETY: the caller's promise is the same.
    (!text.is_null()).then(|| Path::new(OsStr::from_bytes(unsafe { c_string(text.cast()) })))
}

/// Sends standard output and standard error of an application process to the files that its
/// configuration names, if the program runs in the background. `NXT_ERROR` if one of them cannot be
/// opened.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_app_set_logs() -> nxt_int_t {
    guard("nxt_app_set_logs", NXT_ERROR, || {
        // SAFETY: the thread's state is its own; runtime, port and process are NULL or valid.
        unsafe {
            let conf = (*globals::thread()).runtime.as_ref().and_then(|rt| {
                let port = rt.port_by_type[NXT_PROCESS_PROTOTYPE as usize];
                let process = port.as_ref().filter(|_| rt.daemon != 0)?.process;
                process.as_ref()?.data.app.as_ref()
            });
            // The daemon's own application processes have done it when they were forked.
            let Some(conf) = conf else {
                return NXT_OK;
            };
            if redirect_output(path(conf.stdout_log), path(conf.stderr_log)) {
                NXT_OK
            } else {
                NXT_ERROR
            }
        }
    })
}

/// What runs programs of their own.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_external_module: Global<nxt_app_module_t> = Global::new(nxt_app_module_t {
    compat_length: 0,
    compat: ptr::null_mut(),
    r#type: globals::text("external"),
    version: c"*".as_ptr(),
    mounts: ptr::null(),
    nmounts: 0,
    setup: None,
    start: Some(start_external),
});

/// The descriptors of a port as libunit gets them.
fn unit_port(port: &nxt_port_t, read: bool) -> UnitPort {
    UnitPort {
        pid: port.pid,
        id: port.id.into(),
        in_fd: if read { port.pair[0] } else { -1 },
        out_fd: port.pair[1],
    }
}

/// Becomes the program of an application; only returns if that failed.
unsafe extern "C" fn start_external(
    task: *mut nxt_task_t,
    data: *mut nxt_process_data_t,
) -> nxt_int_t {
    guard("nxt_external_module.start", NXT_ERROR, || {
        // SAFETY: a module's start gets the data of its process; ports and their processes are NULL
        // or valid, and their descriptors stay open.
        unsafe {
            let (rt, data) = (runtime_of(task), data.as_ref());
            let conf = data.and_then(|data| data.app.as_ref());
            let (Some(ports), Some(conf)) = (rt.as_ref().map(|rt| rt.port_by_type), conf) else {
                return NXT_ERROR;
            };
            let own = nxt_runtime_port_find(rt, nxt_pid.get().read(), 0);
            let (Some(ready), Some(router), Some(own)) = (
                ports[NXT_PROCESS_PROTOTYPE as usize].as_ref(),
                ports[NXT_PROCESS_ROUTER as usize].as_ref(),
                own.as_ref(),
            ) else {
                return NXT_ERROR;
            };
            let init = UnitInit {
                ready_port: unit_port(ready, false),
                ready_stream: own.process.as_ref().map_or(0, |process| process.stream),
                router_port: unit_port(router, false),
                read_port: unit_port(own, true),
                shared_port_fd: conf.shared_port_fd,
                shared_queue_fd: conf.shared_queue_fd,
                log_fd: 2,
                shm_limit: u32::try_from(conf.shm_limit).unwrap_or(u32::MAX),
                request_limit: conf.request_limit,
            };
            let kept: Vec<BorrowedFd<'_>> = [
                ready.pair[1],
                router.pair[1],
                own.pair[0],
                own.pair[1],
                conf.shared_port_fd,
                conf.shared_queue_fd,
            ]
            .into_iter()
            .filter(|fd| *fd >= 0)
            .map(|fd| BorrowedFd::borrow_raw(fd))
            .collect();
            let program = conf.u.external;
            if let Some(executable) = path(program.executable) {
                execute_external(executable, value_of(program.arguments), init, &kept);
            }
            NXT_ERROR
        }
    })
}
