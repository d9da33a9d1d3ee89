//! Descriptors of any kind in a tokio runtime.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has the current runtime watch a descriptor, which must be non-blocking. Panics outside of a
/// runtime with I/O enabled.
pub fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` always answers with the one descriptor that it keeps open until it is
    // dropped, and `AsyncFd` owns it from here on.
    let watched = unsafe { AsyncFd::register_with_interest(fd, interest) };
    Ok(watched?)
}
