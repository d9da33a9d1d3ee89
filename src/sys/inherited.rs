//! Descriptors that were open when this program was executed.
//!
//! Everything that the daemon opens itself is close-on-exec, from the start. So a descriptor
//! without that flag came through execve(2), and nothing in this process owns it yet.

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Takes the inherited descriptor of this number, and makes it close-on-exec.
///
/// `EBADF` if there is none, or if it is this process's own; that is also the answer the second
/// time. The standard descriptors cannot be taken.
pub fn take(number: RawFd) -> io::Result<OwnedFd> {
    if number <= libc::STDERR_FILENO {
        return Err(Errno::EBADF.into());
    }
    // SAFETY: the number is not -1; the borrow ends in this function, whose calls fail for a
    // number that is not open.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD)?);
    if flags.contains(FdFlag::FD_CLOEXEC) {
        return Err(Errno::EBADF.into());
    }
    fcntl(fd, FcntlArg::F_SETFD(flags | FdFlag::FD_CLOEXEC))?;
    // SAFETY: it is open, and not being close-on-exec it has no owner here (module head). From now
    // on it is, so that it cannot be taken twice.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Has a descriptor outlive the next execve(2) of this process.
pub fn leave_open(fd: BorrowedFd<'_>) -> nix::Result<()> {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsFd, AsRawFd, IntoRawFd};

    #[test]
    fn only_what_came_through_execve_is_taken_and_only_once() {
        let own = std::fs::File::open("/dev/null").unwrap();
        assert!(take(own.as_raw_fd()).is_err());
        assert!(take(-1).is_err() && take(2).is_err() && take(99_999).is_err());
        leave_open(own.as_fd()).unwrap();
        let number = own.into_raw_fd();
        let taken = take(number).unwrap();
        assert_eq!(taken.as_raw_fd(), number);
        assert!(take(number).is_err());
    }
}
