//! Shared memory: anonymous files of the kernel and their mappings.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::fstat;
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use nix::unistd::ftruncate;

use super::fault::{self, Guard};

/// Why shared memory could not be created or mapped.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// A system call failed.
    #[error("{call} failed: {errno}")]
    Os {
        /// The call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
    /// The descriptor's file is smaller than the structure in it.
    #[error("shared memory of {found} bytes where {needed} are needed")]
    TooSmall {
        /// The file's size.
        found: u64,
        /// What the structure takes.
        needed: usize,
    },
    /// It is not memory but a file that somebody else can make slow, fail or change in size.
    #[error("the descriptor is not of anonymous memory")]
    NotMemory,
    /// There are too many mappings that cannot be sealed.
    #[error("too many shared memory files that cannot be sealed")]
    TooMany,
}

fn os(call: &'static str) -> impl Fn(Errno) -> MemoryError {
    move |errno| MemoryError::Os { call, errno }
}

/// Creates an anonymous file of `size` zero bytes, close-on-exec. Its size is sealed, so that no
/// peer can make a mapping of it fault by shrinking it.
pub fn create_memory(size: usize) -> Result<OwnedFd, MemoryError> {
    let name = CString::from(c"unit");
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let fd = memfd_create(name.as_c_str(), flags).map_err(os("memfd_create()"))?;
    ftruncate(&fd, size as i64).map_err(os("ftruncate()"))?;
    seal_size(fd.as_fd());
    Ok(fd)
}

/// Best effort: a file that another program made may not allow seals. Whether it cannot shrink now;
/// `None` if it is no memory at all.
fn seal_size(fd: BorrowedFd<'_>) -> Option<bool> {
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
    let _ = fcntl(fd, FcntlArg::F_ADD_SEALS(seals));
    let seals = fcntl(fd, FcntlArg::F_GET_SEALS).ok()?;
    // Huge pages can be had as memory files too, but a hole in one need not be fillable.
    let kind = fstatfs(fd).ok()?.filesystem_type();
    (kind == TMPFS_MAGIC)
        .then(|| SealFlag::from_bits_retain(seals).contains(SealFlag::F_SEAL_SHRINK))
}

/// A shared, writable mapping; unmapped on drop.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    size: usize,
    /// Of memory that its creator can still take away.
    guard: Option<Guard>,
    /// Somebody else unmaps it.
    borrowed: bool,
}

// SAFETY: the mapping is plain memory that stays valid for the life of the value whatever thread
// holds it; all access goes through atomics or raw pointers whose users answer for races.
unsafe impl Send for Mapping {}
// SAFETY: as above; a shared reference only gives out a pointer.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `size` bytes of the file, which must have at least as many. In a process of
    /// the daemon it must be memory, and touching it is safe whatever its creator does to it; see
    /// [`fault`].
    pub fn new(fd: BorrowedFd<'_>, size: usize) -> Result<Self, MemoryError> {
        let guarded = fault::is_installed();
        let sealed = seal_size(fd);
        if guarded && sealed.is_none() {
            return Err(MemoryError::NotMemory);
        }
        let found = fstat(fd).map_err(os("fstat()"))?.st_size as u64;
        if found < size as u64 {
            return Err(MemoryError::TooSmall {
                found,
                needed: size,
            });
        }
        // SAFETY: the kernel chooses the address, so no existing mapping is touched; the result is
        // checked before use.
        let p = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                0,
            )
        };
        match NonNull::new(p.cast::<u8>()) {
            Some(start) if p != libc::MAP_FAILED => {
                let mut map = Mapping {
                    start,
                    size,
                    guard: None,
                    borrowed: false,
                };
                if guarded && sealed != Some(true) {
                    // SAFETY: the mapping is whole and readable and writable, and `map` drops the
                    // guard before it unmaps. Nothing typed lies in it but atomics and bytes.
                    let guard = unsafe { Guard::new(start, size) };
                    map.guard = Some(guard.ok_or(MemoryError::TooMany)?);
                }
                Ok(map)
            }
            _ => Err(MemoryError::Os {
                call: "mmap()",
                errno: Errno::last(),
            }),
        }
    }

    /// A mapping that somebody else has made and will unmap.
    ///
    /// # Safety
    /// `size` bytes at `start` are a shared, writable mapping that outlives the result.
    pub(super) unsafe fn borrow(start: NonNull<u8>, size: usize) -> Self {
        Mapping {
            start,
            size,
            guard: None,
            borrowed: true,
        }
    }

    /// Whether its creator took the memory away; zeroes are in its place.
    pub fn is_lost(&self) -> bool {
        self.guard.as_ref().is_some_and(Guard::is_lost)
    }

    /// The first byte; page-aligned.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Length in bytes.
    pub fn size(&self) -> usize {
        self.size
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.guard = None;
        if self.borrowed {
            return;
        }
        // SAFETY: start and size are those of a mapping that this value alone owns.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.size) };
    }
}

/// Copies bytes that may be many, in pieces for which the C library uses vector registers.
///
/// For more than a few kilobytes it takes `rep movsb`, which some processors run at a fraction of
/// the speed when the destination lies a few bytes behind the source within a page: just what
/// happens to a large body whose first bytes went out behind a short response head.
///
/// # Safety
/// `to` is writable for the length of `from` and does not overlap it.
pub(crate) unsafe fn copy_to(to: *mut u8, from: &[u8]) {
    /// Below the C library's threshold on all processors.
    const PIECE: usize = 2048;
    let mut to = to;
    for piece in from.chunks(PIECE) {
        // SAFETY: the caller's; the pieces are within the length that it vouches for.
        unsafe {
            to.copy_from_nonoverlapping(piece.as_ptr(), piece.len());
            to = to.add(piece.len());
        }
    }
}

/// Reads a whole shared-memory file that a message passed (configuration, certificates).
pub fn read_memory(fd: OwnedFd, limit: u64) -> std::io::Result<Vec<u8>> {
    use std::io::{Read, Seek};
    let mut file = File::from(fd);
    file.rewind()?;
    let mut out = Vec::new();
    file.take(limit).read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_small_a_file_is_refused() {
        let fd = create_memory(4096).unwrap();
        let err = Mapping::new(fd.as_fd(), 4097).unwrap_err();
        assert!(
            matches!(
                err,
                MemoryError::TooSmall {
                    found: 4096,
                    needed: 4097
                }
            ),
            "{err}"
        );
        assert!(Mapping::new(fd.as_fd(), 4096).is_ok());
    }

    #[test]
    fn a_peer_cannot_shrink_it() {
        let fd = create_memory(8192).unwrap();
        assert_eq!(ftruncate(&fd, 0), Err(Errno::EPERM));
    }

    #[test]
    fn a_file_is_no_memory() {
        fault::install().unwrap();
        let path = std::env::temp_dir().join(format!("nxt-no-memory-{}", std::process::id()));
        let file = File::create_new(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file.set_len(4096).unwrap();
        // Where temporary files are memory, the file is as good as any.
        if fstatfs(&file).unwrap().filesystem_type() != TMPFS_MAGIC {
            let refused = Mapping::new(file.as_fd(), 4096);
            assert!(matches!(refused, Err(MemoryError::NotMemory)));
        }
        let zero = File::open("/dev/zero").unwrap();
        let refused = Mapping::new(zero.as_fd(), 4096);
        assert!(matches!(refused, Err(MemoryError::NotMemory)));
    }

    #[test]
    fn long_copies_are_complete() {
        for size in [0, 1, 2047, 2048, 2049, 10_000] {
            let from: Vec<u8> = (0..size).map(|i| (i % 251) as u8 + 1).collect();
            let mut to = vec![0; size + 1];
            // SAFETY: `to` is a byte longer than `from`, and another vector.
            unsafe { copy_to(to.as_mut_ptr(), &from) };
            assert_eq!((&to[..size], to[size]), (&from[..], 0), "{size}");
        }
    }

    #[test]
    fn mappings_share_bytes_and_files_can_be_read_back() {
        let fd = create_memory(100).unwrap();
        let a = Mapping::new(fd.as_fd(), 100).unwrap();
        // SAFETY: byte 7 is inside the mapping, and nobody else has it.
        unsafe { a.start().add(7).write(9) };
        let back = read_memory(fd, 50).unwrap();
        assert_eq!((back.len(), back[7]), (50, 9));
    }
}
