//! The objects that a language module gets with each call: a task with its log, its process, and
//! its configuration. They are made once for a prototype and once for each application process,
//! and live until the process ends.
#![forbid(unsafe_code)]

use std::ffi::{CString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::app_conf::AppConf;
use super::app_conf_abi;
use super::isolation::Isolation;
use super::{Host, LOG_LEVEL};
use crate::abi::application::nxt_common_app_conf_t;
use crate::abi::clone::{nxt_clone_credential_map_t, nxt_clone_t};
use crate::abi::log::nxt_log_t;
use crate::abi::process::{
    NXT_PROCESS_STATE_CREATED, nxt_cgroup_t, nxt_port_mmaps_t, nxt_process_automount_t,
    nxt_process_data_t, nxt_process_isolation_t, nxt_process_t,
};
use crate::abi::queue::{nxt_queue_link_t, nxt_queue_t};
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;

/// Pointers to live objects, see the module head.
#[derive(Clone, Copy)]
pub(super) struct AppContext {
    pub(super) task: *mut nxt_task_t,
    pub(super) process: *mut nxt_process_t,
    pub(super) data: *mut nxt_process_data_t,
    pub(super) conf: *mut nxt_common_app_conf_t,
}

/// The configuration in C form, for the context of a prototype and of the processes forked from it.
pub(super) fn build_conf(
    conf: &'static AppConf,
    user: &str,
    shared_port: i32,
    shared_queue: i32,
) -> *mut nxt_common_app_conf_t {
    Box::into_raw(Box::new(app_conf_abi::build(
        conf,
        user,
        shared_port,
        shared_queue,
    )))
}

impl AppContext {
    /// The context of this process, named as in its title.
    pub(super) fn new(
        host: Host,
        name: &str,
        stream: u32,
        isolation: &Isolation,
        conf: *mut nxt_common_app_conf_t,
    ) -> AppContext {
        let log = Box::into_raw(Box::new(nxt_log_t {
            level: LOG_LEVEL,
            ident: 0,
            handler: host.log_handler,
            ctx_handler: None,
            ctx: std::ptr::null_mut(),
        }));
        let task = Box::into_raw(Box::new(nxt_task_t {
            thread: std::ptr::null_mut(),
            log,
            ident: 0,
            next_work: std::ptr::null_mut(),
        }));
        let data = nxt_process_data_t { app: conf };
        let process = Box::into_raw(Box::new(process(name, stream, isolation, data)));
        AppContext {
            task,
            process,
            data: Box::into_raw(Box::new(data)),
            conf,
        }
    }
}

/// The process as modules see it. Of its isolation they see what the configuration says; the maps
/// and mounts are main's.
fn process(
    name: &str,
    stream: u32,
    isolation: &Isolation,
    data: nxt_process_data_t,
) -> nxt_process_t {
    let pid = std::process::id() as i32;
    let link = nxt_queue_link_t {
        prev: std::ptr::null_mut(),
        next: std::ptr::null_mut(),
    };
    let no_map = nxt_clone_credential_map_t {
        size: 0,
        map: std::ptr::null_mut(),
    };
    nxt_process_t {
        pid,
        ports: nxt_queue_t { head: link },
        state: NXT_PROCESS_STATE_CREATED,
        registered: 1,
        use_count: 1,
        incoming: nxt_port_mmaps_t {
            mutex: libc::PTHREAD_MUTEX_INITIALIZER,
            size: 0,
            cap: 0,
            elts: std::ptr::null_mut(),
        },
        isolated_pid: pid,
        name: CString::new(name).unwrap_or_default().into_raw(),
        parent_port: std::ptr::null_mut(),
        stream,
        mem_pool: std::ptr::null_mut(),
        user_cred: std::ptr::null_mut(),
        children: nxt_queue_t { head: link },
        link,
        data,
        isolation: nxt_process_isolation_t {
            rootfs: text(isolation.rootfs.as_deref()).cast(),
            automount: nxt_process_automount_t {
                language_deps: isolation.automount.language_deps.into(),
                tmpfs: isolation.automount.tmpfs.into(),
                procfs: isolation.automount.procfs.into(),
            },
            mounts: std::ptr::null_mut(),
            cleanup: None,
            cgroup_cleanup: None,
            cgroup: nxt_cgroup_t {
                path: text(isolation.cgroup.as_deref()),
            },
            clone: nxt_clone_t {
                flags: isolation.namespaces.bits() as nxt_int_t,
                uidmap: no_map,
                gidmap: no_map,
            },
            new_privs: u8::from(!isolation.no_new_privs),
        },
    }
}

/// A path as C reads it, without the slash at its end that `rootfs` may have; NULL for none.
fn text(path: Option<&Path>) -> *mut c_char {
    let bytes = path.map(|path| path.as_os_str().as_bytes());
    let bytes = bytes.map(|bytes| bytes.strip_suffix(b"/").unwrap_or(bytes));
    match bytes.map(CString::new) {
        Some(Ok(text)) => text.into_raw(),
        _ => std::ptr::null_mut(),
    }
}
