//! The level hash of `nxt_lvlhsh.h`: its root, its prototype, its query and its cursor.
//!
//! Only the root word is kept between calls, and only by address; what it points at is the
//! implementation's own, allocated and freed by the prototype's callbacks.

use libc::c_void;

use crate::abi::string::nxt_str_t;
use crate::abi::types::nxt_int_t;

/// `NXT_OK` if `data` is the entry the query looks for, `NXT_DECLINED` if not.
pub type nxt_lvlhsh_test_t =
    Option<unsafe extern "C" fn(lhq: *mut nxt_lvlhsh_query_t, data: *mut c_void) -> nxt_int_t>;
/// Allocates `size` bytes aligned to `size`; NULL when there is no memory.
pub type nxt_lvlhsh_alloc_t =
    Option<unsafe extern "C" fn(ctx: *mut c_void, size: usize) -> *mut c_void>;
/// Frees what the allocator gave.
pub type nxt_lvlhsh_free_t = Option<unsafe extern "C" fn(ctx: *mut c_void, p: *mut c_void)>;

/// The shape of a hash and its callbacks.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_lvlhsh_proto_t {
    /// Words that the entries of a bucket take; the link to the next bucket follows.
    pub bucket_end: u32,
    /// The size of a bucket in bytes, a power of two.
    pub bucket_size: u32,
    /// `bucket_size - 1`.
    pub bucket_mask: u32,
    /// How many bits of the hash each level takes; 0 ends the levels.
    pub shift: [u8; 8],
    /// Compares.
    pub test: nxt_lvlhsh_test_t,
    /// Allocates.
    pub alloc: nxt_lvlhsh_alloc_t,
    /// Frees.
    pub free: nxt_lvlhsh_free_t,
}

/// What is looked for, and what was found.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_lvlhsh_query_t {
    /// The hash of the key.
    pub key_hash: u32,
    /// Whether an insertion replaces an equal entry.
    pub replace: u32,
    /// The key.
    pub key: nxt_str_t,
    /// In: what is inserted. Out: what was found, removed or replaced.
    pub value: *mut c_void,
    /// The prototype.
    pub proto: *const nxt_lvlhsh_proto_t,
    /// The first argument of the allocator.
    pub pool: *mut c_void,
    /// The caller's own.
    pub data: *mut c_void,
}

/// The root of a hash; all zero is empty.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_lvlhsh_t {
    /// The first level or bucket.
    pub slot: *mut c_void,
}

/// The cursor of a walk over all entries.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_lvlhsh_each_t {
    /// The prototype.
    pub proto: *const nxt_lvlhsh_proto_t,
    /// The bucket the walk is in.
    pub bucket: *mut u32,
    /// The position among the levels.
    pub current: u32,
    /// The position in the bucket.
    pub entry: u32,
    /// The entries of the bucket that are still to come.
    pub entries: u32,
}

super::assert_layout!(nxt_lvlhsh_proto_t, size 48, align 8, bucket_end @ 0, bucket_size @ 4, bucket_mask @ 8,
    shift @ 12, test @ 24, alloc @ 32, free @ 40);
super::assert_layout!(nxt_lvlhsh_query_t, size 56, align 8, key_hash @ 0, replace @ 4, key @ 8, value @ 24,
    proto @ 32, pool @ 40, data @ 48);
super::assert_layout!(nxt_lvlhsh_t, size 8, align 8, slot @ 0);
super::assert_layout!(nxt_lvlhsh_each_t, size 32, align 8, proto @ 0, bucket @ 8, current @ 16, entry @ 20,
    entries @ 24);

/// A level hash together with its prototype and its allocator's pool (`nxt_hash.h`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_hash_t {
    /// The root.
    pub lvlhsh: nxt_lvlhsh_t,
    /// The prototype.
    pub proto: *const nxt_lvlhsh_proto_t,
    /// The first argument of the allocator.
    pub pool: *mut c_void,
}

super::assert_layout!(nxt_hash_t, size 24, align 8, lvlhsh @ 0, proto @ 8, pool @ 16);
