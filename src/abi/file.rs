//! The descriptor type of `nxt_file.h`.

use libc::c_int;

/// A file descriptor; -1 is none.
pub type nxt_fd_t = c_int;
