//! The user of `nxt_credential.h`.

use libc::c_char;

use crate::abi::types::{nxt_gid_t, nxt_uid_t, nxt_uint_t};

/// A user with its groups.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_credential_t {
    /// The user's name.
    pub user: *const c_char,
    /// The user's number.
    pub uid: nxt_uid_t,
    /// The number of the main group.
    pub base_gid: nxt_gid_t,
    /// How many supplementary groups.
    pub ngroups: nxt_uint_t,
    /// The supplementary groups.
    pub gids: *mut nxt_gid_t,
}

super::assert_layout!(nxt_credential_t, size 32, align 8, user @ 0, uid @ 8, base_gid @ 12, ngroups @ 16, gids @ 24);
