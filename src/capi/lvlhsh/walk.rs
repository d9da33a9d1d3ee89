//! A walk over all entries of a hash, with a cursor of the caller's.
//!
//! The cursor stands at a place: `current` are the bits of the hashes of a bucket, as a hash holds
//! them, and `entries` is the depth of that bucket. In the bucket it goes from the last entry to the
//! first, and from there on before the first is answered. So the entry that was answered may be
//! removed from the hash before the next one is asked for: neither what takes its place nor what is
//! freed with it is still to come. The hash must not be changed otherwise.

use std::ptr::{null_mut, without_provenance_mut};

use libc::c_void;

use super::node::{Bucket, Node};
use super::shape::Shape;
use super::trie::Trie;
use crate::abi::lvlhsh::nxt_lvlhsh_each_t;

/// The bucket of a cursor that goes on at the next place, `current`.
const NEXT: usize = 1;
/// The bucket of a cursor whose walk is over.
const DONE: usize = usize::MAX;

/// The entry after the one that the cursor stands at, or the first; NULL after the last.
///
/// # Safety
/// The trie is of this shape, and was not changed since the cursor was cleared but for removals of the
/// entry answered last.
pub(super) unsafe fn next(
    trie: Trie,
    shape: &Shape<'_>,
    cursor: &mut nxt_lvlhsh_each_t,
) -> *mut c_void {
    // SAFETY: by the caller's promise all nodes are alive, and so is the cursor's bucket: some entry
    // of it was not answered yet.
    unsafe {
        if cursor.bucket.addr() == DONE {
            return null_mut();
        }
        if cursor.bucket.is_null() || cursor.bucket.addr() == NEXT {
            match seek(trie, shape, cursor) {
                Some(node) => stand(shape, cursor, node),
                None => {
                    cursor.bucket = without_provenance_mut(DONE);
                    return null_mut();
                }
            }
        }
        let bucket = Bucket::from_words(cursor.bucket);
        cursor.entry -= 1;
        let entry = bucket.value(cursor.entry as usize);
        if cursor.entry == 0 {
            let link = bucket.link(shape).read();
            if !link.is_empty() {
                stand(shape, cursor, link);
            } else if step(shape, &mut cursor.current, cursor.entries as usize) {
                cursor.bucket = without_provenance_mut(NEXT);
            } else {
                cursor.bucket = without_provenance_mut(DONE);
            }
        }
        entry
    }
}

/// Lets the cursor stand behind the last entry of a bucket.
///
/// # Safety
/// The node is a bucket of this shape.
unsafe fn stand(shape: &Shape<'_>, cursor: &mut nxt_lvlhsh_each_t, node: Node) {
    // SAFETY: by the caller's promise.
    let (bucket, entries) = unsafe { node.bucket(shape) };
    cursor.bucket = bucket.words();
    // At most what fits into a bucket, whose size has 32 bits.
    cursor.entry = entries as u32;
}

/// The first bucket at or after the cursor's place, where the cursor is moved.
///
/// # Safety
/// The trie is of this shape.
unsafe fn seek(trie: Trie, shape: &Shape<'_>, cursor: &mut nxt_lvlhsh_each_t) -> Option<Node> {
    'root: loop {
        // SAFETY: by the caller's promise all nodes are alive, and a level has as many nodes as the
        // bits of its depth say.
        unsafe {
            let mut node = trie.root();
            let (mut depth, mut used) = (0, 0);
            loop {
                if node.is_empty() {
                    return None;
                }
                if node.is_bucket() {
                    cursor.entries = depth as u32;
                    return Some(node);
                }
                let bits = shape.bits(depth)?;
                let level = node.level(bits);
                let start = (u64::from(cursor.current) >> used) as usize & ((1 << bits) - 1);
                let Some(index) = level.first(bits, start) else {
                    if step(shape, &mut cursor.current, depth) {
                        continue 'root;
                    }
                    return None;
                };
                if index != start {
                    // On to the first place below the next node.
                    let above = (1u64 << used) - 1;
                    cursor.current = (u64::from(cursor.current) & above) as u32
                        | ((index as u64) << used) as u32;
                }
                node = level.at(index).read();
                depth += 1;
                used = (used + bits).min(u32::BITS);
            }
        }
    }
}

/// Moves a place at this depth on to the next one, which is where the digits of `current` above the
/// depth count to, the deepest first; `false` after the last.
fn step(shape: &Shape<'_>, current: &mut u32, depth: usize) -> bool {
    let mut end = u32::BITS.min(shape.used_bits(depth));
    // What is below the depth begins anew.
    *current &= low_bits(end);
    for depth in (0..depth).rev() {
        let begin = u32::BITS.min(shape.used_bits(depth));
        let digit = u64::from(*current) >> begin;
        if digit < u64::from(low_bits(end - begin)) {
            // The digit is not the last one.
            *current += 1 << begin;
            return true;
        }
        *current &= low_bits(begin);
        end = begin;
    }
    false
}

/// A number with so many low bits, at most 32.
fn low_bits(bits: u32) -> u32 {
    ((1u64 << bits) - 1) as u32
}
