//! The process of `nxt_process.h` and `nxt_process_type.h`, and the callbacks that make one.

use libc::{c_char, c_uint, c_void};

use crate::abi::application::nxt_common_app_conf_t;
use crate::abi::array::{nxt_array_t, nxt_mp_t};
use crate::abi::clone::nxt_clone_t;
use crate::abi::credential::nxt_credential_t;
use crate::abi::engine::nxt_sig_event_t;
use crate::abi::port::{nxt_port_handlers_t, nxt_port_t};
use crate::abi::port_memory::nxt_port_mmap_t;
use crate::abi::queue::{nxt_queue_link_t, nxt_queue_t};
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_bool_t, nxt_int_t, nxt_pid_t};

/// What a process does: one of the `NXT_PROCESS_*` numbers. Also on the wire.
pub type nxt_process_type_t = c_uint;
/// Owns the sockets and the state, starts the others.
pub const NXT_PROCESS_MAIN: nxt_process_type_t = 0;
/// Loads each module once to learn what it is.
pub const NXT_PROCESS_DISCOVERY: nxt_process_type_t = 1;
/// Serves the control API.
pub const NXT_PROCESS_CONTROLLER: nxt_process_type_t = 2;
/// Serves HTTP.
pub const NXT_PROCESS_ROUTER: nxt_process_type_t = 3;
/// Starts the processes of one application.
pub const NXT_PROCESS_PROTOTYPE: nxt_process_type_t = 4;
/// Runs an application.
pub const NXT_PROCESS_APP: nxt_process_type_t = 5;
/// How many kinds there are.
pub const NXT_PROCESS_MAX: nxt_process_type_t = 6;

/// How far a process has come: one of the `NXT_PROCESS_STATE_*` numbers.
pub type nxt_process_state_t = c_uint;
/// Not forked yet.
pub const NXT_PROCESS_STATE_CREATING: nxt_process_state_t = 0;
/// Forked, not ready yet.
pub const NXT_PROCESS_STATE_CREATED: nxt_process_state_t = 1;
/// Serving.
pub const NXT_PROCESS_STATE_READY: nxt_process_state_t = 2;

/// Prepares a process before the fork.
pub type nxt_process_prefork_t = Option<
    unsafe extern "C" fn(
        task: *mut nxt_task_t,
        process: *mut nxt_process_t,
        mp: *mut nxt_mp_t,
    ) -> nxt_int_t,
>;
/// Prepares a process after the fork, with full privileges.
pub type nxt_process_setup_t =
    Option<unsafe extern "C" fn(task: *mut nxt_task_t, process: *mut nxt_process_t) -> nxt_int_t>;
/// Starts the work of a process, with the privileges it keeps.
pub type nxt_process_start_t =
    Option<unsafe extern "C" fn(task: *mut nxt_task_t, data: *mut nxt_process_data_t) -> nxt_int_t>;
/// Undoes the mounts of a process.
pub type nxt_isolation_cleanup_t =
    Option<unsafe extern "C" fn(task: *mut nxt_task_t, process: *mut nxt_process_t)>;
/// Removes the control group of a process.
pub type nxt_cgroup_cleanup_t =
    Option<unsafe extern "C" fn(task: *mut nxt_task_t, process: *const nxt_process_t)>;

/// The shared-memory segments that a process has announced.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "pthread_mutex_t has none")]
pub struct nxt_port_mmaps_t {
    /// Guards the rest.
    pub mutex: libc::pthread_mutex_t,
    /// How many segments.
    pub size: u32,
    /// For how many there is room.
    pub cap: u32,
    /// The segments.
    pub elts: *mut nxt_port_mmap_t,
}

/// Which mounts the core makes by itself.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_process_automount_t {
    /// Those that the language module names.
    pub language_deps: u8,
    /// A `tmpfs` on `/tmp`.
    pub tmpfs: u8,
    /// A `proc` on `/proc`.
    pub procfs: u8,
}

/// The control group of a process.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_cgroup_t {
    /// Its folder.
    pub path: *mut c_char,
}

/// How a process is kept apart.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_process_isolation_t {
    /// The new root folder, ended by a NUL; NULL is none.
    pub rootfs: *mut u8,
    /// The mounts that the core makes.
    pub automount: nxt_process_automount_t,
    /// All mounts, of `nxt_fs_mount_t`.
    pub mounts: *mut nxt_array_t,
    /// Undoes the mounts.
    pub cleanup: nxt_isolation_cleanup_t,
    /// Removes the control group.
    pub cgroup_cleanup: nxt_cgroup_cleanup_t,
    /// The control group.
    pub cgroup: nxt_cgroup_t,
    /// The namespaces.
    pub clone: nxt_clone_t,
    /// Whether privileges may be gained by executing a program.
    pub new_privs: u8,
}

/// What the controller starts with.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_controller_init_t {
    /// The stored configuration.
    pub conf: nxt_str_t,
    /// The stored certificates.
    pub certs: *mut nxt_array_t,
}

/// What a process starts with; which member holds depends on the process type.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "a union does not know its member"
)]
pub union nxt_process_data_t {
    /// Discovery: nothing.
    pub discovery: *mut c_void,
    /// Controller.
    pub controller: nxt_controller_init_t,
    /// Router: nothing.
    pub router: *mut c_void,
    /// Prototype and application.
    pub app: *mut nxt_common_app_conf_t,
}

/// A process, as modules see it.
#[repr(C)]
#[expect(missing_debug_implementations, reason = "holds a union")]
pub struct nxt_process_t {
    /// Its number.
    pub pid: nxt_pid_t,
    /// Its ports.
    pub ports: nxt_queue_t,
    /// How far it has come.
    pub state: nxt_process_state_t,
    /// Whether the runtime knows it.
    pub registered: nxt_bool_t,
    /// How many hold it.
    pub use_count: nxt_int_t,
    /// The segments it has announced.
    pub incoming: nxt_port_mmaps_t,
    /// Its number inside its own namespace.
    pub isolated_pid: nxt_pid_t,
    /// Its name, ended by a NUL.
    pub name: *const c_char,
    /// The port of its parent.
    pub parent_port: *mut nxt_port_t,
    /// The RPC stream that waits for it to be ready.
    pub stream: u32,
    /// Its pool.
    pub mem_pool: *mut nxt_mp_t,
    /// Its user; NULL keeps the parent's.
    pub user_cred: *mut nxt_credential_t,
    /// Its children.
    pub children: nxt_queue_t,
    /// Its link among its parent's children.
    pub link: nxt_queue_link_t,
    /// What it starts with.
    pub data: nxt_process_data_t,
    /// How it is kept apart.
    pub isolation: nxt_process_isolation_t,
}

/// How a process is made. The runtime keeps one behind each process.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_process_init_t {
    /// Its name, ended by a NUL.
    pub name: *const c_char,
    /// What it is.
    pub r#type: nxt_process_type_t,
    /// Prepares it before the fork.
    pub prefork: nxt_process_prefork_t,
    /// Prepares it after the fork.
    pub setup: nxt_process_setup_t,
    /// Starts its work.
    pub start: nxt_process_start_t,
    /// Whether it is started again when it dies.
    pub restart: u8,
    /// The handlers of its port.
    pub port_handlers: *const nxt_port_handlers_t,
    /// Its signals.
    pub signals: *const nxt_sig_event_t,
    /// Processes whose ports it does not keep.
    pub siblings: *mut nxt_queue_t,
}

super::assert_layout!(nxt_process_init_t, size 72, align 8, name @ 0, r#type @ 8, prefork @ 16, setup @ 24, start @ 32,
    restart @ 40, port_handlers @ 48, signals @ 56, siblings @ 64);
super::assert_layout!(nxt_port_mmaps_t, size 56, align 8, mutex @ 0, size @ 40, cap @ 44, elts @ 48);
super::assert_layout!(nxt_process_automount_t, size 3, align 1, language_deps @ 0, tmpfs @ 1, procfs @ 2);
super::assert_layout!(nxt_cgroup_t, size 8, align 8, path @ 0);
super::assert_layout!(nxt_process_isolation_t, size 96, align 8, rootfs @ 0, automount @ 8, mounts @ 16,
    cleanup @ 24, cgroup_cleanup @ 32, cgroup @ 40, clone @ 48, new_privs @ 88);
super::assert_layout!(nxt_controller_init_t, size 24, align 8, conf @ 0, certs @ 16);
super::assert_layout!(nxt_process_data_t, size 24, align 8, discovery @ 0, controller @ 0, router @ 0, app @ 0);
super::assert_layout!(nxt_process_t, size 296, align 8, pid @ 0, ports @ 8, state @ 24, registered @ 28,
    use_count @ 32, incoming @ 40, isolated_pid @ 96, name @ 104, parent_port @ 112, stream @ 120,
    mem_pool @ 128, user_cred @ 136, children @ 144, link @ 160, data @ 176, isolation @ 200);
