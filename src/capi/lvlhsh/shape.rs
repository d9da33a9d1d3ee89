//! What a prototype says about a hash: the sizes of its nodes, and the caller's callbacks.

use std::ptr::NonNull;

use libc::c_void;

use super::node::{ENTRY_SIZE, Node};
use crate::abi::errno::NXT_OK;
use crate::abi::lvlhsh::{nxt_lvlhsh_proto_t, nxt_lvlhsh_query_t};

/// No hash has more levels.
pub(super) const MAX_LEVELS: usize = 8;

/// A prototype, checked, and the pool of its allocator.
pub(super) struct Shape<'a> {
    proto: &'a nxt_lvlhsh_proto_t,
    pool: *mut c_void,
    /// Entries of a bucket.
    capacity: usize,
}

impl<'a> Shape<'a> {
    /// `None` if the size of a bucket is no power of two, or has no room for an entry and the link
    /// at its end.
    #[inline]
    pub(super) fn new(proto: &'a nxt_lvlhsh_proto_t, pool: *mut c_void) -> Option<Shape<'a>> {
        let size = proto.bucket_size as usize;
        let entries = size.checked_sub(size_of::<Node>())?;
        let capacity = (proto.bucket_end as usize * size_of::<u32>()).min(entries) / ENTRY_SIZE;
        (size.is_power_of_two() && capacity > 0).then_some(Shape {
            proto,
            pool,
            capacity,
        })
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn bucket_size(&self) -> usize {
        self.proto.bucket_size as usize
    }

    /// How many bits of a hash a level takes at this depth; `None` where the levels are used up.
    #[inline]
    pub(super) fn bits(&self, depth: usize) -> Option<u32> {
        let bits = u32::from(*self.proto.shift.get(depth)?);
        (1..usize::BITS - 3).contains(&bits).then_some(bits)
    }

    /// How many bits of a hash are used up above this depth.
    pub(super) fn used_bits(&self, depth: usize) -> u32 {
        let above = self.proto.shift.iter().take(depth);
        above.map(|bits| u32::from(*bits)).sum()
    }

    /// Allocates `size` bytes, a power of two, aligned to their size: nodes keep numbers in the low
    /// bits of addresses.
    ///
    /// # Safety
    /// The prototype's allocator takes this pool.
    pub(super) unsafe fn allocate(&self, size: usize) -> Option<NonNull<c_void>> {
        // SAFETY: by the caller's promise.
        let memory = NonNull::new(unsafe { self.proto.alloc?(self.pool, size) })?;
        if !memory.addr().get().is_multiple_of(size) {
            // SAFETY: just allocated, and used by nobody.
            unsafe { self.free(memory.as_ptr()) };
            return None;
        }
        Some(memory)
    }

    /// # Safety
    /// `memory` came from [`allocate`](Self::allocate) with the same prototype and pool, and nothing
    /// names it any more.
    pub(super) unsafe fn free(&self, memory: *mut c_void) {
        if let Some(free) = self.proto.free {
            // SAFETY: by the caller's promise.
            unsafe { free(self.pool, memory) };
        }
    }

    /// Asks the callback whether `entry` is what the query looks for.
    ///
    /// # Safety
    /// The query is valid and `entry` is one of its hash.
    #[inline]
    pub(super) unsafe fn test(&self, query: *mut nxt_lvlhsh_query_t, entry: *mut c_void) -> bool {
        // SAFETY: by the caller's promise.
        self.proto
            .test
            .is_some_and(|test| unsafe { test(query, entry) } == NXT_OK)
    }
}
