//! The capabilities of `nxt_capability.h`.

/// What this process may do.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_capabilities_t {
    /// Change users and groups.
    pub setid: u8,
    /// Change the root folder.
    pub chroot: u8,
}

super::assert_layout!(nxt_capabilities_t, size 2, align 1, setid @ 0, chroot @ 1);
