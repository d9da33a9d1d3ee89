//! The level hash itself: a trie over the bits of a hash, from the lowest up.
//!
//! It stands beside its shims, and not on a floor of safe code, because nothing but C uses it and
//! every step of it is a step through C's memory: the root word is the caller's, nodes come from
//! the caller's allocator, equality is the caller's callback. A callback must not change the hash it
//! is called from.

use std::ptr::null_mut;

use libc::c_void;

use super::node::{Bucket, Level, Node};
use super::shape::{MAX_LEVELS, Shape};
use crate::abi::lvlhsh::nxt_lvlhsh_query_t;

/// What an insertion met.
pub(super) enum Inserted {
    /// No equal entry.
    Added,
    /// This entry, which the new one has replaced if the query asked for it.
    Equal(*mut c_void),
}

/// The places of the levels that a walk went through, from the root down.
struct Path {
    levels: [*mut Node; MAX_LEVELS],
    length: usize,
}

impl Path {
    const fn new() -> Path {
        Path {
            levels: [null_mut(); MAX_LEVELS],
            length: 0,
        }
    }

    fn push(&mut self, place: *mut Node) {
        // Only as many depths have bits.
        self.levels[self.length] = place;
        self.length += 1;
    }

    /// Takes the node at the end of the path, which has become empty, away from its level, and that
    /// level away from the one above if it was the only node.
    ///
    /// # Safety
    /// The levels are alive and of this shape.
    unsafe fn prune(&self, shape: &Shape<'_>) {
        for (depth, place) in self.levels[..self.length].iter().enumerate().rev() {
            // SAFETY: by the caller's promise.
            unsafe {
                let Some(bits) = shape.bits(depth) else {
                    return;
                };
                let Some(level) = Node::take_one(*place, bits) else {
                    return;
                };
                level.free(shape);
            }
        }
    }
}

/// A trie, by the address of its root node.
#[derive(Clone, Copy)]
pub(super) struct Trie(*mut Node);

impl Trie {
    /// # Safety
    /// `root` is writable while the trie is used, and holds NULL or what these functions have left
    /// there with the same prototype.
    pub(super) unsafe fn new(root: *mut *mut c_void) -> Trie {
        Trie(root.cast())
    }

    /// The root node.
    ///
    /// # Safety
    /// None beyond that of `new`.
    pub(super) unsafe fn root(self) -> Node {
        // SAFETY: by the promise of `new`.
        unsafe { self.0.read() }
    }

    /// The entry that the query looks for, or NULL.
    ///
    /// # Safety
    /// The trie is of this shape; the query is valid and its callback takes this trie's entries.
    #[inline(always)]
    pub(super) unsafe fn find(
        self,
        shape: &Shape<'_>,
        query: *mut nxt_lvlhsh_query_t,
    ) -> *mut c_void {
        // SAFETY: by the caller's promise all nodes on the way are alive, and a level has as many
        // nodes as the bits of its depth say.
        unsafe {
            let mut node = self.root();
            let mut rest = (*query).key_hash as usize;
            let mut depth = 0;
            while !node.is_bucket() {
                if node.is_empty() {
                    return null_mut();
                }
                let Some(bits) = shape.bits(depth) else {
                    return null_mut();
                };
                node = node.level(bits).at(rest & ((1 << bits) - 1)).read();
                rest >>= bits;
                depth += 1;
            }
            while !node.is_empty() {
                let (bucket, entries) = node.bucket(shape);
                if let Some(index) = bucket.position(shape, entries, query) {
                    return bucket.value(index);
                }
                node = bucket.link(shape).read();
            }
            null_mut()
        }
    }

    /// Adds the query's value; `None` if there is no memory for it or the value is NULL. A failed
    /// insertion leaves every entry where it can be found.
    ///
    /// # Safety
    /// The trie is of this shape; the query is valid and its callbacks belong to this trie.
    pub(super) unsafe fn insert(
        self,
        shape: &Shape<'_>,
        query: *mut nxt_lvlhsh_query_t,
    ) -> Option<Inserted> {
        // SAFETY: by the caller's promise all nodes on the way are alive, and a level has as many
        // nodes as the bits of its depth say.
        unsafe {
            let (hash, value) = ((*query).key_hash, (*query).value);
            if value.is_null() {
                return None;
            }
            let mut place = self.0;
            let mut above: *mut Node = null_mut();
            let mut rest = hash as usize;
            let mut depth = 0;
            loop {
                let node = place.read();
                if node.is_empty() {
                    place.write(Bucket::with(shape, hash, value)?);
                    if !above.is_null() {
                        Node::add_one(above);
                    }
                    return Some(Inserted::Added);
                }
                let bits = shape.bits(depth);
                if node.is_bucket() {
                    match add_to_chain(shape, place, query, value) {
                        Ok(inserted) => return Some(inserted),
                        Err(end) => match bits {
                            // The entries go one level down; then there may be room.
                            Some(bits) => split(shape, place, depth, bits)?,
                            None => {
                                end.write(Bucket::with(shape, hash, value)?);
                                return Some(Inserted::Added);
                            }
                        },
                    }
                    continue;
                }
                let bits = bits?;
                above = place;
                place = node.level(bits).at(rest & ((1 << bits) - 1));
                rest >>= bits;
                depth += 1;
            }
        }
    }

    /// Removes the entry that the query looks for: the entry, or NULL.
    ///
    /// # Safety
    /// The trie is of this shape; the query is valid and its callbacks belong to this trie.
    pub(super) unsafe fn delete(
        self,
        shape: &Shape<'_>,
        query: *mut nxt_lvlhsh_query_t,
    ) -> *mut c_void {
        let mut path = Path::new();
        // SAFETY: by the caller's promise all nodes on the way are alive, and a level has as many
        // nodes as the bits of its depth say.
        unsafe {
            let mut rest = (*query).key_hash as usize;
            let head = path.descend(shape, self.0, |_, bits| {
                let index = rest & ((1 << bits) - 1);
                rest >>= bits;
                Some(index)
            });
            let Some(head) = head else {
                return null_mut();
            };
            let mut place = head;
            loop {
                let node = place.read();
                if node.is_empty() {
                    return null_mut();
                }
                let (bucket, entries) = node.bucket(shape);
                if let Some(index) = bucket.position(shape, entries, query) {
                    let entry = bucket.value(index);
                    path.remove(shape, head, place, index);
                    return entry;
                }
                place = bucket.link(shape);
            }
        }
    }

    /// Some entry, or NULL.
    ///
    /// # Safety
    /// The trie is of this shape.
    pub(super) unsafe fn peek(self, shape: &Shape<'_>) -> *mut c_void {
        // SAFETY: by the caller's promise all nodes are alive; a bucket has an entry.
        unsafe {
            match Path::new().descend(shape, self.0, |level, bits| level.first(bits, 0)) {
                Some(head) => {
                    let (bucket, entries) = head.read().bucket(shape);
                    bucket.value(entries - 1)
                }
                None => null_mut(),
            }
        }
    }

    /// Removes some entry: the entry, or NULL.
    ///
    /// # Safety
    /// The trie is of this shape and its callbacks belong to it.
    pub(super) unsafe fn retrieve(self, shape: &Shape<'_>) -> *mut c_void {
        let mut path = Path::new();
        // SAFETY: by the caller's promise all nodes are alive; a bucket has an entry.
        unsafe {
            match path.descend(shape, self.0, |level, bits| level.first(bits, 0)) {
                Some(head) => {
                    let (bucket, entries) = head.read().bucket(shape);
                    let entry = bucket.value(entries - 1);
                    path.remove(shape, head, head, entries - 1);
                    entry
                }
                None => null_mut(),
            }
        }
    }
}

impl Path {
    /// Goes down from `place` to a bucket, at each level to the node that `choose` answers; the place
    /// that names the bucket, or nothing.
    ///
    /// # Safety
    /// All nodes are alive and of this shape, and `place` is the root.
    #[inline]
    unsafe fn descend(
        &mut self,
        shape: &Shape<'_>,
        mut place: *mut Node,
        mut choose: impl FnMut(Level, u32) -> Option<usize>,
    ) -> Option<*mut Node> {
        // SAFETY: by the caller's promise; `choose` answers an index of the level.
        unsafe {
            loop {
                let node = place.read();
                if node.is_bucket() {
                    return Some(place);
                }
                if node.is_empty() {
                    return None;
                }
                let bits = shape.bits(self.length)?;
                let level = node.level(bits);
                self.push(place);
                place = level.at(choose(level, bits)?);
            }
        }
    }

    /// Removes an entry of the bucket that `place` names, in the chain that `head` names, and what is
    /// empty then.
    ///
    /// # Safety
    /// All of it is alive and of this shape; the path leads to `head`.
    unsafe fn remove(&self, shape: &Shape<'_>, head: *mut Node, place: *mut Node, index: usize) {
        // SAFETY: by the caller's promise.
        unsafe {
            Bucket::remove(shape, place, index);
            if head.read().is_empty() {
                self.prune(shape);
            }
        }
    }
}

/// Looks through the chain that `place` names for an equal entry, and for room. Without either it
/// answers the place where the next bucket would be linked.
///
/// # Safety
/// The chain is alive and of this shape; the query is valid and its callback takes these entries.
unsafe fn add_to_chain(
    shape: &Shape<'_>,
    mut place: *mut Node,
    query: *mut nxt_lvlhsh_query_t,
    value: *mut c_void,
) -> Result<Inserted, *mut Node> {
    let mut room = None;
    // SAFETY: by the caller's promise.
    unsafe {
        loop {
            let node = place.read();
            if node.is_empty() {
                break;
            }
            let (bucket, entries) = node.bucket(shape);
            if let Some(index) = bucket.position(shape, entries, query) {
                let old = bucket.value(index);
                if (*query).replace != 0 {
                    bucket.set_value(index, value);
                }
                return Ok(Inserted::Equal(old));
            }
            if room.is_none() && entries < shape.capacity() {
                room = Some(place);
            }
            place = bucket.link(shape);
        }
        match room {
            Some(room) => {
                Bucket::push(shape, room, (*query).key_hash, value);
                Ok(Inserted::Added)
            }
            None => Err(place),
        }
    }
}

/// Puts a level between `place` and the full bucket there, which keeps some of its entries; the others
/// go into new buckets. `None` if there is no memory; then all is as it was.
///
/// # Safety
/// `place` names a single bucket at this depth, which is full, alive and of this shape.
#[cold]
unsafe fn split(shape: &Shape<'_>, place: *mut Node, depth: usize, bits: u32) -> Option<()> {
    let used = shape.used_bits(depth);
    let index_of =
        |hash: u32| hash.checked_shr(used).unwrap_or(0) as usize & ((1usize << bits) - 1);
    // SAFETY: by the caller's promise; a bucket below cannot overflow, as it gets at most the
    // entries of one.
    unsafe {
        let level = Level::new(shape, bits)?;
        let (old, entries) = place.read().bucket(shape);
        let kept = index_of(old.hash(0));
        let mut nodes = 1;
        for index in 1..entries {
            let (hash, value) = (old.hash(index), old.value(index));
            if index_of(hash) == kept {
                continue;
            }
            let below = level.at(index_of(hash));
            if !below.read().is_empty() {
                Bucket::push(shape, below, hash, value);
                continue;
            }
            let Some(bucket) = Bucket::with(shape, hash, value) else {
                discard(shape, level, bits);
                return None;
            };
            below.write(bucket);
            nodes += 1;
        }
        level
            .at(kept)
            .write(old.retain(entries, |hash| index_of(hash) == kept));
        place.write(level.node(nodes));
    }
    Some(())
}

/// Frees a level that was never in the trie, with its buckets.
///
/// # Safety
/// The level has 2^bits nodes, each empty or a single bucket.
unsafe fn discard(shape: &Shape<'_>, level: Level, bits: u32) {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut start = 0;
        while let Some(index) = level.first(bits, start) {
            level.at(index).read().bucket(shape).0.free(shape);
            start = index + 1;
        }
        level.free(shape);
    }
}
