//! `nxt_application.h`: what a module's `start` asks of the daemon.

use crate::abi::application::{
    NXT_APP_EXTERNAL, NXT_APP_UNKNOWN, nxt_app_type_t, nxt_common_app_conf_t,
};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::abi::unit::{nxt_unit_init_t, nxt_unit_port_id_t, nxt_unit_port_t};
use crate::capi::{bytes, guard};
use crate::process::application::{UnitInit, UnitPort, unit_init};
use crate::process::modules::type_number;

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
