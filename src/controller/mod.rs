//! The control API: the process that owns the configuration document.
#![forbid(unsafe_code)]

mod answer;
mod api;
mod document;
mod engine;
#[cfg(test)]
mod engine_tests;
mod service;
mod transport;

use std::os::fd::OwnedFd;

use crate::alert;
use crate::conf::validate::Module;

/// What the controller process starts with.
///
/// Main gives the descriptors right after the fork, privileges already dropped.
pub struct Start {
    /// The listening control socket; `None` if another process answers there.
    pub control: Option<OwnedFd>,
    /// The stored configuration's text; `None` without one.
    pub config: Option<Vec<u8>>,
    /// The configuration that was in force before this controller came; `None` at the start of the
    /// daemon.
    pub in_force: Option<Vec<u8>>,
    /// The language modules, highest version of each language first.
    pub modules: Vec<Module>,
    /// The read end of the controller's port, id 0.
    pub port: OwnedFd,
    /// Main's process id and the write end of its port.
    pub main: (i32, OwnedFd),
    /// The same of the router, if it runs already; a later one is told by `NEW_PORT`.
    pub router: Option<(i32, OwnedFd)>,
}

/// Runs the controller until it is told to leave; the exit code.
///
/// The router has to send `PROCESS_READY` to the controller's port when it starts knowing that
/// port, and again whenever it learns of a new controller: a controller that is started beside a
/// running router sends nothing before that.
pub fn run(start: Start) -> i32 {
    match service::run(start) {
        Ok(()) => 0,
        Err(problem) => {
            alert!("controller failed: {problem}");
            1
        }
    }
}
