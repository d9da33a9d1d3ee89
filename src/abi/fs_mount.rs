//! The mount of `nxt_fs_mount.h`: what a module wants to see inside its application's root.

use libc::c_uint;

use crate::abi::types::nxt_uint_t;

/// What kind of mount: one of the `NXT_FS_*` numbers.
pub type nxt_fs_type_t = c_uint;
/// Anything else, named by text.
pub const NXT_FS_UNKNOWN: nxt_fs_type_t = 0;
/// A bind mount.
pub const NXT_FS_BIND: nxt_fs_type_t = 1;
/// A `tmpfs`.
pub const NXT_FS_TMP: nxt_fs_type_t = 2;
/// A `proc`.
pub const NXT_FS_PROC: nxt_fs_type_t = 3;
/// One more than the greatest kind.
pub const NXT_FS_LAST: nxt_fs_type_t = 4;

/// A sum of the `NXT_FS_FLAGS_*` numbers.
pub type nxt_fs_flags_t = c_uint;
/// Set-user-ID bits have no effect.
pub const NXT_FS_FLAGS_NOSUID: nxt_fs_flags_t = 1;
/// Programs cannot be executed.
pub const NXT_FS_FLAGS_NOEXEC: nxt_fs_flags_t = 2;
/// Access times are not kept.
pub const NXT_FS_FLAGS_NOTIME: nxt_fs_flags_t = 4;
/// Devices cannot be opened.
pub const NXT_FS_FLAGS_NODEV: nxt_fs_flags_t = 8;
/// Nothing can be written.
pub const NXT_FS_FLAGS_RDONLY: nxt_fs_flags_t = 16;

/// One mount; the texts end with a NUL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_fs_mount_t {
    /// What is mounted.
    pub src: *mut u8,
    /// Where it is mounted.
    pub dst: *mut u8,
    /// The kind, as a number.
    pub r#type: nxt_fs_type_t,
    /// The kind, as the kernel's text.
    pub name: *mut u8,
    /// The flags.
    pub flags: nxt_fs_flags_t,
    /// The options, as the kernel's text; may be NULL.
    pub data: *mut u8,
    /// Whether it is there in every root.
    pub builtin: nxt_uint_t,
    /// Whether the language needs it.
    pub deps: nxt_uint_t,
}

super::assert_layout!(nxt_fs_mount_t, size 56, align 8,
    src @ 0, dst @ 8, r#type @ 16, name @ 24, flags @ 32, data @ 40, builtin @ 48, deps @ 52);
