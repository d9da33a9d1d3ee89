//! The standard descriptors.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};

/// Opens a file for appending, creating it with `mode`. Never waits, neither here nor when it is
/// written to: a FIFO that nobody reads is an error, and what a full pipe does not take is lost.
pub fn open_append(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(mode)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// As [`open_append`], but whoever writes to a full pipe waits.
pub fn open_append_at_once(path: &Path, mode: u32) -> io::Result<File> {
    let file = open_append(path, mode)?;
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(file)
}

/// Makes descriptor 2 a copy of `fd`, atomically.
pub fn redirect_stderr(fd: impl AsFd) -> io::Result<()> {
    Ok(dup2_stderr(fd)?)
}

/// Makes descriptor 1 a copy of `fd`, atomically.
pub fn redirect_stdout(fd: impl AsFd) -> io::Result<()> {
    Ok(dup2_stdout(fd)?)
}

/// Points standard input and output at /dev/null.
pub fn detach() -> io::Result<()> {
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    Ok(())
}
