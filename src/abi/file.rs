//! The file of `nxt_file.h`.

use libc::{c_int, c_uint};

use crate::abi::errno::nxt_err_t;
use crate::abi::types::{nxt_off_t, nxt_time_t, nxt_uint_t};

/// A file descriptor; -1 is none.
pub type nxt_fd_t = c_int;
/// A byte of a file's name; names end with a NUL.
pub type nxt_file_name_t = u8;
/// Permission bits.
pub type nxt_file_access_t = nxt_uint_t;
/// What the kernel knows of a file.
pub type nxt_file_info_t = libc::stat;

/// A file's name with its length.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_file_name_str_t {
    /// How many bytes.
    pub len: usize,
    /// Where they start.
    pub start: *mut nxt_file_name_t,
}

/// What a file is: one of the numbers below.
pub type nxt_file_type_t = c_uint;
/// Something else.
pub const NXT_FILE_UNKNOWN: nxt_file_type_t = 0;
/// A regular file.
pub const NXT_FILE_REGULAR: nxt_file_type_t = 1;

/// A file.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_file_t {
    /// Its name.
    pub name: *mut nxt_file_name_t,
    /// Its descriptor while it is open.
    pub fd: nxt_fd_t,
    /// The error of the last operation, or 0.
    pub error: nxt_err_t,
    /// Seconds since its content was read; `NXT_FILE_ACCESSED_LONG_AGO` for more.
    pub accessed: u16,
    /// What it is.
    pub r#type: u8,
    /// The level at which a failure to open it is logged; 0 is not at all.
    pub log_level: u8,
    /// When it was changed.
    pub mtime: nxt_time_t,
    /// Its size in bytes.
    pub size: nxt_off_t,
}

/// `accessed` of a file that was read more than 18 hours ago.
pub const NXT_FILE_ACCESSED_LONG_AGO: u16 = 0xFFFF;
/// A descriptor that is none.
pub const NXT_FILE_INVALID: nxt_fd_t = -1;

super::assert_layout!(nxt_file_name_str_t, size 16, align 8, len @ 0, start @ 8);
super::assert_layout!(nxt_file_t, size 40, align 8, name @ 0, fd @ 8, error @ 12, accessed @ 16, r#type @ 18,
    log_level @ 19, mtime @ 24, size @ 32);
