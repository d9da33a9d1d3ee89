//! The namespaces of `nxt_clone.h`.

use crate::abi::types::{nxt_int_t, nxt_uint_t};

/// A user or group number wide enough for any of a map.
pub type nxt_cred_t = i64;

/// One range of a user or group map.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_clone_map_entry_t {
    /// The first number inside the namespace.
    pub container: nxt_cred_t,
    /// The first number outside.
    pub host: nxt_cred_t,
    /// How many numbers.
    pub size: nxt_cred_t,
}

/// A user or group map.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_clone_credential_map_t {
    /// How many ranges.
    pub size: nxt_uint_t,
    /// The ranges.
    pub map: *mut nxt_clone_map_entry_t,
}

/// Which namespaces a process gets, and the maps of its user namespace.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_clone_t {
    /// A sum of the kernel's `CLONE_NEW*` numbers.
    pub flags: nxt_int_t,
    /// The user map.
    pub uidmap: nxt_clone_credential_map_t,
    /// The group map.
    pub gidmap: nxt_clone_credential_map_t,
}

super::assert_layout!(nxt_clone_map_entry_t, size 24, align 8, container @ 0, host @ 8, size @ 16);
super::assert_layout!(nxt_clone_credential_map_t, size 16, align 8, size @ 0, map @ 8);
super::assert_layout!(nxt_clone_t, size 40, align 8, flags @ 0, uidmap @ 8, gidmap @ 24);
