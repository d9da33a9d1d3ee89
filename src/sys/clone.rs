//! Forking into new namespaces, by clone3(2), or by clone(2) where the kernel lacks it.
//!
//! The call goes past the C library, whose fork(3) cannot make namespaces. What fork(3) does
//! beyond the system call is to refresh the thread id that the C library keeps of itself; here
//! the kernel writes it, to the address that it knows from the library (`PR_GET_TID_ADDRESS`).
//! Where it does not know it, the id stays that of the parent until the child forks again, which
//! only a child that starts threads itself could notice.

use std::ffi::{c_int, c_long, c_void};
use std::mem::size_of;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::process;

bitflags::bitflags! {
    /// Namespaces to be made: the kernel's `CLONE_NEW*` numbers.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Namespaces: u32 {
        /// Mounts (`mount`).
        const MOUNT = libc::CLONE_NEWNS as u32;
        /// Control groups (`cgroup`).
        const CGROUP = libc::CLONE_NEWCGROUP as u32;
        /// Host and domain name (`uname`).
        const UNAME = libc::CLONE_NEWUTS as u32;
        /// Users, groups and capabilities (`credential`).
        const CREDENTIAL = libc::CLONE_NEWUSER as u32;
        /// Process ids (`pid`).
        const PID = libc::CLONE_NEWPID as u32;
        /// Network interfaces, addresses and ports (`network`).
        const NETWORK = libc::CLONE_NEWNET as u32;
    }
}

const PR_GET_TID_ADDRESS: c_int = 40;

/// Forks into new namespaces; with none, this is [`process::fork`].
///
/// # Safety
///
/// As for [`process::fork`]: the calling process has exactly one thread.
pub unsafe fn fork_into(namespaces: Namespaces, entry: impl FnOnce() -> i32) -> nix::Result<Pid> {
    if namespaces.is_empty() {
        // SAFETY: the caller guarantees a single thread.
        return unsafe { process::fork(entry) };
    }
    process::assert_single_thread();
    // SAFETY: the caller guarantees a single thread.
    match unsafe { clone_into(namespaces)? } {
        0 => process::run_child(entry),
        child => Ok(Pid::from_raw(child)),
    }
}

/// As [`process::fork_both`], into new namespaces.
///
/// # Safety
///
/// As for [`process::fork_both`].
pub unsafe fn fork_both_into(namespaces: Namespaces) -> nix::Result<Option<Pid>> {
    if namespaces.is_empty() {
        // SAFETY: the caller's promise is the same.
        return unsafe { process::fork_both() };
    }
    process::assert_single_thread();
    // SAFETY: the caller guarantees a single thread.
    match unsafe { clone_into(namespaces)? } {
        0 => Ok(None),
        child => Ok(Some(Pid::from_raw(child))),
    }
}

/// Where the C library keeps the thread's id; null if the kernel does not tell.
fn thread_id_address() -> *mut c_int {
    let mut address: *mut c_int = std::ptr::null_mut();
    // SAFETY: the kernel writes one pointer to the address given.
    let told = unsafe { libc::prctl(PR_GET_TID_ADDRESS, &raw mut address) };
    if told == 0 {
        address
    } else {
        std::ptr::null_mut()
    }
}

/// # Safety
///
/// As for [`fork_into`]: returns twice, with 0 in the child.
unsafe fn clone_into(namespaces: Namespaces) -> nix::Result<i32> {
    let thread_id = thread_id_address();
    let mut flags = u64::from(namespaces.bits());
    if !thread_id.is_null() {
        flags |= (libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID) as u64;
    }
    // SAFETY: all-zero is a valid clone_args: no feature asked for.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags;
    arguments.child_tid = thread_id as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    // SAFETY: without CLONE_VM and with no stack the child goes on with a copy of this memory, as
    // after fork(2); `thread_id` is the C library's own word for this purpose, or unused.
    let done = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw mut arguments,
            size_of::<libc::clone_args>(),
        )
    };
    match Errno::result(done) {
        Err(Errno::ENOSYS) => {}
        done => return done.map(|pid| pid as i32),
    }
    // SAFETY: as above. The C library's clone(3) wants a new stack, the system call does not.
    let done = unsafe { raw_clone(flags | libc::SIGCHLD as u64, thread_id) };
    Errno::result(done).map(|pid| pid as i32)
}

/// clone(2); the order of its arguments depends on the machine.
///
/// # Safety
///
/// `flags` must not share memory; `thread_id` must be as in [`clone_into`].
unsafe fn raw_clone(flags: u64, thread_id: *mut c_int) -> c_long {
    let flags = flags as libc::c_ulong;
    let none = std::ptr::null_mut::<c_void>();
    // SAFETY: no new stack, no parent's id; the rest is the caller's promise.
    unsafe {
        if cfg!(target_arch = "s390x") {
            libc::syscall(libc::SYS_clone, none, flags, none, thread_id, none)
        } else if cfg!(target_arch = "x86_64") {
            libc::syscall(libc::SYS_clone, flags, none, none, thread_id, none)
        } else {
            libc::syscall(libc::SYS_clone, flags, none, none, none, thread_id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_kernel() {
        assert_eq!(Namespaces::all().bits(), 0x7602_0000);
    }
}
