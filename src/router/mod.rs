//! The HTTP service: listeners, connections, routes, applications.
#![forbid(unsafe_code)]

pub mod app;
pub mod arguments;
pub mod body;
pub mod request;
pub mod variable;

use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// What the router process starts with.
///
/// Main gives the descriptors right after the fork, privileges already dropped. Between the
/// daemon's own processes the body of a `SOCKET` and of a `SOCKET_UNLINK` message is the listener's
/// address as written in the configuration (`*:80`, `unix:/path`, `unix:@name`); the answer to
/// `SOCKET` carries the bound socket as its first descriptor.
pub struct Start {
    /// The read end of the router's port, id 0.
    pub port: OwnedFd,
    /// Main's process id and the write end of its port.
    pub main: (i32, OwnedFd),
    /// The same of the controller, if it runs already; a later one is told by `NEW_PORT`.
    pub controller: Option<(i32, OwnedFd)>,
    /// `--tmpdir`
    pub tmpdir: PathBuf,
}

/// Runs the router until it is told to leave; the exit code.
pub fn run(start: Start) -> i32 {
    let _ = start;
    1
}
