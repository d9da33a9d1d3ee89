//! The runtime of `nxt_runtime.h`: what a program of the library works with.

use libc::{c_char, c_void, mode_t};

use crate::abi::array::{nxt_array_t, nxt_mp_t};
use crate::abi::capability::nxt_capabilities_t;
use crate::abi::credential::nxt_credential_t;
use crate::abi::file::nxt_file_name_t;
use crate::abi::list::nxt_list_t;
use crate::abi::listen_socket::nxt_listen_socket_t;
use crate::abi::lvlhsh::nxt_lvlhsh_t;
use crate::abi::port::nxt_port_t;
use crate::abi::process::{NXT_PROCESS_MAX, nxt_process_t, nxt_process_type_t};
use crate::abi::queue::nxt_queue_t;
use crate::abi::sockaddr::nxt_sockaddr_t;
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::thread::{nxt_thread_mutex_t, nxt_thread_t};
use crate::abi::timer::nxt_timer_t;
use crate::abi::types::{nxt_int_t, nxt_uint_t};

/// A TLS library (`nxt_tls.h`).
#[repr(C)]
#[derive(Debug)]
pub struct nxt_tls_lib_t {
    _opaque: [u8; 0],
}

/// What is done when the runtime was started or stopped.
pub type nxt_runtime_cont_t =
    Option<unsafe extern "C" fn(task: *mut nxt_task_t, status: nxt_uint_t)>;

/// Prepares a part of a program.
pub type nxt_module_init_t =
    Option<unsafe extern "C" fn(thr: *mut nxt_thread_t, rt: *mut nxt_runtime_t) -> nxt_int_t>;

/// A runtime.
#[repr(C)]
#[expect(missing_debug_implementations, reason = "pthread_mutex_t has none")]
pub struct nxt_runtime_t {
    /// Its pool.
    pub mem_pool: *mut nxt_mp_t,
    /// Listening sockets from the program before.
    pub inherited_sockets: *mut nxt_array_t,
    /// Listening sockets.
    pub listen_sockets: *mut nxt_array_t,
    /// Services.
    pub services: *mut nxt_array_t,
    /// Language modules, of `nxt_app_lang_module_t`.
    pub languages: *mut nxt_array_t,
    /// The program's own.
    pub data: *mut c_void,
    /// What is done when it was started.
    pub start: nxt_runtime_cont_t,
    /// The name of the machine.
    pub hostname: nxt_str_t,
    /// The file with the number of the process.
    pub pid_file: *mut nxt_file_name_t,
    /// The TLS library.
    pub tls: *const nxt_tls_lib_t,
    /// Thread pools.
    pub thread_pools: *mut nxt_array_t,
    /// What is done when it was stopped.
    pub continuation: nxt_runtime_cont_t,
    /// This process.
    pub mprocess: *mut nxt_process_t,
    /// How many processes are known.
    pub nprocesses: usize,
    /// Guards the processes.
    pub processes_mutex: nxt_thread_mutex_t,
    /// The processes by number.
    pub processes: nxt_lvlhsh_t,
    /// The port of each kind of process there is one of.
    pub port_by_type: [*mut nxt_port_t; NXT_PROCESS_MAX as usize],
    /// The ports by process and number.
    pub ports: nxt_lvlhsh_t,
    /// Log files.
    pub log_files: *mut nxt_list_t,
    /// The number of the last engine.
    pub last_engine_id: u32,
    /// What this process is.
    pub r#type: nxt_process_type_t,
    /// A timer.
    pub timer: nxt_timer_t,
    /// Whether it runs in the background.
    pub daemon: u8,
    /// How many events an engine takes at once.
    pub batch: u8,
    /// The exit status.
    pub status: u8,
    /// Whether processes have their own process namespace.
    pub is_pid_isolated: u8,
    /// The name of the event interface.
    pub engine: *const c_char,
    /// Connections of an engine.
    pub engine_connections: u32,
    /// Threads for work that waits.
    pub auxiliary_threads: u32,
    /// The user of unprivileged processes.
    pub user_cred: nxt_credential_t,
    /// What this process may do.
    pub capabilities: nxt_capabilities_t,
    /// The group of unprivileged processes.
    pub group: *const c_char,
    /// The path of the file with the number of the process.
    pub pid: *const c_char,
    /// The path of the log.
    pub log: *const c_char,
    /// The folder of the language modules.
    pub modules: *const c_char,
    /// The folder of the state.
    pub state: *const c_char,
    /// The file with the version of the state.
    pub ver: *const c_char,
    /// The same while it is written.
    pub ver_tmp: *const c_char,
    /// The file with the configuration.
    pub conf: *const c_char,
    /// The same while it is written.
    pub conf_tmp: *const c_char,
    /// The folder for temporary files.
    pub tmp: *const c_char,
    /// The address of the control socket.
    pub control: *const c_char,
    /// Its permission bits.
    pub control_mode: mode_t,
    /// Its owner.
    pub control_user: *const c_char,
    /// Its group.
    pub control_group: *const c_char,
    /// The folder of certificates.
    pub certs: nxt_str_t,
    /// The folder of scripts.
    pub scripts: nxt_str_t,
    /// The engines.
    pub engines: nxt_queue_t,
    /// The address of the control socket.
    pub controller_listen: *mut nxt_sockaddr_t,
    /// The control socket.
    pub controller_socket: *mut nxt_listen_socket_t,
}

super::assert_layout!(nxt_runtime_t, size 544, align 8, mem_pool @ 0, inherited_sockets @ 8, listen_sockets @ 16,
    services @ 24, languages @ 32, data @ 40, start @ 48, hostname @ 56, pid_file @ 72, tls @ 80, thread_pools @ 88,
    continuation @ 96, mprocess @ 104, nprocesses @ 112, processes_mutex @ 120, processes @ 160, port_by_type @ 168,
    ports @ 216, log_files @ 224, last_engine_id @ 232, r#type @ 236, timer @ 240, daemon @ 304, batch @ 305,
    status @ 306, is_pid_isolated @ 307, engine @ 312, engine_connections @ 320, auxiliary_threads @ 324,
    user_cred @ 328, capabilities @ 360, group @ 368, pid @ 376, log @ 384, modules @ 392, state @ 400, ver @ 408,
    ver_tmp @ 416, conf @ 424, conf_tmp @ 432, tmp @ 440, control @ 448, control_mode @ 456, control_user @ 464,
    control_group @ 472, certs @ 480, scripts @ 496, engines @ 512, controller_listen @ 528, controller_socket @ 536);
