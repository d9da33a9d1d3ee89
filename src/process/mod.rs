//! The heart: options, main process, supervision, prototypes, application start.
//!
//! [`run`] is `unitd` from its command line to its exit code. Main makes the control socket and
//! opens the log before it becomes a daemon, so that whoever started it sees what is wrong.

mod app_conf;
mod app_conf_abi;
mod app_context;
mod app_limits;
pub mod application;
mod binary;
mod control_socket;
mod daemon;
mod discovery;
mod escalation;
mod fork;
mod handshake;
mod inheritance;
pub mod isolation;
mod listeners;
mod log_file;
mod main_messages;
mod main_process;
mod module_loading;
pub mod modules;
pub mod options;
mod pid_file;
mod prototype;
mod prototype_setup;
mod shutdown;
mod spawn;
mod start_prototype;
mod state;
mod state_messages;
mod table;
mod upgrade;

pub(crate) use daemon::detach;
pub use daemon::{run, serve};

use crate::abi::log::{NXT_LOG_DEBUG, NXT_LOG_INFO, nxt_log_handler_t};
use crate::ipc::Pid;

/// The least important level that modules may log at.
const LOG_LEVEL: u32 = if cfg!(feature = "debug") {
    NXT_LOG_DEBUG
} else {
    NXT_LOG_INFO
};

/// What a floor above gives to the processes of applications.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Writes the records of language modules; variadic, hence not of this crate's safe code.
    pub log_handler: nxt_log_handler_t,
    /// A process that loads modules is told its number and its parent's, as main sees them.
    pub entered: fn(Pid, Pid),
    /// A prototype is told of which version the stored configuration is (`NXT_VERNUM`).
    pub stored_version: fn(u32),
}
