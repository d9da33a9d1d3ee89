//! What main and the prototypes may do because they have one thread: fork, and change their
//! environment.
//!
//! Both run nothing but the loop of `sys::events`. A module that starts threads in its `setup`
//! would break that; modules start theirs in application processes, which fork no more.

use nix::unistd::Pid;

use crate::sys;
use crate::sys::clone::Namespaces;

/// Forks a process of the daemon, see [`sys::process::fork`].
pub(super) fn spawn(entry: impl FnOnce() -> i32) -> nix::Result<Pid> {
    // SAFETY: only main and prototypes call this, and they have one thread (module head).
    unsafe { sys::process::fork(entry) }
}

/// The same into new namespaces, see [`sys::clone::fork_into`].
pub(super) fn spawn_into(namespaces: Namespaces, entry: impl FnOnce() -> i32) -> nix::Result<Pid> {
    // SAFETY: as for `spawn`.
    unsafe { sys::clone::fork_into(namespaces, entry) }
}

/// Adds to the environment, which the language and the programs started from here inherit. Names
/// and values are free of `=` and zero bytes where they must be.
pub(super) fn set_environment(name: &str, value: &str) {
    // SAFETY: called in prototypes and in fresh application processes, which have one thread
    // (module head), so that nobody reads the environment meanwhile.
    unsafe { std::env::set_var(name, value) };
}

/// Takes a name out of the environment.
pub(super) fn remove_environment(name: &str) {
    // SAFETY: called in fresh children of main, which have one thread (module head).
    unsafe { std::env::remove_var(name) };
}
