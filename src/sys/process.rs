//! Forking, waiting, and the ties between a child and its parent.

use std::io;
use std::panic::{self, AssertUnwindSafe};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, getppid};

/// The exit code of a child whose entry panicked (`EX_SOFTWARE` of sysexits.h).
pub const EXIT_PANIC: i32 = 70;

/// Forks; the child runs `entry` and leaves by _exit(2) with its result, never by returning: no
/// destructor, `atexit` handler or buffered output of the parent runs twice. A panic is caught and
/// becomes [`EXIT_PANIC`].
///
/// # Safety
///
/// The calling process must have exactly one thread. Another thread could hold a lock (the
/// allocator's, the dynamic loader's) that nobody releases in the child. Debug builds check it.
pub unsafe fn fork(entry: impl FnOnce() -> i32) -> nix::Result<Pid> {
    // SAFETY: the caller's promise is the same.
    match unsafe { fork_both()? } {
        Some(child) => Ok(child),
        None => run_child(entry),
    }
}

/// Forks, and returns on both sides: the child in the parent, `None` in the child.
///
/// # Safety
///
/// As [`fork`]. Moreover the child must not run what the parent's frames would do on their way out:
/// this is for programs of the library, whose interface promises that the call returns twice.
pub unsafe fn fork_both() -> nix::Result<Option<Pid>> {
    assert_single_thread();
    // SAFETY: the caller guarantees a single thread, so that the child may run any code.
    match unsafe { nix::unistd::fork()? } {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// In debug builds: this process may fork.
pub(super) fn assert_single_thread() {
    debug_assert!(
        threads().is_none_or(|n| n == 1),
        "fork from a process with several threads"
    );
}

/// What a forked child does, see [`fork`].
pub(super) fn run_child(entry: impl FnOnce() -> i32) -> ! {
    let code = panic::catch_unwind(AssertUnwindSafe(entry)).unwrap_or(EXIT_PANIC);
    exit_now(code)
}

/// Leaves at once, without `atexit` handlers and destructors.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) takes any number and touches no memory of ours.
    unsafe { libc::_exit(code) }
}

/// How many threads this process has, if /proc can tell.
pub(super) fn threads() -> Option<usize> {
    std::fs::read_dir("/proc/self/task")
        .ok()
        .map(Iterator::count)
}

/// Gives SIGSEGV and SIGBUS their default action, the end with a core dump. The standard library
/// handles them to say that a stack has overflowed, and so swallows those that another process
/// sends; and applications should find what a new process has.
pub fn fault_by_default() -> nix::Result<()> {
    for number in [Signal::SIGSEGV, Signal::SIGBUS] {
        // SAFETY: the default action runs no code of this process.
        unsafe { signal(number, SigHandler::SigDfl)? };
    }
    Ok(())
}

/// Asks the kernel to kill this process when `parent` dies.
///
/// The kernel forgets the wish when the process changes its credentials, so this comes after
/// setuid(2); it is kept over execve(2). Fails with `ESRCH` if the parent has gone already.
///
/// A parent outside of this process's pid namespace has no number here, it is 0; whether it has
/// gone must then be found out in another way.
pub fn die_with(parent: Pid) -> io::Result<()> {
    signal_when_dies(parent, Signal::SIGKILL)
}

/// The same with another signal.
pub fn signal_when_dies(parent: Pid, signal: Signal) -> io::Result<()> {
    prctl::set_pdeathsig(Some(signal))?;
    if getppid() != parent {
        return Err(Errno::ESRCH.into());
    }
    Ok(())
}

/// Forbids this process and its descendants to gain privileges by execve(2).
pub fn set_no_new_privs() -> nix::Result<()> {
    prctl::set_no_new_privs()
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// On a signal.
    Signal {
        /// The signal's number.
        number: i32,
        /// A core file was written.
        core: bool,
    },
}

impl std::fmt::Display for Exit {
    /// `exited with code 0`, `exited on signal 11 (core dumped)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exited with code {code}"),
            Exit::Signal { number, core } => {
                write!(
                    f,
                    "exited on signal {number}{}",
                    if *core { " (core dumped)" } else { "" }
                )
            }
        }
    }
}

/// Reaps one dead child, if there is one.
pub fn reap() -> nix::Result<Option<(Pid, Exit)>> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => return Ok(Some((pid, Exit::Code(code)))),
            Ok(WaitStatus::Signaled(pid, signal, core)) => {
                return Ok(Some((
                    pid,
                    Exit::Signal {
                        number: signal as i32,
                        core,
                    },
                )));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(None),
            // Stopped and continued children are not asked for; EINTR cannot last.
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_reads_as_in_the_log() {
        assert_eq!(Exit::Code(3).to_string(), "exited with code 3");
        assert_eq!(
            Exit::Signal {
                number: 9,
                core: false
            }
            .to_string(),
            "exited on signal 9"
        );
        assert_eq!(
            Exit::Signal {
                number: 11,
                core: true
            }
            .to_string(),
            "exited on signal 11 (core dumped)"
        );
    }
}
