//! Bytes handed to another process in a memory file descriptor.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// A new memory file that holds `bytes`.
pub fn write_memfd(name: &CStr, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file.into())
}

/// The first `len` bytes of a file that another process passed; fails if there are fewer.
///
/// They are read, not mapped: the sender may still shrink the file, which must not become a SIGBUS.
pub fn read_memfd(fd: OwnedFd, len: usize, limit: usize) -> io::Result<Vec<u8>> {
    if len > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "more bytes than allowed",
        ));
    }
    let mut file = File::from(fd);
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(len as u64).read_to_end(&mut bytes)?;
    if bytes.len() < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_wherever_the_offset_stands() {
        let fd = write_memfd(c"test", b"configuration").unwrap();
        let copy = fd.try_clone().unwrap();
        assert_eq!(read_memfd(fd, 6, 100).unwrap(), b"config");
        assert!(read_memfd(copy.try_clone().unwrap(), 14, 100).is_err());
        assert!(read_memfd(copy, 13, 12).is_err());
    }
}
